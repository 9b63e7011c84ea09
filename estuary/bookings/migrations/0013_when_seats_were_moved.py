"""Seats know when their date was moved: the new time can be declined for a day after that."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ('bookings', '0012_unscheduled_bookings'),
    ]

    operations = [
        migrations.AddField(
            model_name='participant',
            name='moved_at',
            field=models.DateTimeField(blank=True, help_text='When its practitioner moved the session, and the guests were written to.', null=True),
        ),
        migrations.AddField(
            model_name='reservation',
            name='moved_at',
            field=models.DateTimeField(blank=True, help_text='When its practitioner moved the session, and the guests were written to.', null=True),
        ),
    ]
