"""Ids are found by their beginning through an index that compares bytes: where there is one, the unique index."""

from django.contrib.postgres.operations import RemoveIndexConcurrently
from django.db import migrations

from estuary.common.db.migration_operations import add_index, replace_unique_by_bytes
from estuary.common.postgresql.id_parts import begin_index

UNIQUE = {
    "refund": ("stripe_refund_id", "refund_stripe_id_unique", "refund_by_stripe_id"),
    "stripecustomer": ("stripe_customer_id", "stripe_customer_unique", "stripe_customer_by_id"),
}
REMOVED = {
    "refund": "refund_stripe_id_begins",
    "stripecustomer": "stripe_customer_id_begins",
    "dispute": "dispute_stripe_id_begins",
    "paymentmethod": "payment_method_id_begins",
    "webhookevent": "webhook_event_charge_begins",
}
ADDED = {
    "dispute": begin_index("stripe_dispute_id", "dispute_stripe_id"),
    "paymentmethod": begin_index("stripe_payment_method_id", "payment_method_id"),
}


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("payments", "0037_date_changes")]

    operations = [
        *(
            replace_unique_by_bytes(model, f"payments_{model}", field, old=old, new=new)
            for model, (field, old, new) in UNIQUE.items()
        ),
        *(RemoveIndexConcurrently(model, name) for model, name in REMOVED.items()),
        *(operation for model, index in ADDED.items() for operation in add_index(model, index)),
    ]
