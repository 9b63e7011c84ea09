"""Seats and slots: reserved when an order is placed, booked when it is paid, released when it is not."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import IntegrityError, connection, transaction
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange
from django.db.models import Exists, F, OuterRef, Q, QuerySet

from estuary.bookings.models import ACTIVE, Booking, Participant, Reservation
from estuary.bookings.requested_times import take_requested_times
from estuary.catalog.availability import SlotTaken
from estuary.catalog.bounds import validity
from estuary.catalog.calendar import CalendarEntry, delete_entries, insert_entries, release_entries
from estuary.catalog.models import Service, ServiceSession, ServiceType
from estuary.common.db.bulk import AnyOf, allocate_primary_keys, insert_rows, prefetched, update_rows
from estuary.common.db.prepared_queries import Param, PreparedValuesQuery, build_instance
from estuary.common.db.transactions import violated_constraint
from estuary.common.errors import Conflict
from estuary.orders.models import Order, OrderLine
from estuary.orders.place_order import Line
from estuary.orders.states import UNPAID, Status

PRACTITIONERS = PreparedValuesQuery(
    lambda: Service.objects.filter(AnyOf("pk", Param("services"))).values_list("pk", "practitioner_id")
)
HELD, CONFIRMED, RELEASED = Reservation.Status.HELD, Reservation.Status.CONFIRMED, Reservation.Status.RELEASED


class SoldOut(Conflict):
    code = "sold_out"


class AlreadyBooked(Conflict):
    code = "already_booked"


class DatesChanged(Conflict):
    code, title = "dates_changed", "The dates of this course have just changed"


class HeldByYourOrder(Conflict):
    """An unpaid or processing order of the same buyer holds the seat or the slot."""

    code, title = "held_by_your_order", "You hold this already"

    def __init__(self, order_id: str, *, status: str = Status.PENDING) -> None:
        paying = (
            "whose payment your bank is working on, holds this already. You need not pay again."
            if status == Status.PROCESSING
            else "which is not paid yet, holds this already. Pay for it, or cancel it first."
        )
        super().__init__(f"Your order {order_id}, {paying}", order_id=order_id)


def reserve(
    *, order: Order, lines: Sequence[tuple[OrderLine, Line]], status: Reservation.Status = HELD
) -> list[Reservation]:
    """Reserve the seats and slots of all lines with ``is_held``, all or none, in at most five queries.

    Times that are requested but not held must be free too. Their slots are inserted, which checks them, and deleted in
    the same transaction (one more query). Must run inside the transaction of the caller. Raises SoldOut,
    AlreadyBooked or SlotTaken.
    """
    seats = [(row, line, session) for row, line in lines for session in line.seats]
    slots = [(row, line) for row, line in lines if line.starts_at and not line.seats]
    check_only = {session.pk for _, line, session in seats if not line.is_held}
    take_seats([session for _, _, session in seats], user_id=order.user_id, check_only=check_only)
    entries = take_slots((line.service.practitioner_id, line.starts_at, line.ends_at) for _, line in slots)
    entry_by_slot = list(zip(slots, entries, strict=True))
    delete_entries([entry.pk for (_, line), entry in entry_by_slot if not line.is_held])
    places: list[tuple[OrderLine, Line, dict[str, Any]]] = [
        *((row, line, {"session": session}) for row, line, session in seats),
        *((row, line, {"calendar_entry": entry}) for (row, line), entry in entry_by_slot),
    ]
    return Reservation.objects.bulk_create(
        Reservation(order=order, line=row, status=status, **place)
        for row, line, place in places
        if line.is_held
    )


def take_seats(sessions: Sequence[ServiceSession], *, user_id: int, check_only: Collection[int] = ()) -> None:
    """Count one more seat in each session, all or none; raises SoldOut, AlreadyBooked, HeldByYourOrder or DatesChanged.

    Sessions in ``check_only`` must have a free seat too, but it is not taken. The caller has locked all sessions in id
    order, so nobody else can take the last seat meanwhile.
    """
    if not sessions:
        return
    ids = {session.pk for session in sessions}
    own_reservations = Reservation.objects.filter(session_id__in=ids, order__user_id=user_id).exclude(
        status=RELEASED
    )
    rows = own_reservations.values_list("status", "order__public_id", "order__status")
    own_orders = {status: (order_id, order_status) for status, order_id, order_status in rows}
    if HELD in own_orders and CONFIRMED not in own_orders:
        order_id, order_status = own_orders[HELD]
        raise HeldByYourOrder(order_id, status=order_status)
    if own_orders or len(ids) < len(sessions):
        raise AlreadyBooked("You already have a seat in this session. Your bookings show it.")
    if full := [session for session in sessions if session.taken >= session.capacity]:
        raise SoldOut(
            "The last seat has just been taken. Choose another date.", sessions=[str(s.pk) for s in full]
        )
    if counted := ids.difference(check_only):
        # A date of a course that was added while its other dates were waited for was not among those locked.
        added = ServiceSession.objects.filter(
            service=OuterRef("service"), service__type=ServiceType.COURSE, called_off_at=None
        ).exclude(pk__in=ids)
        counts = ServiceSession.objects.filter(~Exists(added), pk__in=counted).update(taken=F("taken") + 1)
        if counts < len(counted):
            raise DatesChanged("The course has just got another date. Look at its dates and try again.")


def take_slots(intervals: Iterable[tuple[int, datetime | None, datetime | None]]) -> list[CalendarEntry]:
    """Take intervals ``(practitioner_id, starts_at, ends_at)`` in their calendars; raises SlotTaken on any overlap."""
    slots = [(owner, start, end) for owner, start, end in intervals if start and end]
    if not slots:
        return []
    try:
        return insert_entries(slots)
    except IntegrityError as error:
        if violated_constraint(error) != "calendar_practitioner_never_overlaps":
            raise
        raise SlotTaken("This time has just been taken. Choose another slot.") from None


def refuse_own_times(
    user_id: int,
    intervals: Iterable[tuple[int, datetime, datetime]],
    *,
    except_item_key: str = "",
    except_reservation: Reservation | None = None,
) -> None:
    """Refuse times ``(practitioner_id, starts_at, ends_at)`` that the user has already.

    Raises AlreadyBooked for a booking, and HeldByYourOrder for another order: for another item, or processing.
    """
    own_reservations = Reservation.objects.filter(order__user_id=user_id).exclude(
        order__item_key=except_item_key, order__status__in=sorted(UNPAID)
    )
    if except_reservation:
        own_reservations = own_reservations.exclude(pk=except_reservation.pk)
    for practitioner_id, starts_at, ends_at in intervals:
        # A released reservation has no calendar entry.
        overlapping = own_reservations.filter(
            calendar_entry__practitioner_id=practitioner_id,
            calendar_entry__during__overlap=DateTimeTZRange(starts_at, ends_at),
        )
        rows = list(overlapping.values_list("status", "order__public_id", "order__status"))
        if any(status == CONFIRMED for status, *_ in rows):
            raise AlreadyBooked("You have a booking at this time already. Your bookings show it.")
        for _, order_id, order_status in rows:
            raise HeldByYourOrder(order_id, status=order_status)


def book(orders: Sequence[Order], *, at: datetime) -> list[Booking]:
    """Turn paid orders into bookings and seats, in at most five queries for any number of orders.

    The orders have ``lines`` and ``reservations`` prefetched, and their requested sessions are locked. Booking an order
    twice violates a unique constraint.
    """
    take_requested_times(orders, at=at)
    bookings = _build_bookings(orders, at)
    insert_rows(bookings)
    by_line = {booking.line_id: booking.pk for booking in bookings}
    held_reservations = [
        row for order in orders for row in prefetched(order, "reservations") if row.status == HELD
    ]
    insert_rows(
        [
            build_instance(
                Participant,
                session_id=row.session_id,
                user_id=row.order.user_id,
                booking_id=by_line[row.line_id],
                moved_from=row.moved_from,
                moved_at=row.moved_at,
                created_at=at,
            )
            for row in held_reservations
            if row.session_id
        ]
    )
    for row in held_reservations:
        row.status = CONFIRMED
    update_rows(held_reservations, ["status"])
    return bookings


def _build_bookings(orders: Sequence[Order], at: datetime) -> list[Booking]:
    """Return the bookings of each order, with primary keys: one for the order, and one for each part inside it."""
    lines_by_order = {
        order.pk: prefetched(order, "lines") if _is_composite(order) else [] for order in orders
    }
    lines = [line for order_lines in lines_by_order.values() for line in order_lines]
    # A service may have been deleted since the order.
    services = {line.service_id for line in lines} - {None}
    fetch_practitioners = PRACTITIONERS.send(services=list(services)) if services else None
    keys = iter(allocate_primary_keys(Booking, len(orders) + len(lines)))
    practitioners: dict[int | None, int] = dict(fetch_practitioners()) if fetch_practitioners else {}
    bookings = []
    for order in orders:
        root = _root_booking(order, next(keys), at)
        bookings += [
            root,
            *(_child_booking(root, next(keys), line, practitioners, at) for line in lines_by_order[order.pk]),
        ]
    return bookings


def _root_booking(order: Order, key: int, at: datetime) -> Booking:
    is_composite = _is_composite(order)
    return build_instance(
        Booking,
        id=key,
        user_id=order.user_id,
        order_id=order.pk,
        position=0,
        service_id=order.service_id,
        service_name=order.snapshot["name"],
        service_type=order.snapshot["type"],
        practitioner_id=order.snapshot["practitioner_id"],
        valid_until=_valid_until(order, at) if is_composite else None,
        amount_minor=order.total_minor,
        created_at=at,
        **({} if is_composite else _time_of(prefetched(order, "lines")[0])),
    )


def _is_composite(order: Order) -> bool:
    """Return whether the order has parts: a package or a bundle."""
    return order.snapshot["type"] in {ServiceType.PACKAGE, ServiceType.BUNDLE}


def _child_booking(
    root: Booking, key: int, line: OrderLine, practitioners: Mapping[int | None, int], at: datetime
) -> Booking:
    return build_instance(
        Booking,
        id=key,
        user_id=root.user_id,
        order_id=root.order_id,
        position=line.position,
        parent_id=root.pk,
        service_id=line.service_id,
        service_name=line.service_name,
        service_type=line.service_type,
        practitioner_id=practitioners.get(line.service_id) or root.practitioner_id,
        valid_until=root.valid_until,
        amount_minor=line.amount_minor,
        created_at=at,
        **_time_of(line),
    )


def _time_of(line: OrderLine) -> dict[str, Any]:
    return {
        "line_id": line.pk,
        "session_id": line.session_id,
        "starts_at": line.starts_at,
        "ends_at": line.ends_at,
    }


def _valid_until(order: Order, at: datetime) -> datetime | None:
    days = order.snapshot.get("validity_days")
    return at + validity(days) if days else None


def cancel(bookings: Sequence[Booking], *, at: datetime, forfeited: bool = False) -> list[Booking]:
    """Cancel active bookings with their future parts, and release their seats and slots; return what was canceled.

    Completed, expired and canceled parts keep their status. A part that has begun is canceled only if it is one of
    ``bookings``. ``forfeited`` records that the price is kept. The caller holds the locks on their orders.
    """
    requested_ids = {booking.pk for booking in bookings}
    family = Booking.objects.filter(
        Q(pk__in=requested_ids) | Q(parent_id__in=requested_ids), status__in=ACTIVE
    )
    # Locked, so that a booking that ``close_past`` completes at this moment is not canceled.
    locked = family.order_by("pk").select_for_update(no_key=True)
    canceled = [booking for booking in locked if booking.pk in requested_ids or booking.is_to_come(at)]
    if not canceled:
        return []
    Participant.objects.filter(booking__in=canceled, active=True).update(active=False)
    release(
        Reservation.objects.filter(line_id__in=[booking.line_id for booking in canceled if booking.line_id])
    )
    Booking.objects.filter(pk__in=[booking.pk for booking in canceled]).update(
        status=Booking.Status.CANCELED, canceled_at=at, forfeited=forfeited
    )
    return canceled


def release(reservations: Iterable[Reservation]) -> None:
    """Release held and confirmed seats and slots; released ones are skipped.

    The caller holds the locks on their orders, so nobody else releases the same ones.
    """
    live = [reservation for reservation in reservations if reservation.status != RELEASED]
    if not live:
        return
    _return_seats(Counter(reservation.session_id for reservation in live if reservation.session_id))
    slots = [reservation.calendar_entry_id for reservation in live if reservation.calendar_entry_id]
    Reservation.objects.filter(pk__in=[reservation.pk for reservation in live]).update(
        status=RELEASED, calendar_entry=None
    )
    if slots:
        release_entries(slots)


def _return_seats(seats: Counter[int]) -> None:
    """Subtract seats from sessions in one statement, several seats of one session at once."""
    if not seats:
        return
    lock_sessions(seats)
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE catalog_servicesession AS session SET taken = session.taken - released.seats"
            " FROM unnest(%s::bigint[], %s::int[]) AS released (id, seats) WHERE session.id = released.id",
            [list(seats.keys()), list(seats.values())],
        )


def lock_sessions(session_ids: Iterable[int | None]) -> None:
    """Lock sessions in id order. Before releasing seats in several steps, lock all of their sessions."""
    ids = {session_id for session_id in session_ids if session_id}
    if ids:
        sessions = ServiceSession.objects.filter(pk__in=ids).order_by("pk")
        list(sessions.select_for_update(no_key=True).values_list("pk"))


@transaction.atomic
def close_past(*, at: datetime) -> int:
    """Complete past bookings, expire those that were never scheduled; returns how many rows changed."""
    active = Booking.objects.filter(status__in=ACTIVE)
    over = _lock_in_order(active.filter(ends_at__lte=at)).update(status=Booking.Status.COMPLETED)
    lapsed = active.filter(ends_at=None, valid_until__lte=at)
    parents = _lock_in_order(lapsed.filter(position=0)).update(status=Booking.Status.COMPLETED)
    return (
        over + parents + _lock_in_order(lapsed.filter(position__gt=0)).update(status=Booking.Status.EXPIRED)
    )


def _lock_in_order(bookings: QuerySet[Booking]) -> QuerySet[Booking]:
    """Lock bookings in id order, as ``cancel`` does, and return them to be updated."""
    return Booking.objects.filter(pk__in=bookings.order_by("pk").select_for_update(no_key=True).values("pk"))


def set_status(bookings: Iterable[Booking], status: Booking.Status) -> None:
    """Set active bookings to ``partially_refunded``, or to ``confirmed`` again after that refund failed.

    Completed, expired and canceled bookings keep their status: otherwise they could be canceled for money again.
    """
    active = Booking.objects.filter(pk__in=[booking.pk for booking in bookings], status__in=ACTIVE)
    _lock_in_order(active).update(status=status)
