"""Saved cards that are about to expire are found by index."""

from django.db import migrations, models

from estuary.common.db.migration_operations import add_index


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("payments", "0034_sent_mails")]

    operations = [
        *add_index(
            "paymentmethod",
            models.Index(
                fields=["exp_year", "exp_month"],
                condition=models.Q(detached_at=None),
                name="payment_method_by_expiry",
            ),
        ),
    ]
