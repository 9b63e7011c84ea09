"""What a change of dates affects: the orders with a seat or slot in it, read as plain data for ``consequences``."""

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from datetime import datetime

from django.db.models import Prefetch, Q, QuerySet

from estuary.accounts.models import Practitioner
from estuary.bookings.date_changes.seats import live_reservations, live_seats, live_slots
from estuary.bookings.models import Booking, Reservation
from estuary.catalog.cancellation_terms import sold_notice
from estuary.catalog.models import ServiceSession, ServiceType
from estuary.common.english_times import describe_short_moment
from estuary.common.money import allocate
from estuary.orders.models import Order, OrderLine
from estuary.orders.states import UNPAID, Status
from estuary.payments.dates.consequences import AffectedOrder, AffectedSeat, Stage
from estuary.payments.models import DateChange, DateChangeRow, Refund
from estuary.payments.models.disputes import is_blocked_by_dispute
from estuary.payments.refunds.cancellation_policy import is_in_time
from estuary.payments.refunds.request_refund import (
    card_left_minor,
    open_or_succeeded_refunds,
    refunded_of_booking_minor,
    share_left_minor,
)

Act, RELEASED = DateChangeRow.Act, Reservation.Status.RELEASED
# Acts after which the guest's booking is over.
ENDS_BOOKING = frozenset({Act.REFUND, Act.CANCEL, Act.HOLD_BACK})
# In 31 days there may be any number of short dates.
DATES_SHOWN = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What a change is about: some sessions, one 1-on-1 booking, or a range of days with all sessions and slots in it.

    ``starts_at`` and ``ends_at`` are the new time of a moved date, or the range of days.
    """

    kind: DateChange.Kind
    practitioner: Practitioner
    sessions: tuple[ServiceSession, ...] = ()
    booking: Booking | None = None
    starts_at: datetime
    ends_at: datetime

    @property
    def session_ids(self) -> list[int]:
        return [session.pk for session in self.sessions]

    def seats(self, *, after: datetime) -> Q:
        """Return the condition of the reservations that it affects; ``after``: slots that have begun are left out."""
        if self.kind == DateChange.Kind.CALL_OFF_DAYS:
            begin = max(self.starts_at, after)
            return live_seats(self.session_ids) | live_slots(self.practitioner.pk, begin, self.ends_at)
        if self.booking:
            return Q(line_id=self.booking.line_id)
        return live_seats(self.session_ids)


def target_of(change: DateChange) -> Target:
    """Return what a change that was begun is about."""
    sessions = ServiceSession.objects.filter(pk__in=change.session_ids).order_by("pk")
    return Target(
        kind=DateChange.Kind(change.kind),
        practitioner=change.practitioner,
        sessions=tuple(sessions),
        booking=change.booking,
        starts_at=change.starts_at,
        ends_at=change.ends_at,
    )


def affected_order_ids(target: Target, *, after: datetime) -> list[int]:
    """Return the keys of the orders that hold or have a seat in the target, in id order."""
    seats = live_reservations(target.seats(after=after))
    return sorted(set(seats.values_list("order_id", flat=True)))


def lock_orders(order_ids: Iterable[int]) -> QuerySet[Order]:
    """Return a query that locks orders in id order."""
    return (
        Order.objects.filter(pk__in=list(order_ids))
        .order_by("pk")
        .select_for_update(of=("self",), no_key=True)
    )


def read_affected(
    orders: QuerySet[Order],
    affected_seats: Q,
    practitioner: Practitioner,
    *,
    old_starts_at: datetime | None = None,
) -> list[tuple[Order, AffectedOrder]]:
    """Return orders with the live seats of each that are affected, in id order, in a constant number of queries.

    Times are told in the practitioner's zone. Of a date that has moved already, ``old_starts_at`` is when it was.
    """
    everything = Prefetch(
        "reservations", Reservation.objects.select_related("session", "calendar_entry").order_by("pk")
    )
    rows = (
        orders.select_related("user")
        .order_by("pk")
        .prefetch_related("lines", "bookings", "refunds", "disputes", everything)
    )
    loaded = list(rows)
    affected_ids = set(
        live_reservations(affected_seats)
        .filter(order__in=[order.pk for order in loaded])
        .values_list("pk", flat=True)
    )
    earlier = read_call_offs(loaded)
    return [
        (order, _affected(order, affected_ids, practitioner, old_starts_at, earlier[order.pk]))
        for order in loaded
    ]


@dataclass(frozen=True, slots=True)
class EarlierCallOffs:
    """The bookings of a disputed order that were called off in part or whole, and what is held back of each."""

    booking_ids: Set[int] = frozenset()
    held_back: Mapping[int | None, int] = field(default_factory=dict)

    @property
    def held_back_minor(self) -> int:
        return sum(self.held_back.values())


def read_call_offs(orders: Sequence[Order]) -> dict[int, EarlierCallOffs]:
    """Return what earlier changes called off, by order; of orders without a dispute nothing is held back."""
    disputed = [order.pk for order in orders if order.disputed or order.disputes.all()]
    rows = DateChangeRow.objects.filter(order__in=disputed, act__in=ENDS_BOOKING)
    rows_by_order: dict[int, list[DateChangeRow]] = {order.pk: [] for order in orders}
    for row in rows.exclude(status=DateChangeRow.Status.WAITING) if disputed else ():
        rows_by_order[row.order_id].append(row)
    return {order_id: _summarize(own_rows) for order_id, own_rows in rows_by_order.items()}


def _summarize(rows: Sequence[DateChangeRow]) -> EarlierCallOffs:
    booking_ids = frozenset(row.booking_id for row in rows if row.booking_id)
    return EarlierCallOffs(booking_ids, DateChangeRow.sum_held_back(rows))


def _affected(
    order: Order,
    affected_ids: set[int],
    practitioner: Practitioner,
    old_starts_at: datetime | None,
    earlier: EarlierCallOffs,
) -> AffectedOrder:
    is_disputed = is_blocked_by_dispute(order)
    left_minor = left_of_order_minor(order, earlier)
    # What a bank has returned, it has returned for something of this order: no other tender returns it once more.
    card_minor = card_left_minor(order) + order.lost_minor - earlier.held_back_minor
    by_card_minor = max(min(card_minor, left_minor), 0)
    seats = tuple(_seats(order, affected_ids, practitioner, old_starts_at, earlier))
    return AffectedOrder(
        id=order.pk,
        public_id=order.public_id,
        guest=order.user.public_name,
        currency=order.currency,
        stage=_stage(order),
        is_disputed=is_disputed,
        is_dispute_lost=order.lost_minor > 0 and all(not dispute.is_open for dispute in order.disputes.all()),
        is_wholly_lost=is_wholly_lost(order),
        card_left_minor=by_card_minor,
        credits_left_minor=left_minor - by_card_minor,
        kept_minor=kept_minor(order, earlier, affected_ids) if order.lost_minor else left_minor,
        seats=seats,
    )


def _stage(order: Order) -> Stage:
    if order.status in UNPAID:
        return Stage.UNPAID
    return Stage.AT_BANK if order.status == Status.PROCESSING else Stage.PAID


def left_of_order_minor(order: Order, earlier: EarlierCallOffs) -> int:
    """Return what is left to give back of a fulfilled order, in minor units, whether or not a dispute blocks it.

    What is held back is on its way, like a refund that waits. What a bank has returned is still to be accounted for.
    """
    refunded_minor = sum(refund.amount_minor for refund in open_or_succeeded_refunds(order))
    return max(order.total_minor - refunded_minor - earlier.held_back_minor, 0)


def is_wholly_lost(order: Order) -> bool:
    """Whether a bank has returned all of the card's money that was not refunded."""
    refunds = [refund for refund in order.refunds.all() if not refund.is_unmatched]
    refunded = sum(refund.card_minor for refund in refunds if refund.status in Refund.KNOWN_TO_STRIPE)
    return order.lost_minor > 0 and order.captured_minor <= refunded + order.lost_minor


def kept_minor(order: Order, earlier: EarlierCallOffs, leaving: Set[int] = frozenset()) -> int:
    """Return what the parts that stay cost at most, in minor units: attended, to come, or canceled too late.

    ``leaving`` has the primary keys of the seats that are called off now. A package of 100.00 has two parts. One of
    them is called off: the other is kept, for 50.00.
    """
    bookings = list(order.bookings.all())
    parts = [booking for booking in bookings if booking.parent_id] or bookings
    return sum(_kept_of_part_minor(order, part, earlier, leaving) for part in parts)


def _kept_of_part_minor(order: Order, part: Booking, earlier: EarlierCallOffs, leaving: Set[int]) -> int:
    share_minor = max(share_left_minor(order, part), 0)
    if part.status == Booking.Status.CANCELED:
        was_due = (
            part.pk in earlier.booking_ids
            or _ended_with_payment(order, part)
            or (part.canceled_at and is_in_time(part, sold_notice(order.snapshot), part.canceled_at))
        )
        return 0 if was_due and not part.forfeited else share_minor
    seats = [row for row in order.reservations.all() if row.line_id == part.line_id]
    if part.service_type == ServiceType.COURSE:
        live = {row.session_id for row in seats if row.status != RELEASED and row.pk not in leaving}
        return min(share_minor, _price_of_meetings(part, seats, live, order.currency))
    return 0 if any(row.pk in leaving for row in seats) else share_minor


def _ended_with_payment(order: Order, part: Booking) -> bool:
    """Whether a part was canceled because the bank had returned the payment."""
    closed = [
        dispute.closed_at for dispute in order.disputes.all() if dispute.lost_minor and dispute.closed_at
    ]
    return bool(closed and part.canceled_at and part.canceled_at >= max(closed)) and is_wholly_lost(order)


def _price_of_meetings(
    part: Booking, seats: Sequence[Reservation], session_ids: Set[int | None], currency: str
) -> int:
    meetings = sorted({row.session_id for row in seats if row.session_id})
    return sum(
        _share_minor(part.amount_minor, meetings, one, currency) for one in meetings if one in session_ids
    )


def _seats(
    order: Order,
    affected_ids: set[int],
    practitioner: Practitioner,
    old_starts_at: datetime | None,
    earlier: EarlierCallOffs,
) -> Iterable[AffectedSeat]:
    """Yield the affected seats in the order of the lines, those of a course by their sessions."""
    lines = sorted(order.lines.all(), key=lambda line: line.position)
    bookings = {booking.line_id: booking for booking in order.bookings.all() if booking.line_id}
    for line in lines:
        of_line = [row for row in order.reservations.all() if row.line_id == line.pk]
        affected = [row for row in of_line if row.pk in affected_ids]
        affected.sort(key=lambda row: (row.session_id or 0, row.pk))
        others = [row for row in of_line if row.status != RELEASED and row.pk not in affected_ids]
        for row in affected:
            is_last = row is affected[-1] and not others
            starts_at, ends_at = _time(row)
            if old_starts_at and starts_at and ends_at:
                starts_at, ends_at = old_starts_at, old_starts_at + (ends_at - starts_at)
            seat = _seat(
                order=order,
                line=line,
                booking=bookings.get(line.pk),
                row=row,
                of_line=of_line,
                line_text=_describe(line, starts_at, practitioner),
                is_last=is_last,
                earlier=earlier,
            )
            yield replace(seat, starts_at=starts_at, ends_at=ends_at)


def _time(row: Reservation) -> tuple[datetime | None, datetime | None]:
    if row.calendar_entry:
        return row.calendar_entry.during.lower, row.calendar_entry.during.upper
    return (row.session.starts_at, row.session.ends_at) if row.session else (None, None)


def _describe(line: OrderLine, starts_at: datetime | None, practitioner: Practitioner) -> str:
    return (
        f"{line.service_name}, {local_time_as_text(starts_at, practitioner)}"
        if starts_at
        else line.service_name
    )


def _seat(
    *,
    order: Order,
    line: OrderLine,
    booking: Booking | None,
    row: Reservation,
    of_line: Sequence[Reservation],
    line_text: str,
    is_last: bool,
    earlier: EarlierCallOffs,
) -> AffectedSeat:
    meetings = sorted({other.session_id for other in of_line if other.session_id})
    is_part = booking is not None and booking.position > 0
    price_minor = booking.amount_minor if booking else line.amount_minor
    is_course = line.service_type == ServiceType.COURSE and row.session_id is not None
    booking_left_minor = left_of_order_minor(order, earlier)
    if booking and is_part:
        given_minor = refunded_of_booking_minor(order, booking) + earlier.held_back.get(booking.pk, 0)
        booking_left_minor = min(booking_left_minor, price_minor - given_minor)
    if booking and is_course and order.lost_minor:
        # A bank may have returned the meetings that were called off before.
        live = {other.session_id for other in of_line if other.status != RELEASED}
        booking_left_minor = min(
            booking_left_minor, _price_of_meetings(booking, of_line, live, order.currency)
        )
    return AffectedSeat(
        line=line_text,
        booking_id=booking.pk if booking else None,
        session_id=row.session_id,
        share_minor=_share_minor(price_minor, meetings, row.session_id, order.currency)
        if is_course
        else price_minor,
        booking_left_minor=max(booking_left_minor, 0),
        takes_rest=is_last or not is_course,
        is_bonus=is_part and order.snapshot.get("type") == ServiceType.BUNDLE and price_minor == 0,
        meetings=len(meetings) if is_course else 1,
    )


def _share_minor(price_minor: int, meetings: Sequence[int], session_id: int | None, currency: str) -> int:
    """Return the share of one meeting; the shares of all meetings add up to the price.

    3 meetings of 10.00: 3.33, 3.33 and 3.34.
    """
    shares = allocate(price_minor, [1] * len(meetings), currency)
    return shares[meetings.index(session_id or 0)]


def describe_date(session: ServiceSession, practitioner: Practitioner) -> str:
    """Return a date in words: its service and when it begins."""
    return f"{session.service.name}, {local_time_as_text(session.starts_at, practitioner)}"


def local_time_as_text(moment: datetime, practitioner: Practitioner) -> str:
    """Return a moment in the practitioner's zone, with the zone."""
    return describe_short_moment(moment, practitioner.zone)


@dataclass(frozen=True, slots=True)
class CalledOffDates:
    """The first dates in the order of their time, each with its line in words, and how many ``more`` there are."""

    first: Sequence[tuple[ServiceSession, str]] = ()
    more: int = 0

    @property
    def total(self) -> int:
        return len(self.first) + self.more


def dates_of_target(target: Target) -> CalledOffDates:
    """Return the dates that would be called off; a date that moves is not among them."""
    if target.kind == DateChange.Kind.MOVE:
        return CalledOffDates()
    in_order = sorted(target.sessions, key=lambda session: (session.starts_at, session.pk))
    first = [(session, describe_date(session, target.practitioner)) for session in in_order[:DATES_SHOWN]]
    return CalledOffDates(first, len(in_order) - len(first))


def dates_of_change(change: DateChange) -> CalledOffDates:
    """Return the dates that a change has called off."""
    if change.kind == DateChange.Kind.MOVE or not change.session_ids:
        return CalledOffDates()
    sessions = ServiceSession.objects.filter(pk__in=change.session_ids).select_related("service")
    in_order = sessions.order_by("starts_at", "pk")[:DATES_SHOWN]
    first = [(session, describe_date(session, change.practitioner)) for session in in_order]
    return CalledOffDates(first, max(len(change.session_ids) - DATES_SHOWN, 0))
