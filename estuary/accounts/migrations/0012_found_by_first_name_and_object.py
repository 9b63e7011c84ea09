"""What staff did to one row is found by index, for the pages of orders and buyers; and people by their first name."""

from django.contrib.postgres.indexes import OpClass
from django.db import migrations
from django.db.models import Index
from django.db.models.functions import Upper

from estuary.common.db.migration_operations import add_index, drop_index


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("accounts", "0011_names_checked_and_addresses_for_receipts")]

    operations = [
        *add_index(
            "user", Index(OpClass(Upper("first_name"), name="text_pattern_ops"), name="user_by_first_name")
        ),
        # What an index computes is unknown to the planner until it has looked: it would read the whole table.
        migrations.RunSQL("ANALYZE accounts_user", migrations.RunSQL.noop),
        # The table is Django's, so its model can't name the index.
        migrations.RunSQL("DROP INDEX CONCURRENTLY IF EXISTS audit_by_object", migrations.RunSQL.noop),
        migrations.RunSQL(
            "CREATE INDEX CONCURRENTLY audit_by_object ON django_admin_log (content_type_id, object_id)",
            "DROP INDEX CONCURRENTLY IF EXISTS audit_by_object",
        ),
        # It begins with what Django's index has alone.
        drop_index("django_admin_log_content_type_id_c4bce8eb", on="django_admin_log (content_type_id)"),
    ]
