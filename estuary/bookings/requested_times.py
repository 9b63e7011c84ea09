"""Requested times that an unpaid order did not hold: taken at payment, or left for the buyer to choose again.

An unpaid order holds three of ten times. When it is paid, the other seven are taken as far as they are still free. A
booking whose time is gone is paid all the same, and waits to be scheduled.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime

from django.db.models import F

from estuary.bookings.models import Reservation
from estuary.catalog.calendar import insert_free_entries
from estuary.catalog.models import Service, ServiceSession
from estuary.common.db.bulk import insert_with_keys, prefetched, update_rows
from estuary.orders.models import Order, OrderLine

TIME_FIELDS = ["session", "starts_at", "ends_at"]


def lines_with_requested_times(orders: Iterable[Order]) -> list[OrderLine]:
    """Return the lines whose requested time is not taken yet; the orders have ``lines`` prefetched."""
    lines = [line for order in orders for line in prefetched(order, "lines")]
    return [line for line in lines if line.requested_starts_at and line.starts_at is None]


def take_requested_times(orders: Sequence[Order], *, at: datetime) -> None:
    """Reserve the requested times of paid orders that are still free; never raises for times that are gone.

    The orders have ``lines`` and ``reservations`` prefetched, and their sessions are locked.
    """
    lines = lines_with_requested_times(orders)
    future_lines = [line for line in lines if line.requested_starts_at and line.requested_starts_at > at]
    if not future_lines:
        return
    rows = [
        *_take_seats([line for line in future_lines if line.requested_session_id], at),
        *_take_slots([line for line in future_lines if not line.requested_session_id]),
    ]
    insert_with_keys(rows)
    update_rows([row.line for row in rows], TIME_FIELDS)
    for row in rows:
        prefetched(row.line.order, "reservations").append(row)


def _take_seats(lines: Sequence[OrderLine], at: datetime) -> list[Reservation]:
    """Take a seat for each line, while the session has seats and the buyer has none in it."""
    if not lines:
        return []
    ids = {line.requested_session_id for line in lines}
    sessions = ServiceSession.objects.in_bulk(ids)
    live = Reservation.objects.filter(session_id__in=ids).exclude(status=Reservation.Status.RELEASED)
    seated = set(live.values_list("session_id", "order__user_id"))
    newly_taken: Counter[int] = Counter()
    rows = []
    for line in lines:
        session, user_id = sessions.get(line.requested_session_id or 0), line.order.user_id
        if session is None or session.starts_at <= at or (session.pk, user_id) in seated:
            continue
        # The buyer chose the time that it had then.
        if session.is_called_off or session.starts_at != line.requested_starts_at:
            continue
        if session.taken + newly_taken[session.pk] >= session.capacity:
            continue
        newly_taken[session.pk] += 1
        seated.add((session.pk, user_id))
        line.session, line.starts_at, line.ends_at = session, session.starts_at, session.ends_at
        rows.append(Reservation(order=line.order, line=line, session=session, created_at=at))
    for session_id, seats in sorted(newly_taken.items()):
        ServiceSession.objects.filter(pk=session_id).update(taken=F("taken") + seats)
    return rows


def _take_slots(lines: Sequence[OrderLine]) -> list[Reservation]:
    """Take slots in the practitioners' calendars; of two that overlap, the first."""
    services = Service.objects.filter(pk__in={line.service_id for line in lines if line.service_id})
    practitioners = dict(services.values_list("pk", "practitioner_id")) if lines else {}
    requests = [
        (line, (practitioners[line.service_id], line.requested_starts_at, line.requested_ends_at))
        for line in lines
        if line.service_id in practitioners and line.requested_starts_at and line.requested_ends_at
    ]
    entries = insert_free_entries([interval for _, interval in requests])
    rows = []
    for line, interval in requests:
        if entry_id := entries.pop(interval, None):
            line.starts_at, line.ends_at = line.requested_starts_at, line.requested_ends_at
            rows.append(Reservation(order=line.order, line=line, calendar_entry_id=entry_id))
    return rows
