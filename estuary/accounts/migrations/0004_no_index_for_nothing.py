"""Fewer indexes to write: nobody searches by a pattern."""

from django.db import migrations

from estuary.common.db.migration_operations import drop_index


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("accounts", "0003_staff_act")]

    operations = [
        drop_index("accounts_user_email_b2644a56_like", on="accounts_user (email varchar_pattern_ops)"),
        drop_index("accounts_practitioner_slug_c8dfd8f7_like", on="accounts_practitioner (slug varchar_pattern_ops)"),
    ]
