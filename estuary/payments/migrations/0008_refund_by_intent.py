"""The refund of a second or wrong payment is found by its payment, however many refunds there are."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("payments", "0007_kept_small")]

    operations = [
        AddIndexConcurrently(
            model_name="refund",
            index=models.Index(
                fields=["stripe_payment_intent_id"],
                condition=models.Q(stripe_payment_intent_id__gt=""),
                name="refund_by_intent",
            ),
        ),
    ]
