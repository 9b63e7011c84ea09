"""Help texts in plain words: for Python alone, so no SQL runs."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('credits', '0003_no_index_for_nothing'),
    ]

    operations = [
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.AlterField(
                    model_name='credittransaction',
                    name='effect',
                    field=models.CharField(help_text="Names one event in the order's life.", max_length=64),
                ),
            ]
        )
    ]
