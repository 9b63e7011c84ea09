"""Which part of an entry in a calendar is closed; empty for what was closed before, which is closed as a whole."""

import estuary.catalog.calendar
from django.db import migrations


class Migration(migrations.Migration):

    dependencies = [
        ('catalog', '0014_count_calendar_versions'),
    ]

    operations = [
        migrations.AddField(
            model_name='calendarentry',
            name='closed_part',
            field=estuary.catalog.calendar.DateTimeMultirangeField(editable=False, help_text='Which part of it is closed. Empty: all of it, if it is closed.', null=True),
        ),
    ]
