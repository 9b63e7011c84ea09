"""Mails about a called-off or moved date: to its guests, and to its practitioner if staff did it."""

from collections.abc import Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from django.conf import settings

from estuary.bookings.models import Booking
from estuary.common.english_times import describe_moment, describe_short_moment
from estuary.notifications.booking_mail_texts import SUBJECTS, TEXTS, BookingMail
from estuary.notifications.date_change_texts import CalledOff, Moved, describe_called_off, describe_moved
from estuary.notifications.layout import Content, Facts, Link
from estuary.notifications.order_mail_texts import OrderMail
from estuary.orders.models import Order
from estuary.orders.states import Status
from estuary.payments.mailing.meetings import BookedMeeting, taken_meeting, zone_of, zone_of_order
from estuary.payments.mailing.sending import id_in
from estuary.payments.mailing.tenders import Returned
from estuary.payments.models import DateChange, DateChangeRow


@dataclass(frozen=True, slots=True)
class ChangedDates:
    """What a mail tells of a change: in words, of how many dates of its order, and which times it has taken."""

    text: str
    dates: int = 1
    taken: Sequence[BookedMeeting] = ()


def read_date_change(
    order: Order, template: OrderMail, act: str, bookings: Sequence[Booking]
) -> ChangedDates | None:
    """Return what the change that ``act`` names did to an order, without one the newest; None if it is of no use.

    A guest who has given the seat back, or whose payment has failed, is told of that by another mail.
    """
    is_move = template == OrderMail.DATE_MOVED
    rows = DateChangeRow.objects.filter(order=order).select_related(
        "change__practitioner", "session__service"
    )
    rows = (rows.filter if is_move else rows.exclude)(change__kind=DateChange.Kind.MOVE)
    if public_id := id_in(act, "date-change"):
        rows = rows.filter(change__public_id=public_id)
    newest_first = list(rows.order_by("-change", "pk"))
    if not newest_first:
        return ChangedDates(f"The dates of {order.title} have changed.")
    own_rows = [row for row in newest_first if row.change_id == newest_first[0].change_id]
    if is_move:
        return _read_move(order, own_rows[0], bookings)
    return _read_call_off(order, own_rows, bookings)


def _read_move(order: Order, row: DateChangeRow, bookings: Sequence[Booking]) -> ChangedDates | None:
    change, session = row.change, row.session
    is_unpaid = row.act == DateChangeRow.Act.END_ORDER
    is_at_bank = order.status == Status.PROCESSING
    has_changed_again = bool(session and (session.is_called_off or session.starts_at != change.starts_at))
    seats = [seat for booking in bookings if booking.is_active for seat in booking.participants.all()]
    has_seat = any(seat.active and seat.session_id == row.session_id for seat in seats)
    if not (is_unpaid or is_at_bank or has_changed_again or has_seat):
        return None
    moved = Moved(
        line=describe_line(row, order, bookings),
        new_time=describe_moment(change.starts_at, _zone(_booking_of(row, bookings), order)),
        practitioner=change.practitioner.display_name,
        message=change.message,
        is_unpaid=is_unpaid,
        is_at_bank=is_at_bank,
        has_changed_again=has_changed_again,
    )
    return ChangedDates(describe_moved(moved, bookings_url=f"{settings.FRONTEND_URL}/bookings/"))


def _read_call_off(order: Order, rows: Sequence[DateChangeRow], bookings: Sequence[Booking]) -> ChangedDates:
    change = rows[0].change
    acts = {DateChangeRow.Act(row.act) for row in rows}
    returned = _returned(rows)
    called_off = CalledOff(
        lines=[describe_line(row, order, bookings) for row in rows],
        practitioner=change.practitioner.display_name,
        message=change.message,
        returned=returned.ways(order.currency),
        takes=returned.takes,
        is_unpaid=DateChangeRow.Act.END_ORDER in acts,
        is_held_back=DateChangeRow.Act.HOLD_BACK in acts,
        can_be_rescheduled=DateChangeRow.Act.RESCHEDULE in acts,
    )
    return ChangedDates(
        describe_called_off(called_off, bookings_url=f"{settings.FRONTEND_URL}/bookings/"),
        # A refund by two tenders has a row for each.
        dates=len({(row.booking_id, row.session_id) for row in rows}),
        taken=[
            meeting
            for row in rows
            if row.act == DateChangeRow.Act.RESCHEDULE and row.starts_at and row.ends_at
            for booking in bookings
            if booking.pk == row.booking_id
            for meeting in taken_meeting(booking, row.starts_at, row.ends_at)
        ],
    )


def describe_line(row: DateChangeRow, order: Order, bookings: Sequence[Booking]) -> str:
    """Return what was changed, with its old time in the zone in which its guest reads all times of the order."""
    if row.starts_at is None:
        # Of the release before: in the practitioner's zone.
        return row.line
    booking = _booking_of(row, bookings)
    name = booking.service_name if booking else order.title
    if booking is None and row.session:
        name = row.session.service.name
    return f"{name}, {describe_short_moment(row.starts_at, _zone(booking, order))}"


def _booking_of(row: DateChangeRow, bookings: Sequence[Booking]) -> Booking | None:
    """Return the booking that was changed; of an order that a bank worked on then, the one that it has become."""
    own = [booking for booking in bookings if booking.pk == row.booking_id]
    same_service = [
        booking for booking in bookings if row.session and booking.service_id == row.session.service_id
    ]
    return next(iter([*own, *same_service]), None)


def _zone(booking: Booking | None, order: Order) -> ZoneInfo:
    return zone_of(booking) if booking else zone_of_order(order)


def _returned(rows: Sequence[DateChangeRow]) -> Returned:
    """Return what is refunded of an order, by its tenders."""
    refunds = [row for row in rows if row.act == DateChangeRow.Act.REFUND]
    tender = DateChangeRow.Tender
    return Returned(
        *(
            sum(row.amount_minor for row in refunds if row.tender == each)
            for each in (tender.PAYMENT_METHOD, tender.CREDITS)
        )
    )


def to_practitioner_of(change: DateChange) -> Content:
    """Return what a practitioner is told of a change that staff made: what it is, and how many guests it concerns."""
    guests = change.rows.exclude(act=DateChangeRow.Act.END_ORDER).values("order").distinct().count()
    return describe_to_practitioner(change, guests)


def describe_to_practitioner(change: DateChange, guests: int) -> Content:
    values = {
        "act": "Moved" if change.kind == DateChange.Kind.MOVE else "Called off",
        "title": change.title,
        "shop": settings.SITE_NAME,
        "guests": _describe_guests(guests, with_message=bool(change.message)),
    }
    kind = BookingMail.PRACTITIONER_DATE_CHANGED
    return Content(
        SUBJECTS[kind].format(**values),
        TEXTS[kind].format(**values),
        first_name=change.practitioner.display_name,
        facts=[Facts("", [(values["act"], change.title), ("Guests", str(guests))])],
        quote=change.message if guests else "",
        button=Link("See what it does", f"{settings.FRONTEND_URL}/roster/change/?change={change.public_id}"),
    )


def _describe_guests(guests: int, *, with_message: bool) -> str:
    if guests == 0:
        return "Nobody had booked."
    who = "The guest is written to" if guests == 1 else f"All {guests} guests are written to"
    return f"{who}, with these words:" if with_message else f"{who}."
