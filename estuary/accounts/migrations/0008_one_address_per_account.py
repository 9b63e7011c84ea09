"""When an address was first verified; and with another address nothing that opens the old one stays (a trigger)."""

import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0007_display_name_on_one_line'),
        ('account', '0009_emailaddress_unique_primary_email'),
    ]

    operations = [
        migrations.AddField(
            model_name='user',
            name='email_verified_at',
            field=models.DateTimeField(editable=False, help_text='when the owner of the address first proved to be its owner', null=True),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='user',
            trigger=pgtrigger.compiler.Trigger(name='one_address', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (lower(OLD.email) <> lower(NEW.email))', func='\n                    DELETE FROM account_emailaddress WHERE user_id = NEW.id AND email <> lower(NEW.email);\n                    IF NEW.email_verified_at IS NOT DISTINCT FROM OLD.email_verified_at THEN\n                        NEW.email_verified_at = NULL;\n                    END IF;\n                    RETURN NEW;', hash='4df0306f07fd019a99a24b4b5eeeb10e655837ba', operation='UPDATE OF "email"', pgid='pgtrigger_one_address_c6ad9', table='accounts_user', when='BEFORE')),
        ),
    ]
