"""What a mail about an order says, put together from its rows."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings

from estuary.bookings.models import Booking
from estuary.catalog.bounds import notice, subtract_notice
from estuary.catalog.cancellation_terms import describe_cancellation_terms, sold_notice_hours
from estuary.catalog.models import ServiceType
from estuary.common.money import display
from estuary.notifications.booking_mail_texts import describe_moment
from estuary.notifications.layout import Content, Facts, Link
from estuary.notifications.order_mail_texts import (
    REFUND_TAKES,
    SUBJECTS,
    TEXTS,
    OrderMail,
    describe_bank_deadline,
    describe_canceled,
    describe_hold_end,
    describe_missed_times,
    describe_returned,
)
from estuary.orders.models import Order
from estuary.payments.mailing.meetings import (
    SETS,
    BookedMeeting,
    ahead,
    calendar_files,
    describe_meetings,
    meetings_of,
)
from estuary.payments.mailing.tenders import order_link

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
BEGINS = frozenset({OrderMail.COMPLETED, OrderMail.MOVED, OrderMail.DATE_MOVED, OrderMail.NEW_LINK})


@dataclass(frozen=True, slots=True)
class Related:
    """What a mail tells beside the order itself."""

    bookings: Sequence[Booking] = ()
    tables: Sequence[Facts] = ()
    returned_minor: int = 0
    date_change: str = ""


def compose(order: Order, template: OrderMail, related: Related) -> Content:
    """Return a mail about an order; no row is read, so a sample needs none."""
    bookings = related.bookings
    meetings = meetings_of(bookings)
    values = {
        "title": order.title,
        "order": order.public_id,
        "total": display(order.total_minor, order.currency),
        "sent_back": _describe_sum_sent_back(order),
        "due": display(order.amount_due_minor, order.currency),
        "kept": describe_bank_deadline(order.kept_until),
        "held_until": describe_hold_end(order.expires_at),
        "missed": describe_missed_times(_missed_times(bookings)) if template == OrderMail.COMPLETED else "",
        "credits": ", and the credits that you spent on it are yours again"
        if order.credits_applied_minor
        else "",
        "date_change": related.date_change or f"A date of {order.title} has changed.",
        "forfeited": _name_parts([row for row in bookings if row.forfeited], meetings),
        **(_canceled(order, related, meetings) if template == OrderMail.CANCELED else {}),
    }
    return Content(
        SUBJECTS[template].format(**values),
        TEXTS[template].format(**values),
        first_name=order.user.first_name,
        facts=[*(describe_meetings(ahead(meetings)) if template in BEGINS else []), *related.tables],
        closing=_closing(order, template, meetings),
        button=Link("See your bookings", f"{settings.FRONTEND_URL}/bookings/")
        if template in BEGINS and bookings
        else order_link("See your order", order),
        files=_files(order, template, meetings),
    )


def _describe_sum_sent_back(order: Order) -> str:
    """Return such as ``We have sent back all of the 35.00 USD``; of several refunds, the sum."""
    total = display(order.total_minor, order.currency)
    if order.refunded_minor >= order.total_minor:
        return f"We have sent back all of the {total}"
    return f"So far we have sent back {display(order.refunded_minor, order.currency)} of the {total}"


def _closing(order: Order, template: OrderMail, meetings: Sequence[BookedMeeting]) -> str:
    if template == OrderMail.REFUNDED:
        return REFUND_TAKES
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
    returned = display(related.returned_minor, order.currency) if related.returned_minor else ""
    return {
        "canceled": _name_parts(ended, meetings) or order.title,
        "returned": describe_returned(returned),
    }


def _name_parts(bookings: Sequence[Booking], meetings: Sequence[BookedMeeting]) -> str:
    """Return bookings by name and time; of a package or bundle its parts, or itself if nothing else is there."""
    parts = [row for row in bookings if row.position] or bookings
    first: dict[int, BookedMeeting] = {}
    for meeting in meetings:
        first.setdefault(meeting.booking.pk, meeting)
    return describe_canceled(
        [(row.service_name, first[row.pk].when if row.pk in first else "") for row in parts]
    )


def last_canceled_at(bookings: Sequence[Booking]) -> datetime | None:
    return max((row.canceled_at for row in bookings if row.canceled_at), default=None)


def _missed_times(bookings: Sequence[Booking]) -> list[datetime]:
    """Return the chosen times that were taken before the payment came, of the parts of a package or bundle."""
    parts = [row for row in bookings if row.service_type not in {ServiceType.PACKAGE, ServiceType.BUNDLE}]
    return [row.missed_starts_at for row in parts if row.position and row.missed_starts_at]
