"""Lookout becomes SyncCursor, and Attempts becomes RateLimitCounter. Their tables stay, so no SQL runs.

After a RenameModel Django renames the content type and the permissions, so whoever was granted one still has it.
"""

from django.db import migrations


class Migration(migrations.Migration):

    dependencies = [("payments", "0022_rename_fields_keep_columns")]

    operations = [
        migrations.AlterModelTable("lookout", "payments_lookout"),
        migrations.RenameModel("Lookout", "SyncCursor"),
        migrations.AlterModelTable("attempts", "payments_attempts"),
        migrations.RenameModel("Attempts", "RateLimitCounter"),
    ]
