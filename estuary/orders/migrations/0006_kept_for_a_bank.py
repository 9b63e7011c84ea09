"""A date until which seats are kept for a payment at its bank, which keeps its buyer from no other date."""

from django.conf import settings
from django.db import migrations, models

from estuary.common.db.migration_operations import add_index

UNPAID = models.Q(status__in=["failed", "pending"])
AT_ITS_BANK = models.Q(status="processing")
ON = "orders_order (user_id, item_key) WHERE"
BEFORE = f"{ON} status IN ('failed', 'pending', 'processing')"
AFTER = f"{ON} (status IN ('failed', 'pending') OR (status = 'processing' AND type = 'credit'))"


def swap(to: str) -> list[str]:
    """Build the index under another name first, so that at no moment a buyer can have two orders for a thing.

    It ends under its old name, by which the code beside this migration knows it.
    """
    return [
        "DROP INDEX CONCURRENTLY IF EXISTS order_one_live_per_item_new",
        f"CREATE UNIQUE INDEX CONCURRENTLY order_one_live_per_item_new ON {to}",
        "DROP INDEX CONCURRENTLY IF EXISTS order_one_live_per_item",
        "ALTER INDEX order_one_live_per_item_new RENAME TO order_one_live_per_item",
    ]


class Migration(migrations.Migration):
    atomic = False
    allows = ("renaming-object",)  # to the very name that it had before, which code knows

    dependencies = [("orders", "0005_figures_of_a_day"), migrations.swappable_dependency(settings.AUTH_USER_MODEL)]

    operations = [
        migrations.AddField("order", "kept_until", models.DateTimeField(blank=True, help_text="while its bank works: until when seats and slots are kept at most", null=True)),
        migrations.AddField("order", "payment_open", models.BooleanField(db_default=False, default=False, help_text="it has ended, and its payment at Stripe has not yet")),
        *add_index("order", models.Index(fields=["user", "item_key"], condition=AT_ITS_BANK, name="order_processing_by_item")),
        *add_index("order", models.Index(fields=["kept_until"], condition=AT_ITS_BANK, name="order_kept_until")),
        *add_index("order", models.Index(fields=["id"], condition=models.Q(payment_open=True), name="order_payment_open")),
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.RunSQL(swap(AFTER), swap(BEFORE))],
            state_operations=[
                migrations.RemoveConstraint("order", "order_one_live_per_item"),
                migrations.AddConstraint("order", models.UniqueConstraint(condition=UNPAID | (AT_ITS_BANK & models.Q(type="credit")), fields=("user", "item_key"), name="order_one_live_per_item")),
            ],
        ),
    ]
