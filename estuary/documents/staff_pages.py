"""What staff's pages and search show of receipts and credit notes."""

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.safestring import SafeString

from estuary.accounts.models import User
from estuary.common.admin.base import NOTHING, external_link, link, moment, money
from estuary.common.money import display
from estuary.documents.models import PREFIXES, CreditNote, Receipt, number_of
from estuary.orders.models import Order
from estuary.payments.admin.order_detail import LOOKUPS, MORE_SECTIONS, Section
from estuary.payments.admin.people.buyer_page import PARTS
from estuary.payments.admin.people.part import SHOWN, Part
from estuary.payments.admin.search import finders, palette
from estuary.payments.admin.timeline import SOURCES
from estuary.payments.admin.timeline.entries import Entry, Source

type Document = Receipt | CreditNote

# A number as people write it, and what stands around it: "Receipt r-2026-42", "CN-2026-000042.pdf".
NUMBER = re.compile(r"(?<![a-z0-9])(r|cn)[-–—\s]?(\d{4})[-–—\s](\d{1,12})(?!\d)", re.IGNORECASE)


def add_to_pages() -> None:
    """Add receipts and credit notes to the pages and the search of staff."""
    LOOKUPS.append("receipt__credit_notes")
    MORE_SECTIONS.append(documents_of_order)
    SOURCES.append(DOCUMENTS)
    PARTS.extend([RECEIPTS, CREDIT_NOTES])
    finders.MORE_ORDER_FINDERS.append(find_orders_by_number)
    palette.KINDS.extend([RECEIPT_HITS, CREDIT_NOTE_HITS])


def documents_of(order: Order) -> list[Document]:
    """Return an order's receipt and the credit notes of it; both must be prefetched."""
    receipt: Receipt | None = getattr(order, "receipt", None)
    return [receipt, *receipt.credit_notes.all()] if receipt else []


def pdf_link(row: Document) -> SafeString | str:
    """Return a link to a document's PDF in the admin."""
    url = reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_pdf", args=[row.pk])
    return external_link(url, "PDF", new_tab=False)


def documents_of_order(order: Order, request: HttpRequest) -> Section:
    """Return the table of an order's page: its receipt, and what was returned of it."""
    rows = [
        (
            link(row) if request.user.has_perm(f"documents.view_{row._meta.model_name}") else row.number,
            str(row._meta.verbose_name).capitalize(),
            money(row.total_minor, row.currency),
            moment(row.issued_at),
            pdf_link(row) if request.user.has_perm(f"documents.view_{row._meta.model_name}") else NOTHING,
        )
        for row in documents_of(order)
    ]
    empty = "There is no receipt yet." if order.completed_at else "Nothing was sold: there is no receipt."
    return Section("Receipts", ["Number", "What", "Total", "Issued", "File"], rows, empty)


def _entries(order: Order, documents: Sequence[Document]) -> Iterable[Entry]:
    for row in documents:
        amount = display(abs(row.total_minor), row.currency)
        if isinstance(row, Receipt):
            sentence = f"The receipt over {amount} was issued."
        elif row.total_minor < 0:
            sentence = f"A credit note took {amount} back: that refund failed after all."
        else:
            sentence = f"A credit note over {amount} was issued for what went back."
        yield Entry(row.issued_at, sentence, (row.number,))


DOCUMENTS = Source("receipts and credit notes", documents_of, _entries)


def _receipts(user: User) -> list[Sequence[Any]]:
    # Sorted by a column without an index: else PostgreSQL reads all receipts from the newest on.
    receipts = Receipt.objects.filter(order__user=user).select_related("order").order_by("-issued_at", "-id")
    return [
        (
            link(row),
            money(row.total_minor, row.currency),
            row.method if row.charged_minor else "Credits",
            link(row.order),
            moment(row.issued_at),
            pdf_link(row),
        )
        for row in receipts[: SHOWN + 1]
    ]


def _credit_notes(user: User) -> list[Sequence[Any]]:
    notes = CreditNote.objects.filter(receipt__order__user=user).select_related("receipt", "refund")
    return [
        (
            link(row),
            money(row.total_minor, row.currency),
            link(row.receipt),
            link(row.refund),
            moment(row.issued_at),
            pdf_link(row),
        )
        for row in notes.order_by("-issued_at", "-id")[: SHOWN + 1]
    ]


RECEIPTS = Part(
    "Receipts", "documents.view_receipt", ("Number", "Total", "Paid by", "Order", "Issued", "File"),
    _receipts, "No receipt was issued.", "documents_receipt",
)  # fmt: skip
CREDIT_NOTES = Part(
    "Credit notes", "documents.view_creditnote", ("Number", "Total", "Receipt", "Refund", "Issued", "File"),
    _credit_notes, "No credit note was issued.", "documents_creditnote",
)  # fmt: skip


def read_number(term: str) -> str:
    """Return the number in a search term as it is printed, ``R-2026-000042`` for ``r 2026-42``; empty if none is."""
    if not (match := NUMBER.search(term)):
        return ""
    series = next(series for series, prefix in PREFIXES.items() if prefix == match[1].upper())
    return number_of(series, int(match[2]), int(match[3]))


def _numbered[D: (Receipt, CreditNote)](model: type[D], term: str) -> QuerySet[D]:
    """Return the documents of that number: one, or one of each seller that has been. The index begins with it."""
    number = read_number(term)
    rows = model._default_manager.order_by()
    return rows.filter(number=number)[: finders.LIMIT + 1] if number else rows.none()


def find_orders_by_number(term: str) -> Iterator[int]:
    """Yield the orders of the receipts and credit notes of that number."""
    yield from _numbered(Receipt, term).values_list("order_id", flat=True)
    yield from _numbered(CreditNote, term).values_list("receipt__order_id", flat=True)


def _describe(row: Document, order: Order) -> str:
    return f"{row._meta.verbose_name} over {display(abs(row.total_minor), row.currency)} · {order}"


RECEIPT_HITS = palette.Kind(
    Receipt, "documents.view_receipt", "receipt",
    lambda term: _numbered(Receipt, term).values_list("pk", flat=True),
    str, lambda row: _describe(row, row.order), ("order",),
)  # fmt: skip
CREDIT_NOTE_HITS = palette.Kind(
    CreditNote, "documents.view_creditnote", "receipt",
    lambda term: _numbered(CreditNote, term).values_list("pk", flat=True),
    str, lambda row: _describe(row, row.receipt.order), ("receipt__order",),
)  # fmt: skip
