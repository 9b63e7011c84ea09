"""What is beyond sense is refused from now on, whoever writes it; opening hours may end at midnight, which is 24:00."""

import datetime
import django.core.validators
import django.db.models.expressions
import estuary.catalog.bounds
import estuary.common.validators
from django.contrib.postgres.operations import AddConstraintNotValid
from django.db import migrations, models


class Migration(migrations.Migration):
    # The new rule takes in all that the old one did, and is in place within the same transaction.
    allows = ("ban-drop-constraint",)

    dependencies = [
        ('accounts', '0007_display_name_on_one_line'),
        ('catalog', '0004_typos_made_sensible'),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name='availability',
            name='availability_ends_after_start',
        ),
        migrations.AlterField(
            model_name='availability',
            name='ends',
            field=models.TimeField(help_text='24:00 is midnight, the end of the day'),
        ),
        migrations.AlterField(
            model_name='service',
            name='bundle_bonus',
            field=models.PositiveIntegerField(default=0, help_text='given on top, at no price', validators=[django.core.validators.MaxValueValidator(100)]),
        ),
        migrations.AlterField(
            model_name='service',
            name='bundle_quantity',
            field=models.PositiveIntegerField(default=0, validators=[django.core.validators.MaxValueValidator(100)]),
        ),
        migrations.AlterField(
            model_name='service',
            name='free_cancel_hours',
            field=models.PositiveIntegerField(default=24, help_text='a buyer who cancels earlier is refunded', validators=[django.core.validators.MaxValueValidator(8784)]),
        ),
        migrations.AlterField(
            model_name='service',
            name='name',
            field=models.CharField(max_length=200, validators=[estuary.common.validators.check_one_line]),
        ),
        migrations.AlterField(
            model_name='service',
            name='sale_ends_at',
            field=models.DateTimeField(blank=True, null=True, validators=[estuary.catalog.bounds.check_date]),
        ),
        migrations.AlterField(
            model_name='service',
            name='sale_starts_at',
            field=models.DateTimeField(blank=True, null=True, validators=[estuary.catalog.bounds.check_date]),
        ),
        migrations.AlterField(
            model_name='service',
            name='slot_step_min',
            field=models.PositiveIntegerField(default=30, validators=[django.core.validators.MinValueValidator(5), django.core.validators.MaxValueValidator(1440)]),
        ),
        migrations.AlterField(
            model_name='service',
            name='validity_days',
            field=models.PositiveIntegerField(blank=True, help_text='packages and bundles', null=True, validators=[django.core.validators.MinValueValidator(1), django.core.validators.MaxValueValidator(3660)]),
        ),
        migrations.AlterField(
            model_name='servicesession',
            name='capacity',
            field=models.PositiveIntegerField(validators=[django.core.validators.MaxValueValidator(10000)]),
        ),
        migrations.AlterField(
            model_name='servicesession',
            name='ends_at',
            field=models.DateTimeField(validators=[estuary.catalog.bounds.check_date]),
        ),
        migrations.AlterField(
            model_name='servicesession',
            name='starts_at',
            field=models.DateTimeField(validators=[estuary.catalog.bounds.check_date]),
        ),
        AddConstraintNotValid(
            model_name='availability',
            constraint=models.CheckConstraint(condition=models.Q(('ends__gt', models.F('starts')), ('ends', datetime.time(0, 0)), _connector='OR'), name='availability_ends_by_midnight'),
        ),
        AddConstraintNotValid(
            model_name='service',
            constraint=models.CheckConstraint(condition=models.Q(('bundle_bonus__lte', 100), ('bundle_quantity__lte', 100), ('duration_min__lte', 1440), ('free_cancel_hours__lte', 8784), ('slot_step_min__lte', 1440), models.Q(('validity_days', None), ('validity_days__lte', 3660), _connector='OR')), name='service_numbers_within_limits'),
        ),
        AddConstraintNotValid(
            model_name='service',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('sale_starts_at', None), ('sale_starts_at__range', (datetime.datetime(2000, 1, 1, 0, 0, tzinfo=datetime.timezone.utc), datetime.datetime(2100, 12, 31, 0, 0, tzinfo=datetime.timezone.utc))), _connector='OR'), models.Q(('sale_ends_at', None), ('sale_ends_at__range', (datetime.datetime(2000, 1, 1, 0, 0, tzinfo=datetime.timezone.utc), datetime.datetime(2100, 12, 31, 0, 0, tzinfo=datetime.timezone.utc))), _connector='OR')), name='service_sale_within_limits'),
        ),
        AddConstraintNotValid(
            model_name='serviceprice',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(models.Q(('currency__in', ['cop', 'idr', 'inr']), _negated=True), ('amount_minor__lte', 99999999)), models.Q(('amount_minor__lte', 999999999999), ('currency', 'idr')), models.Q(('amount_minor__lte', 9999999999), ('currency', 'cop')), models.Q(('amount_minor__lte', 999999999), ('currency', 'inr')), _connector='OR'), name='service_price_can_be_charged'),
        ),
        AddConstraintNotValid(
            model_name='servicesession',
            constraint=models.CheckConstraint(condition=models.Q(('capacity__lte', 10000), ('ends_at__lte', datetime.datetime(2100, 12, 31, 0, 0, tzinfo=datetime.timezone.utc)), ('starts_at__gte', datetime.datetime(2000, 1, 1, 0, 0, tzinfo=datetime.timezone.utc)), ('ends_at__lte', django.db.models.expressions.CombinedExpression(models.F('starts_at'), '+', models.Value(datetime.timedelta(days=31))))), name='session_within_limits'),
        ),
    ]
