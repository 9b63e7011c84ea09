"""Fewer indexes to write: others begin with the same columns."""

from django.conf import settings
from django.db import migrations, models

from estuary.common.db.migration_operations import drop_index


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("credits", "0002_frozen"), migrations.swappable_dependency(settings.AUTH_USER_MODEL), ("orders", "0001_initial")]

    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[
                drop_index("credits_creditaccount_user_id_922eb9bd", on="credits_creditaccount (user_id)"),
                drop_index("credits_credittransaction_account_id_3ed557dc", on="credits_credittransaction (account_id)"),
                drop_index("credits_credittransaction_order_id_6c3b3cbe", on="credits_credittransaction (order_id)"),
            ],
            state_operations=[
                migrations.AlterField("creditaccount", "user", models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="credit_accounts", db_index=False)),
                migrations.AlterField("credittransaction", "account", models.ForeignKey("credits.creditaccount", on_delete=models.PROTECT, related_name="transactions", db_index=False)),
                migrations.AlterField("credittransaction", "order", models.ForeignKey("orders.order", on_delete=models.PROTECT, null=True, blank=True, related_name="credit_transactions", db_index=False)),
            ],
        ),
    ]
