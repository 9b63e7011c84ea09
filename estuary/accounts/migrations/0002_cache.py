"""The table of Django's database cache: sign-in counts its tries in it."""

from django.core.management import call_command
from django.db import migrations


def create(apps, schema_editor):
    call_command("createcachetable", "cache", database=schema_editor.connection.alias, verbosity=0)


class Migration(migrations.Migration):
    dependencies = [("accounts", "0001_initial")]

    operations = [
        migrations.RunPython(create, migrations.RunPython.noop),
        # What a crash may empty needs no wait for a disk.
        migrations.RunSQL("ALTER TABLE cache SET UNLOGGED", "DROP TABLE cache"),
    ]
