"""A service may have a venue, and a service or a date a link to join."""

import django.db.models.deletion
import estuary.accounts.models
import estuary.catalog.venues
import estuary.common.validators
from django.db import migrations, models


class Migration(migrations.Migration):
    # The column is new and empty, so PostgreSQL looks at no row.
    allows = ('adding-foreign-key-constraint',)

    dependencies = [
        ('accounts', '0010_rename_staff_act'),
        ('catalog', '0007_plain_help_texts'),
    ]

    operations = [
        migrations.AddField(
            model_name='service',
            name='join_url',
            field=models.CharField(blank=True, db_default='', default='', help_text='The link to an online meeting. Only who has booked sees it.', max_length=500, validators=[estuary.catalog.venues.check_https_url]),
        ),
        migrations.AddField(
            model_name='servicesession',
            name='join_url',
            field=models.CharField(blank=True, db_default='', default='', help_text="Of this date. Empty: the service's.", max_length=500, validators=[estuary.catalog.venues.check_https_url]),
        ),
        migrations.CreateModel(
            name='Venue',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=120, validators=[estuary.common.validators.check_one_line])),
                ('address', models.TextField(help_text='As on an envelope, one line each.', max_length=400, validators=[estuary.catalog.venues.check_lines])),
                ('time_zone', models.CharField(max_length=64, validators=[estuary.accounts.models.validate_time_zone])),
                ('directions', models.TextField(blank=True, help_text='How to find the door: a floor, a bell, a tram stop.', max_length=1000)),
                ('map_url', models.CharField(blank=True, help_text='A link to directions. Empty: a map looks the address up.', max_length=500, validators=[estuary.catalog.venues.check_https_url])),
                ('practitioner', models.ForeignKey(blank=True, help_text='Whose place it is. Empty: any practitioner may use it.', null=True, on_delete=django.db.models.deletion.PROTECT, related_name='venues', to='accounts.practitioner')),
            ],
            options={
                'ordering': ['name', 'id'],
            },
        ),
        migrations.AddField(
            model_name='service',
            name='venue',
            field=models.ForeignKey(blank=True, db_index=False, help_text='Where it takes place. Empty: online.', null=True, on_delete=django.db.models.deletion.PROTECT, related_name='services', to='catalog.venue'),
        ),
    ]
