"""How long before a date those who have booked are reminded."""

import django.core.validators
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('catalog', '0010_max_moves'),
    ]

    operations = [
        migrations.AddField(
            model_name='service',
            name='reminder_hours',
            field=models.PositiveSmallIntegerField(db_default=24, default=24, help_text='Who has booked is reminded so many hours before. 0: not at all.', validators=[django.core.validators.MaxValueValidator(336)]),
        ),
    ]
