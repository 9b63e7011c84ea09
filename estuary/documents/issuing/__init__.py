"""Issuing what is due: all of it, as the worker does, or one person's, as an erasure does first."""

from functools import partial

from estuary.accounts.models import User
from estuary.documents.issuing.credit_notes import (
    issue_credit_notes,
    orders_with_due_notes,
    write_credit_notes,
)
from estuary.documents.issuing.numbering import issue_batch
from estuary.documents.issuing.receipts import due_orders, issue_receipts, write_receipts
from estuary.documents.seller import house
from estuary.orders.models import Order


def issue_due_documents(*, everything: bool = False) -> int:
    """Issue what is due, in order of payment; returns how many documents. Without a seller's name none is issued.

    ``everything`` looks at all orders and refunds, not only at those since the last documents.
    """
    seller = house()
    if not seller.is_known:
        return 0
    issued, is_complete = issue_receipts(seller, everything=everything)
    if is_complete:
        # A note names its receipt.
        issued += issue_credit_notes(seller, everything=everything)
    return issued


def issue_documents_of(user: User) -> bool:
    """Issue what a person lacks, at once, without asking Stripe for the cards; returns whether nothing failed."""
    seller, failed = house(), set[int]()
    if not seller.is_known:
        return not waits_for_seller(user)
    issue_batch(_due_receipts(user), partial(write_receipts, methods={}, seller=seller), failed)
    issue_batch(_due_notes(user), partial(write_credit_notes, seller=seller), failed)
    return not failed


def waits_for_seller(user: User) -> bool:
    """Return whether a person lacks a receipt or credit note that nobody can issue, as no seller is set."""
    return not house().is_known and bool(_due_receipts(user) or _due_notes(user))


def _due_receipts(user: User) -> list[int]:
    return list(due_orders().filter(user=user).values_list("pk", flat=True))


def _due_notes(user: User) -> list[int]:
    refunded = Order.objects.filter(user=user, refunds__settled_at__isnull=False).distinct()
    return orders_with_due_notes(list(refunded.values_list("pk", flat=True)))
