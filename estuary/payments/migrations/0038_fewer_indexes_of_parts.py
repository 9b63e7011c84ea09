"""Ids are found by their beginning through an index that compares bytes: where there is one, the unique index."""

from django.contrib.postgres.operations import RemoveIndexConcurrently
from django.db import migrations
from django.db.models import Q, UniqueConstraint

from estuary.common.db.migration_operations import add_index, replace_unique
from estuary.common.postgresql.id_parts import COLUMN_BY_BYTES, begin_index

UNIQUE = {
    "refund": ("stripe_refund_id", "refund_stripe_id_unique"),
    "stripecustomer": ("stripe_customer_id", "stripe_customer_unique"),
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
            replace_unique(
                model,
                f"payments_{model}",
                UniqueConstraint(
                    fields=[field], condition=~Q(**{field: ""}), opclasses=[COLUMN_BY_BYTES], name=name
                ),
                before=f"({field}) WHERE {field} <> ''",
                after=f"({field} {COLUMN_BY_BYTES}) WHERE {field} <> ''",
            )
            for model, (field, name) in UNIQUE.items()
        ),
        *(RemoveIndexConcurrently(model, name) for model, name in REMOVED.items()),
        *(operation for model, index in ADDED.items() for operation in add_index(model, index)),
    ]
