"""A bonus session whose time was called off or declined may be scheduled again, as if it had had none."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("bookings", "0011_roster_feed")]

    operations = [
        migrations.AddField(
            model_name="booking",
            name="unscheduled_at",
            field=models.DateTimeField(
                blank=True,
                help_text="When its time was last taken from it, to be chosen anew. Empty: never.",
                null=True,
            ),
        ),
    ]
