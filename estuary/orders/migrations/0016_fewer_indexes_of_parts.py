"""An order is found by the beginning of an id through its unique index, and by the end of its payment's through one more."""

from django.contrib.postgres.operations import RemoveIndexConcurrently
from django.db import migrations
from django.db.models import Q, UniqueConstraint

from estuary.common.db.migration_operations import add_index, replace_unique
from estuary.common.postgresql.id_parts import COLUMN_BY_BYTES, end_index
from estuary.orders.models import HAS_INTENT

UNIQUE = {
    "stripe_payment_intent_id": "order_intent_unique",
    "stripe_checkout_session_id": "order_checkout_session_unique",
}
REMOVED = (
    "order_intent_begins",
    "order_intent_ends",
    "order_checkout_session_begins",
    "order_checkout_session_ends",
)


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("orders", "0015_index_by_completion")]

    operations = [
        *(
            replace_unique(
                "order",
                "orders_order",
                UniqueConstraint(
                    fields=[field], condition=~Q(**{field: ""}), opclasses=[COLUMN_BY_BYTES], name=name
                ),
                before=f"({field}) WHERE {field} <> ''",
                after=f"({field} {COLUMN_BY_BYTES}) WHERE {field} <> ''",
            )
            for field, name in UNIQUE.items()
        ),
        *(RemoveIndexConcurrently("order", name) for name in REMOVED),
        *add_index("order", end_index("stripe_payment_intent_id", "order_intent", condition=HAS_INTENT)),
        # What an index computes is unknown to the planner until it has looked: it would read the whole table.
        migrations.RunSQL("ANALYZE orders_order", migrations.RunSQL.noop),
    ]
