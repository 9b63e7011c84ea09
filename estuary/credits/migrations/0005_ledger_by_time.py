"""The ledger is exported by days."""

from django.db import migrations
from django.db.models import Index

from estuary.common.db.migration_operations import add_index


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("credits", "0004_plain_help_texts")]

    operations = add_index("credittransaction", Index(fields=["created_at", "id"], name="credit_by_time"))
