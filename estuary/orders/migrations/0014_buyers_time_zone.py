"""The time zone of a buyer, for the times in mails."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('orders', '0013_found_by_part_of_an_id_and_day'),
    ]

    operations = [
        migrations.AddField(
            model_name='order',
            name='time_zone',
            field=models.CharField(blank=True, db_default='', default='', help_text="The buyer's, if it was told.", max_length=64),
        ),
    ]
