"""Seats know when their date began before it was moved."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ('bookings', '0008_booking_to_remind'),
    ]

    operations = [
        migrations.AddField(
            model_name='participant',
            name='moved_from',
            field=models.DateTimeField(blank=True, help_text='When the session started before its practitioner moved it.', null=True),
        ),
        migrations.AddField(
            model_name='reservation',
            name='moved_from',
            field=models.DateTimeField(blank=True, help_text='When the session started before its practitioner moved it.', null=True),
        ),
    ]
