"""What a mail about an order says, put together from its rows."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings

from estuary.bookings.models import Booking, BookingMove
from estuary.bookings.moving.rules import free_cancel_until
from estuary.catalog.bounds import notice, subtract_notice
from estuary.catalog.cancellation_terms import describe_cancellation_terms, sold_notice_hours
from estuary.catalog.models import ServiceType
from estuary.common import clock
from estuary.common.english_times import describe_moment, describe_time
from estuary.common.money import display
from estuary.notifications.layout import Content, Facts, Link
from estuary.notifications.order_mail_texts import (
    SUBJECTS,
    TEXTS,
    OrderMail,
    describe_bank_deadline,
    describe_canceled,
    describe_kept,
    describe_missed_times,
    describe_move,
    describe_refund_takes,
    describe_returned,
    describe_unmoved_deadline,
)
from estuary.orders.models import Order
from estuary.payments.mailing.meetings import (
    SETS,
    BookedMeeting,
    ahead,
    calendar_files,
    describe_meetings,
    meetings_of,
    zone_of,
)
from estuary.payments.mailing.tenders import NOTHING, Returned, order_link

# Mails after which a calendar has entries that are not true any more.
ENDS = frozenset(
    {
        OrderMail.REFUNDED,
        OrderMail.CANCELED,
        OrderMail.CANCELED_UNREFUNDED,
        OrderMail.CALLED_OFF,
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
    """What a mail tells beside the order itself; ``zone`` is that of an order without bookings."""

    bookings: Sequence[Booking] = ()
    tables: Sequence[Facts] = ()
    returned: Returned = NOTHING
    failed_minor: int = 0
    kept_minor: int = 0
    move: BookingMove | None = None
    date_change: str = ""
    zone: ZoneInfo = UTC


def compose(order: Order, template: OrderMail, related: Related) -> Content:
    """Return a mail about an order; no row is read, so a sample needs none."""
    bookings = related.bookings
    meetings = meetings_of(bookings)
    values = (
        _sums(order, related) | _times(order, template, related) | _names(order, template, related, meetings)
    )
    return Content(
        SUBJECTS[template].format(**values),
        TEXTS[template].format(**values),
        first_name=order.user.first_name,
        facts=[*(describe_meetings(ahead(meetings)) if template in BEGINS else []), *related.tables],
        closing=_closing(order, template, related, meetings),
        button=Link("See your bookings", f"{settings.FRONTEND_URL}/bookings/")
        if template in BEGINS and bookings
        else order_link("See your order", order),
        files=_files(order, template, meetings),
    )


def _sums(order: Order, related: Related) -> dict[str, str]:
    def amount(minor: int) -> str:
        return display(minor, order.currency) if minor else ""

    failed = amount(related.failed_minor)
    return {
        "total": display(order.total_minor, order.currency),
        "sent_back": _describe_sum_sent_back(order),
        "due": display(order.amount_due_minor, order.currency),
        "failed": f" of {failed}" if failed else "",
        "lost": amount(order.lost_minor) or display(order.amount_due_minor, order.currency),
        "kept_sum": describe_kept(amount(related.kept_minor)),
        "credits": ", and the credits that you spent on it are yours again"
        if order.credits_applied_minor
        else "",
    }


def _times(order: Order, template: OrderMail, related: Related) -> dict[str, str]:
    kept_until = describe_moment(order.kept_until, related.zone) if order.kept_until else ""
    is_completed = template == OrderMail.COMPLETED
    return {
        "kept": describe_bank_deadline(kept_until),
        "held_until": describe_moment(order.expires_at, related.zone),
        "afterwards": "your place is free for others" if "service_id" in order.snapshot else "the order ends",
        "missed": describe_missed_times(_missed_times(related.bookings)) if is_completed else "",
        "moved": _moved(related) if related.move else "",
    }


def _names(
    order: Order, template: OrderMail, related: Related, meetings: Sequence[BookedMeeting]
) -> dict[str, str]:
    return {
        "title": order.title,
        "order": order.public_id,
        "date_change": related.date_change or f"A date of {order.title} has changed.",
        "forfeited": _name_parts(last_forfeited(related.bookings), meetings) or order.title,
        **(_canceled(order, related, meetings) if template == OrderMail.CANCELED else {}),
    }


def _describe_sum_sent_back(order: Order) -> str:
    """Return such as ``We have sent back all of the 35.00 USD``; of several refunds, the sum."""
    total = display(order.total_minor, order.currency)
    if order.refunded_minor >= order.total_minor:
        return f"We have sent back all of the {total}"
    return f"So far we have sent back {display(order.refunded_minor, order.currency)} of the {total}"


def _moved(related: Related) -> str:
    """Return when the moved booking was, and until when it is free to cancel."""
    assert related.move is not None
    move = related.move
    booking = next(row for row in related.bookings if row.pk == move.booking_id)
    zone = zone_of(booking)
    before, after = (
        describe_time(*span, zone)
        for span in ((move.from_starts_at, move.from_ends_at), (move.to_starts_at, move.to_ends_at))
    )
    sentences = [describe_move(before, part=booking.service_name if booking.position else "", after=after)]
    if deadline := free_cancel_until(booking):
        is_over = deadline < clock.now()
        sentences.append(describe_unmoved_deadline(describe_moment(deadline, zone), is_over=is_over))
    return " ".join(sentences)


def _closing(order: Order, template: OrderMail, related: Related, meetings: Sequence[BookedMeeting]) -> str:
    if template in {OrderMail.REFUNDED, OrderMail.CANCELED}:
        return related.returned.takes
    if template in SENDS_BACK:
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


def _files(order: Order, template: OrderMail, meetings: Sequence[BookedMeeting]) -> list[Any]:
    """Return the calendar files that make the buyer's calendar true again."""
    address = order.user.email
    if template in BEGINS:
        return calendar_files(ahead(meetings), "REQUEST", attendee=address)
    if template in ENDS:
        return calendar_files(ahead(meetings, is_on=False), "CANCEL", attendee=address)
    return []


def _canceled(order: Order, related: Related, meetings: Sequence[BookedMeeting]) -> dict[str, str]:
    """Return what the latest cancellation has ended and what goes back for it."""
    canceled_at = last_canceled_at(related.bookings)
    ended = [row for row in related.bookings if row.canceled_at and row.canceled_at == canceled_at]
    returned = related.returned
    return {
        "canceled": _name_parts(ended, meetings) or order.title,
        "returned": describe_returned(
            display(returned.total_minor, order.currency), returned.ways(order.currency)
        ),
    }


def _name_parts(bookings: Sequence[Booking], meetings: Sequence[BookedMeeting]) -> str:
    """Return bookings by name and time; of a package or bundle its parts, or itself if nothing else is there."""
    first: dict[int, BookedMeeting] = {}
    for meeting in meetings:
        first.setdefault(meeting.booking.pk, meeting)
    return describe_canceled(
        [(row.service_name, first[row.pk].when if row.pk in first else "") for row in _parts(bookings)]
    )


def last_forfeited(bookings: Sequence[Booking]) -> list[Booking]:
    """Return what staff have canceled last without a refund."""
    forfeited = [row for row in bookings if row.forfeited]
    canceled_at = last_canceled_at(forfeited)
    return _parts([row for row in forfeited if row.canceled_at == canceled_at])


def _parts(bookings: Sequence[Booking]) -> list[Booking]:
    """Return the parts of a package or bundle, or what is itself all."""
    return [row for row in bookings if row.position] or list(bookings)


def last_canceled_at(bookings: Sequence[Booking]) -> datetime | None:
    return max((row.canceled_at for row in bookings if row.canceled_at), default=None)


def _missed_times(bookings: Sequence[Booking]) -> list[str]:
    """Return the chosen times that were taken before the payment came, of the parts of a package or bundle."""
    parts = [row for row in bookings if row.service_type not in {ServiceType.PACKAGE, ServiceType.BUNDLE}]
    return [
        describe_moment(row.missed_starts_at, zone_of(row))
        for row in parts
        if row.position and row.missed_starts_at
    ]
