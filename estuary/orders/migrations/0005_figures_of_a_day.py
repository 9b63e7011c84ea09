"""What staff look at first is found by index: the orders of a day, and those that are paid and not handed over."""

from django.contrib.postgres.indexes import BrinIndex
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("orders", "0004_no_index_for_nothing")]

    operations = [
        AddIndexConcurrently(
            "order",
            models.Index(fields=["id"], condition=models.Q(status="paid"), name="order_not_handed_over"),
        ),
        AddIndexConcurrently(
            "order", BrinIndex(fields=["created_at"], autosummarize=True, name="order_by_day_placed")
        ),
        AddIndexConcurrently(
            "order", BrinIndex(fields=["paid_at"], autosummarize=True, name="order_by_day_paid")
        ),
    ]
