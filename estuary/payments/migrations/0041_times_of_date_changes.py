"""What a change of dates did is told with the time that was changed, in the zone of whoever reads it."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("payments", "0040_index_mails_by_message")]

    operations = [
        migrations.AddField(
            model_name="datechangerow",
            name="starts_at",
            field=models.DateTimeField(blank=True, help_text="When it began before the change.", null=True),
        ),
        migrations.AddField(
            model_name="datechangerow",
            name="ends_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
    ]
