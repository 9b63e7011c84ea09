"""What a buyer has just bought is found by index, however many orders there are."""

from django.db import migrations, models

from estuary.common.db.migration_operations import add_index


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("orders", "0006_kept_for_a_bank")]

    operations = add_index(
        "order",
        models.Index(
            fields=["user", "completed_at"],
            condition=models.Q(status__in=["completed", "partially_refunded"]),
            name="order_by_buyer_completed",
        ),
    )
