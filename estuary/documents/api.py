"""The API of a buyer's own receipts: as JSON for pages, and as PDF. Staff see them in the admin."""

from typing import Any, cast

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils.cache import get_conditional_response
from django.utils.decorators import method_decorator
from django.views.decorators.http import conditional_page
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.renderers import BaseRenderer, JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from estuary.accounts.models import User
from estuary.common.api.fields import MoneyField
from estuary.common.api.openapi import problems
from estuary.common.errors import Conflict
from estuary.documents.models import CreditNote, Receipt
from estuary.documents.render import layout_version, render_pdf
from estuary.orders.models import Order

PRIVATE = "private, no-cache"
IF_NONE_MATCH = OpenApiParameter(
    "If-None-Match", location="header", description="the ETag of the last answer"
)
NOT_MODIFIED: dict[Any, Any] = {304: OpenApiResponse(description="Not modified")}
PDF: dict[Any, Any] = {(200, "application/pdf"): OpenApiTypes.BINARY, **NOT_MODIFIED}


class NoReceipt(Conflict):
    """The order sold nothing: it is unpaid, or its money went back before anything was handed over."""

    code, title = "no_receipt", "This order has no receipt"


class ReceiptNotReady(Conflict):
    """The order is paid, and the worker has not numbered its receipt yet."""

    code, title = "receipt_not_ready", "The receipt has no number yet"

    def __init__(self, detail: str, *, retry_after_s: int = 10, **extra: Any) -> None:
        super().__init__(detail, **extra)
        self.headers["Retry-After"] = str(retry_after_s)


class SellerSerializer(serializers.Serializer[Receipt]):
    """``address`` has several lines, or is empty; ``country`` is of two letters, such as PT."""

    name = serializers.CharField(source="seller_name")
    address = serializers.CharField(source="seller_address")
    country = serializers.CharField(source="seller_country")
    tax_id = serializers.CharField(source="seller_tax_id")
    email = serializers.CharField(source="seller_email")


class BuyerSerializer(serializers.Serializer[Receipt]):
    name = serializers.CharField(source="buyer_name")
    address = serializers.CharField(source="buyer_address")
    email = serializers.CharField(source="buyer_email")


class TaxSerializer(serializers.Serializer[Receipt]):
    """``amount`` is included in the total. Where it is zero, ``note`` says why, if there is something to say."""

    rate = serializers.CharField(source="tax_rate", help_text="in percent, such as 23.000")
    label = serializers.CharField(source="tax_label")  # type: ignore[assignment] # a field's own attribute
    amount = MoneyField(source="tax_minor")
    note = serializers.CharField(source="tax_note")


class ReceiptLineSerializer(serializers.Serializer[Any]):
    description = serializers.CharField()
    details = serializers.CharField(help_text="with whom; empty where nobody is named")
    quantity = serializers.IntegerField()
    amount = MoneyField(source="amount_minor")
    dates = serializers.ListField(child=serializers.DateField(), help_text="as booked when it was paid")


class CreditNoteSerializer(serializers.Serializer[CreditNote]):
    """What a refund returned. A refund that the bank sent back has a second note, of a negative amount."""

    number = serializers.CharField()
    issued_on = serializers.DateField()
    amount = MoneyField(source="total_minor")
    to_card = MoneyField(source="charged_minor")
    to_credits = MoneyField(source="credits_minor")
    tax_amount = MoneyField(source="tax_minor")


class ReceiptSerializer(serializers.Serializer[Receipt]):
    """A receipt as it was issued; only ``credit_notes`` grow. All amounts are decimal strings of ``currency``."""

    number = serializers.CharField()
    order_id = serializers.CharField(source="order.public_id")
    issued_at = serializers.DateTimeField()
    issued_on = serializers.DateField(help_text="the day where the seller is")
    paid_at = serializers.DateTimeField()
    currency = serializers.CharField()
    amount = MoneyField(source="total_minor")
    credits_applied = MoneyField(source="credits_minor")
    charged = MoneyField(source="charged_minor")
    payment_method = serializers.SerializerMethodField(
        help_text="what was charged, such as Visa •••• 4242; empty when credits paid everything"
    )
    seller = SellerSerializer(source="*")
    buyer = BuyerSerializer(source="*")
    tax = TaxSerializer(source="*")
    lines = serializers.SerializerMethodField()
    credit_notes = CreditNoteSerializer(many=True)

    def get_payment_method(self, receipt: Receipt) -> str:
        return receipt.method if receipt.charged_minor else ""

    @extend_schema_field(ReceiptLineSerializer(many=True))
    def get_lines(self, receipt: Receipt) -> Any:
        lines = [{**line, "currency": receipt.currency} for line in receipt.lines]
        return ReceiptLineSerializer(lines, many=True).data


def own_receipt(request: Request, order_id: str) -> Receipt:
    """Return the receipt of the signed-in buyer's order; raises Http404, NoReceipt or ReceiptNotReady."""
    receipts = Receipt.objects.select_related("order").filter(order__user=cast(User, request.user))
    if receipt := receipts.filter(order__public_id=order_id).first():
        return receipt
    order = get_object_or_404(Order, public_id=order_id, user=cast(User, request.user))
    if order.completed_at is None:
        raise NoReceipt("There is a receipt once this order is paid and what it is for is yours.")
    raise ReceiptNotReady("This order is paid. Its receipt gets a number within a minute: ask again then.")


class ReceiptView(APIView):
    """The receipt of an order of yours, with its credit notes. A new order has it within a minute."""

    @extend_schema(
        summary="The receipt of an order",
        parameters=[IF_NONE_MATCH],
        responses={200: ReceiptSerializer, **NOT_MODIFIED, **problems(401, 404, 409)},
    )
    @method_decorator(conditional_page)
    def get(self, request: Request, order_id: str) -> Response:
        data = ReceiptSerializer(own_receipt(request, order_id)).data
        return Response(data, headers={"Cache-Control": PRIVATE})


class PdfView(APIView):
    """Answers with a PDF whatever the request accepts; errors are problem documents as everywhere."""

    def perform_content_negotiation(self, request: Request, force: bool = False) -> tuple[BaseRenderer, str]:
        return JSONRenderer(), "application/json"


class ReceiptPdfView(PdfView):
    """The receipt of an order of yours as PDF: the same bytes each time."""

    @extend_schema(
        summary="The receipt of an order as PDF",
        parameters=[IF_NONE_MATCH],
        responses=PDF | problems(401, 404, 409),
    )
    def get(self, request: Request, order_id: str) -> HttpResponse:
        return pdf_response(request._request, own_receipt(request, order_id))


class CreditNotePdfView(PdfView):
    """A credit note of an order of yours as PDF."""

    @extend_schema(
        summary="A credit note as PDF",
        parameters=[IF_NONE_MATCH],
        responses=PDF | problems(401, 404),
    )
    def get(self, request: Request, order_id: str, number: str) -> HttpResponse:
        notes = CreditNote.objects.select_related("receipt__order").filter(number=number)
        user = cast(User, request.user)
        note = notes.filter(receipt__order__public_id=order_id, receipt__order__user=user).first()
        if note is None:
            raise Http404
        return pdf_response(request._request, note)


def pdf_response(request: HttpRequest, document: Receipt | CreditNote) -> HttpResponse:
    """Return a document as a file to be saved, or 304 when the caller has it: then nothing is rendered."""
    # An erasure empties fields of a document, and never changes its number.
    etag = f'"{document.number}-{layout_version()}-{"" if document.buyer_email else "erased"}"'
    response = get_conditional_response(request, etag)
    if response is None:
        response = HttpResponse(render_pdf(document), content_type="application/pdf")
        name = "receipt" if isinstance(document, Receipt) else "credit-note"
        response["Content-Disposition"] = f'attachment; filename="{name}-{document.number}.pdf"'
    response["ETag"] = etag
    response["Cache-Control"] = PRIVATE
    return response
