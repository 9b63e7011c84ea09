"""Fewer indexes to write: nobody searches by a pattern."""

from django.db import migrations

from estuary.common.db.migration_operations import drop_index


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("payments", "0009_events_read_fast")]

    operations = [
        drop_index("payments_attempts_name_decd560c_like", on="payments_attempts (name varchar_pattern_ops)"),
        drop_index("payments_dispute_stripe_dispute_id_1d5bb3f1_like", on="payments_dispute (stripe_dispute_id varchar_pattern_ops)"),
        drop_index("payments_idempotencykey_request_key_387fa751_like", on="payments_idempotencykey (request_key varchar_pattern_ops)"),
        drop_index("payments_lookout_name_f24bdbac_like", on="payments_lookout (name varchar_pattern_ops)"),
        drop_index("payments_orphan_stripe_payment_intent_id_d79a19ef_like", on="payments_orphan (stripe_payment_intent_id varchar_pattern_ops)"),
        drop_index("payments_paymentmethod_stripe_payment_method_id_7eb0e5a3_like", on="payments_paymentmethod (stripe_payment_method_id varchar_pattern_ops)"),
        drop_index("payments_refund_public_id_c2c1ecd2_like", on="payments_refund (public_id varchar_pattern_ops)"),
        drop_index("payments_stripecustomer_key_446c7ac3_like", on="payments_stripecustomer (key varchar_pattern_ops)"),
        drop_index("payments_webhookevent_stripe_event_id_28683268_like", on="payments_webhookevent (stripe_event_id varchar_pattern_ops)"),
    ]
