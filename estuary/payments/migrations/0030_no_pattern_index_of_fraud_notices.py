from django.db import migrations

from estuary.common.db.migration_operations import drop_index


class Migration(migrations.Migration):
    """Drops the index for patterns that a unique text column brings along: ids are compared whole."""

    atomic = False

    dependencies = [("payments", "0029_fraud_notices")]

    operations = [
        drop_index(
            "payments_fraudnotice_stripe_notice_id_2b85ab57_like",
            on="payments_fraudnotice (stripe_notice_id varchar_pattern_ops)",
        )
    ]
