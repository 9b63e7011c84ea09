"""What was written to whom, when, and with which result."""

import django.db.models.deletion
import estuary.common.clock
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('bookings', '0008_booking_to_remind'),
        ('orders', '0011_plain_help_texts'),
        ('payments', '0033_found_by_part_of_an_id'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='SentMail',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('key', models.CharField(max_length=80)),
                ('kind', models.CharField(max_length=32)),
                ('address', models.CharField(blank=True, max_length=254)),
                ('starts_at', models.DateTimeField(blank=True, help_text='The time that it tells of.', null=True)),
                ('status', models.CharField(choices=[('waiting', 'Waiting'), ('sent', 'Sent'), ('failed', 'Failed'), ('nobody', 'nobody to write to'), ('obsolete', 'no use any more')], default='waiting', max_length=12)),
                ('error', models.CharField(blank=True, max_length=300)),
                ('attempts', models.PositiveIntegerField(default=0)),
                ('created_at', models.DateTimeField(default=estuary.common.clock.now, editable=False)),
                ('sent_at', models.DateTimeField(blank=True, null=True)),
                ('booking', models.ForeignKey(blank=True, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='mails', to='bookings.booking')),
                ('order', models.ForeignKey(blank=True, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='mails', to='orders.order')),
                ('requested_by', models.ForeignKey(blank=True, db_index=False, help_text='Who of staff has sent it again.', null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('user', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='mails', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'ordering': ['id'],
                'indexes': [models.Index(condition=models.Q(('order__isnull', False)), fields=['order'], name='mail_by_order'), models.Index(condition=models.Q(('booking__isnull', False)), fields=['booking'], name='mail_by_booking'), models.Index(condition=models.Q(('user__isnull', False)), fields=['user'], name='mail_by_user'), models.Index(fields=['created_at'], name='mail_by_age')],
                'constraints': [models.UniqueConstraint(fields=('key',), name='mail_key_once')],
            },
        ),
    ]
