"""Help texts in plain words: for Python alone, so no SQL runs."""

import django.core.validators
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('catalog', '0006_limits_validated'),
    ]

    operations = [
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.AlterField(
                    model_name='service',
                    name='hold_s',
                    field=models.PositiveIntegerField(blank=True, help_text='In seconds. Empty: the default.', null=True, validators=[django.core.validators.MinValueValidator(10), django.core.validators.MaxValueValidator(86400)]),
                ),
            ]
        )
    ]
