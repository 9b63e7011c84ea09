"""Seats and slots: held when an order is placed, turned into bookings when it is paid, given back when it is not."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime

from django.db import IntegrityError, connection, transaction
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange
from django.db.models import F, Q, QuerySet

from estuary.bookings.models import ACTIVE, Booking, Participant, Reservation
from estuary.bookings.requested_times import take_wishes
from estuary.catalog.availability import SlotTaken
from estuary.catalog.calendar import CalendarEntry, entries_for, forget_entries
from estuary.catalog.limits import validity
from estuary.catalog.models import Service, ServiceSession, ServiceType
from estuary.common.api.errors import Conflict
from estuary.common.db.bulk import AnyOf, insert_rows, next_keys, prefetched, update_rows
from estuary.common.db.prepared_queries import Param, PreparedValuesQuery, build_instance
from estuary.common.db.transactions import violated
from estuary.orders.creation import Line
from estuary.orders.models import Order, OrderLine
from estuary.orders.states import UNPAID, Status

PRACTITIONERS = PreparedValuesQuery(
    lambda: Service.objects.filter(AnyOf("pk", Param("services"))).values_list("pk", "practitioner_id")
)
HELD, CONFIRMED, RELEASED = Reservation.Status.HELD, Reservation.Status.CONFIRMED, Reservation.Status.RELEASED


class SoldOut(Conflict):
    code = "sold_out"


class AlreadyBooked(Conflict):
    code = "already_booked"


class HeldByYourOrder(Conflict):
    """The seat or the slot is held by an order of the same buyer that is not paid yet, or whose bank is at work."""

    code, title = "held_by_your_order", "You hold this already"

    def __init__(self, order_id: str, *, status: str = Status.PENDING) -> None:
        paying = (
            "whose payment your bank is working on, holds this already. You need not pay again."
            if status == Status.PROCESSING
            else "which is not paid yet, holds this already. Pay for it, or cancel it first."
        )
        super().__init__(f"Your order {order_id}, {paying}", order_id=order_id)


def reserve(*, order: Order, lines: Sequence[tuple[OrderLine, Line]]) -> list[Reservation]:
    """Hold every seat and slot that the lines name and hold, all or none, in at most five queries.

    What is only wished for must be free, too, and is given back before anybody else sees it taken (a query more).
    Must run inside the transaction that places the order. Raises SoldOut, AlreadyBooked or SlotTaken.
    """
    seats = [(row, line, session) for row, line in lines for session in line.seats]
    slots = [(row, line) for row, line in lines if line.starts_at and not line.seats]
    wished = {session.pk for _, line, session in seats if not line.held}
    take_seats([session for _, _, session in seats], user_id=order.user_id, only_look_at=wished)
    entries = take_slots((line.service.practitioner_id, line.starts_at, line.ends_at) for _, line in slots)
    taken = list(zip(slots, entries, strict=True))
    forget_entries([entry.pk for (_, line), entry in taken if not line.held])
    return Reservation.objects.bulk_create(
        [Reservation(order=order, line=row, session=session) for row, line, session in seats if line.held]
        + [
            Reservation(order=order, line=row, calendar_entry=entry)
            for (row, line), entry in taken
            if line.held
        ]
    )


def take_seats(
    sessions: Sequence[ServiceSession], *, user_id: int, only_look_at: Collection[int] = ()
) -> None:
    """Count one more seat in each session, all or none; raises SoldOut, AlreadyBooked or HeldByYourOrder.

    Sessions to ``only_look_at`` must have a seat as well, which is not counted. The caller has locked all of them (in
    id order), so nobody else can take the last seat meanwhile.
    """
    if not sessions:
        return
    ids = {session.pk for session in sessions}
    taken = Reservation.objects.filter(session_id__in=ids, order__user_id=user_id).exclude(status=RELEASED)
    rows = taken.values_list("status", "order__public_id", "order__status")
    mine = {status: (order_id, order_status) for status, order_id, order_status in rows}
    if HELD in mine and CONFIRMED not in mine:
        order_id, order_status = mine[HELD]
        raise HeldByYourOrder(order_id, status=order_status)
    if mine or len(ids) < len(sessions):
        raise AlreadyBooked("You already have a seat in this session. Your bookings show it.")
    if full := [session for session in sessions if session.taken >= session.capacity]:
        raise SoldOut(
            "The last seat has just been taken. Choose another date.", sessions=[str(s.pk) for s in full]
        )
    if counted := ids.difference(only_look_at):
        ServiceSession.objects.filter(pk__in=counted).update(taken=F("taken") + 1)


def take_slots(intervals: Iterable[tuple[int, datetime | None, datetime | None]]) -> list[CalendarEntry]:
    """Take intervals ``(practitioner_id, starts_at, ends_at)`` in their calendars; raises SlotTaken on any overlap."""
    wanted = [(owner, start, end) for owner, start, end in intervals if start and end]
    if not wanted:
        return []
    try:
        return entries_for(wanted)
    except IntegrityError as error:
        if violated(error) != "calendar_practitioner_never_overlaps":
            raise
        raise SlotTaken("This time has just been taken. Choose another slot.") from None


def check_own_holds(
    user_id: int, intervals: Iterable[tuple[int, datetime, datetime]], *, besides: str
) -> None:
    """Raise HeldByYourOrder when an order of the user holds one of these: of another item, or at its bank."""
    held = Reservation.objects.filter(order__user_id=user_id, status=HELD).exclude(
        order__item_key=besides, order__status__in=sorted(UNPAID)
    )
    for practitioner_id, starts_at, ends_at in intervals:
        overlapping = held.filter(
            calendar_entry__practitioner_id=practitioner_id,
            calendar_entry__during__overlap=DateTimeTZRange(starts_at, ends_at),
        )
        if found := overlapping.values_list("order__public_id", "order__status").first():
            raise HeldByYourOrder(found[0], status=found[1])


def book(orders: Sequence[Order], *, at: datetime) -> list[Booking]:
    """Turn paid orders into bookings and seats, in bulk: at most five queries however many orders there are.

    The orders come with ``lines`` and ``reservations`` attached, and the sessions that they wish for are locked.
    Booking twice breaks a unique constraint.
    """
    take_wishes(orders, at=at)
    bookings = _bookings(orders, at)
    insert_rows(bookings)
    by_line = {booking.line_id: booking.pk for booking in bookings}
    held = [row for order in orders for row in prefetched(order, "reservations") if row.status == HELD]
    insert_rows(
        [
            build_instance(
                Participant,
                session_id=row.session_id,
                user_id=row.order.user_id,
                booking_id=by_line[row.line_id],
                created_at=at,
            )
            for row in held
            if row.session_id
        ]
    )
    for row in held:
        row.status = CONFIRMED
    update_rows(held, ["status"])
    return bookings


def _bookings(orders: Sequence[Order], at: datetime) -> list[Booking]:
    """Return what each order becomes: a booking, and one for each line inside it, with their primary keys."""
    inside = {order.pk: prefetched(order, "lines") if _is_whole(order) else [] for order in orders}
    lines = [line for theirs in inside.values() for line in theirs]
    services = {line.service_id for line in lines} - {None}  # those that were not deleted meanwhile
    asked = PRACTITIONERS.send(services=list(services)) if services else None
    keys = iter(next_keys(Booking, len(orders) + len(lines)))
    givers = dict(asked()) if asked else {}
    made = []
    for order in orders:
        root = _root(order, next(keys), at)
        made += [root, *(_child(root, next(keys), line, givers, at) for line in inside[order.pk])]
    return made


def _root(order: Order, key: int, at: datetime) -> Booking:
    lines = prefetched(order, "lines")
    whole = _is_whole(order)
    line = None if whole else lines[0]
    return build_instance(
        Booking,
        id=key,
        user_id=order.user_id,
        order_id=order.pk,
        position=0,
        line_id=line.pk if line else None,
        service_id=order.service_id,
        service_name=order.snapshot["name"],
        service_type=order.snapshot["type"],
        practitioner_id=order.snapshot["practitioner_id"],
        session_id=line.session_id if line else None,
        starts_at=line.starts_at if line else None,
        ends_at=line.ends_at if line else None,
        valid_until=_valid_until(order, at) if whole else None,
        amount_minor=order.total_minor,
        created_at=at,
    )


def _is_whole(order: Order) -> bool:
    """Whether others are inside: a package or a bundle."""
    return order.snapshot["type"] in {ServiceType.PACKAGE, ServiceType.BUNDLE}


def _child(
    root: Booking, key: int, line: OrderLine, givers: Mapping[int | None, int], at: datetime
) -> Booking:
    return build_instance(
        Booking,
        id=key,
        user_id=root.user_id,
        order_id=root.order_id,
        position=line.position,
        parent_id=root.pk,
        line_id=line.pk,
        service_id=line.service_id,
        service_name=line.service_name,
        service_type=line.service_type,
        practitioner_id=givers.get(line.service_id) or root.practitioner_id,
        session_id=line.session_id,
        starts_at=line.starts_at,
        ends_at=line.ends_at,
        valid_until=root.valid_until,
        amount_minor=line.amount_minor,
        created_at=at,
    )


def _valid_until(order: Order, at: datetime) -> datetime | None:
    days = order.snapshot.get("validity_days")
    return at + validity(days) if days else None


def cancel(bookings: Sequence[Booking], *, at: datetime, forfeited: bool = False) -> None:
    """Cancel bookings that are active, with what is still to come inside them, and give their seats and slots back.

    What was attended, lapsed or canceled before stays what it is; what has begun is canceled only when it is named.
    ``forfeited`` writes down that their price is kept. The caller holds the lock on their orders.
    """
    named = {booking.pk for booking in bookings}
    family = Booking.objects.filter(Q(pk__in=named) | Q(parent_id__in=named), status__in=ACTIVE)
    # Locked, so that what close_past completes at this moment is not canceled after all.
    locked = family.order_by("pk").select_for_update(no_key=True)
    gone = [booking for booking in locked if booking.pk in named or booking.is_to_come(at)]
    if not gone:
        return
    Participant.objects.filter(booking__in=gone, active=True).update(active=False)
    release(Reservation.objects.filter(line_id__in=[booking.line_id for booking in gone if booking.line_id]))
    Booking.objects.filter(pk__in=[booking.pk for booking in gone]).update(
        status=Booking.Status.CANCELED, canceled_at=at, forfeited=forfeited
    )


def release(reservations: Iterable[Reservation]) -> None:
    """Give seats and slots back, held or confirmed; what was released before is left alone.

    The caller holds the lock on their orders, so nobody else releases the same ones.
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
        CalendarEntry.objects.filter(pk__in=slots).delete()


def _return_seats(seats: Counter[int]) -> None:
    """Count seats down, several of one session at once, in one statement."""
    if not seats:
        return
    lock_sessions(seats)
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE catalog_servicesession AS session SET taken = session.taken - given.seats"
            " FROM unnest(%s::bigint[], %s::int[]) AS given (id, seats) WHERE session.id = given.id",
            [list(seats.keys()), list(seats.values())],
        )


def lock_sessions(session_ids: Iterable[int | None]) -> None:
    """Lock sessions in id order; whoever gives back seats in more than one step locks all of them before the first."""
    wanted = {session_id for session_id in session_ids if session_id}
    if wanted:
        sessions = ServiceSession.objects.filter(pk__in=wanted).order_by("pk")
        list(sessions.select_for_update(no_key=True).values_list("pk"))


@transaction.atomic
def close_past(*, at: datetime) -> int:
    """Complete what has taken place, and expire what was never scheduled in time; returns how many rows changed."""
    active = Booking.objects.filter(status__in=ACTIVE)
    over = _in_order(active.filter(ends_at__lte=at)).update(status=Booking.Status.COMPLETED)
    lapsed = active.filter(ends_at=None, valid_until__lte=at)
    parents = _in_order(lapsed.filter(position=0)).update(status=Booking.Status.COMPLETED)
    return over + parents + _in_order(lapsed.filter(position__gt=0)).update(status=Booking.Status.EXPIRED)


def _in_order(bookings: QuerySet[Booking]) -> QuerySet[Booking]:
    """Return bookings to be updated, locked by id before the first one changes, as ``cancel`` locks them."""
    return Booking.objects.filter(pk__in=bookings.order_by("pk").select_for_update(no_key=True).values("pk"))


def set_status(bookings: Iterable[Booking], status: Booking.Status) -> None:
    """Mark active bookings ``partially_refunded``, or ``confirmed`` again when that refund failed.

    What is completed, expired or canceled stays so: marked, it would be open to be canceled for money again.
    """
    active = Booking.objects.filter(pk__in=[booking.pk for booking in bookings], status__in=ACTIVE)
    _in_order(active).update(status=status)
