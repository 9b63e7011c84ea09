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

from estuary.accounts import staff_audit
from estuary.accounts.models import User
from estuary.bookings.models import Booking
from estuary.common.admin.base import ConfirmPage, change_url, render_confirm_page, row_or_404
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

    The record is part of the action's own transaction. An action that calls Stripe has none: its start is recorded
    before the call, and its outcome afterwards.
    """
    if request.method != "POST":
        return render_confirm_page(model_admin, request, act, forms.Form())
    staff = cast(User, request.user)
    try:
        message = (
            _run_without_transaction(staff, row, act, run)
            if calls_stripe
            else _run_in_transaction(staff, row, act, run)
        )
    except EstuaryError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, message)
    return HttpResponseRedirect(change_url(row))


@retry_transaction
@transaction.atomic
def _run_in_transaction(staff: User, row: Model, act: ConfirmPage, run: Callable[[], str]) -> str:
    message = run()
    staff_audit.record(staff, row, f"{act.title}: {message}")
    return message


def _run_without_transaction(staff: User, row: Model, act: ConfirmPage, run: Callable[[], str]) -> str:
    staff_audit.record(staff, row, f"{act.title}: started")
    try:
        message = run()
    except EstuaryError as error:
        staff_audit.record(staff, row, f"{act.title}: refused. {error}")
        raise
    staff_audit.record(staff, row, f"{act.title}: {message}")
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
            return "The order is canceled; its seats and slots are free again."
        if closed.status == Status.PROCESSING:
            return "The bank is processing this payment, so it can't be canceled now; nothing was changed."
        return f"The buyer was faster: the order is {closed.get_status_display().lower()}."

    act = ConfirmPage(
        title="Cancel order",
        text="The payment is canceled at Stripe, seats and slots go back on sale, and spent credits are returned."
        " Nothing was charged, so nothing is refunded. The buyer gets no mail.",
        button="Cancel the order",
        back=change_url(order),
        danger=True,
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
        return (
            f"It was {before.lower()} and is {after} now."
            if before.lower() != after
            else f"It is {after}, as before."
        )

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
        name = f"{booking.service_name} (no. {booking.position})"
        return f"{name} is canceled; nothing was refunded, and the buyer is told."

    act = ConfirmPage(
        title="Cancel booking without refund",
        text="Its seat or slot goes back on sale. The buyer gets nothing back, such as after a no-show, and a mail that"
        " says so. To give money back as well, refund it instead.",
        button="Cancel without a refund",
        back=change_url(booking.order),
        danger=True,
        facts=(
            ("Booking", booking.service_name),
            ("When", f"{booking.starts_at:%a %d %b %Y, %H:%M} UTC" if booking.starts_at else "not scheduled"),
            ("Kept", display(booking.amount_minor, booking.order.currency)),
            *_facts(booking.order),
        ),
    )
    return confirmed_action(model_admin, request, booking.order, act, run)


def _facts(order: Order) -> tuple[tuple[str, str], ...]:
    return (
        ("Order", order.public_id),
        ("What", order.title),
        ("Buyer", order.user.email),
        ("Status", order.get_status_display()),
    )
