"""Bookings are exported by days, and the 1-on-1s of a day are listed."""

from django.db import migrations
from django.db.models import Index, Q

from estuary.common.db.migration_operations import add_index


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("bookings", "0005_plain_help_texts")]

    operations = [
        *add_index(
            "booking",
            Index(
                fields=["starts_at"],
                condition=Q(session=None, service_type="session"),
                name="booking_slot_by_start",
            ),
        ),
        *add_index("booking", Index(fields=["created_at", "id"], name="booking_by_time")),
    ]
