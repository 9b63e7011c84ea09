"""Seats and slots of a date that is called off or moved. The callers hold the locks on the orders and the sessions."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from django.db import connection
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange
from django.db.models import Q, QuerySet

from estuary.bookings.fulfilment import release
from estuary.bookings.models import ACTIVE, Booking, Participant, Reservation
from estuary.catalog.calendar import entries_of
from estuary.catalog.models import ServiceSession

# A bonus session that was called off can be scheduled for so long, even when its validity ends sooner.
RESCHEDULE_WITHIN = timedelta(days=30)
CALLED_OFF_STATUSES = ACTIVE | {Booking.Status.COMPLETED}

# The times of bookings and lines are those of their seats: of a course, from its first meeting to its last.
RETIME_BOOKINGS = """
    UPDATE bookings_booking booking
    SET starts_at = seats.starts_at, ends_at = seats.ends_at, calendar_sequence = calendar_sequence + 1
    FROM (SELECT p.booking_id, min(s.starts_at) AS starts_at, max(s.ends_at) AS ends_at
          FROM bookings_participant p JOIN catalog_servicesession s ON s.id = p.session_id
          WHERE p.active AND p.booking_id = ANY(%s) GROUP BY p.booking_id) seats
    WHERE booking.id = seats.booking_id"""
RETIME_LINES = """
    UPDATE orders_orderline line SET starts_at = seats.starts_at, ends_at = seats.ends_at
    FROM (SELECT r.line_id, min(s.starts_at) AS starts_at, max(s.ends_at) AS ends_at
          FROM bookings_reservation r JOIN catalog_servicesession s ON s.id = r.session_id
          WHERE r.status <> 'released' AND r.line_id = ANY(%s) GROUP BY r.line_id) seats
    WHERE line.id = seats.line_id"""


def live_seats(session_ids: Iterable[int]) -> Q:
    """Return the condition of held and confirmed seats in sessions."""
    return Q(session_id__in=list(session_ids))


def live_slots(practitioner_id: int, begin: datetime, end: datetime) -> Q:
    """Return the condition of 1-on-1 slots of a practitioner that start in a range."""
    entries = entries_of(practitioner_id).filter(
        during__overlap=DateTimeTZRange(begin, end),
        during__startswith__gte=begin,
        during__startswith__lt=end,
    )
    return Q(calendar_entry__in=entries)


def live_reservations(named: Q) -> QuerySet[Reservation]:
    return Reservation.objects.filter(named).exclude(status=Reservation.Status.RELEASED)


def call_off(bookings: Sequence[Booking], *, at: datetime) -> list[Booking]:
    """Cancel bookings whose date is called off, and release their seats and slots; return what was canceled.

    A booking that has been completed since, because its time is over, is canceled all the same.
    """
    keys = [booking.pk for booking in bookings]
    active = Booking.objects.filter(pk__in=keys, status__in=CALLED_OFF_STATUSES)
    canceled = list(active.order_by("pk").select_for_update(no_key=True))
    if not canceled:
        return []
    Participant.objects.filter(booking__in=canceled, active=True).update(active=False)
    release(Reservation.objects.filter(line_id__in=[row.line_id for row in canceled if row.line_id]))
    Booking.objects.filter(pk__in=[row.pk for row in canceled]).update(
        status=Booking.Status.CANCELED, canceled_at=at
    )
    return canceled


def leave_sessions(booking: Booking, session_ids: Sequence[int]) -> None:
    """Give back some meetings of a course; the booking keeps the others."""
    Participant.objects.filter(booking=booking, session_id__in=session_ids, active=True).update(active=False)
    release(Reservation.objects.filter(line_id=booking.line_id, session_id__in=session_ids))
    retime([booking.pk], [booking.line_id] if booking.line_id else [])


def unschedule(booking: Booking, *, at: datetime) -> None:
    """Take the time from a bonus session, which the guest may schedule again, as if it had had none.

    One that has been completed since, because its time is over, is confirmed again.
    """
    Participant.objects.filter(booking=booking, active=True).update(active=False)
    release(Reservation.objects.filter(line_id=booking.line_id))
    valid_until = max(booking.valid_until, at + RESCHEDULE_WITHIN) if booking.valid_until else None
    own = Booking.objects.filter(pk=booking.pk)
    own.update(
        starts_at=None,
        ends_at=None,
        session=None,
        valid_until=valid_until,
        former_starts_at=None,
        times_moved=0,
        unscheduled_at=at,
    )
    own.filter(status=Booking.Status.COMPLETED).update(status=Booking.Status.CONFIRMED)


def move_session(session: ServiceSession, *, starts_at: datetime, ends_at: datetime, at: datetime) -> None:
    """Move a session at this moment with everybody who has a seat in it, in a constant number of queries.

    Raises django.db.IntegrityError (calendar_practitioner_never_overlaps) when the practitioner is taken then.
    """
    old_starts_at = session.starts_at
    session.starts_at, session.ends_at = starts_at, ends_at
    session.save(update_fields=["starts_at", "ends_at"])
    seats = live_reservations(live_seats([session.pk]))
    line_ids = list(seats.values_list("line_id", flat=True))
    seated = Participant.objects.filter(session=session, active=True)
    booking_ids = list(seated.values_list("booking_id", flat=True))
    # Locked in id order, as whoever completes past bookings does.
    list(
        Booking.objects.filter(pk__in=booking_ids)
        .order_by("pk")
        .select_for_update(no_key=True)
        .values_list("pk")
    )
    seats.update(moved_from=old_starts_at, moved_at=at)
    seated.update(moved_from=old_starts_at, moved_at=at)
    retime(booking_ids, line_ids)


def retime(booking_ids: Sequence[int], line_ids: Sequence[int]) -> None:
    """Set the times of bookings and lines to those of their seats."""
    with connection.cursor() as cursor:
        cursor.execute(RETIME_BOOKINGS, [list(booking_ids)])
        cursor.execute(RETIME_LINES, [list(line_ids)])
