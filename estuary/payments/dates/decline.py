"""A guest who can't come to the new time of a moved date gets all of it back, whatever the notice.

That is until the date begins, and at least for 24 hours after the guests were written to; see
``Participant.decline_until``. So nobody loses the right because a date was moved to a minute from now.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import Q, QuerySet

from estuary.accounts.models import User
from estuary.bookings.fulfilment import lock_sessions
from estuary.bookings.models import Booking, Participant
from estuary.common import clock
from estuary.common.db.transactions import retry_transaction
from estuary.credits import ledger
from estuary.notifications.order_mail_texts import OrderMail
from estuary.orders.models import Order
from estuary.payments import outbox
from estuary.payments.dates.affected import lock_orders, read_affected
from estuary.payments.dates.carry_out import release_seats
from estuary.payments.dates.consequences import AffectedOrder, Consequence, refund_seats
from estuary.payments.dates.errors import NotMoved
from estuary.payments.errors import ChargeDisputed
from estuary.payments.models import DateChangeRow, Refund
from estuary.payments.refunds.request_refund import request_refund


@dataclass(frozen=True, slots=True)
class Decline:
    """What declining the new time of a booking returns; the seats are those of its moved sessions."""

    rows: Sequence[Consequence]
    currency: str

    @property
    def returned_minor(self) -> int:
        return sum(row.amount_minor for row in self.rows if row.act == DateChangeRow.Act.REFUND)


def preview_decline(booking: Booking) -> Decline:
    """Return what declining the new time would return; change nothing. Raises NotMoved or ChargeDisputed."""
    _, _, decline = _read(booking, Order.objects.filter(pk=booking.order_id), clock.now())
    return decline


@retry_transaction
@transaction.atomic
def decline_new_time(*, booking: Booking, by: User) -> Refund | None:
    """Give back the seats of a booking that were moved, for all that they cost; return the refund.

    Of a course that has begun, the moved meetings only; otherwise the whole booking. A course whose first meeting was
    moved has not begun for a guest who may decline that meeting. Raises NotMoved or ChargeDisputed.
    """
    at = clock.now()
    order, affected, decline = _read(booking, lock_orders([booking.order_id]), at)
    if order.credits_applied_minor:
        ledger.lock_account(order.user, order.currency)
    lock_sessions(row.session_id for row in order.reservations.all())
    # Locked after its order: nobody else cancels or moves it now.
    booking = Booking.objects.select_for_update(no_key=True).get(pk=booking.pk)
    act = f"declined-{_first_moved_seat(booking, at)}"
    ends = release_seats(booking, decline.rows, affected, at=at)
    outbox.send_mails([(order, OrderMail.DECLINED)], about=act)
    if not decline.returned_minor:
        return None
    return request_refund(
        order=order,
        amount_minor=decline.returned_minor,
        booking=booking,
        cancels=ends,
        reason="The guest can't come to the new time",
        origin=Refund.Origin.BUYER,
        requested_by=by,
        request_key=act,
    )


def _first_moved_seat(booking: Booking, at: datetime) -> int:
    """Return the key of a seat that is declined: each is given back once, so it names the act."""
    return min(seat.pk for seat in _active_seats(booking) if seat.can_decline(at))


def _active_seats(booking: Booking) -> QuerySet[Participant]:
    return Participant.objects.filter(booking=booking, active=True).select_related("session")


def _read(booking: Booking, orders: QuerySet[Order], at: datetime) -> tuple[Order, AffectedOrder, Decline]:
    seats = _seats_to_decline(booking, at)
    [(order, affected)] = read_affected(orders, seats, booking.practitioner)
    if not affected.seats:
        raise _not_moved()
    if affected.is_disputed:
        raise ChargeDisputed(
            "You have disputed this payment with your bank, which decides about it. Your seat is kept for you."
        )
    return order, affected, Decline(refund_seats(affected), order.currency)


def _seats_to_decline(booking: Booking, at: datetime) -> Q:
    """Return the condition of the seats that a guest may decline: those that were moved, of a new course all."""
    seats = list(_active_seats(booking))
    moved = [seat for seat in seats if seat.can_decline(at)]
    if not moved:
        raise _not_moved()
    has_started = any(seat.session.starts_at <= at for seat in seats if seat not in moved)
    session_ids = [seat.session_id for seat in (moved if has_started else seats)]
    return Q(line_id=booking.line_id, session_id__in=session_ids)


def _not_moved() -> NotMoved:
    return NotMoved(
        "Its date was not moved, or the time to decline the new one is over. A booking that has not begun can still be "
        "canceled by its own rule."
    )
