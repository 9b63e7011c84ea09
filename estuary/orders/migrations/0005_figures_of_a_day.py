"""What staff look at first is found by index: the orders of a day, and those that are paid and not handed over."""

from django.contrib.postgres.indexes import BrinIndex
from django.db import migrations, models

from estuary.common.db.migration_operations import add_index


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("orders", "0004_no_index_for_nothing")]

    operations = [
        *add_index(
            "order",
            models.Index(fields=["id"], condition=models.Q(status="paid"), name="order_not_handed_over"),
        ),
        *add_index(
            "order", BrinIndex(fields=["created_at"], autosummarize=True, name="order_by_day_placed")
        ),
        *add_index(
            "order", BrinIndex(fields=["paid_at"], autosummarize=True, name="order_by_day_paid")
        ),
    ]
