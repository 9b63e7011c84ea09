"""Practitioners write to their guests: a message is stored and mailed to each guest, who never see each other.

The guest's address is not shown to the practitioner, and the practitioner's to the guest only if the practitioner
says so with the message. Otherwise replies go to the shop.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from allauth.account.models import EmailAddress
from django.conf import settings
from django.db import transaction
from django.shortcuts import get_object_or_404

from estuary.accounts.models import Practitioner
from estuary.bookings.models import Booking, Participant
from estuary.bookings.roster.meetings import ON
from estuary.catalog.models import ServiceSession
from estuary.common import clock
from estuary.common.db.batch_delete import delete_in_batches
from estuary.common.errors import Conflict
from estuary.notifications.booking_mail_texts import BookingMail
from estuary.payments import outbox
from estuary.payments.models import GuestMessage, SentMail

# Afterwards a guest has no reason to expect a mail about it.
MAX_AGE = timedelta(days=30)


class GuestCanceled(Conflict):
    code, title = "guest_canceled", "This guest does not come any more"


class DateTooLongAgo(Conflict):
    code, title = "date_too_long_ago", "This was too long ago"


class NobodyBooked(Conflict):
    code, title = "nobody_booked", "Nobody is booked on this date"


class EmailNotVerified(Conflict):
    code, title = "email_not_verified", "Your e-mail address is not confirmed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What a practitioner wants to be sent; ``request_key`` is empty for a request without an idempotency key."""

    text: str
    reply_to_practitioner: bool = False
    request_key: str = ""


def find_message(practitioner: Practitioner, request_key: str) -> GuestMessage | None:
    """Return what an earlier run of the same request has written."""
    messages = GuestMessage.objects.filter(practitioner=practitioner, request_key=request_key)
    return messages.first() if request_key else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """The bookings whose guests are written to: that of one guest, or all of a date."""

    practitioner: Practitioner
    bookings: Sequence[Booking]
    starts_at: datetime | None
    session: ServiceSession | None = None


def target_guest(practitioner: Practitioner, booking_id: int) -> Target:
    """Return the guest of one booking; raises Http404 for another practitioner's, GuestCanceled, DateTooLongAgo."""
    booking = get_object_or_404(Booking.objects.filter(practitioner=practitioner), pk=booking_id)
    if booking.status not in ON:
        raise GuestCanceled("This booking is canceled, so its guest expects no message from you.")
    _refuse_long_ago(booking.ends_at)
    return Target(practitioner=practitioner, bookings=[booking], starts_at=booking.starts_at)


def target_date(practitioner: Practitioner, session_id: int) -> Target:
    """Return all guests of a date; raises Http404, DateTooLongAgo, NobodyBooked."""
    sessions = ServiceSession.objects.filter(service__practitioner=practitioner)
    session = get_object_or_404(sessions, pk=session_id)
    _refuse_long_ago(session.ends_at)
    seats = Participant.objects.filter(session=session, active=True).select_related("booking").order_by("pk")
    bookings = [seat.booking for seat in seats]
    if not bookings:
        raise NobodyBooked("Nobody is booked on this date, so there is nobody to write to.")
    return Target(practitioner=practitioner, bookings=bookings, starts_at=session.starts_at, session=session)


def _refuse_long_ago(ends_at: datetime | None) -> None:
    if ends_at is not None and ends_at < clock.now() - MAX_AGE:
        raise DateTooLongAgo(
            f"This ended more than {MAX_AGE.days} days ago. Write to {settings.CONTACT_EMAIL}, who can reach the guest."
        )


@transaction.atomic
def send_message(target: Target, draft: Draft) -> GuestMessage:
    """Store the message with a mail for each guest, and enqueue the mails, in one transaction.

    Raises EmailNotVerified.
    """
    if draft.reply_to_practitioner:
        _refuse_unverified(target.practitioner)
    message = GuestMessage.objects.create(
        practitioner=target.practitioner,
        booking=None if target.session else target.bookings[0],
        session=target.session,
        text=draft.text,
        reply_to_practitioner=draft.reply_to_practitioner,
        request_key=draft.request_key,
    )
    rows = [
        SentMail(
            key=f"message-{message.pk}-{booking.pk}",
            kind=BookingMail.MESSAGE,
            order_id=booking.order_id,
            booking=booking,
            user_id=booking.user_id,
            starts_at=target.starts_at,
            message=message,
        )
        for booking in target.bookings
    ]
    outbox.send_booking_mails(SentMail.objects.bulk_create(rows))
    return message


def _refuse_unverified(practitioner: Practitioner) -> None:
    """Refuse to let guests reply to an address that may be somebody else's."""
    user = practitioner.user
    if not EmailAddress.objects.filter(user=user, email__iexact=user.email, verified=True).exists():
        raise EmailNotVerified(
            "Confirm your e-mail address on your profile first, or have replies go to the shop."
        )


def delete_old_messages() -> int:
    """Delete messages when the records of their mails are deleted; returns how many."""
    before = clock.now() - timedelta(days=settings.MAILS_KEPT_DAYS)
    return delete_in_batches(GuestMessage.objects.filter(created_at__lt=before))
