"""An order is found by the beginning of an id through its unique index, and by the end of its payment's through one more."""

from django.contrib.postgres.operations import RemoveIndexConcurrently
from django.db import migrations

from estuary.common.db.migration_operations import add_index, replace_unique_by_bytes
from estuary.common.postgresql.id_parts import end_index
from estuary.orders.models import HAS_INTENT

UNIQUE = {
    "stripe_payment_intent_id": ("order_intent_unique", "order_by_intent_id"),
    "stripe_checkout_session_id": ("order_checkout_session_unique", "order_by_session_id"),
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
            replace_unique_by_bytes("order", "orders_order", field, old=old, new=new)
            for field, (old, new) in UNIQUE.items()
        ),
        *(RemoveIndexConcurrently("order", name) for name in REMOVED),
        *add_index("order", end_index("stripe_payment_intent_id", "order_intent", condition=HAS_INTENT)),
        # What an index computes is unknown to the planner until it has looked: it would read the whole table.
        migrations.RunSQL("ANALYZE orders_order", migrations.RunSQL.noop),
    ]
