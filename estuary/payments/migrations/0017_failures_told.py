"""What fails is told to staff soon and once, and decides nothing about the health of the worker."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('payments', '0016_customers_found_by_index'),
    ]

    operations = [
        migrations.AddField(
            model_name='lookout',
            name='failing',
            field=models.JSONField(db_default=models.Value({}, models.JSONField()), default=dict),
        ),
        migrations.AddField(
            model_name='lookout',
            name='looked_at',
            field=models.DateTimeField(blank=True, help_text='the same, whatever failed', null=True),
        ),
        migrations.AddField(
            model_name='webhookevent',
            name='alerted_at',
            field=models.DateTimeField(blank=True, help_text='when staff were told that it fails', null=True),
        ),
    ]
