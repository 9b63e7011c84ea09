"""An event over which a process dies is known by a column, not by the beginning of its error."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [("payments", "0023_rename_models_keep_tables")]

    operations = [
        migrations.AddField(
            "webhookevent",
            "attempt_started_at",
            models.DateTimeField(blank=True, help_text="when an attempt started that has not ended", null=True),
        ),
    ]
