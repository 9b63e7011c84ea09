"""Help texts in plain words: for Python alone, so no SQL runs."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('bookings', '0004_no_index_for_nothing'),
    ]

    operations = [
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.AlterField(
                    model_name='booking',
                    name='amount_minor',
                    field=models.PositiveBigIntegerField(help_text="Its share of the order's total."),
                ),
                migrations.AlterField(
                    model_name='booking',
                    name='forfeited',
                    field=models.BooleanField(db_default=False, default=False, help_text='Canceled, its price kept.'),
                ),
                migrations.AlterField(
                    model_name='booking',
                    name='position',
                    field=models.PositiveSmallIntegerField(help_text='0: what was ordered; from 1: its parts.'),
                ),
                migrations.AlterField(
                    model_name='booking',
                    name='starts_at',
                    field=models.DateTimeField(blank=True, help_text='Empty until it is scheduled.', null=True),
                ),
                migrations.AlterField(
                    model_name='booking',
                    name='valid_until',
                    field=models.DateTimeField(blank=True, help_text='Until when it can be scheduled.', null=True),
                ),
            ]
        )
    ]
