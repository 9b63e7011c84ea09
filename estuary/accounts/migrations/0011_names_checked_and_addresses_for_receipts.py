"""Names of people are checked by forms, and receipts get a name and an address of their own."""

from django.db import migrations, models

import estuary.accounts.contact.postal_addresses
import estuary.accounts.contact.names
import estuary.common.validators


class Migration(migrations.Migration):

    dependencies = [("accounts", "0010_rename_staff_act")]

    operations = [
        # Validators only: no SQL runs.
        migrations.AlterField(
            model_name="user",
            name="first_name",
            field=models.CharField(
                blank=True,
                max_length=150,
                validators=[estuary.accounts.contact.names.check_name],
                verbose_name="first name",
            ),
        ),
        migrations.AlterField(
            model_name="user",
            name="last_name",
            field=models.CharField(
                blank=True,
                max_length=150,
                validators=[estuary.accounts.contact.names.check_name],
                verbose_name="last name",
            ),
        ),
        migrations.AddField(
            model_name="user",
            name="billing_name",
            field=models.CharField(
                blank=True,
                db_default="",
                default="",
                help_text="name or company; without it, receipts name the person",
                max_length=150,
                validators=[estuary.common.validators.check_one_line],
                verbose_name="name for receipts",
            ),
        ),
        migrations.AddField(
            model_name="user",
            name="billing_address",
            field=models.CharField(
                blank=True,
                db_default="",
                default="",
                max_length=400,
                validators=[estuary.accounts.contact.postal_addresses.check_address],
                verbose_name="address for receipts",
            ),
        ),
    ]
