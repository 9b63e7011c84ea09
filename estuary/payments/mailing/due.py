"""Mails whose time has come: reminders, packages about to lapse, cards about to expire. Each gets its row once."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.db.models import (
    CharField,
    DateTimeField,
    DurationField,
    Exists,
    ExpressionWrapper,
    F,
    OuterRef,
    Q,
    Value,
)
from django.db.models.functions import Cast, Concat

from estuary.bookings.models import ACTIVE, Booking, Participant
from estuary.catalog.bounds import REMINDER_MAX_HOURS
from estuary.catalog.models import ServiceType
from estuary.common import clock
from estuary.common.db.bulk import insert_ignoring_conflicts
from estuary.common.db.prepared_queries import Param, PreparedQuery, PreparedValuesQuery
from estuary.notifications.booking_mail_texts import AccountMail, BookingMail
from estuary.notifications.order_mail_texts import OrderMail
from estuary.orders.models import Order
from estuary.orders.states import Status
from estuary.payments import outbox
from estuary.payments.models import PaymentMethod, SentMail

# So much is written in one transaction; the next run takes the rest.
MAX_MAILS = 500
LAPSE_NOTICE = timedelta(days=14)
CONFIRM_NOTICE = timedelta(minutes=3)


def _due_at(starts_at: str, hours: str) -> "ExpressionWrapper[Any]":
    """Return when a reminder is due: a service's hours before the start."""
    lead = ExpressionWrapper(F(hours) * Value(timedelta(hours=1)), output_field=DurationField())
    return ExpressionWrapper(F(starts_at) - lead, output_field=DateTimeField())


BOOKINGS_TO_REMIND = PreparedValuesQuery(
    lambda: (
        Booking.objects.alias(due_at=_due_at("starts_at", "service__reminder_hours"))
        .filter(
            ~Exists(
                SentMail.objects.filter(
                    booking=OuterRef("pk"), kind=BookingMail.REMINDER, starts_at=OuterRef("starts_at")
                )
            ),
            service_type__in=[ServiceType.SESSION, ServiceType.WORKSHOP],
            status__in=ACTIVE,
            starts_at__range=(Param("at"), Param("until")),
            due_at__lte=Param("at"),
            created_at__lt=F("due_at"),
        )
        .exclude(service__reminder_hours=0)
        .order_by("starts_at", "pk")
        .values_list("pk", "order_id", "user_id", "starts_at")[:MAX_MAILS]
    )
)
# The meetings of courses, each with its booking.
SEATS_TO_REMIND = PreparedValuesQuery(
    lambda: (
        Participant.objects.alias(due_at=_due_at("session__starts_at", "session__service__reminder_hours"))
        .filter(
            ~Exists(
                SentMail.objects.filter(
                    booking=OuterRef("booking"),
                    kind=BookingMail.REMINDER,
                    starts_at=OuterRef("session__starts_at"),
                )
            ),
            active=True,
            session__service__type=ServiceType.COURSE,
            session__starts_at__range=(Param("at"), Param("until")),
            due_at__lte=Param("at"),
            booking__created_at__lt=F("due_at"),
            booking__status__in=ACTIVE,
        )
        .exclude(session__service__reminder_hours=0)
        .order_by("session__starts_at", "pk")
        .values_list("booking_id", "booking__order_id", "user_id", "session__starts_at")[:MAX_MAILS]
    )
)
ORDERS_TO_CONFIRM = PreparedQuery(
    lambda: (
        Order.objects.filter(
            ~Exists(SentMail.objects.filter(order=OuterRef("pk"), kind=OrderMail.ACTION_NEEDED)),
            status=Status.PENDING,
            expires_at__gt=Param("holds_until"),
            requested_at__lt=Param("requested_before"),
        )
        .exclude(stripe_payment_method_id="")
        .exclude(stripe_payment_intent_id="")
        .order_by("expires_at", "pk")[:MAX_MAILS]
    )
)
LAPSING = PreparedValuesQuery(
    lambda: (
        Booking.objects.filter(
            ~Exists(SentMail.objects.filter(booking=OuterRef("pk"), kind=BookingMail.LAPSING)),
            Exists(Booking.objects.filter(parent=OuterRef("pk"), status__in=ACTIVE, starts_at=None)),
            position=0,
            status__in=ACTIVE,
            valid_until__range=(Param("at"), Param("until")),
            # Who bought it within the notice has just read how long it is valid.
            created_at__lt=F("valid_until") - Value(LAPSE_NOTICE),
        )
        .order_by("valid_until", "pk")
        .values_list("pk", "order_id", "user_id")[:MAX_MAILS]
    )
)


def remind() -> int:
    """Enqueue the reminders that are due, of services that have one; returns how many.

    Somebody who books later than the reminder would have come has just been told all that it says.
    """
    at = clock.now()
    window = {"at": at, "until": at + timedelta(hours=REMINDER_MAX_HOURS)}
    bookings, seats = BOOKINGS_TO_REMIND.send(**window)(), SEATS_TO_REMIND.send(**window)()
    return _enqueue(map(_reminder, [*bookings, *seats]))


def _reminder(row: tuple[Any, ...]) -> SentMail:
    booking_id, order_id, user_id, starts_at = row
    return SentMail(
        # As precise as the moments that are compared: a date can move by less than a second.
        key=f"reminder-{booking_id}-{starts_at:%Y%m%dT%H%M%S%f}",
        kind=BookingMail.REMINDER,
        order_id=order_id,
        booking_id=booking_id,
        user_id=user_id,
        starts_at=starts_at,
    )


def ask_to_confirm() -> int:
    """Enqueue a mail for each payment by a saved card that its bank wants confirmed, and nobody has; returns how many.

    Who is at the screen has confirmed by then. The hold must last long enough for the mail to be read.
    """
    at = clock.now()
    orders = ORDERS_TO_CONFIRM.fetch(holds_until=at + CONFIRM_NOTICE, requested_before=at - CONFIRM_NOTICE)
    rows = [
        SentMail(
            key=f"action-{order.public_id}",
            kind=OrderMail.ACTION_NEEDED,
            order_id=order.pk,
            user_id=order.user_id,
        )
        for order in orders
    ]
    with transaction.atomic():
        inserted = insert_ignoring_conflicts(rows)
        outbox.send_each_mail(
            [{"order_id": row.order_id, "template": row.kind, "key": row.key} for row in inserted]
        )
    return len(inserted)


def waits_for_buyer(order: Order) -> bool:
    """Return whether an order is unpaid and still holds its place."""
    return order.status == Status.PENDING and order.expires_at > clock.now()


def warn_of_lapse() -> int:
    """Enqueue a warning for each package or bundle that lapses soon with parts that have no time; returns how many."""
    at = clock.now()
    lapsing = LAPSING.send(at=at, until=at + LAPSE_NOTICE)()
    return _enqueue(
        SentMail(
            key=f"lapsing-{pk}", kind=BookingMail.LAPSING, order_id=order_id, booking_id=pk, user_id=user_id
        )
        for pk, order_id, user_id in lapsing
    )


def warn_of_expiring_cards() -> int:
    """Enqueue a warning for each saved card that expires with this month or the next; returns how many."""
    today = clock.now()
    following = (today.replace(day=1) + timedelta(days=32)).replace(day=1)
    expires_soon = Q(exp_year=today.year, exp_month=today.month) | Q(
        exp_year=following.year, exp_month=following.month
    )
    key = Concat(
        Value("card-"),
        *(Cast("pk", CharField()), Value("-"), Cast("exp_year", CharField())),
        *(Value("-"), Cast("exp_month", CharField())),
    )
    cards = (
        PaymentMethod.objects.annotate(mail_key=key)
        .filter(
            expires_soon,
            ~Exists(SentMail.objects.filter(key=OuterRef("mail_key"))),
            detached_at=None,
            user__is_active=True,
        )
        .exclude(last4="")
        .order_by("pk")
        .values_list("mail_key", "user_id")
    )
    return _enqueue(
        SentMail(key=mail_key, kind=AccountMail.CARD_EXPIRING, user_id=user_id)
        for mail_key, user_id in cards[:MAX_MAILS]
    )


@transaction.atomic
def _enqueue(rows: Iterable[SentMail]) -> int:
    """Insert the rows with the jobs that send them. A row whose key is there already holds up no other."""
    inserted = insert_ignoring_conflicts(list(rows))
    outbox.send_booking_mails(inserted)
    return len(inserted)
