"""Cancellations of bookings: by the buyer under the policy of the service, by staff with or without a refund."""

from collections.abc import Sequence, Set
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import Prefetch, prefetch_related_objects

from estuary.accounts.models import User
from estuary.bookings import fulfilment as bookings
from estuary.bookings.models import Booking, Participant
from estuary.catalog.cancellation_terms import sold_notice
from estuary.catalog.models import ServiceType
from estuary.common import clock
from estuary.common.db.transactions import retry_transaction
from estuary.common.errors import Conflict
from estuary.common.money import display, to_decimal
from estuary.credits import ledger
from estuary.notifications.order_mail_texts import OrderMail
from estuary.orders.models import Order
from estuary.payments import outbox
from estuary.payments.hooks.delivery import announce
from estuary.payments.hooks.signals import booking_canceled
from estuary.payments.models import Refund
from estuary.payments.refunds.call_offs_under_way import is_being_called_off
from estuary.payments.refunds.cancellation_policy import RefundBreakdown, compute_refund, is_in_time
from estuary.payments.refunds.request_refund import (
    refunded_of_booking_minor,
    request_refund,
    returnable_minor,
    share_left_minor,
)


class BookingNotCancelable(Conflict):
    code, title = "booking_not_cancelable", "This booking can't be canceled"


class RefundChanged(Conflict):
    code, title = "refund_changed", "Less would come back now"


@dataclass(frozen=True, slots=True)
class CancellationPreview:
    """What canceling a booking would return, in minor units, and which bookings would end with it.

    Of the ``late`` ones the policy keeps the price.
    """

    breakdown: RefundBreakdown
    returned_minor: int
    late: tuple[Booking, ...]


def preview_cancellation(booking: Booking) -> CancellationPreview:
    """Return what canceling would return at this moment; change nothing. Raises BookingNotCancelable."""
    order = Order.objects.prefetch_related("refunds", "bookings").get(pk=booking.order_id)
    return _preview(order, booking, clock.now())


@retry_transaction
def cancel_booking(*, booking: Booking, by: User, shown_minor: int = 0) -> Refund | None:
    """Cancel a booking for its buyer; return the refund if the policy grants one.

    ``shown_minor`` is what the buyer was told comes back. If it is less by now, RefundChanged is raised.

    A package or bundle is canceled with everything in it that is still to come. The refund follows
    cancellation_policy.py, less what was refunded before. It is never less than declining the new time of a moved date
    would return. While a bank decides about the payment, the refund waits for that. Raises BookingNotCancelable.
    """
    at = clock.now()
    with transaction.atomic():
        order = _lock_order(booking.order_id)
        preview = _preview(order, booking, at)
        _check_shown(preview, shown_minor, order.currency)
        forfeited = bookings.cancel(preview.late, at=at, forfeited=True)
        canceled = bookings.cancel([booking, *preview.breakdown.also_canceled], at=at)
        announce(booking_canceled, forfeited + canceled)
        act = f"canceled-{booking.pk}"
        outbox.send_mails([(order, OrderMail.CANCELED)], about=act)
        if not preview.returned_minor:
            return None
        # The booking whose share is returned may be another one: a share that was held back until now.
        named = preview.breakdown.returned or (booking,)
        # One refund names one booking. Where two shares return, it is a refund of the order.
        is_of_one = booking.position > 0 and len(named) == 1
        return request_refund(
            order=order,
            amount_minor=preview.returned_minor,
            booking=named[0] if is_of_one else None,
            # A refund of two shares must not cancel what is left of the order.
            cancels=is_of_one or booking.position == 0,
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
        _refuse_called_off([booking, *booking.children.all()])
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
    if order.disputed:
        # Each part asks for them.
        prefetch_related_objects([order], "disputes")
    booking = next(row for row in order.bookings.all() if row.pk == booking.pk)
    moved = _moved_bookings(order, at)
    _check_cancelable(booking, at, is_moved=booking.pk in moved)
    parts = [row for row in order.bookings.all() if row.parent_id] or [booking]
    canceling = [part for part in parts if part.is_to_come(at)] if booking.position == 0 else [booking]
    _refuse_called_off([booking, *canceling])
    breakdown = _compute_breakdown(order, parts, canceling, moved, at)
    by_policy_minor = _returned_minor(order, breakdown)
    moved_minor = _shares_minor(order, [part for part in canceling if part.pk in moved])
    late = [part for part in canceling if part.amount_minor and part.pk not in moved]
    notice = sold_notice(order.snapshot)
    return CancellationPreview(
        breakdown,
        returned_minor=max(by_policy_minor, moved_minor, 0),
        late=tuple(part for part in late if not is_in_time(part, notice, at)),
    )


def _check_shown(preview: CancellationPreview, shown_minor: int, currency: str) -> None:
    """Raise RefundChanged if less comes back than the buyer was shown: free canceling may have ended meanwhile."""
    if preview.returned_minor >= shown_minor:
        return
    now, shown = (to_decimal(minor, currency) for minor in (preview.returned_minor, shown_minor))
    raise RefundChanged(
        f"{display(shown_minor, currency)} would have come back when you looked; now it is "
        f"{display(preview.returned_minor, currency)}. Nothing was canceled. Look again, and decide anew.",
        returned=now,
        shown=shown,
    )


def _moved_bookings(order: Order, at: datetime) -> Set[int]:
    """Return the ids of the bookings whose practitioner has moved them, and whose new time can be declined."""
    keys = [booking.pk for booking in order.bookings.all()]
    seats = Participant.objects.filter(booking__in=keys, active=True).exclude(moved_from=None)
    return {seat.booking_id for seat in seats.select_related("session") if seat.can_decline(at)}


def _check_cancelable(booking: Booking, at: datetime, *, is_moved: bool) -> None:
    if not booking.is_active:
        raise BookingNotCancelable(f"This booking is {booking.status.replace('_', ' ')} already.")
    if booking.starts_at and booking.starts_at <= at:
        instead = " Its date was moved: decline the new time instead." if is_moved else ""
        raise BookingNotCancelable(f"This has already begun, so it can't be canceled.{instead}")
    if not booking.is_to_come(at):
        raise BookingNotCancelable("This is no longer valid. Cancel each session that has a time separately.")


def _refuse_called_off(bookings: Sequence[Booking]) -> None:
    """Raise BookingNotCancelable while a call-off waits: canceling would return less than that does."""
    if is_being_called_off(bookings[0].order_id, bookings):
        raise BookingNotCancelable(
            "This was called off, and its money is on its way back. Wait a few minutes, and look at the order again."
        )


def _compute_breakdown(
    order: Order, parts: Sequence[Booking], canceling: Sequence[Booking], moved: Set[int], at: datetime
) -> RefundBreakdown:
    """Apply the policy as it was sold: the order's snapshot has the notice; later changes have no effect."""
    return compute_refund(
        parts,
        canceling,
        moved=moved,
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
    kept = sum(share_left_minor(order, part) for part in breakdown.kept)
    return min(_shares_minor(order, breakdown.returned), returnable_minor(order) - kept, breakdown.max_minor)


def _shares_minor(order: Order, parts: Sequence[Booking]) -> int:
    """Return the shares of some parts, less what was refunded for them by name; at most what is left of the order."""
    shares = sum(max(returnable_minor(order, part), 0) for part in parts)
    return min(shares, returnable_minor(order))
