"""Staff find refunds, disputes, customers and cards by a part of their id, and a charge by its card's last digits."""

from django.db import migrations
from django.db.models import F, Index

from estuary.common.db.migration_operations import add_index
from estuary.common.postgresql.id_parts import part_indexes
from estuary.payments.models.events import CARD_LAST4, IS_CHARGE, OBJECT_ID

INDEXES = {
    "refund": [
        Index(fields=["created_at", "id"], name="refund_by_request"),
        *part_indexes("stripe_refund_id", "refund_stripe_id"),
    ],
    "dispute": part_indexes("stripe_dispute_id", "dispute_stripe_id"),
    "stripecustomer": part_indexes("stripe_customer_id", "stripe_customer_id"),
    "paymentmethod": [
        Index(fields=["last4", "-id"], name="payment_method_by_last4"),
        *part_indexes("stripe_payment_method_id", "payment_method_id"),
    ],
    "webhookevent": [
        Index(CARD_LAST4, F("id").desc(), condition=IS_CHARGE, name="webhook_event_by_last4"),
        *part_indexes(OBJECT_ID, "webhook_event_charge", condition=IS_CHARGE),
    ],
}


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("payments", "0032_consents")]

    operations = [
        *(
            operation
            for model, indexes in INDEXES.items()
            for index in indexes
            for operation in add_index(model, index)
        ),
        # What an index computes is unknown to the planner until it has looked: it would read the whole table.
        *(migrations.RunSQL(f"ANALYZE payments_{model}", migrations.RunSQL.noop) for model in INDEXES),
    ]
