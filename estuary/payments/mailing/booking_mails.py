"""Mails about one booking: a reminder, a package that lapses, and what practitioners are told."""

from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from django.conf import settings

from estuary.bookings.models import Booking, Reservation
from estuary.common import clock
from estuary.common.english_times import describe_day, describe_moment, describe_time
from estuary.notifications.booking_mail_texts import (
    REPLY_TO_PRACTITIONER,
    REPLY_TO_SHOP,
    SUBJECTS,
    TEXTS,
    TO_PRACTITIONERS,
    AccountMail,
    BookingMail,
)
from estuary.notifications.layout import Content, Facts, Link
from estuary.payments.mailing.date_changes import to_practitioner_of
from estuary.payments.mailing.meetings import (
    BookedMeeting,
    ahead,
    bookings_of,
    calendar_files,
    describe_meetings,
    meetings_of,
)
from estuary.payments.mailing.notices import notify_practitioners
from estuary.payments.mailing.sending import Addressed, recipients, send_once
from estuary.payments.mailing.tenders import brand_name
from estuary.payments.models import DateChange, GuestMessage, PaymentMethod, SentMail


def send_booking_mail(mail_id: int) -> None:
    """Send the mail of a row, unless it was sent already or has no use any more."""
    row = SentMail.objects.select_related("order", "booking", "user", "message__practitioner__user").get(
        pk=mail_id
    )
    assert row.user is not None
    mail = Addressed(row.key, row.kind, row.user)
    send_once(mail, lambda: write_booking_mail(row))


def send_scheduled(booking_id: int, reservation_id: int | None) -> None:
    """Write to the buyer and the practitioner of a part that was given its time.

    The reservation names the time: a part whose time was called off is given another one.
    """
    booking = Booking.objects.select_related("order").get(pk=booking_id)
    taken = Reservation.objects.exclude(status=Reservation.Status.RELEASED).filter(pk=reservation_id or 0)
    is_taken = reservation_id is None or taken.exists()
    row, _ = SentMail.objects.get_or_create(
        key=f"scheduled-{booking_id}" + (f"-{reservation_id}" if reservation_id else ""),
        defaults={
            "kind": BookingMail.SCHEDULED,
            "order_id": booking.order_id,
            "booking_id": booking_id,
            "user_id": booking.user_id,
            # Without a time the mail is of no use: the place was given back meanwhile.
            "starts_at": booking.starts_at if is_taken else None,
        },
    )
    send_booking_mail(row.pk)
    notify_practitioners(booking.order)


def write_booking_mail(row: SentMail) -> Content | None:
    """Return the mail as the rows are now; None if its booking was canceled, moved or scheduled meanwhile."""
    if row.kind == AccountMail.CARD_EXPIRING:
        # The key is card-<id>-<year>-<month>.
        card = PaymentMethod.objects.filter(pk=int(row.key.split("-")[1]), detached_at=None).first()
        return card_expiring(card, row.user.first_name) if card and row.user else None
    if row.kind == BookingMail.PRACTITIONER_DATE_CHANGED:
        # The key is date-change-<public id>.
        public_id = row.key.removeprefix("date-change-")
        change = DateChange.objects.select_related("practitioner").get(public_id=public_id)
        return to_practitioner_of(change)
    assert row.order is not None and row.booking_id is not None
    bookings = bookings_of(row.order)
    booking = next(one for one in bookings if one.pk == row.booking_id)
    kind = BookingMail(row.kind)
    if kind == BookingMail.MESSAGE:
        # Its text goes with the person who is erased.
        message = row.message if row.message and row.message.text else None
        return from_practitioner(message, booking, row.starts_at) if message else None
    if kind == BookingMail.LAPSING:
        return lapsing(booking, bookings)
    if kind in TO_PRACTITIONERS:
        original = SentMail.objects.filter(key=row.first_key).first() or row
        earlier = SentMail.objects.filter(
            booking=booking, kind__in=TO_PRACTITIONERS, pk__lt=original.pk, requested_by=None
        )
        before = earlier.order_by("-pk").first()
        return to_practitioner(kind, booking, row.starts_at, before.starts_at if before else None)
    return to_guest(kind, booking, row.starts_at)


def to_guest(kind: BookingMail, booking: Booking, starts_at: datetime | None) -> Content | None:
    """Return a reminder of the meeting at this time, or the time that a part was given; None if it is no more."""
    meetings = [meeting for meeting in ahead(meetings_of([booking])) if meeting.starts_at == starts_at]
    if not meetings:
        return None
    values = _values(booking, meetings[0])
    return Content(
        SUBJECTS[kind].format(**values),
        TEXTS[kind].format(**values),
        first_name=booking.user.first_name,
        facts=describe_meetings(meetings),
        button=Link("See your bookings", f"{settings.FRONTEND_URL}/bookings/"),
        files=calendar_files(meetings, "REQUEST", attendee=booking.user.email),
    )


def _values(booking: Booking, meeting: BookedMeeting) -> dict[str, str]:
    return {"title": booking.service_name, "day": describe_day(meeting.starts_at, meeting.zone)}


def to_practitioner(
    kind: BookingMail, booking: Booking, starts_at: datetime | None, before: datetime | None
) -> Content | None:
    """Return what a practitioner is told of a guest: by name, in the zone of the place or the practitioner's own."""
    if starts_at is None:
        return None
    venue = booking.service.venue if booking.service else None
    zone = (venue or booking.practitioner).zone
    guest = booking.user.public_name
    values = {
        "title": booking.service_name,
        "day": describe_day(starts_at, zone),
        "guest": guest,
        "before": describe_moment(before, zone) if before else "another time",
    }
    rows: list[tuple[str, str | Link]] = [
        ("Who", guest),
        ("What", booking.service_name),
        ("When", _describe_when(booking, starts_at, zone)),
        *((str(name), str(value)) for name, value in booking.order.service_data.items()),
    ]
    return Content(
        SUBJECTS[kind].format(**values),
        TEXTS[kind].format(**values),
        first_name=booking.practitioner.display_name,
        facts=[Facts("", rows)],
        button=Link("See your roster", f"{settings.FRONTEND_URL}/roster/"),
    )


def _describe_when(booking: Booking, starts_at: datetime, zone: ZoneInfo) -> str:
    """Return a time with its end; without it of a booking whose time was taken from it."""
    meeting = next(iter(meetings_of([booking])), None)
    if meeting is None:
        return describe_moment(starts_at, zone)
    return describe_time(starts_at, starts_at + (meeting.ends_at - meeting.starts_at), zone)


def from_practitioner(message: GuestMessage, booking: Booking, starts_at: datetime | None) -> Content:
    """Return what a practitioner wrote to a guest, with the meeting that it is about."""
    who = message.practitioner
    values = {
        "practitioner": who.display_name,
        "title": booking.service_name,
        "shop": settings.SITE_NAME,
    }
    # Not the address of a practitioner who has been erased since.
    own = recipients(who.user) if message.reply_to_practitioner else []
    about = [meeting for meeting in meetings_of([booking]) if meeting.starts_at == starts_at]
    return Content(
        SUBJECTS[BookingMail.MESSAGE].format(**values),
        TEXTS[BookingMail.MESSAGE].format(**values),
        first_name=booking.user.first_name,
        quote=message.text,
        facts=describe_meetings(about),
        closing=(REPLY_TO_PRACTITIONER if own else REPLY_TO_SHOP).format(**values),
        button=Link("See your bookings", f"{settings.FRONTEND_URL}/bookings/"),
        reply_to=own[0] if own else settings.CONTACT_EMAIL,
    )


def lapsing(root: Booking, bookings: Sequence[Booking]) -> Content | None:
    unscheduled = sum(booking.needs_scheduling for booking in bookings)
    if not unscheduled or not root.is_active or root.valid_until is None or root.valid_until <= clock.now():
        return None
    zone = root.practitioner.zone
    values = {
        "title": root.service_name,
        "day": describe_day(root.valid_until, zone),
        "until": describe_moment(root.valid_until, zone),
        "unscheduled": "one part" if unscheduled == 1 else f"{unscheduled} parts",
    }
    return Content(
        SUBJECTS[BookingMail.LAPSING].format(**values),
        TEXTS[BookingMail.LAPSING].format(**values),
        first_name=root.user.first_name,
        button=Link("Choose your times", f"{settings.FRONTEND_URL}/bookings/"),
    )


def card_expiring(card: PaymentMethod, first_name: str) -> Content:
    values = {
        "brand": brand_name(card.brand),
        "last4": card.last4,
        "month": f"{card.exp_month:02}/{card.exp_year}",
    }
    return Content(
        SUBJECTS[AccountMail.CARD_EXPIRING].format(**values),
        TEXTS[AccountMail.CARD_EXPIRING].format(**values),
        first_name=first_name,
        button=Link("See your cards", f"{settings.FRONTEND_URL}/cards/"),
    )
