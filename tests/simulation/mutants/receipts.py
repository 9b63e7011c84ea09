"""Slips in the numbers of receipts and in what they say."""

from collections.abc import Sequence
from typing import Any

from django.db import transaction

from estuary.documents.issuing import contents, numbering, receipts
from estuary.documents.models import Receipt, Series
from estuary.documents.seller import tax
from tests.simulation.mutants.patching import breaks, instead_of


@breaks("S1", "receipt_numbers_gap")
def a_number_is_given_before_its_receipt_is_written() -> None:
    """The counter is committed by itself: whoever dies then leaves a gap."""

    def write_in_two_steps(order_ids: Sequence[int], *, methods: Any, seller: Any) -> int:
        due = receipts.due_orders().filter(pk__in=order_ids).select_related("user").prefetch_related("lines")
        rows = [contents.build_receipt(order, methods.get(order.pk), seller, tax()) for order in due]
        with transaction.atomic():
            numbering.Numbering(seller, Series.RECEIPT).give_numbers(rows)
        Receipt.objects.bulk_create(rows)
        return len(rows)

    instead_of(receipts.write_receipts, write_in_two_steps)


@breaks("S1", "receipt_off")
def a_receipt_leaves_out_its_last_line() -> None:
    lines = contents._order_lines

    def all_but_the_last(order: Any, seller: Any) -> Any:
        return lines(order, seller)[:-1]

    instead_of(contents._order_lines, all_but_the_last)


@breaks("L3", "receipt_missing")
def an_order_that_credits_paid_gets_no_receipt() -> None:
    due = receipts.due_orders

    def charged_only() -> Any:
        return due().filter(amount_due_minor__gt=0)

    instead_of(receipts.due_orders, charged_only)
