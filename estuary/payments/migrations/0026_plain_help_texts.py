"""Help texts in plain words: for Python alone, so no SQL runs."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('orders', '0011_plain_help_texts'),
        ('payments', '0025_convert_started_attempts'),
    ]

    operations = [
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.AlterField(
                    model_name='dispute',
                    name='amount_minor',
                    field=models.PositiveBigIntegerField(help_text='What the bank asks for.'),
                ),
                migrations.AlterField(
                    model_name='dispute',
                    name='clawed_minor',
                    field=models.PositiveBigIntegerField(default=0, help_text='Credits taken back as it was lost.'),
                ),
                migrations.AlterField(
                    model_name='dispute',
                    name='closed_at',
                    field=models.DateTimeField(blank=True, help_text='When we learned of the decision.', null=True),
                ),
                migrations.AlterField(
                    model_name='dispute',
                    name='due_by',
                    field=models.DateTimeField(blank=True, help_text='Deadline for evidence.', null=True),
                ),
                migrations.AlterField(
                    model_name='dispute',
                    name='frozen_minor',
                    field=models.PositiveBigIntegerField(default=0, help_text='Credits frozen while it is open.'),
                ),
                migrations.AlterField(
                    model_name='dispute',
                    name='is_unmatched',
                    field=models.BooleanField(db_column='stray', default=False, help_text='Of a second or wrong payment. The order stays as it is.'),
                ),
                migrations.AlterField(
                    model_name='dispute',
                    name='lost_minor',
                    field=models.PositiveBigIntegerField(default=0, help_text="The order's money lost with it."),
                ),
                migrations.AlterField(
                    model_name='dispute',
                    name='next_ask_at',
                    field=models.DateTimeField(blank=True, help_text='When the worker fetches it again.', null=True),
                ),
                migrations.AlterField(
                    model_name='dispute',
                    name='refundable',
                    field=models.BooleanField(default=False, help_text='At Stripe, as during an inquiry.'),
                ),
                migrations.AlterField(
                    model_name='dispute',
                    name='revision',
                    field=models.PositiveSmallIntegerField(default=0, help_text='Counts changes; names their postings.'),
                ),
                migrations.AlterField(
                    model_name='hold',
                    name='address',
                    field=models.CharField(blank=True, help_text='IP address. Of IPv6, the /64 network.', max_length=64),
                ),
                migrations.AlterField(
                    model_name='hold',
                    name='ends_at',
                    field=models.DateTimeField(help_text='Later orders of the buyer do not move it.'),
                ),
                migrations.AlterField(
                    model_name='hold',
                    name='newcomer',
                    field=models.BooleanField(help_text='Had paid for nothing before.'),
                ),
                migrations.AlterField(
                    model_name='hold',
                    name='site',
                    field=models.CharField(blank=True, help_text='The same. Of IPv6, the /48 network.', max_length=64),
                ),
                migrations.AlterField(
                    model_name='idempotencykey',
                    name='answer',
                    field=models.JSONField(help_text='Without client secrets: Stripe is asked for them again.', null=True),
                ),
                migrations.AlterField(
                    model_name='idempotencykey',
                    name='fingerprint',
                    field=models.CharField(help_text='Of the method, the URL and the body.', max_length=64),
                ),
                migrations.AlterField(
                    model_name='idempotencykey',
                    name='key',
                    field=models.CharField(help_text='As the client chose it.', max_length=255),
                ),
                migrations.AlterField(
                    model_name='idempotencykey',
                    name='leased_until',
                    field=models.DateTimeField(help_text='Until when the request counts as in progress.'),
                ),
                migrations.AlterField(
                    model_name='idempotencykey',
                    name='order',
                    field=models.ForeignKey(help_text='The order that the request places or pays for. Stored before any charge.', null=True, on_delete=django.db.models.deletion.CASCADE, related_name='idempotency_keys', to='orders.order'),
                ),
                migrations.AlterField(
                    model_name='idempotencykey',
                    name='request_key',
                    field=models.CharField(help_text='User and key in one. A refund stores it too.', max_length=64, unique=True),
                ),
                migrations.AlterField(
                    model_name='idempotencykey',
                    name='status_code',
                    field=models.PositiveSmallIntegerField(help_text='Empty until there is a response.', null=True),
                ),
                migrations.AlterField(
                    model_name='orphan',
                    name='amount_minor',
                    field=models.PositiveBigIntegerField(help_text='What was captured.'),
                ),
                migrations.AlterField(
                    model_name='paymentmethod',
                    name='added_at',
                    field=models.DateTimeField(help_text='At Stripe. Of a card that was added twice, the newer stays.'),
                ),
                migrations.AlterField(
                    model_name='paymentmethod',
                    name='detach_pending',
                    field=models.BooleanField(default=False, help_text='Still to be detached at Stripe.'),
                ),
                migrations.AlterField(
                    model_name='paymentmethod',
                    name='next_try_at',
                    field=models.DateTimeField(blank=True, help_text='When the worker tries again.', null=True),
                ),
                migrations.AlterField(
                    model_name='paymentmethod',
                    name='synced_at',
                    field=models.DateTimeField(help_text='When Stripe had it like this. Older events are ignored.'),
                ),
                migrations.AlterField(
                    model_name='ratelimitcounter',
                    name='came_from',
                    field=models.CharField(blank=True, help_text="The user's last IP address.", max_length=64),
                ),
                migrations.AlterField(
                    model_name='ratelimitcounter',
                    name='declines',
                    field=models.PositiveIntegerField(default=0, help_text='Declines in a row.'),
                ),
                migrations.AlterField(
                    model_name='ratelimitcounter',
                    name='ends_at',
                    field=models.DateTimeField(help_text='When the count starts again.'),
                ),
                migrations.AlterField(
                    model_name='ratelimitcounter',
                    name='forgiven_at',
                    field=models.DateTimeField(help_text='When the declines are forgotten, unless there are more.'),
                ),
                migrations.AlterField(
                    model_name='ratelimitcounter',
                    name='last_decline',
                    field=models.CharField(blank=True, help_text='Its id at Stripe: counted once.', max_length=80),
                ),
                migrations.AlterField(
                    model_name='ratelimitcounter',
                    name='name',
                    field=models.CharField(help_text='The endpoint, and who calls it.', max_length=100, primary_key=True, serialize=False),
                ),
                migrations.AlterField(
                    model_name='refund',
                    name='attempt',
                    field=models.PositiveIntegerField(default=1, help_text='Counts its idempotency keys.'),
                ),
                migrations.AlterField(
                    model_name='refund',
                    name='cancels',
                    field=models.BooleanField(default=False, help_text='Cancels its booking, or the whole order.'),
                ),
                migrations.AlterField(
                    model_name='refund',
                    name='is_unmatched',
                    field=models.BooleanField(db_column='stray', default=False, help_text="Returns a second or wrong payment, not the order's."),
                ),
                migrations.AlterField(
                    model_name='refund',
                    name='next_try_at',
                    field=models.DateTimeField(blank=True, help_text='When the worker tries again.', null=True),
                ),
                migrations.AlterField(
                    model_name='refund',
                    name='request_key',
                    field=models.CharField(blank=True, help_text='The API request that asked for it.', max_length=64),
                ),
                migrations.AlterField(
                    model_name='refund',
                    name='requested_at',
                    field=models.DateTimeField(blank=True, db_column='asked_at', help_text='When it was last sent with no outcome known.', null=True),
                ),
                migrations.AlterField(
                    model_name='setupintent',
                    name='ended_at',
                    field=models.DateTimeField(blank=True, help_text='Since when no card can be tried.', null=True),
                ),
                migrations.AlterField(
                    model_name='setupintent',
                    name='expires_at',
                    field=models.DateTimeField(help_text='When it is canceled at Stripe, unless a card was saved.'),
                ),
                migrations.AlterField(
                    model_name='setupintent',
                    name='next_try_at',
                    field=models.DateTimeField(blank=True, help_text='When the worker tries again.', null=True),
                ),
                migrations.AlterField(
                    model_name='setupintent',
                    name='stripe_customer_id',
                    field=models.CharField(help_text='The customer that was sent to Stripe.', max_length=80),
                ),
                migrations.AlterField(
                    model_name='stripeaccount',
                    name='account_id',
                    field=models.CharField(blank=True, help_text='Empty until Stripe has named it.', max_length=80),
                ),
                migrations.AlterField(
                    model_name='stripeaccount',
                    name='alerted_at',
                    field=models.DateTimeField(blank=True, help_text='When staff were told of a wrong key.', null=True),
                ),
                migrations.AlterField(
                    model_name='stripeaccount',
                    name='count',
                    field=models.PositiveBigIntegerField(db_default=1, default=1, help_text='Raised hourly, then at Stripe.'),
                ),
                migrations.AlterField(
                    model_name='stripeaccount',
                    name='home',
                    field=models.CharField(blank=True, db_default='', help_text='URL of this installation.', max_length=200),
                ),
                migrations.AlterField(
                    model_name='stripeaccount',
                    name='house',
                    field=models.CharField(blank=True, db_default='', help_text='Random for each database.', max_length=32),
                ),
                migrations.AlterField(
                    model_name='stripeaccount',
                    name='house_since',
                    field=models.DateTimeField(blank=True, help_text='In a copy at another URL: older objects belong to the original.', null=True),
                ),
                migrations.AlterField(
                    model_name='stripeaccount',
                    name='judged_home',
                    field=models.CharField(blank=True, db_default='', help_text='URL of the standing.', max_length=200),
                ),
                migrations.AlterField(
                    model_name='stripeaccount',
                    name='mark',
                    field=models.CharField(blank=True, db_default='', help_text='Random for each count.', max_length=32),
                ),
                migrations.AlterField(
                    model_name='stripeaccount',
                    name='standing',
                    field=models.CharField(blank=True, choices=[('owner', 'Owner'), ('other', 'Other'), ('behind', 'Behind'), ('untold', 'Untold')], db_default='', help_text='Empty until Stripe was asked.', max_length=8),
                ),
                migrations.AlterField(
                    model_name='stripecustomer',
                    name='cards_checked_at',
                    field=models.DateTimeField(blank=True, help_text="When compared with Stripe's.", null=True),
                ),
                migrations.AlterField(
                    model_name='stripecustomer',
                    name='email',
                    field=models.EmailField(help_text='As last sent to Stripe. A retry sends the same.', max_length=254),
                ),
                migrations.AlterField(
                    model_name='stripecustomer',
                    name='idempotency_sequence',
                    field=models.PositiveIntegerField(db_column='posts', default=0, help_text='Counts the idempotency keys after the first.'),
                ),
                migrations.AlterField(
                    model_name='stripecustomer',
                    name='update_key',
                    field=models.CharField(blank=True, db_default='', help_text='Key of an update that Stripe has not answered.', max_length=80),
                ),
                migrations.AlterField(
                    model_name='stripecustomer',
                    name='updated_at',
                    field=models.DateTimeField(blank=True, help_text='When Stripe last accepted an update.', null=True),
                ),
                migrations.AlterField(
                    model_name='synccursor',
                    name='looked_at',
                    field=models.DateTimeField(blank=True, help_text='When it was last read, errors or not.', null=True),
                ),
                migrations.AlterField(
                    model_name='webhookevent',
                    name='alerted_at',
                    field=models.DateTimeField(blank=True, help_text='When staff were alerted of it.', null=True),
                ),
                migrations.AlterField(
                    model_name='webhookevent',
                    name='attempt_started_at',
                    field=models.DateTimeField(blank=True, help_text='Empty once it has ended.', null=True),
                ),
                migrations.AlterField(
                    model_name='webhookevent',
                    name='created_at',
                    field=models.DateTimeField(help_text='When Stripe created it.'),
                ),
                migrations.AlterField(
                    model_name='webhookevent',
                    name='due_at',
                    field=models.DateTimeField(help_text='When it may be claimed. A claim adds the lease.'),
                ),
            ]
        )
    ]
