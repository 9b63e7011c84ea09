"""Staff find people by the beginning of an e-mail address or of a last name, in whatever case; and each other."""

from django.contrib.postgres.indexes import OpClass
from django.db import migrations
from django.db.models import Index, Q
from django.db.models.functions import Upper

from estuary.common.db.migration_operations import add_index


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("accounts", "0004_no_index_for_nothing")]

    operations = [
        *add_index("user", Index(OpClass(Upper("email"), name="text_pattern_ops"), name="user_by_email")),
        *add_index("user", Index(OpClass(Upper("last_name"), name="text_pattern_ops"), name="user_by_last_name")),
        *add_index("user", Index(fields=["id"], condition=Q(is_staff=True), name="user_of_staff")),
        *add_index("user", Index(fields=["id"], condition=Q(is_superuser=True), name="user_of_all_rights")),
        *add_index("user", Index(fields=["id"], condition=Q(is_active=False), name="user_left")),
        # What an index computes is unknown to the planner until it has looked: it would read the whole table.
        migrations.RunSQL("ANALYZE accounts_user", migrations.RunSQL.noop),
    ]
