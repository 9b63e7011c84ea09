from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('payments', '0002_asked_and_asked_again'),
    ]

    operations = [
        migrations.CreateModel(
            name='StripeAccount',
            fields=[
                ('id', models.PositiveSmallIntegerField(default=1, editable=False, primary_key=True, serialize=False)),
                ('account_id', models.CharField(blank=True, help_text='empty until Stripe has told it', max_length=80)),
                ('livemode', models.BooleanField(default=False)),
                ('bound_at', models.DateTimeField(blank=True, null=True)),
                ('alerted_at', models.DateTimeField(blank=True, help_text='when staff were last told of a wrong key', null=True)),
            ],
            options={
                'constraints': [models.CheckConstraint(condition=models.Q(('id', 1)), name='stripe_account_is_one')],
            },
        ),
    ]
