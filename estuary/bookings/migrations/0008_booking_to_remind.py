"""Bookings of which a reminder is due are found by index."""

from django.db import migrations, models

from estuary.common.db.migration_operations import add_index


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("bookings", "0007_moves_and_calendar_sequence")]

    operations = [
        *add_index(
            "booking",
            models.Index(
                fields=["starts_at"],
                condition=models.Q(status__in=["confirmed", "partially_refunded"]),
                name="booking_to_remind",
            ),
        ),
    ]
