"""Receipts and credit notes for staff: found by number, order or buyer, and opened as PDF. Nobody can change them."""

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path
from django.utils.safestring import SafeString
from unfold.decorators import display

from estuary.accounts.staff.search import IndexedSearchMixin
from estuary.common.admin.base import (
    ReadOnlyAdmin,
    column,
    link,
    moment,
    money_column,
    row_or_404,
)
from estuary.documents.api import pdf_response
from estuary.documents.models import CreditNote, Receipt
from estuary.documents.render import print_rate
from estuary.documents.staff_pages import add_to_pages, pdf_link

PARTIES = (
    ("seller_name", "seller_country", "seller_tax_id"),
    ("seller_address", "seller_email"),
    ("buyer_name", "buyer_email"),
    ("buyer_address",),
)

SHOWN = ("issued", "pdf", "total", "credits", "charged", "tax_shown", "tax_amount")


class DocumentAdmin(IndexedSearchMixin, ReadOnlyAdmin):
    """What receipts and credit notes share: their PDF, and the page without a button to change anything."""

    search_fields = ("number",)
    ordering = ("-id",)
    issued = column("Issued", lambda row: moment(row.issued_at))
    tax_shown = column(
        "Tax", lambda row: f"{row.tax_label} {print_rate(row.tax_rate)}" if row.tax_rate else row.tax_note
    )
    tax_amount = money_column("tax_minor", "Tax in it")

    @display(description="PDF")
    def pdf(self, row: Receipt | CreditNote) -> SafeString | str:
        return pdf_link(row)

    def get_urls(self) -> list[URLPattern]:
        name = f"{self.opts.app_label}_{self.opts.model_name}_pdf"
        view = self.admin_site.admin_view(self.pdf_view)
        return [path("<str:object_id>/pdf/", view, name=name), *super().get_urls()]

    def pdf_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        row = row_or_404(self.get_queryset(request), object_id)
        if not self.has_view_permission(request, row):
            raise PermissionDenied
        return pdf_response(request, row)


@admin.register(Receipt)
class ReceiptAdmin(DocumentAdmin):
    list_display = ("number", "issued", "buyer_name", "order_link", "total", "method_shown", "pdf")
    list_select_related = ("order",)
    by_prefix = {"R-": "number", "ord_": "order__public_id"}
    person = "order__user"
    search_help_text = "Number (R-2026-000042), order (ord_…), buyer's e-mail address or last name"
    fields = (
        ("number", "issued", "pdf"),
        ("order_link", "paid_at"),
        ("total", "credits", "charged", "method_shown"),
        ("tax_shown", "tax_amount"),
        *PARTIES,
    )
    readonly_fields = (
        "issued",
        "pdf",
        "order_link",
        "total",
        "credits",
        "charged",
        "method_shown",
        "tax_shown",
        "tax_amount",
    )
    order_link = column("Order", lambda row: link(row.order))
    total = money_column("total_minor", "Total")
    credits = money_column("credits_minor", "Paid with credits")
    charged = money_column("charged_minor", "Charged")
    method_shown = column("Paid by", lambda row: row.method if row.charged_minor else "Credits")


@admin.register(CreditNote)
class CreditNoteAdmin(DocumentAdmin):
    list_display = ("number", "issued", "buyer_name", "receipt_link", "total", "refund_link", "pdf")
    list_select_related = ("receipt__order", "refund")
    by_prefix = {
        "CN-": "number",
        "R-": "receipt__number",
        "ord_": "receipt__order__public_id",
        "ref_": "refund__public_id",
    }
    person = "receipt__order__user"
    search_help_text = "Number (CN-2026-000042), receipt (R-…), order (ord_…), refund (ref_…), buyer"
    fields = (
        ("number", "issued", "pdf"),
        ("receipt_link", "refund_link", "refunded_at"),
        ("total", "credits", "charged"),
        ("tax_shown", "tax_amount"),
        *PARTIES,
    )
    readonly_fields = (
        "issued",
        "pdf",
        "receipt_link",
        "refund_link",
        "total",
        "credits",
        "charged",
        "tax_shown",
        "tax_amount",
    )
    receipt_link = column("Receipt", lambda row: link(row.receipt))
    refund_link = column("Refund", lambda row: link(row.refund))
    total = money_column("total_minor", "Total")
    credits = money_column("credits_minor", "To credits")
    charged = money_column("charged_minor", "To the card")


add_to_pages()
