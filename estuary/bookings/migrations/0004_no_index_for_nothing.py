"""Fewer indexes to write: others begin with the same columns."""

from django.conf import settings
from django.db import migrations, models

from estuary.common.db.migration_operations import drop_index


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("bookings", "0003_index_all_active"), migrations.swappable_dependency(settings.AUTH_USER_MODEL), ("orders", "0001_initial"), ("accounts", "0001_initial")]

    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[
                drop_index("bookings_booking_user_id_834dfc23", on="bookings_booking (user_id)"),
                drop_index("bookings_booking_order_id_aedabed9", on="bookings_booking (order_id)"),
                drop_index("bookings_booking_practitioner_id_818e89d1", on="bookings_booking (practitioner_id)"),
            ],
            state_operations=[
                migrations.AlterField("booking", "user", models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="bookings", db_index=False)),
                migrations.AlterField("booking", "order", models.ForeignKey("orders.order", on_delete=models.PROTECT, related_name="bookings", db_index=False)),
                migrations.AlterField("booking", "practitioner", models.ForeignKey("accounts.practitioner", on_delete=models.PROTECT, related_name="bookings", db_index=False)),
            ],
        ),
    ]
