"""Drop addresses that are not their account's own: each could reset its password. From now on there is one at most.

Code before this fails where somebody adds a second address, which is what must not be.
"""

from django.db import migrations

INDEX = "one_address_per_account"


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("accounts", "0008_one_address_per_account")]

    operations = [
        # Sign-in looks for small letters. No two accounts differ in the case alone (user_email_unique).
        migrations.RunSQL(
            "UPDATE accounts_user SET email = lower(email) WHERE email <> lower(email)", migrations.RunSQL.noop
        ),
        migrations.RunSQL(
            """
            DELETE FROM account_emailaddress a USING accounts_user u
            WHERE u.id = a.user_id AND a.email <> lower(u.email)""",
            migrations.RunSQL.noop,
        ),
        migrations.RunSQL(f"DROP INDEX CONCURRENTLY IF EXISTS {INDEX}", migrations.RunSQL.noop),
        migrations.RunSQL(
            f"CREATE UNIQUE INDEX CONCURRENTLY {INDEX} ON account_emailaddress (user_id)",
            f"DROP INDEX CONCURRENTLY IF EXISTS {INDEX}",
        ),
    ]
