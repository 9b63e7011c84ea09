"""Cancellations of bookings: by the buyer under the policy of the service, by staff with or without a refund."""

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import Prefetch, prefetch_related_objects

from estuary.accounts.models import User
from estuary.bookings import fulfilment as bookings
from estuary.bookings.models import Booking
from estuary.catalog.cancellation_terms import sold_notice
from estuary.catalog.models import ServiceType
from estuary.common import clock
from estuary.common.db.transactions import retry_transaction
from estuary.common.errors import Conflict
from estuary.credits import ledger
from estuary.notifications.order_mail_texts import OrderMail
from estuary.orders.models import Order
from estuary.payments import outbox
from estuary.payments.hooks.delivery import announce
from estuary.payments.hooks.signals import booking_canceled
from estuary.payments.models import Refund
from estuary.payments.refunds.cancellation_policy import RefundBreakdown, compute_refund
from estuary.payments.refunds.request_refund import (
    refundable_minor,
    refunded_of_booking_minor,
    request_refund,
    share_left_minor,
)


class BookingNotCancelable(Conflict):
    code, title = "booking_not_cancelable", "This booking can't be canceled"


@dataclass(frozen=True, slots=True)
class CancellationPreview:
    """What canceling a booking would return, in minor units, and which bookings would end with it."""

    breakdown: RefundBreakdown
    returned_minor: int


def preview_cancellation(booking: Booking) -> CancellationPreview:
    """Return what canceling would return at this moment; change nothing. Raises BookingNotCancelable."""
    order = Order.objects.prefetch_related("refunds", "bookings").get(pk=booking.order_id)
    return _preview(order, booking, clock.now())


@retry_transaction
def cancel_booking(*, booking: Booking, by: User) -> Refund | None:
    """Cancel a booking for its buyer; return the refund if the policy grants one.

    A package or bundle is canceled with everything in it that is still to come. The refund follows
    cancellation_policy.py, less what was refunded before. Raises BookingNotCancelable.
    """
    at = clock.now()
    with transaction.atomic():
        order = _lock_order(booking.order_id)
        preview = _preview(order, booking, at)
        canceled = bookings.cancel([booking, *preview.breakdown.also_canceled], at=at)
        announce(booking_canceled, canceled)
        act = f"canceled-{booking.pk}"
        outbox.send_mails([(order, OrderMail.CANCELED)], about=act)
        if not preview.returned_minor:
            return None
        return request_refund(
            order=order,
            amount_minor=preview.returned_minor,
            # The booking whose share is returned. It may be another one: a share that was held back until now.
            booking=None if booking.position == 0 else preview.breakdown.returned[0],
            cancels=True,
            reason="Canceled by the buyer in time",
            origin=Refund.Origin.BUYER,
            requested_by=by,
            request_key=act,
        )


@retry_transaction
def cancel_without_refund(*, booking: Booking) -> None:
    """Cancel a booking, keep the money and tell the buyer: for staff, for example after a no-show.

    The booking is marked as forfeited, so a later cancellation of another part of the order does not return its share.
    Raises BookingNotCancelable.
    """
    at = clock.now()
    with transaction.atomic():
        order = Order.objects.select_for_update(no_key=True).get(pk=booking.order_id)
        booking.refresh_from_db()
        if not booking.is_active:
            raise BookingNotCancelable(f"This booking is {booking.status} already.")
        announce(booking_canceled, bookings.cancel([booking], at=at, forfeited=True))
        outbox.send_mails([(order, OrderMail.CANCELED_UNREFUNDED)], about=f"forfeited-{booking.pk}")


def _lock_order(order_id: int) -> Order:
    """Lock an order, and everything that its cancellation touches, in the order of locks of docs/architecture.md.

    1. The order.
    2. The credit account: a refund in credits follows in this transaction and must not lock it after a seat.
    3. The sessions whose seats may be released.
    4. The bookings, so that none is completed between the check and the cancellation.
    """
    order = Order.objects.select_for_update(no_key=True).get(pk=order_id)
    if order.credits_applied_minor:
        ledger.lock_account(order.user, order.currency)
        bookings.lock_sessions(order.reservations.values_list("session_id", flat=True))
    parts = Booking.objects.order_by("pk").select_for_update(no_key=True)
    prefetch_related_objects([order], "refunds", Prefetch("bookings", parts))
    return order


def _preview(order: Order, booking: Booking, at: datetime) -> CancellationPreview:
    booking = next(row for row in order.bookings.all() if row.pk == booking.pk)
    _check_cancelable(booking, at)
    breakdown = _compute_breakdown(order, booking, at)
    returned_minor = 0 if order.disputed else max(_returned_minor(order, breakdown), 0)
    return CancellationPreview(breakdown, returned_minor)


def _check_cancelable(booking: Booking, at: datetime) -> None:
    if not booking.is_active:
        raise BookingNotCancelable(f"This booking is {booking.status.replace('_', ' ')} already.")
    if booking.starts_at and booking.starts_at <= at:
        raise BookingNotCancelable("This has already begun, so it can't be canceled.")
    if not booking.is_to_come(at):
        raise BookingNotCancelable("This is no longer valid. Cancel each session that has a time separately.")


def _compute_breakdown(order: Order, booking: Booking, at: datetime) -> RefundBreakdown:
    """Apply the policy as it was sold: the order's snapshot has the notice; later changes have no effect."""
    parts = [row for row in order.bookings.all() if row.parent_id] or [booking]
    canceling = [part for part in parts if part.is_to_come(at)] if booking.position == 0 else [booking]
    return compute_refund(
        parts,
        canceling,
        refunded={part.pk: refunded_of_booking_minor(order, part) for part in parts},
        bundle=order.snapshot["type"] == ServiceType.BUNDLE,
        notice=sold_notice(order.snapshot),
        at=at,
    )


def _returned_minor(order: Order, breakdown: RefundBreakdown) -> int:
    """Return what the buyer gets in minor units: the returned shares, less earlier refunds.

    The seller keeps what is left of the shares of ``kept`` parts. So a refund of the whole order is deducted from what
    is canceled, not from what was attended. Five sessions cost 20.00 each. Staff refunded 30.00 of the order, two
    sessions took place, three are canceled. Their shares are 60.00. Of the order 70.00 is left and 40.00 of that is
    kept, so 30.00 is returned.
    """
    shares = sum(max(refundable_minor(order, part), 0) for part in breakdown.returned)
    kept = sum(share_left_minor(order, part) for part in breakdown.kept)
    return min(shares, refundable_minor(order) - kept, breakdown.max_minor)
