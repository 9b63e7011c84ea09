"""Staff move a booking after the deadline, or more often than was sold; such a move says so."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("bookings", "0009_seats_of_moved_dates")]

    operations = [
        migrations.AddField(
            model_name="bookingmove",
            name="beyond_limits",
            field=models.BooleanField(
                db_default=False,
                default=False,
                help_text="By staff, after the deadline or more often than was sold.",
            ),
        ),
    ]
