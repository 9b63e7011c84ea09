"""Staff find people by the beginning of an e-mail address or of a last name, in whatever case; and each other."""

from django.contrib.postgres.indexes import OpClass
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models
from django.db.models.functions import Upper


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("accounts", "0004_no_index_for_nothing")]

    operations = [
        AddIndexConcurrently(
            "user", models.Index(OpClass(Upper("email"), name="text_pattern_ops"), name="user_by_email")
        ),
        AddIndexConcurrently(
            "user", models.Index(OpClass(Upper("last_name"), name="text_pattern_ops"), name="user_by_last_name")
        ),
        AddIndexConcurrently(
            "user", models.Index(fields=["id"], condition=models.Q(is_staff=True), name="user_of_staff")
        ),
        AddIndexConcurrently(
            "user", models.Index(fields=["id"], condition=models.Q(is_superuser=True), name="user_of_all_rights")
        ),
        AddIndexConcurrently(
            "user", models.Index(fields=["id"], condition=models.Q(is_active=False), name="user_left")
        ),
        # What an index computes is unknown to the planner until it has looked: it would read the whole table.
        migrations.RunSQL("ANALYZE accounts_user", migrations.RunSQL.noop),
    ]
