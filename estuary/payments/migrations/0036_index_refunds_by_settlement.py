from django.db import migrations, models

from estuary.common.db.migration_operations import add_index


class Migration(migrations.Migration):
    """Adds the index by which the worker finds refunds without a credit note, in the order in which they changed."""

    atomic = False

    dependencies = [("payments", "0035_payment_method_by_expiry")]

    operations = add_index(
        "refund",
        models.Index(
            fields=["settled_at", "id"],
            condition=models.Q(("settled_at__isnull", False)),
            name="refund_by_settlement",
        ),
    )
