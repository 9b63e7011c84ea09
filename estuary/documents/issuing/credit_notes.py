"""Credit notes: what refunds returned of a receipt, in a series of numbers of its own.

A lost dispute has none: the bank took the money back, not the seller, who may still claim it.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime
from functools import partial

from django.db import transaction
from django.db.models import Count, Q, QuerySet, Sum

from estuary.common.db.prepared_queries import Param, PreparedValuesQuery
from estuary.common.db.transactions import retry_transaction
from estuary.common.process import shutdown
from estuary.documents.issuing.contents import Returned, build_credit_note, find_difference
from estuary.documents.issuing.numbering import BATCH, BEGINNING, Numbering, issue_batch, start_of_search
from estuary.documents.issuing.receipts import lock_orders
from estuary.documents.models import CreditNote, Receipt, Series
from estuary.documents.seller import Seller
from estuary.payments.models import Refund

CHANGED_REFUNDS = PreparedValuesQuery(
    lambda: (
        Refund.objects.filter(
            Q(settled_at__gt=Param("at")) | Q(pk__gt=Param("after")),
            settled_at__gte=Param("at"),
            is_unmatched=False,
        )
        .order_by("settled_at", "pk")
        .values_list("settled_at", "pk", "order_id")[:BATCH]
    )
)


def issue_credit_notes(seller: Seller, *, everything: bool) -> int:
    """Issue the notes of refunds, in the order in which these changed; returns how many."""
    since = BEGINNING if everything else start_of_search(CreditNote, "refunded_at", seller)
    issued, failed = 0, set[int]()
    for order_ids in _pages(since):
        shutdown.raise_if_shutting_down()
        due = [order_id for order_id in orders_with_due_notes(order_ids) if order_id not in failed]
        issued += issue_batch(due, partial(write_credit_notes, seller=seller), failed)
    return issued


def _pages(since: datetime) -> Iterator[list[int]]:
    """Yield the orders of refunds that have changed since a moment, page by page."""
    last_at: datetime | None = since
    last_id = 0
    while page := CHANGED_REFUNDS.send(at=last_at, after=last_id)():
        yield list(dict.fromkeys(order_id for _, _, order_id in page))
        last_at, last_id, _ = page[-1]


def orders_with_due_notes(order_ids: Sequence[int]) -> list[int]:
    """Return the orders whose notes do not say what their refunds returned."""
    refunds = _noted_refunds(order_ids)
    noted = _sum_by("refund_id", CreditNote.objects.filter(receipt__order__in=order_ids))
    due = (refund.order_id for refund in refunds if find_difference(refund, noted[refund.pk]) != (0, 0))
    return list(dict.fromkeys(due))


def _noted_refunds(order_ids: Sequence[int]) -> QuerySet[Refund]:
    """Return all refunds of orders with a receipt: one refund may change which credits another has returned."""
    refunds = Refund.objects.filter(order__in=order_ids, order__receipt__isnull=False)
    return refunds.filter(settled_at__isnull=False, is_unmatched=False).order_by("settled_at", "pk")


def _sum_by(key: str, notes: QuerySet[CreditNote]) -> defaultdict[int, Returned]:
    """Return what notes say together, by their refund or by their receipt."""
    sums = (
        notes.order_by()
        .values_list(key)
        .annotate(Sum("charged_minor"), Sum("credits_minor"), Sum("tax_minor"), Count("pk"))
    )
    return defaultdict(Returned, {owner: Returned(*map(int, values)) for owner, *values in sums})


@retry_transaction
def write_credit_notes(order_ids: Sequence[int], *, seller: Seller) -> int:
    """Write the notes that the refunds of some orders lack, in one transaction; returns how many."""
    with transaction.atomic():
        numbering = Numbering(seller, Series.CREDIT_NOTE)
        lock_orders(order_ids)
        receipts = {receipt.order_id: receipt for receipt in Receipt.objects.filter(order__in=order_ids)}
        earlier = CreditNote.objects.filter(receipt__in=receipts.values())
        by_refund, by_receipt = _sum_by("refund_id", earlier), _sum_by("receipt_id", earlier)
        notes: list[CreditNote] = []
        for refund in _noted_refunds(order_ids).select_related("order__user", "booking"):
            receipt, noted = receipts[refund.order_id], by_refund[refund.pk]
            of_receipt = by_receipt[receipt.pk]
            if note := build_credit_note(refund, receipt, noted=noted, of_receipt=of_receipt, seller=seller):
                by_receipt[receipt.pk] = of_receipt.plus(note)
                notes.append(note)
        numbering.give_numbers(notes)
        CreditNote.objects.bulk_create(notes)
    return len(notes)
