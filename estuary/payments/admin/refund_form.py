"""The refund form: its button names the sum, the page says what will happen, and it refunds once however often sent."""

from collections.abc import Sequence
from typing import Any, cast

from django import forms
from django.contrib import messages
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.utils.html import format_html
from unfold.admin import ModelAdmin
from unfold.widgets import (
    UnfoldAdminRadioSelectWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanSwitchWidget,
)

from estuary.accounts.models import User
from estuary.bookings.models import Booking
from estuary.common.admin.base import change_url, row_or_404
from estuary.common.admin.fields import AmountField, read_minor
from estuary.common.admin.times import day_and_time
from estuary.common.errors import Conflict, EstuaryError, InvalidAmount
from estuary.common.money import display
from estuary.orders.models import Order
from estuary.payments.models import Refund
from estuary.payments.order_api.views import try_send_now
from estuary.payments.refunds.preview_refund import RefundPreview, preview_refund
from estuary.payments.refunds.request_refund import (
    open_or_succeeded_refunds,
    refundable_minor,
    request_refund,
)

EVERYTHING, PART = "everything", "part"


class FormOutOfDate(Conflict):
    code, title = "form_out_of_date", "The order has changed"


REACHES_NOBODY = (
    ", which is erased: nobody can spend it. Return it another way, and take it from the account."
)
NO_MAIL = "The buyer’s account is erased, so nobody gets a mail about it."


def stamp(order: Order) -> str:
    """Return a text that changes with every refund of the order, and with every refund that fails."""
    open_refunds = open_or_succeeded_refunds(order)
    return f"{order.refunds.count()}-{sum(refund.amount_minor for refund in open_refunds)}-{order.status}"


class RefundForm(forms.Form):
    """What is refunded. ``total`` is the sum on the button that was pressed, in minor units; another one is refused."""

    booking = forms.ChoiceField(label="What", required=False, widget=UnfoldAdminSelectWidget())
    extent = forms.ChoiceField(
        label="How much",
        widget=UnfoldAdminRadioSelectWidget(),
        error_messages={"required": "Choose how much: everything that is left, or a part."},
    )
    amount = AmountField(
        required=False,
        label="The part",
        help_text="Such as 30.00. The card is refunded first, then credits.",
    )
    cancels = forms.BooleanField(
        required=False,
        label="Cancel what is refunded",
        help_text="A partial refund only marks the booking unless this is on; a full refund always cancels.",
        widget=UnfoldBooleanSwitchWidget(),
    )
    reason = forms.CharField(
        required=False, max_length=200, help_text="For the record.", widget=UnfoldAdminTextInputWidget()
    )
    as_shown = forms.CharField(widget=forms.HiddenInput)

    def __init__(self, data: Any, *, order: Order, booking: str = "", reason: str = "") -> None:
        super().__init__(data, initial={"booking": booking, "reason": reason, "as_shown": stamp(order)})
        self.order = order
        self.bookings = {str(row.pk): row for row in order.bookings.all() if row.position}
        self.fields["booking"].choices = [("", f"The whole order ({self._left(None)} left)")] + [  # type: ignore[attr-defined]
            (pk, f"{row.service_name}, no. {row.position} ({self._left(row)} left)")
            for pk, row in sorted(self.bookings.items(), key=lambda item: item[1].position)
        ]
        left = format_html('Everything that is left: <span id="refund-left">{}</span>', self.left)
        self.fields["extent"].choices = [(EVERYTHING, left), (PART, "A part")]  # type: ignore[attr-defined]

    def _left(self, booking: Booking | None) -> str:
        return display(max(refundable_minor(self.order, booking), 0), self.order.currency)

    @property
    def left(self) -> str:
        """Return what is left of the chosen booking, or of the whole order."""
        return self._left(self.bookings.get(str(self["booking"].value() or "")))

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        data["amount_minor"] = None
        if data.get("extent") == PART and "amount" in data:
            if data["amount"] is None:
                self.add_error("amount", "Write how much is refunded, or choose everything that is left.")
            else:
                self._clean_amount(data)
        elif data.get("extent") == EVERYTHING and data.get("amount") is not None:
            self.add_error("extent", "A sum is written below, so choose “A part”, or empty it.")
        return data

    def _clean_amount(self, data: dict[str, Any]) -> None:
        try:
            data["amount_minor"] = read_minor(data["amount"], self.order.currency)
        except InvalidAmount as error:
            self.add_error("amount", error.detail)

    def preview(self) -> RefundPreview:
        """Return what the valid form would do; raises as ``request_refund`` does."""
        data = self.cleaned_data
        return preview_refund(
            order=self.order,
            amount_minor=data["amount_minor"],
            booking=self.bookings.get(data["booking"]),
            cancels=data["cancels"],
        )


def _orders() -> QuerySet[Order]:
    return Order.objects.select_related("user").prefetch_related("refunds", "bookings", "disputes")


def refund_page(model_admin: ModelAdmin, request: HttpRequest, object_id: str) -> HttpResponse:
    """Show the form; when submitted, refund and return to the order.

    While the form is filled in, the browser asks for its preview again with each change (``preview`` in the query).
    """
    order = row_or_404(_orders(), object_id)
    if "preview" in request.GET:
        form = RefundForm(request.GET, order=order)
        return TemplateResponse(request, "payments/refund_preview.html", _preview(form))
    if request.method != "POST":
        form = RefundForm(None, order=order, booking=request.GET.get("booking", ""))
        return _page(model_admin, request, form, {})
    form = RefundForm(request.POST, order=order)
    # Before the form gets errors that are none of its fields'.
    preview = _preview(form)
    if form.is_valid():
        try:
            refund = _refund_as_shown(
                form, total=request.POST.get("total", ""), staff=cast(User, request.user)
            )
        except FormOutOfDate as error:
            messages.error(request, str(error))
            return _page(model_admin, request, _renew(form), {})
        except EstuaryError as error:
            form.add_error(None, str(error))
        else:
            if refund is not None:
                _finish(request, refund)
                return HttpResponseRedirect(change_url(order))
            form.add_error(None, "Read what will happen, and press the button with the sum on it.")
    return _page(model_admin, request, form, preview)


def _renew(form: RefundForm) -> RefundForm:
    """Return the form for the order as it is now, with what was chosen and the reason.

    The sum is left out: the refund that this form was to make may be the one that was made meanwhile.
    """
    data = form.cleaned_data
    return RefundForm(
        None, order=_orders().get(pk=form.order.pk), booking=data["booking"], reason=data["reason"]
    )


def _refund_as_shown(form: RefundForm, *, total: str, staff: User) -> Refund | None:
    """Create the refund; return None when the pressed button named another sum, or none.

    Raises FormOutOfDate when the order was refunded since the form was opened.
    """
    data = form.cleaned_data
    with transaction.atomic():
        # With this lock, the second of two equal forms waits for the first and then sees its refund.
        locked = Order.objects.select_for_update(no_key=True).get(pk=form.order.pk)
        if data["as_shown"] != stamp(locked):
            raise FormOutOfDate(
                "This order has changed since you opened the form, so nothing was refunded by it."
                " Here is how it stands now."
            )
        preview = form.preview()
        if total != str(preview.amount_minor):
            return None
        return request_refund(
            order=locked,
            amount_minor=preview.amount_minor,
            booking=form.bookings.get(data["booking"]),
            cancels=data["cancels"],
            reason=data["reason"],
            requested_by=staff,
            refuses_called_off=True,
        )


def _finish(request: HttpRequest, refund: Refund) -> None:
    """Send the refund while staff wait, and show its outcome."""
    amount = display(refund.amount_minor, refund.currency)
    try:
        refund = try_send_now(refund)
    except EstuaryError as error:
        messages.warning(request, f"The refund of {amount} is recorded and will be sent again: {error}")
        return
    match refund.status:
        case Refund.Status.SUCCEEDED:
            messages.success(request, f"Refunded {amount}.")
        case Refund.Status.FAILED | Refund.Status.CANCELED:
            messages.error(request, f"Stripe refused the refund of {amount}: {refund.failure_reason}.")
        case _:
            messages.info(request, f"The refund of {amount} is pending; this page shows its status.")


def _preview(form: RefundForm) -> dict[str, Any]:
    """Return the values of the preview: what will happen and the button's sum, or why nothing can."""
    context: dict[str, Any] = {"left": form.left, "back": change_url(form.order)}
    if not form.is_valid():
        return {
            **context,
            "problem": " ".join(str(error) for errors in form.errors.values() for error in errors),
        }
    try:
        preview = form.preview()
    except EstuaryError as error:
        return {**context, "problem": str(error)}
    return {
        **context,
        "consequences": describe(preview),
        "total": preview.amount_minor,
        "button": f"Refund {display(preview.amount_minor, preview.currency)}",
    }


def describe(preview: RefundPreview) -> list[str]:
    """Return what a refund will do, a sentence for each thing."""
    sentences = []
    if preview.card_minor:
        sentences.append(f"{display(preview.card_minor, preview.currency)} goes back to the card.")
    if preview.credits_change_minor:
        moved = display(abs(preview.credits_change_minor), preview.currency)
        is_returned = preview.credits_change_minor > 0
        sentence = f"{moved} of credits {'goes back to' if is_returned else 'is taken back from'} the buyer’s account"
        sentences.append(f"{sentence}{REACHES_NOBODY if is_returned and preview.is_buyer_erased else '.'}")
    if preview.canceled:
        sentences.append(f"Canceled, and on sale again: {_names(preview.canceled)}.")
    if preview.marked:
        sentences.append(f"Stays booked, marked as partially refunded: {_names(preview.marked)}.")
    if preview.writes_to_buyer:
        sentences.append(NO_MAIL if preview.is_buyer_erased else "The buyer gets a mail about it.")
    return [*sentences, "A refund can’t be taken back."]


def _names(bookings: Sequence[Booking]) -> str:
    parts = [row for row in bookings if row.position] or bookings
    return "; ".join(
        f"{row.service_name}, {day_and_time(row.starts_at)}" if row.starts_at else row.service_name
        for row in parts
    )


def _page(
    model_admin: ModelAdmin, request: HttpRequest, form: RefundForm, preview: dict[str, Any]
) -> TemplateResponse:
    order = form.order
    context: dict[str, Any] = {
        **model_admin.admin_site.each_context(request),
        "title": f"Refund {order.title}",
        "opts": model_admin.model._meta,
        "form": form,
        "facts": _facts(order),
        "media": model_admin.media + form.media,
        "back": change_url(order),
        "left": form.left,
        **preview,
        # The form shows its own errors.
        "problem": "",
    }
    request.current_app = model_admin.admin_site.name
    return TemplateResponse(request, "payments/refund.html", context)


def _facts(order: Order) -> tuple[tuple[str, str], ...]:
    open_refunds = open_or_succeeded_refunds(order)
    remaining = max(refundable_minor(order), 0)
    to_card = min(remaining, order.captured_minor - sum(refund.card_minor for refund in open_refunds))
    pending = sum(refund.amount_minor for refund in open_refunds if refund.status != Refund.Status.SUCCEEDED)
    return (
        ("Order", order.public_id),
        ("Buyer", order.user.email),
        ("Status", order.get_status_display()),
        ("Total", display(order.total_minor, order.currency)),
        ("Refunded", display(order.refunded_minor, order.currency)),
        ("On its way", display(pending, order.currency)),
        ("Left, to the card", display(to_card, order.currency)),
        ("Left, to credits", display(remaining - to_card, order.currency)),
    )
