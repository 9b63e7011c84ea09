"""A date that is called off, and time of a practitioner that stays taken."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ('catalog', '0011_reminder_hours'),
    ]

    operations = [
        migrations.AddField(
            model_name='calendarentry',
            name='is_closed',
            field=models.BooleanField(db_default=False, default=False, help_text='Stays taken when what it was taken for is released.'),
        ),
        migrations.AddField(
            model_name='servicesession',
            name='called_off_at',
            field=models.DateTimeField(blank=True, editable=False, help_text='It does not take place: no seat is sold any more.', null=True),
        ),
    ]
