"""Cancelling what was bought: by the buyer under the service's rule, by staff with or without a refund."""

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import Prefetch, prefetch_related_objects

from estuary.accounts.models import User
from estuary.bookings import fulfilment as bookings
from estuary.bookings.models import Booking
from estuary.catalog.limits import notice
from estuary.catalog.models import ServiceType
from estuary.common import clock
from estuary.common.api.errors import Conflict
from estuary.common.db.transactions import retry_transaction
from estuary.credits import ledger
from estuary.orders.models import Order
from estuary.payments.models import Refund
from estuary.payments.refunds.cancellation_policy import RefundBreakdown, compute_refund
from estuary.payments.refunds.service import (
    refundable_minor,
    refunded_of_booking_minor,
    request_refund,
    share_left_minor,
)


class BookingNotCancelable(Conflict):
    code, title = "booking_not_cancelable", "This booking can't be canceled"


@dataclass(frozen=True, slots=True)
class CancellationPreview:
    """What cancelling a booking comes to: minor units that are returned, and the bookings that end with it."""

    breakdown: RefundBreakdown
    returned_minor: int


def preview_cancellation(booking: Booking) -> CancellationPreview:
    """Return what cancelling would come to at this moment, and change nothing. Raises BookingNotCancelable."""
    order = Order.objects.prefetch_related("refunds", "bookings").get(pk=booking.order_id)
    return _preview(order, booking, clock.now())


@retry_transaction
def cancel_booking(*, booking: Booking, by: User) -> Refund | None:
    """Cancel a booking for its buyer; returns the refund when it was canceled early enough for one.

    A package or bundle is canceled with everything in it that is still to come. What comes back is the rule of
    cancellation_policy.py, less what was refunded before. Raises BookingNotCancelable.
    """
    at = clock.now()
    with transaction.atomic():
        order = _lock_order(booking.order_id)
        preview = _preview(order, booking, at)
        bookings.cancel([booking, *preview.breakdown.also_canceled], at=at)
        if not preview.returned_minor:
            return None
        return request_refund(
            order=order,
            amount_minor=preview.returned_minor,
            # Of a part, the one whose share this is: what was held back of another, once nothing stands against it.
            booking=None if booking.position == 0 else preview.breakdown.returned[0],
            cancels=True,
            reason="Canceled by the buyer in time",
            origin=Refund.Origin.BUYER,
            requested_by=by,
        )


@retry_transaction
def cancel_without_refund(*, booking: Booking) -> None:
    """Cancel a booking and keep the money: for staff, such as after a no-show. Raises BookingNotCancelable.

    What is kept is not given to the buyer after all when another part of the same order is canceled.
    """
    at = clock.now()
    with transaction.atomic():
        Order.objects.select_for_update(no_key=True).get(pk=booking.order_id)
        booking.refresh_from_db()
        if not booking.is_active:
            raise BookingNotCancelable(f"This booking is {booking.status} already.")
        bookings.cancel([booking], at=at, forfeited=True)


def _lock_order(order_id: int) -> Order:
    """Lock an order and what its end touches, in the one order of locks of the house; with its refunds and bookings.

    A refund in credits follows at once, in the same transaction: so the account is locked before the first seat, and
    all seats are before one is given back. The bookings are, so that none is completed between the look at it and its
    end.
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
        raise BookingNotCancelable("This has begun already, so it can't be canceled any more.")
    if not booking.is_to_come(at):
        raise BookingNotCancelable("Its validity has ended. What has a time already is canceled by itself.")


def _compute_breakdown(order: Order, booking: Booking, at: datetime) -> RefundBreakdown:
    """The rule as it was sold: the hours are in the order's snapshot, so a later change of the service is not felt."""
    parts = [row for row in order.bookings.all() if row.parent_id] or [booking]
    canceling = [part for part in parts if part.is_to_come(at)] if booking.position == 0 else [booking]
    return compute_refund(
        parts,
        canceling,
        refunded={part.pk: refunded_of_booking_minor(order, part) for part in parts},
        bundle=order.snapshot["type"] == ServiceType.BUNDLE,
        notice=notice(order.snapshot.get("free_cancel_hours", 24)),
        at=at,
    )


def _returned_minor(order: Order, breakdown: RefundBreakdown) -> int:
    """Return what the buyer gets, in minor units: the shares, less what was refunded of them or of the order before.

    What is left of the shares that are kept stays with the seller, so a refund of the order as a whole counts against
    what is canceled, and is never made up by what was attended.
    """
    shares = sum(max(refundable_minor(order, part), 0) for part in breakdown.returned)
    kept = sum(share_left_minor(order, part) for part in breakdown.kept)
    return min(shares, refundable_minor(order) - kept, breakdown.max_minor)
