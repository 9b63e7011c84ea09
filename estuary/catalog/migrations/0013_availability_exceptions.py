"""Dates on which a practitioner has other hours than those of the weekday."""

import datetime
import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0012_found_by_first_name_and_object'),
        ('catalog', '0012_dates_called_off_and_closed_time'),
    ]

    operations = [
        migrations.CreateModel(
            name='AvailabilityException',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('day', models.DateField(verbose_name='date')),
                ('starts', models.TimeField(blank=True, null=True)),
                ('ends', models.TimeField(blank=True, help_text='24:00 is midnight, the end of the day', null=True)),
                ('practitioner', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='availability_exceptions', to='accounts.practitioner')),
            ],
            options={
                'verbose_name': 'day with other hours',
                'verbose_name_plural': 'days with other hours',
                'ordering': ['day', 'starts'],
                'constraints': [models.UniqueConstraint(fields=('practitioner', 'day', 'starts'), name='availability_exception_once', nulls_distinct=False), models.CheckConstraint(condition=models.Q(models.Q(('ends', None), ('starts', None)), models.Q(('ends__isnull', False), ('starts__isnull', False), models.Q(('ends__gt', models.F('starts')), ('ends', datetime.time(0, 0)), _connector='OR')), _connector='OR'), name='availability_exception_ends_by_midnight')],
            },
        ),
    ]
