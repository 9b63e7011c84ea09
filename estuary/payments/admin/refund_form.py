"""The refund form: shows what is left to refund, and refunds once even if it is submitted twice."""

from typing import Any, cast

from django import forms
from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from unfold.admin import ModelAdmin
from unfold.widgets import (
    UnfoldAdminDecimalFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanSwitchWidget,
)

from estuary.accounts.models import User
from estuary.bookings.models import Booking
from estuary.common.admin.base import ConfirmPage, change_url, render_confirm_page, row_or_404
from estuary.common.errors import Conflict, EstuaryError, InvalidAmount
from estuary.common.money import display, to_minor
from estuary.orders.models import Order, OrderType
from estuary.payments.models import Refund
from estuary.payments.order_api.views import try_send_now
from estuary.payments.refunds.request_refund import (
    open_or_succeeded_refunds,
    refundable_minor,
    request_refund,
)


class FormOutOfDate(Conflict):
    code, title = "form_out_of_date", "The order has changed"


def stamp(order: Order) -> str:
    """Return a text that changes with every refund of the order, and with every refund that fails."""
    open_refunds = open_or_succeeded_refunds(order)
    return f"{order.refunds.count()}-{sum(refund.amount_minor for refund in open_refunds)}-{order.status}"


class RefundForm(forms.Form):
    booking = forms.ChoiceField(label="What", widget=UnfoldAdminSelectWidget())
    amount = forms.DecimalField(
        required=False,
        help_text="Empty: all that is left of it. The card is refunded first, then credits.",
        widget=UnfoldAdminDecimalFieldWidget(),
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

    def __init__(self, data: Any, *, order: Order, booking: str = "") -> None:
        super().__init__(data, initial={"booking": booking, "as_shown": stamp(order)})
        self.order = order
        self.bookings = {str(row.pk): row for row in order.bookings.all() if row.position}
        self.fields["booking"].choices = [("", f"The whole order ({self._left(None)} left)")] + [  # type: ignore[attr-defined]
            (pk, f"{row.service_name}, no. {row.position} ({self._left(row)} left)")
            for pk, row in sorted(self.bookings.items(), key=lambda item: item[1].position)
        ]
        self.fields["booking"].required = False

    def _left(self, booking: Booking | None) -> str:
        return display(max(refundable_minor(self.order, booking), 0), self.order.currency)

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        data["amount_minor"] = None
        if data.get("amount") is not None:
            try:
                data["amount_minor"] = to_minor(data["amount"], self.order.currency)
            except InvalidAmount as error:
                self.add_error("amount", error.detail)
        return data


def refund_page(model_admin: ModelAdmin, request: HttpRequest, object_id: str) -> HttpResponse:
    """Show the form; when submitted, refund and return to the order."""
    orders = Order.objects.select_related("user").prefetch_related("refunds", "bookings")
    order = row_or_404(orders, object_id)
    form = RefundForm(
        request.POST if request.method == "POST" else None,
        order=order,
        booking=request.GET.get("booking", ""),
    )
    if form.is_valid():
        try:
            refund = refund_as_shown(order, form, staff=cast(User, request.user))
        except FormOutOfDate as error:
            messages.error(request, str(error))
            return HttpResponseRedirect(reverse("admin:orders_order_refund", args=[order.pk]))
        except EstuaryError as error:
            form.add_error(None, str(error))
        else:
            _finish(request, refund)
            return HttpResponseRedirect(change_url(order))
    return render_confirm_page(model_admin, request, _act(order), form)


def refund_as_shown(order: Order, form: RefundForm, *, staff: User) -> Refund:
    """Create the refund, or raise FormOutOfDate when the order was refunded since the form was opened."""
    data = form.cleaned_data
    with transaction.atomic():
        # With this lock, the second of two equal forms waits for the first and then sees its refund.
        locked = Order.objects.select_for_update(no_key=True).get(pk=order.pk)
        if data["as_shown"] != stamp(locked):
            raise FormOutOfDate(
                "This order has changed since you opened the form, so nothing was refunded by it."
                " Here is how it stands now."
            )
        return request_refund(
            order=locked,
            amount_minor=data["amount_minor"],
            booking=form.bookings.get(data["booking"]),
            cancels=data["cancels"],
            reason=data["reason"],
            requested_by=staff,
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


def _act(order: Order) -> ConfirmPage:
    open_refunds = open_or_succeeded_refunds(order)
    remaining = max(refundable_minor(order), 0)
    to_card = min(remaining, order.captured_minor - sum(refund.card_minor for refund in open_refunds))
    pending = sum(refund.amount_minor for refund in open_refunds if refund.status != Refund.Status.SUCCEEDED)
    text = "A refund can't be taken back."
    if order.type == OrderType.CREDIT:
        text += " The credits that were bought are taken back in proportion."
    return ConfirmPage(
        title=f"Refund {order.title}",
        text=text,
        button="Refund",
        back=change_url(order),
        danger=True,
        facts=(
            ("Order", order.public_id),
            ("Buyer", order.user.email),
            ("Status", order.get_status_display()),
            ("Total", display(order.total_minor, order.currency)),
            ("Refunded", display(order.refunded_minor, order.currency)),
            ("On its way", display(pending, order.currency)),
            ("Left, to the card", display(to_card, order.currency)),
            ("Left, to credits", display(remaining - to_card, order.currency)),
        ),
    )
