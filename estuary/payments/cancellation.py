"""Cancelling what was bought: by the buyer under the service's rule, by staff with or without a refund."""

from datetime import datetime, timedelta

from django.db import transaction

from estuary.accounts.models import User
from estuary.bookings import booking as bookings
from estuary.bookings.models import Booking
from estuary.common import clock
from estuary.common.errors import Conflict
from estuary.orders.models import Order
from estuary.payments.models import Refund
from estuary.payments.refunds import refundable_minor, request_refund


class BookingNotCancelable(Conflict):
    code, title = "booking_not_cancelable", "This booking can't be canceled"


def cancel_booking(*, booking: Booking, by: User) -> Refund | None:
    """Cancel a booking for its buyer; returns the refund when it was canceled early enough for one.

    A package or bundle is canceled with everything in it that is still to come. Raises BookingNotCancelable.
    """
    at = clock.now()
    with transaction.atomic():
        order = Order.objects.select_for_update(no_key=True).get(pk=booking.order_id)
        booking = Booking.objects.prefetch_related("children").get(pk=booking.pk)
        _check_cancelable(booking, at)
        amount_minor = min(_returned_minor(booking, order, at), refundable_minor(order, booking))
        bookings.cancel([booking], at=at)
        if amount_minor <= 0 or order.disputed:
            return None
        return request_refund(
            order=order,
            amount_minor=amount_minor,
            booking=None if booking.position == 0 else booking,
            cancels=True,
            reason="Canceled by the buyer in time",
            origin=Refund.Origin.BUYER,
            requested_by=by,
        )


def cancel_without_refund(*, booking: Booking) -> None:
    """Cancel a booking and keep the money: for staff, such as after a no-show. Raises BookingNotCancelable."""
    at = clock.now()
    with transaction.atomic():
        Order.objects.select_for_update(no_key=True).get(pk=booking.order_id)
        booking.refresh_from_db()
        if not booking.is_active:
            raise BookingNotCancelable(f"This booking is {booking.status} already.")
        bookings.cancel([booking], at=at)


def _check_cancelable(booking: Booking, at: datetime) -> None:
    if not booking.is_active:
        raise BookingNotCancelable(f"This booking is {booking.status.replace('_', ' ')} already.")
    if booking.starts_at and booking.starts_at <= at:
        raise BookingNotCancelable("This has begun already, so it can't be canceled any more.")
    if not booking.is_to_come(at):
        raise BookingNotCancelable("Its validity has ended. What has a time already is canceled by itself.")


def _returned_minor(booking: Booking, order: Order, at: datetime) -> int:
    """Return what the buyer gets back: all of what can still be canceled free of charge, in minor units."""
    children = list(booking.children.all())
    if not children:
        return booking.amount_minor if _is_free(booking, order, at) else 0
    return sum(
        child.amount_minor for child in children if child.is_to_come(at) and _is_free(child, order, at)
    )


def _is_free(booking: Booking, order: Order, at: datetime) -> bool:
    """The rule as it was sold: the hours are in the order's snapshot, so a later change of the service is not felt."""
    notice = timedelta(hours=order.snapshot.get("free_cancel_hours", 24))
    return booking.starts_at is None or booking.starts_at - notice >= at
