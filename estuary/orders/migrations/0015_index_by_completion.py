from django.db import migrations, models

from estuary.common.db.migration_operations import add_index


class Migration(migrations.Migration):
    """Adds the index by which the worker finds paid orders without a receipt, in order of their payment."""

    atomic = False

    dependencies = [("orders", "0014_buyers_time_zone")]

    operations = add_index(
        "order",
        models.Index(
            fields=["completed_at", "id"],
            condition=models.Q(("completed_at__isnull", False)),
            name="order_by_completion",
        ),
    )
