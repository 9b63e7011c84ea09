"""What a mail about an order says, put together from its rows."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from django.conf import settings

from estuary.bookings.models import Booking, BookingMove, Participant
from estuary.bookings.moving.rules import free_cancel_until
from estuary.catalog.bounds import notice, subtract_notice
from estuary.catalog.cancellation_terms import describe_cancellation_terms, sold_notice_hours
from estuary.catalog.models import ServiceType
from estuary.common import clock
from estuary.common.english_times import describe_moment, describe_time
from estuary.common.money import display
from estuary.notifications.calendar_file import CalendarFile
from estuary.notifications.layout import Content, Facts, Link
from estuary.notifications.order_mail_texts import (
    BANK_DECIDES,
    BONUS_KEPT,
    BOOKINGS_CANCELED,
    CREDITS_TAKEN_BACK,
    NEW_LINK_BELOW,
    NO_LINK_BELOW,
    NOTHING_LEFT,
    NOTHING_PAID,
    SUBJECTS,
    TEXTS,
    TOO_LATE,
    YOURS_AGAIN,
    OrderMail,
    describe_bank_deadline,
    describe_canceled,
    describe_dates,
    describe_kept,
    describe_missed_times,
    describe_move,
    describe_refund_takes,
    describe_returned,
    describe_unmoved_deadline,
)
from estuary.orders.models import Order, OrderType
from estuary.orders.states import Status
from estuary.payments.mailing.date_changes import ChangedDates
from estuary.payments.mailing.meetings import (
    SETS,
    BookedMeeting,
    ahead,
    calendar_files,
    describe_meetings,
    meetings_of,
    not_over,
    taken_meeting,
    zone_of,
)
from estuary.payments.mailing.tenders import NOTHING, PartOfRefund, Returned, order_link
from estuary.payments.models.disputes import is_blocked_by_dispute

# Mails after which a calendar has entries that are not true any more.
ENDS = frozenset(
    {
        OrderMail.REFUNDED,
        OrderMail.CANCELED,
        OrderMail.CANCELED_UNREFUNDED,
        OrderMail.CALLED_OFF,
        OrderMail.DECLINED,
        OrderMail.DISPUTE_LOST,
    }
)
# Practitioners did this themselves, for all their guests at once.
BY_PRACTITIONERS = frozenset({OrderMail.CALLED_OFF, OrderMail.DATE_MOVED, OrderMail.NEW_LINK})
SENDS_BACK = frozenset({OrderMail.LATE_PAYMENT, OrderMail.RECOVERED, OrderMail.DATE_STARTED})
BEGINS = frozenset({OrderMail.COMPLETED, OrderMail.MOVED, OrderMail.DATE_MOVED, OrderMail.NEW_LINK})


UTC = ZoneInfo("UTC")


@dataclass(frozen=True, slots=True)
class Related:
    """What a mail tells beside the order itself; ``zone`` is that of an order without bookings.

    ``ended`` is what a cancellation has ended, and ``declined`` are the seats that a guest gave back. ``session_id`` is
    the date whose link has changed. ``refund`` is what failed, or what arrived after that.
    """

    bookings: Sequence[Booking] = ()
    tables: Sequence[Facts] = ()
    returned: Returned = NOTHING
    refund: PartOfRefund | None = None
    kept_minor: int = 0
    move: BookingMove | None = None
    ended: Sequence[Booking] = ()
    declined: Sequence[Participant] = ()
    session_id: int | None = None
    changed: ChangedDates | None = None
    zone: ZoneInfo = UTC


def compose(order: Order, template: OrderMail, related: Related) -> Content:
    """Return a mail about an order; no row is read, so a sample needs none."""
    bookings = related.bookings
    meetings = meetings_of(bookings)
    values = (
        _sums(order, related)
        | _times(order, template, related)
        | _names(order, related, meetings)
        | _subject_names(order, related)
    )
    return Content(
        SUBJECTS[template].format(**values),
        TEXTS[template].format(**values),
        first_name=order.user.first_name,
        facts=[
            *(describe_meetings(shown_meetings(related)) if template in BEGINS else []),
            *related.tables,
        ],
        closing=_closing(order, template, related, meetings),
        button=Link("See your bookings", f"{settings.FRONTEND_URL}/bookings/")
        if template in BEGINS and bookings
        else order_link("See your order", order),
        files=_files(order, template, related, meetings),
    )


def shown_meetings(related: Related) -> list[BookedMeeting]:
    """Return the meetings that a mail shows: those to come of its order, or of one date until it is over.

    Guests of a date that has begun still join it, so its new link is for them too.
    """
    meetings = meetings_of(related.bookings)
    if related.session_id is None:
        return ahead(meetings)
    return [one for one in not_over(meetings) if one.session and one.session.pk == related.session_id]


def _sums(order: Order, related: Related) -> dict[str, str]:
    def amount(minor: int) -> str:
        return display(minor, order.currency) if minor else ""

    is_of_credits = order.type == OrderType.CREDIT
    return {
        "total": display(order.total_minor, order.currency),
        "sent_back": _describe_sum_sent_back(order),
        "due": display(order.amount_due_minor, order.currency),
        "of_refund": f" of {related.refund}" if related.refund else "",
        "lost": amount(order.lost_minor) or display(order.amount_due_minor, order.currency),
        "after_loss": CREDITS_TAKEN_BACK if is_of_credits else BOOKINGS_CANCELED,
        "kept_sum": describe_kept(amount(related.kept_minor)),
        "credits": ", and the credits that you spent on it are yours again"
        if order.credits_applied_minor
        else "",
    }


def _times(order: Order, template: OrderMail, related: Related) -> dict[str, str]:
    is_at_bank = template == OrderMail.PROCESSING or order.status == Status.PROCESSING
    kept_until = describe_moment(order.kept_until, related.zone) if order.kept_until and is_at_bank else ""
    is_completed = template == OrderMail.COMPLETED
    return {
        "kept": describe_bank_deadline(kept_until),
        "held_until": describe_moment(order.expires_at, related.zone),
        "afterwards": "your place is free for others" if "service_id" in order.snapshot else "the order ends",
        "missed": describe_missed_times(_missed_times(related.bookings)) if is_completed else "",
        "moved": _moved(related) if related.move else "",
    }


def _names(order: Order, related: Related, meetings: Sequence[BookedMeeting]) -> dict[str, str]:
    has_link = any(meeting.join_url for meeting in shown_meetings(related))
    changed = "has changed" if has_link else "was removed"
    return {
        "title": order.title,
        "order": order.public_id,
        "date_change": related.changed.text if related.changed else f"A date of {order.title} has changed.",
        "forfeited": _name_parts(related.ended, meetings) or order.title,
        "canceled": _name_parts(related.ended, meetings) or order.title,
        "declined": _name_declined(related.declined) or order.title,
        "returned": describe_returned(
            display(related.returned.total_minor, order.currency),
            related.returned.ways(order.currency),
            if_nothing=_why_nothing(order, related),
            bank_decides=is_blocked_by_dispute(order),
        ),
        "link_changed": f"The link to join {order.title} online {changed}.",
        "link_below": NEW_LINK_BELOW if has_link else NO_LINK_BELOW,
        "a_link": "a new link" if has_link else "no link",
        "any_more": "" if has_link else " any more",
    }


def _subject_names(order: Order, related: Related) -> dict[str, str]:
    """Return what a subject names: the part of the order that the mail is about, never more than that."""
    is_part = order.snapshot.get("type") in SETS | {ServiceType.COURSE}
    dates = related.changed.dates if related.changed else 1
    about = [seat.booking for seat in related.declined] or list(related.ended)
    if related.move:
        about = [row for row in related.bookings if row.pk == related.move.booking_id]
    is_whole = not about or any(row.position == 0 for row in about)
    return {
        "part": order.title if is_whole else ", ".join(dict.fromkeys(row.service_name for row in about)),
        "date": describe_dates(order.title, is_part=is_part),
        "dates_do": f"{describe_dates(order.title, is_part=is_part, dates=dates)} "
        f"{'do' if is_part and dates > 1 else 'does'}",
    }


def _name_declined(seats: Sequence[Participant]) -> str:
    """Return the moved meetings that a guest can't come to, by name and by their new time."""
    times = [
        describe_time(seat.session.starts_at, seat.session.ends_at, zone_of(seat.booking)) for seat in seats
    ]
    return f"{seats[0].booking.service_name}, {'; '.join(times)}" if seats else ""


def _why_nothing(order: Order, related: Related) -> str:
    """Return why a guest gets nothing back, in a sentence."""
    if related.declined:
        booking = related.declined[0].booking
        if booking.needs_scheduling:
            return YOURS_AGAIN.format(url=f"{settings.FRONTEND_URL}/bookings/")
        return NOTHING_LEFT if booking.amount_minor else NOTHING_PAID
    in_time = [row for row in parts_of(related.ended) if _was_in_time(row)]
    if not in_time:
        return TOO_LATE
    if order.disputed:
        return BANK_DECIDES
    if not any(row.amount_minor for row in in_time):
        return NOTHING_PAID
    bonus = [row for row in related.bookings if row.position and row.amount_minor == 0]
    is_bonus_kept = any(row.starts_at and not (row.canceled_at and _was_in_time(row)) for row in bonus)
    return BONUS_KEPT if is_bonus_kept else NOTHING_LEFT


def _was_in_time(booking: Booking) -> bool:
    deadline = free_cancel_until(booking)
    return booking.canceled_at is not None and (deadline is None or booking.canceled_at <= deadline)


def _describe_sum_sent_back(order: Order) -> str:
    """Return such as ``We have sent back all of the 35.00 USD``; of several refunds, the sum."""
    # Credits spent on an order that was never fulfilled went back when it ended.
    paid_minor = order.total_minor if order.completed_at else order.captured_minor
    total = display(paid_minor, order.currency)
    if order.refunded_minor >= paid_minor:
        return f"We have sent back all of the {total}"
    return f"So far we have sent back {display(order.refunded_minor, order.currency)} of the {total}"


def _moved(related: Related) -> str:
    """Return when the moved booking was, and until when it is free to cancel."""
    assert related.move is not None
    move = related.move
    booking = next(row for row in related.bookings if row.pk == move.booking_id)
    zone = zone_of(booking)
    before = describe_time(move.from_starts_at, move.from_ends_at, zone)
    # As it is now: it may have been moved once more since.
    assert booking.starts_at is not None
    assert booking.ends_at is not None
    after = describe_time(booking.starts_at, booking.ends_at, zone)
    sentences = [describe_move(before, part=booking.service_name if booking.position else "", after=after)]
    if deadline := free_cancel_until(booking):
        is_over = deadline < clock.now()
        sentences.append(describe_unmoved_deadline(describe_moment(deadline, zone), is_over=is_over))
    return " ".join(sentences)


def _closing(order: Order, template: OrderMail, related: Related, meetings: Sequence[BookedMeeting]) -> str:
    if template in {OrderMail.REFUNDED, OrderMail.CANCELED, OrderMail.DECLINED}:
        return related.returned.takes
    if template in SENDS_BACK | {OrderMail.OTHER_REFUNDED}:
        return describe_refund_takes(by_method=True, by_credits=False)
    if template != OrderMail.COMPLETED or "service_id" not in order.snapshot:
        return ""
    hours = sold_notice_hours(order.snapshot)
    terms = describe_cancellation_terms(order.snapshot.get("type", ""), hours)
    first = next(iter(meetings), None)
    if first is None or order.snapshot.get("type") in SETS:
        return terms
    deadline = describe_moment(subtract_notice(first.starts_at, notice(hours)), first.zone)
    return f"{terms}\n\nYours is free to cancel until {deadline}."


def _files(
    order: Order, template: OrderMail, related: Related, meetings: Sequence[BookedMeeting]
) -> list[CalendarFile]:
    """Return the calendar files that make the buyer's calendar true again."""
    address = order.user.email
    if template in BEGINS:
        return calendar_files(shown_meetings(related), "REQUEST", attendee=address)
    if template in ENDS:
        ended = ahead([*meetings, *_taken_meetings(related)], is_on=False)
        return calendar_files(ended, "CANCEL", attendee=address)
    return []


def _taken_meetings(related: Related) -> list[BookedMeeting]:
    """Return the times that were taken from bonus sessions, which have none now."""
    taken = list(related.changed.taken) if related.changed else []
    for seat in related.declined:
        taken += taken_meeting(seat.booking, seat.session.starts_at, seat.session.ends_at)
    return taken


def _name_parts(bookings: Sequence[Booking], meetings: Sequence[BookedMeeting]) -> str:
    """Return bookings by name and time; of a package or bundle its parts, or itself if nothing else is there."""
    first: dict[int, BookedMeeting] = {}
    for meeting in meetings:
        first.setdefault(meeting.booking.pk, meeting)
    return describe_canceled(
        [(row.service_name, first[row.pk].when if row.pk in first else "") for row in parts_of(bookings)]
    )


def ended_with(bookings: Sequence[Booking], booking_id: str) -> list[Booking]:
    """Return what ended when a booking was canceled; without its key, what was canceled last."""
    named = [row for row in bookings if str(row.pk) == booking_id]
    canceled_at = last_canceled_at(named or bookings)
    return [row for row in bookings if row.canceled_at and row.canceled_at == canceled_at]


def declined_with(bookings: Sequence[Booking], participant_id: int) -> list[Participant]:
    """Return the moved seats that a guest gave back; the first of them is named."""
    seats = [(seat, booking) for booking in bookings for seat in booking.participants.all()]
    own = {booking.pk for seat, booking in seats if seat.pk == participant_id}
    declined = [
        (seat, booking)
        for seat, booking in seats
        if booking.pk in own and seat.pk >= participant_id and seat.moved_from and not seat.active
    ]
    for seat, booking in declined:
        seat.booking = booking
    return [seat for seat, _ in declined]


def parts_of(bookings: Sequence[Booking]) -> list[Booking]:
    """Return the parts of a package or bundle, or what is itself all."""
    return [row for row in bookings if row.position] or list(bookings)


def last_canceled_at(bookings: Sequence[Booking]) -> datetime | None:
    return max((row.canceled_at for row in bookings if row.canceled_at), default=None)


def _missed_times(bookings: Sequence[Booking]) -> list[str]:
    """Return the chosen times that were not free any more when the payment came, of parts of a package or bundle."""
    parts = [row for row in bookings if row.service_type not in {ServiceType.PACKAGE, ServiceType.BUNDLE}]
    return [
        describe_moment(row.missed_starts_at, zone_of(row))
        for row in parts
        if row.position and row.missed_starts_at
    ]
