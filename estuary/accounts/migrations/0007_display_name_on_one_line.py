"""A practitioner's name is one line: checked by forms, so nothing changes in the database."""

import estuary.common.validators
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0006_note_contact_changes'),
    ]

    operations = [
        migrations.AlterField(
            model_name='practitioner',
            name='display_name',
            field=models.CharField(max_length=120, validators=[estuary.common.validators.check_one_line]),
        ),
    ]
