"""Staff find an order by the beginning or the end of its payment's id, and export the orders of a range of days."""

from django.contrib.postgres.operations import RemoveIndexConcurrently
from django.db import migrations
from django.db.models import Index, Q

from estuary.common.db.migration_operations import add_index
from estuary.common.postgresql.id_parts import part_indexes

INDEXES = (
    *part_indexes("stripe_payment_intent_id", "order_intent"),
    *part_indexes("stripe_checkout_session_id", "order_checkout_session"),
    Index(fields=["created_at", "id"], name="order_by_placed"),
    Index(fields=["paid_at", "id"], condition=Q(paid_at__isnull=False), name="order_by_paid"),
)


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("orders", "0012_next_fetch_at_keeps_its_column")]

    operations = [
        *(operation for index in INDEXES for operation in add_index("order", index)),
        # The new ones serve the figures of a day too.
        RemoveIndexConcurrently("order", "order_by_day_placed"),
        RemoveIndexConcurrently("order", "order_by_day_paid"),
        # What an index computes is unknown to the planner until it has looked: it would read the whole table.
        migrations.RunSQL("ANALYZE orders_order", migrations.RunSQL.noop),
    ]
