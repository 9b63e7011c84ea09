"""Refunds that a bank has not answered for, and those of a day, are found by index, however many there are."""

from django.contrib.postgres.indexes import BrinIndex
from django.db import migrations, models

from estuary.common.db.migration_operations import add_index


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("payments", "0010_no_index_for_nothing")]

    operations = [
        *add_index(
            "refund",
            models.Index(fields=["created_at"], condition=models.Q(status="pending"), name="refund_at_the_bank"),
        ),
        *add_index("refund", BrinIndex(fields=["settled_at"], autosummarize=True, name="refund_by_day")),
    ]
