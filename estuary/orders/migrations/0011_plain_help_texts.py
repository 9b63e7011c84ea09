"""Help texts in plain words: for Python alone, so no SQL runs."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('orders', '0010_rename_fields_keep_columns'),
    ]

    operations = [
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.AlterField(
                    model_name='order',
                    name='amount_due_minor',
                    field=models.PositiveBigIntegerField(help_text='The share that is paid through Stripe.'),
                ),
                migrations.AlterField(
                    model_name='order',
                    name='attempt',
                    field=models.PositiveIntegerField(default=1, help_text='Counts the idempotency keys of its payment.'),
                ),
                migrations.AlterField(
                    model_name='order',
                    name='credit_amount_minor',
                    field=models.PositiveBigIntegerField(default=0, help_text='Credits that this order buys.'),
                ),
                migrations.AlterField(
                    model_name='order',
                    name='disputed',
                    field=models.BooleanField(default=False, help_text='A dispute of its payment is open or was lost.'),
                ),
                migrations.AlterField(
                    model_name='order',
                    name='expires_at',
                    field=models.DateTimeField(help_text='When the hold on seats and slots ends.'),
                ),
                migrations.AlterField(
                    model_name='order',
                    name='idempotency_sequence',
                    field=models.PositiveIntegerField(db_column='posts', default=0, help_text='Counts the idempotency keys of its other requests to Stripe.'),
                ),
                migrations.AlterField(
                    model_name='order',
                    name='item_key',
                    field=models.CharField(help_text='A buyer has one unpaid order for it at most.', max_length=64),
                ),
                migrations.AlterField(
                    model_name='order',
                    name='kept_until',
                    field=models.DateTimeField(blank=True, help_text='While its bank works: until when seats and slots are kept at most.', null=True),
                ),
                migrations.AlterField(
                    model_name='order',
                    name='lost_minor',
                    field=models.PositiveBigIntegerField(db_default=0, default=0, help_text='Lost to disputes.'),
                ),
                migrations.AlterField(
                    model_name='order',
                    name='next_ask_at',
                    field=models.DateTimeField(blank=True, help_text='When its payment is fetched again.', null=True),
                ),
                migrations.AlterField(
                    model_name='order',
                    name='next_close_at',
                    field=models.DateTimeField(blank=True, help_text='When the worker tries to end it.', null=True),
                ),
                migrations.AlterField(
                    model_name='order',
                    name='page_expires_at',
                    field=models.DateTimeField(blank=True, help_text='As sent to Stripe.', null=True),
                ),
                migrations.AlterField(
                    model_name='order',
                    name='payment_open',
                    field=models.BooleanField(db_default=False, default=False, help_text='The order has ended, its payment has not.'),
                ),
                migrations.AlterField(
                    model_name='order',
                    name='refunded_minor',
                    field=models.PositiveBigIntegerField(default=0, help_text='Sum of its succeeded refunds.'),
                ),
                migrations.AlterField(
                    model_name='order',
                    name='requested_at',
                    field=models.DateTimeField(blank=True, db_column='asked_at', help_text='When its payment was last requested.', null=True),
                ),
                migrations.AlterField(
                    model_name='order',
                    name='snapshot',
                    field=models.JSONField(default=dict, help_text='Name, type and price when the order was placed.'),
                ),
                migrations.AlterField(
                    model_name='order',
                    name='stripe_customer_id',
                    field=models.CharField(blank=True, help_text="The payment's customer.", max_length=80),
                ),
                migrations.AlterField(
                    model_name='order',
                    name='stripe_payment_method_id',
                    field=models.CharField(blank=True, help_text='A saved card to use.', max_length=80),
                ),
                migrations.AlterField(
                    model_name='ordertransition',
                    name='cause',
                    field=models.CharField(help_text='The event, the job or the person that caused it.', max_length=80),
                ),
            ]
        )
    ]
