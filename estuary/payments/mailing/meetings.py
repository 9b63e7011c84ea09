"""What a mail tells of bookings: what, when in the right zone, where or how to join, and with whom."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db.models import Prefetch

from estuary.accounts.models import Practitioner
from estuary.bookings.models import Booking, Participant
from estuary.catalog.models import ServiceSession, ServiceType
from estuary.catalog.venues import Venue
from estuary.common import clock
from estuary.common.english_times import describe_time
from estuary.notifications.calendar_file import CalendarFile, Meeting, Method, write_calendar_file
from estuary.notifications.layout import Facts, Link
from estuary.orders.models import Order
from estuary.payments.mailing.sending import domain

SETS = frozenset({ServiceType.PACKAGE, ServiceType.BUNDLE})


@dataclass(frozen=True, slots=True)
class BookedMeeting:
    """One meeting of a booking: its only one, or one of a course. ``is_on`` is false once it is canceled."""

    booking: Booking
    session: ServiceSession | None
    starts_at: datetime
    ends_at: datetime
    is_on: bool

    @property
    def venue(self) -> Venue | None:
        return self.booking.service.venue if self.booking.service else None

    @property
    def zone(self) -> ZoneInfo:
        return zone_of(self.booking)

    @property
    def when(self) -> str:
        return describe_time(self.starts_at, self.ends_at, self.zone)

    @property
    def join_url(self) -> str:
        return (self.booking.join_url_of(self.session) if self.is_on else "") or ""

    @property
    def uid(self) -> str:
        """Return what names the meeting in every calendar, however often it is moved (also in lib/calendar.ts)."""
        is_one_of_many = self.booking.service_type == ServiceType.COURSE and self.session
        suffix = f"-{self.session.pk}" if self.session and is_one_of_many else ""
        return f"booking-{self.booking.pk}{suffix}@{domain()}"


def zone_of(booking: Booking) -> ZoneInfo:
    """Return the zone in which mails tell a booking's times."""
    venue = booking.service.venue if booking.service else None
    return _choose_zone(venue, booking.order, booking.practitioner)


def zone_of_order(order: Order) -> ZoneInfo:
    """Return the zone in which mails tell an order's times before it has bookings; UTC if it is about no service."""
    lines = order.lines.select_related("service__venue", "service__practitioner").order_by("position")
    services = [line.service for line in lines if line.service]
    if not services:
        return ZoneInfo(order.time_zone or "UTC")
    first = next((service for service in services if service.venue), services[0])
    return _choose_zone(first.venue, order, first.practitioner)


def _choose_zone(venue: Venue | None, order: Order, practitioner: Practitioner) -> ZoneInfo:
    """Return the zone of the place; of what is online the buyer's, or the practitioner's if that is not known."""
    if venue:
        return venue.zone
    return ZoneInfo(order.time_zone) if order.time_zone else practitioner.zone


def bookings_of(order: Order) -> list[Booking]:
    """Return the bookings of an order with all that its mails tell of them, in two queries."""
    seats = Prefetch("participants", Participant.objects.select_related("session").order_by("-active", "pk"))
    rows = Booking.objects.filter(order=order).select_related(
        "service__venue", "practitioner__user", "session", "line", "user"
    )
    bookings = list(rows.prefetch_related(seats).order_by("position"))
    for booking in bookings:
        booking.order = order
    return bookings


def meetings_of(bookings: Iterable[Booking]) -> list[BookedMeeting]:
    """Return the meetings of bookings that have a time, the canceled ones too, soonest first."""
    meetings = [meeting for booking in bookings for meeting in _meetings(booking)]
    return sorted(meetings, key=lambda meeting: meeting.starts_at)


def _meetings(booking: Booking) -> list[BookedMeeting]:
    if booking.service_type == ServiceType.COURSE:
        seats = {
            seat.session_id: seat for seat in reversed(booking.participants.all())
        }  # the active one wins
        return [
            BookedMeeting(
                booking,
                seat.session,
                seat.session.starts_at,
                seat.session.ends_at,
                booking.is_active and seat.active,
            )
            for seat in seats.values()
        ]
    if booking.starts_at is None or booking.ends_at is None or booking.service_type in SETS:
        return []
    return [BookedMeeting(booking, booking.session, booking.starts_at, booking.ends_at, booking.is_active)]


def taken_meeting(booking: Booking, starts_at: datetime, ends_at: datetime) -> list[BookedMeeting]:
    """Return the meeting whose time was taken from a booking; nothing if the booking has a time again.

    Both have one uid: what ends the old time in a calendar would end the new one.
    """
    if booking.starts_at is not None:
        return []
    return [BookedMeeting(booking, None, starts_at, ends_at, is_on=False)]


def ahead(meetings: Iterable[BookedMeeting], *, is_on: bool = True) -> list[BookedMeeting]:
    """Return the meetings to come that take place, or (``is_on`` false) that do not any more."""
    at = clock.now()
    return [meeting for meeting in meetings if meeting.is_on == is_on and meeting.starts_at > at]


def not_over(meetings: Iterable[BookedMeeting]) -> list[BookedMeeting]:
    """Return the meetings that take place and have not ended, also those that have begun."""
    at = clock.now()
    return [meeting for meeting in meetings if meeting.is_on and meeting.ends_at > at]


def describe_meetings(meetings: Sequence[BookedMeeting]) -> list[Facts]:
    """Return a table for each booking: its times, its place or its link, and the practitioner."""
    by_booking: dict[int, list[BookedMeeting]] = {}
    for meeting in meetings:
        by_booking.setdefault(meeting.booking.pk, []).append(meeting)
    return [_describe_booking(group) for group in by_booking.values()]


def _describe_booking(meetings: Sequence[BookedMeeting]) -> Facts:
    booking, venue = meetings[0].booking, meetings[0].venue
    rows: list[tuple[str, str | Link]] = [("When", "\n".join(meeting.when for meeting in meetings))]
    if venue:
        rows.append(("Where", "\n".join([venue.name, *venue.address_lines])))
        if venue.directions:
            rows.append(("Finding it", venue.directions))
        rows.append(("Map", Link("Directions", venue.directions_url)))
    elif booking.service:
        rows.append(("Where", booking.service.location))
    links = {meeting.join_url: meeting for meeting in meetings if meeting.join_url}
    for url, meeting in links.items():
        day = meeting.starts_at.astimezone(meeting.zone)
        label = "Join" if len(links) == 1 else f"Join on {day:%B} {day.day}"
        rows.append((label, Link("Join online", url)))
    rows.append(("With", booking.practitioner.display_name))
    return Facts(booking.service_name, rows)


def calendar_files(meetings: Sequence[BookedMeeting], method: Method, *, attendee: str) -> list[CalendarFile]:
    """Return a calendar file for each meeting. A file that is written later replaces all that were written before.

    A mail is written from the rows as they are when it is sent, so the later one is right. Its sequence number is the
    seconds since the booking was made, and one more for an end.
    """
    at = clock.now()
    return [
        write_calendar_file(
            _calendar_meeting(meeting, int((at - meeting.booking.created_at).total_seconds()), method),
            method=method,
            organizer=settings.DEFAULT_FROM_EMAIL.rpartition("<")[2].rstrip(">"),
            attendee=attendee,
            written_at=at,
            name=f"{'canceled' if method == 'CANCEL' else 'booking'}-{number}.ics",
        )
        for number, meeting in enumerate(meetings, start=1)
    ]


def _calendar_meeting(meeting: BookedMeeting, seconds: int, method: Method) -> Meeting:
    booking, venue = meeting.booking, meeting.venue
    place = ", ".join([venue.name, *venue.address_lines]) if venue else ""
    notes = [
        f"With {booking.practitioner.display_name}",
        venue.directions if venue else "",
        f"{settings.FRONTEND_URL}/bookings/",
    ]
    return Meeting(
        uid=meeting.uid,
        sequence=max(seconds, 0) + (method == "CANCEL"),
        title=booking.service_name,
        starts_at=meeting.starts_at,
        ends_at=meeting.ends_at,
        location=place or (booking.service.location if booking.service else ""),
        description="\n".join(note for note in notes if note),
        url=meeting.join_url,
    )
