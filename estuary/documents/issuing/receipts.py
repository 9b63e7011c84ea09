"""Receipts get their numbers here, by the worker and never in settlement.

A batch is one transaction: it locks the counter first, looks for orders without a receipt second, and writes receipts
and counter third. So two workers never give two numbers to one order, and a transaction that fails leaves no gap.
"""

from collections.abc import Sequence
from datetime import timedelta
from functools import partial

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from estuary.common import clock
from estuary.common.db.bulk import AnyOf
from estuary.common.db.prepared_queries import Param, PreparedQuery
from estuary.common.db.transactions import retry_transaction
from estuary.common.process import shutdown
from estuary.documents.issuing.contents import build_receipt
from estuary.documents.issuing.methods import fetch_methods
from estuary.documents.issuing.numbering import (
    BATCH,
    BEGINNING,
    MAX_BATCHES,
    Numbering,
    issue_batch,
    start_of_search,
)
from estuary.documents.models import Receipt, Series
from estuary.documents.seller import Seller, tax
from estuary.orders.models import Order
from estuary.payments.stripe_objects import UsedMethod

# How long a receipt waits for Stripe to say which card paid. Then it names none.
METHOD_WAIT = timedelta(minutes=10)


def due_orders() -> QuerySet[Order]:
    """Return the paid orders without a receipt, in order of their payment.

    An order is paid when it was fulfilled, with credits alone too. Money that comes for an order which has ended goes
    back: nothing was sold.
    """
    no_receipt = ~Exists(Receipt.objects.filter(order=OuterRef("pk")))
    return Order.objects.filter(no_receipt, completed_at__isnull=False).order_by("completed_at", "pk")


DUE_ORDERS = PreparedQuery(
    lambda: due_orders().filter(~Q(AnyOf("pk", Param("skipped"))), completed_at__gte=Param("since"))[:BATCH]
)


def issue_receipts(seller: Seller, *, everything: bool) -> tuple[int, bool]:
    """Issue the receipts that are due; returns how many, and whether none is left for the next run."""
    since = BEGINNING if everything else start_of_search(Receipt, "paid_at", seller)
    issued, skipped, is_stripe_silent = 0, set[int](), False
    for _ in range(MAX_BATCHES):
        shutdown.raise_if_shutting_down()
        orders = DUE_ORDERS.fetch(since=since, skipped=sorted(skipped))
        if not orders:
            return issued, True
        methods = {} if is_stripe_silent else fetch_methods(orders)
        is_stripe_silent = any(order.amount_due_minor and order.pk not in methods for order in orders)
        ready = [order.pk for order in orders if _is_ready(order, methods)]
        skipped |= {order.pk for order in orders}.difference(ready)
        issued += issue_batch(ready, partial(write_receipts, methods=methods, seller=seller), skipped)
    return issued, False


def _is_ready(order: Order, methods: dict[int, UsedMethod]) -> bool:
    assert order.completed_at is not None
    is_method_open = order.amount_due_minor > 0 and order.pk not in methods
    return not is_method_open or order.completed_at <= clock.now() - METHOD_WAIT


@retry_transaction
def write_receipts(order_ids: Sequence[int], *, methods: dict[int, UsedMethod], seller: Seller) -> int:
    """Write the receipts of those orders that have none yet, in one transaction; returns how many."""
    with transaction.atomic():
        numbering = Numbering(seller, Series.RECEIPT)
        lock_orders(order_ids)
        due = due_orders().filter(pk__in=order_ids).select_related("user")
        orders = due.prefetch_related("lines__bookings__practitioner")
        receipts = [build_receipt(order, methods.get(order.pk), seller, tax()) for order in orders]
        numbering.give_numbers(receipts)
        Receipt.objects.bulk_create(receipts)
    return len(receipts)


def lock_orders(order_ids: Sequence[int]) -> None:
    """Lock orders as settlement does, by id. So an erasure comes before a document or after it."""
    locked = Order.objects.select_for_update(no_key=True).filter(pk__in=order_ids).order_by("pk")
    list(locked.values_list("pk"))
