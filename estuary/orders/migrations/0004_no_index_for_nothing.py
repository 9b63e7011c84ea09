"""Fewer indexes to write: others begin with the same columns, and nobody searches by a pattern."""

from django.conf import settings
from django.db import migrations, models

from estuary.common.db.migration_operations import drop_index


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("orders", "0003_lost_to_disputes"), migrations.swappable_dependency(settings.AUTH_USER_MODEL)]

    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[
                drop_index("orders_order_user_id_e9b59eb1", on="orders_order (user_id)"),
                drop_index("orders_orderline_order_id_17f8f3ef", on="orders_orderline (order_id)"),
            ],
            state_operations=[
                migrations.AlterField("order", "user", models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="orders", db_index=False)),
                migrations.AlterField("orderline", "order", models.ForeignKey("orders.order", on_delete=models.CASCADE, related_name="lines", db_index=False)),
            ],
        ),
        drop_index("orders_order_public_id_477d735f_like", on="orders_order (public_id varchar_pattern_ops)"),
    ]
