"""Mails to practitioners: booked, moved, canceled. What they were last told is compared with what is true."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime

from django.db import transaction

from estuary.bookings.models import Booking, BookingMove
from estuary.common import clock
from estuary.notifications.booking_mail_texts import TO_PRACTITIONERS, BookingMail
from estuary.orders.models import Order
from estuary.payments import outbox
from estuary.payments.mailing.meetings import SETS, bookings_of
from estuary.payments.models import DateChange, DateChangeRow, SentMail

type Notice = tuple[Booking, BookingMail]

BOOKED, CANCELED, MOVED = TO_PRACTITIONERS


def due_notices(
    bookings: Sequence[Booking], latest: Mapping[int | None, SentMail], at: datetime
) -> list[Notice]:
    """Return what the practitioners of these bookings have to be told; nothing of what has begun.

    Whatever the order of events, and however often this is asked: each change is told once.
    """
    due = []
    for booking in bookings:
        if booking.service_type in SETS or (booking.session and booking.session.is_called_off):
            continue
        last = latest.get(booking.pk)
        if last and booking.unscheduled_at and last.created_at < booking.unscheduled_at:
            # The time that they were told of was taken from it; the next one is told as if it were the first.
            taken = _taken_start(booking, last)
            if booking.starts_at is None and last.kind != CANCELED and taken and taken > at:
                due.append((booking, CANCELED))
            last = None
        if booking.starts_at is None or booking.starts_at <= at:
            continue
        is_known = last is not None and last.kind != CANCELED
        if booking.is_active and not is_known:
            due.append((booking, BOOKED))
        elif booking.is_active and last and last.starts_at != booking.starts_at:
            due.append((booking, MOVED))
        elif booking.status == Booking.Status.CANCELED and (is_known or last is None):
            due.append((booking, CANCELED))
    return due


def _taken_start(booking: Booking, last: SentMail) -> datetime | None:
    """Return when a booking began whose time was taken from it: its last seat's time, or what was told of its slot."""
    seats = sorted(booking.participants.all(), key=lambda seat: seat.pk)
    return seats[-1].session.starts_at if seats else last.starts_at


def without_date_changes(due: Sequence[Notice], latest: Mapping[int | None, SentMail]) -> list[Notice]:
    """Leave out what a change of dates did: its practitioner made it, or gets one mail about all of it."""
    changed = [booking.pk for booking, kind in due if kind != BOOKED]
    if not changed:
        return list(due)
    rows = DateChangeRow.objects.filter(booking__in=changed)
    call_offs = rows.exclude(change__kind=DateChange.Kind.MOVE).filter(done_at__isnull=False)
    called_off_at = dict(call_offs.order_by("done_at").values_list("booking_id", "done_at"))
    moves = BookingMove.objects.filter(booking__in=changed).order_by("pk")
    guests_times = dict(moves.values_list("booking_id", "to_starts_at"))

    def is_by_guest(booking: Booking, kind: BookingMail) -> bool:
        if kind == CANCELED:
            # What a change has ended has a row that was done then, or later if a dispute held its refund back.
            done_at, ended_at = called_off_at.get(booking.pk), booking.canceled_at or booking.unscheduled_at
            return done_at is None or ended_at is None or done_at < ended_at
        last = latest.get(booking.pk)
        return booking.pk in guests_times and (last is None or guests_times[booking.pk] != last.starts_at)

    return [(booking, kind) for booking, kind in due if kind == BOOKED or is_by_guest(booking, kind)]


@transaction.atomic
def notify_practitioners(order: Order) -> None:
    """Enqueue what the practitioners of an order's bookings have to be told."""
    # Two mails about one order are written one after the other, so that neither repeats what the other tells.
    Order.objects.select_for_update(no_key=True).get(pk=order.pk)
    bookings = bookings_of(order)
    # What staff had sent again tells nothing new.
    sent = SentMail.objects.filter(order=order, kind__in=TO_PRACTITIONERS, requested_by=None).order_by("pk")
    counts = Counter(mail.booking_id for mail in sent)
    latest = {mail.booking_id: mail for mail in sent}
    due = without_date_changes(due_notices(bookings, latest, clock.now()), latest)
    rows = [
        SentMail(
            key=f"booking-{booking.pk}-{kind}-{counts[booking.pk]}",
            kind=kind,
            order=order,
            booking=booking,
            user_id=booking.practitioner.user_id,
            starts_at=booking.starts_at or _taken_start(booking, latest[booking.pk]),
        )
        for booking, kind in due
    ]
    outbox.send_booking_mails(SentMail.objects.bulk_create(rows))
