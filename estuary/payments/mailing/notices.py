"""Mails to practitioners: booked, moved, canceled. What they were last told is compared with what is true."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime

from django.db import transaction

from estuary.bookings.models import Booking
from estuary.common import clock
from estuary.notifications.booking_mail_texts import TO_PRACTITIONERS, BookingMail
from estuary.orders.models import Order
from estuary.payments import outbox
from estuary.payments.mailing.meetings import SETS, bookings_of
from estuary.payments.models import SentMail

BOOKED, CANCELED, MOVED = TO_PRACTITIONERS


def due_notices(
    bookings: Sequence[Booking], latest: Mapping[int | None, SentMail], at: datetime
) -> list[tuple[Booking, BookingMail]]:
    """Return what the practitioners of these bookings have to be told; nothing of what has begun.

    Whatever the order of events, and however often this is asked: each change is told once.
    """
    due = []
    for booking in bookings:
        if booking.starts_at is None or booking.starts_at <= at or booking.service_type in SETS:
            continue
        if booking.session and booking.session.is_called_off:
            # By the practitioner, for all guests at once.
            continue
        last = latest.get(booking.pk)
        is_known = last is not None and last.kind != CANCELED
        if booking.is_active and not is_known:
            due.append((booking, BOOKED))
        elif booking.is_active and last and last.starts_at != booking.starts_at:
            due.append((booking, MOVED))
        elif booking.status == Booking.Status.CANCELED and (is_known or last is None):
            due.append((booking, CANCELED))
    return due


@transaction.atomic
def notify_practitioners(order: Order) -> None:
    """Enqueue what the practitioners of an order's bookings have to be told."""
    # Two mails about one order are written one after the other, so that neither repeats what the other tells.
    Order.objects.select_for_update(no_key=True).get(pk=order.pk)
    bookings = bookings_of(order)
    sent = SentMail.objects.filter(order=order, kind__in=TO_PRACTITIONERS).order_by("pk")
    counts = Counter(mail.booking_id for mail in sent)
    latest = {mail.booking_id: mail for mail in sent}
    due = due_notices(bookings, latest, clock.now())
    rows = [
        SentMail(
            key=f"booking-{booking.pk}-{kind}-{counts[booking.pk]}",
            kind=kind,
            order=order,
            booking=booking,
            user_id=booking.practitioner.user_id,
            starts_at=booking.starts_at,
        )
        for booking, kind in due
    ]
    outbox.send_booking_mails(SentMail.objects.bulk_create(rows))
