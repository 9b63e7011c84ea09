"""Actions of staff on an order, besides refunds: each is confirmed, reported and recorded in the audit trail."""

from collections.abc import Callable
from typing import cast

from django import forms
from django.contrib import messages
from django.db import transaction
from django.db.models import Model
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from unfold.admin import ModelAdmin

from estuary.accounts.models import User
from estuary.accounts.staff import audit
from estuary.bookings.models import Booking
from estuary.common.admin.base import ConfirmPage, change_url, render_confirm_page, row_or_404
from estuary.common.admin.reasons import ReasonForm, with_reason
from estuary.common.admin.times import day_and_time
from estuary.common.db.transactions import retry_transaction
from estuary.common.errors import EstuaryError
from estuary.common.money import display
from estuary.orders.models import Order
from estuary.orders.states import LIVE, Status
from estuary.payments.checkout.cancel_order import close_order
from estuary.payments.errors import OrderNotCancelable
from estuary.payments.refunds.cancellation import cancel_without_refund
from estuary.payments.settlement.sync import sync_order


def confirmed_action(
    model_admin: ModelAdmin,
    request: HttpRequest,
    row: Model,
    act: ConfirmPage,
    run: Callable[[], str],
    *,
    calls_stripe: bool = False,
) -> HttpResponse:
    """Show the confirmation page on GET; on POST run the action, show its message and record it in the audit trail.

    After a refusal the page is shown again if a reason was written, so that it is not lost.
    The message is a sentence that says by itself what was done; the record has the reason behind it. The record is
    part of the action's own transaction. An action that calls Stripe has none: its start is recorded before the call,
    and its outcome afterwards.
    """
    form_class = ReasonForm if act.asks_reason else forms.Form
    form = form_class(request.POST if request.method == "POST" else None)
    if not form.is_valid():
        return render_confirm_page(model_admin, request, act, form)
    staff, reason = cast(User, request.user), form.cleaned_data.get("reason", "")
    try:
        message = (
            _run_without_transaction(staff, row, act, run, reason)
            if calls_stripe
            else _run_in_transaction(staff, row, run, reason)
        )
    except EstuaryError as error:
        messages.error(request, str(error))
        if reason:
            return render_confirm_page(model_admin, request, act, form)
    else:
        messages.success(request, message)
    return HttpResponseRedirect(change_url(row))


@retry_transaction
@transaction.atomic
def _run_in_transaction(staff: User, row: Model, run: Callable[[], str], reason: str) -> str:
    message = run()
    audit.record(staff, row, with_reason(message, reason))
    return message


def _run_without_transaction(
    staff: User, row: Model, act: ConfirmPage, run: Callable[[], str], reason: str
) -> str:
    audit.record(staff, row, f"Started “{act.title}”")
    try:
        message = run()
    except EstuaryError as error:
        audit.record(staff, row, with_reason(f"Tried “{act.title}”, which was refused. {error}", reason))
        raise
    audit.record(staff, row, with_reason(message, reason))
    return message


def cancel_page(model_admin: ModelAdmin, request: HttpRequest, object_id: str) -> HttpResponse:
    """Cancel an unpaid order, first at Stripe."""
    order = row_or_404(Order.objects.select_related("user"), object_id)

    def run() -> str:
        if order.status not in LIVE:
            raise OrderNotCancelable(
                f"This order is {order.get_status_display().lower()}, so it can't be canceled as unpaid."
            )
        cause = f"canceled by staff {request.user}"[:80]
        closed = close_order(order, reason="requested_by_customer", cause=cause)
        if closed.status == Status.CANCELED:
            return "Canceled the order; its seats and slots are free again."
        if closed.status == Status.PROCESSING:
            return "Tried to cancel the order, which can't be now: the bank is processing its payment."
        status = closed.get_status_display().lower()
        return f"Tried to cancel the order, but the buyer was faster: it is {status}."

    act = ConfirmPage(
        title="Cancel order",
        text="The payment is canceled at Stripe, seats and slots go back on sale, and spent credits are returned."
        " Nothing was charged, so nothing is refunded. The buyer gets no mail.",
        button="Cancel the order",
        back=change_url(order),
        danger=True,
        asks_reason=True,
        facts=_facts(order),
    )
    return confirmed_action(model_admin, request, order, act, run, calls_stripe=True)


def sync_page(model_admin: ModelAdmin, request: HttpRequest, object_id: str) -> HttpResponse:
    """Make an order agree with Stripe, as its event would have."""
    order = row_or_404(Order.objects.select_related("user"), object_id)

    def run() -> str:
        sync_order(order)
        before = order.get_status_display()
        order.refresh_from_db()
        after = order.get_status_display().lower()
        if before.lower() == after:
            return f"Asked Stripe: the order is {after}, as before."
        return f"Asked Stripe: the order was {before.lower()} and is {after} now."

    act = ConfirmPage(
        title="Ask Stripe now",
        text="Fetches the payment from Stripe and settles what was missed: a payment that was made is fulfilled, and"
        " its buyer gets the mail of it. Doing it twice does no harm.",
        button="Ask Stripe",
        back=change_url(order),
        facts=_facts(order),
    )
    return confirmed_action(model_admin, request, order, act, run, calls_stripe=True)


def cancel_booking_page(
    model_admin: ModelAdmin, request: HttpRequest, order_id: int, booking_id: int
) -> HttpResponse:
    """Cancel a booking and everything inside it, without a refund."""
    rows = Booking.objects.select_related("order__user")
    booking = get_object_or_404(rows, pk=booking_id, order_id=order_id)

    def run() -> str:
        cancel_without_refund(booking=booking)
        return f"Canceled {_name(booking)} without a refund; the buyer gets a mail that says so."

    act = ConfirmPage(
        title="Cancel booking without refund",
        text="Its seat or slot goes back on sale. The buyer gets nothing back, such as after a no-show, and a mail that"
        " says so. To give money back as well, refund it instead.",
        button="Cancel without a refund",
        back=change_url(booking.order),
        danger=True,
        asks_reason=True,
        facts=(
            ("Booking", booking.service_name),
            ("When", day_and_time(booking.starts_at) if booking.starts_at else "not scheduled"),
            ("Kept", display(booking.amount_minor, booking.order.currency)),
            *_facts(booking.order),
        ),
    )
    return confirmed_action(model_admin, request, booking.order, act, run)


def _name(booking: Booking) -> str:
    """Return a booking by name and time; a part of a package that has no time yet, by its number there."""
    if booking.starts_at:
        return f"{booking.service_name}, {day_and_time(booking.starts_at)},"
    return f"{booking.service_name} (no. {booking.position})" if booking.position else booking.service_name


def _facts(order: Order) -> tuple[tuple[str, str], ...]:
    return (
        ("Order", order.public_id),
        ("What", order.title),
        ("Buyer", order.user.email),
        ("Status", order.get_status_display()),
    )
