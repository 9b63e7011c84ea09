"""Previews: what calling off or moving a date would do, under an id that the act names."""

import hashlib
import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.db.backends.postgresql.psycopg_any import DateTimeTZRange
from django.http import Http404

from estuary.accounts.models import Practitioner
from estuary.bookings.models import Booking
from estuary.catalog.availability import SlotInPast
from estuary.catalog.bounds import HORIZON, LATEST, SESSION_MAX
from estuary.catalog.calendar import entries_of
from estuary.catalog.models import ServiceSession, ServiceType
from estuary.common import clock
from estuary.common.english_times import describe_place, write_hour, write_short_day
from estuary.common.errors import InvalidRequest
from estuary.orders.models import Order
from estuary.payments.dates.affected import (
    Target,
    affected_order_ids,
    local_time_as_text,
    read_affected,
)
from estuary.payments.dates.consequences import AffectedOrder, Consequence, consequences
from estuary.payments.dates.errors import AlreadyCalledOff, DateStarted, PractitionerTaken
from estuary.payments.models import DateChange, DateChangeRow

Kind = DateChange.Kind
DAYS_MAX = 31


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeRequest:
    """What a practitioner or staff ask for: ``starts_at`` and ``ends_at`` are the new time, or the range of days.

    A moved date without ``ends_at`` lasts as long as before.
    """

    kind: DateChange.Kind
    practitioner: Practitioner
    session_id: int | None = None
    booking_id: int | None = None
    starts_at: datetime | None = None
    ends_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Total:
    """What goes back in one currency by one tender, in minor units."""

    currency: str
    tender: DateChangeRow.Tender
    amount_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """The consequences of a change at one moment; ``id`` changes with any of them."""

    id: str
    title: str
    target: Target
    rows: tuple[Consequence, ...]

    @property
    def totals(self) -> list[Total]:
        """Return what goes back, by currency and tender; what a dispute holds back is left out."""
        sums: defaultdict[tuple[str, DateChangeRow.Tender], int] = defaultdict(int)
        for row in self.rows:
            if row.act == DateChangeRow.Act.REFUND:
                sums[row.currency, row.tender] += row.amount_minor
        return [Total(currency, tender, amount) for (currency, tender), amount in sorted(sums.items())]


def days_request(
    practitioner: Practitioner,
    first_day: date,
    last_day: date,
    start_time: time | None = None,
    end_time: time | None = None,
) -> ChangeRequest:
    """Return the request to call off days, both included, in the practitioner's zone. Raises InvalidRequest.

    It is one range: from ``start_time`` on the first day until ``end_time`` on the last one, by default all of both.
    """
    try:
        begin = datetime.combine(first_day, start_time or time.min, practitioner.zone)
        end = datetime.combine(last_day, end_time or time.min, practitioner.zone)
        if end_time is None:
            end += timedelta(days=1)
        # Near the last year that there is, a conversion overflows.
        begin, end = begin.astimezone(UTC), end.astimezone(UTC)
    except OverflowError:
        raise InvalidRequest(f"Choose days within {HORIZON.days} days of today.") from None
    if end <= begin:
        raise InvalidRequest("Choose an end that comes after the beginning.")
    return ChangeRequest(kind=Kind.CALL_OFF_DAYS, practitioner=practitioner, starts_at=begin, ends_at=end)


def preview_change(request: ChangeRequest) -> Preview:
    """Return what a change would do at this moment; change nothing.

    Raises Http404 for what is not the practitioner's, AlreadyCalledOff, DateStarted, SlotInPast, PractitionerTaken or
    InvalidRequest.
    """
    at = clock.now()
    target = find_target(request, at=at)
    orders = Order.objects.filter(pk__in=affected_order_ids(target, after=at))
    affected = read_affected(orders, target.seats(after=at), target.practitioner)
    return build_preview(target, [one for _, one in affected])


def build_preview(target: Target, affected: Sequence[AffectedOrder]) -> Preview:
    title = _title(target)
    new_time = local_time_as_text(target.starts_at, target.practitioner) if target.kind == Kind.MOVE else ""
    # An order whose last seat was released meanwhile is not affected.
    rows = consequences(target.kind, [order for order in affected if order.seats], new_time=new_time)
    return Preview(id=_fingerprint(target, rows), title=title, target=target, rows=tuple(rows))


def _fingerprint(target: Target, rows: Sequence[Consequence]) -> str:
    """Return an id of what would be done, and of how many changes came before: a date may be moved to and fro."""
    changes = DateChange.objects.filter(practitioner=target.practitioner).count()
    document = {
        "changes": changes,
        "kind": target.kind,
        "practitioner": target.practitioner.pk,
        "sessions": [(session.pk, session.starts_at, session.ends_at) for session in target.sessions],
        "booking": target.booking.pk if target.booking else None,
        "time": (target.starts_at, target.ends_at),
        "rows": [asdict(row) for row in rows],
    }
    digest = hashlib.sha256(json.dumps(document, sort_keys=True, default=str).encode()).hexdigest()
    return f"prv_{digest[:40]}"


def find_target(request: ChangeRequest, *, at: datetime) -> Target:
    """Return what a request is about, checked against what may be changed at this moment."""
    if request.kind == Kind.CALL_OFF_DAYS:
        return _days(request, at)
    if request.booking_id is not None:
        return _booking(request, at)
    session = _session(request, at)
    target = Target(
        kind=request.kind,
        practitioner=request.practitioner,
        sessions=(session,),
        starts_at=session.starts_at,
        ends_at=session.ends_at,
    )
    return _moved(target, request, at) if request.kind == Kind.MOVE else target


def _session(request: ChangeRequest, at: datetime) -> ServiceSession:
    own_sessions = ServiceSession.objects.select_related("service").filter(
        service__practitioner=request.practitioner
    )
    session = own_sessions.filter(pk=request.session_id or 0).first()
    if session is None:
        raise Http404
    check_open(session, at=at)
    return session


def check_open(session: ServiceSession, *, at: datetime) -> None:
    """Raise AlreadyCalledOff or DateStarted for a session that can't be changed any more."""
    if session.is_called_off:
        raise AlreadyCalledOff("This date was called off already. Its guests have been written to.")
    if session.starts_at <= at:
        raise DateStarted(
            "This date has begun, so it can't be called off or moved. Refund its guests instead."
        )


def _booking(request: ChangeRequest, at: datetime) -> Target:
    own_bookings = Booking.objects.select_related("order").filter(
        practitioner=request.practitioner, service_type=ServiceType.SESSION, starts_at__isnull=False
    )
    booking = own_bookings.filter(pk=request.booking_id or 0).first()
    if booking is None or booking.starts_at is None or booking.ends_at is None:
        raise Http404
    if not booking.is_active:
        raise AlreadyCalledOff(f"This booking is {booking.status} already.")
    if booking.starts_at <= at:
        raise DateStarted("This has begun, so it can't be called off. Refund the guest instead.")
    return Target(
        kind=request.kind,
        practitioner=request.practitioner,
        booking=booking,
        starts_at=booking.starts_at,
        ends_at=booking.ends_at,
    )


def _days(request: ChangeRequest, at: datetime) -> Target:
    begin, end = request.starts_at, request.ends_at
    # days_request has made them.
    assert begin is not None
    assert end is not None
    # A day may have 25 hours.
    if end - begin > timedelta(days=DAYS_MAX, hours=1):
        raise InvalidRequest(f"At most {DAYS_MAX} days can be called off at once.")
    if end <= at:
        raise SlotInPast("These days are over. Choose days to come.")
    if begin > at + HORIZON:
        raise InvalidRequest(f"Choose days within {HORIZON.days} days of today.")
    sessions = ServiceSession.objects.select_related("service").filter(
        service__practitioner=request.practitioner,
        starts_at__gte=begin,
        starts_at__lt=end,
        starts_at__gt=at,
        called_off_at=None,
    )
    return Target(
        kind=request.kind,
        practitioner=request.practitioner,
        sessions=tuple(sessions.order_by("pk")),
        starts_at=begin,
        ends_at=end,
    )


def _moved(target: Target, request: ChangeRequest, at: datetime) -> Target:
    [session] = target.sessions
    begin = request.starts_at
    end = request.ends_at or (begin and begin + (session.ends_at - session.starts_at))
    if begin is None or end is None or end <= begin:
        raise InvalidRequest("A date must end after it begins.")
    if end - begin > SESSION_MAX:
        raise InvalidRequest(f"A date lasts {SESSION_MAX.days} days at most: is the year right?")
    if begin <= at:
        raise SlotInPast("The new time is over already. Choose a time to come.")
    if end > LATEST:
        raise InvalidRequest(f"Choose a date until {LATEST.year}.")
    if (begin, end) == (session.starts_at, session.ends_at):
        raise InvalidRequest("This is the time that it has already. Choose another one.")
    others = entries_of(target.practitioner.pk).exclude(pk=session.calendar_entry_id)
    if others.filter(during__overlap=DateTimeTZRange(begin, end)).exists():
        raise practitioner_taken()
    return replace(target, starts_at=begin, ends_at=end)


def practitioner_taken() -> PractitionerTaken:
    return PractitionerTaken(
        "There is another date, a booking or closed time then. Choose another time. A date that takes place and a "
        "booking can be moved first, and closed time can be opened; the time of a date that was called off stays taken."
    )


def _title(target: Target) -> str:
    who = target.practitioner
    match target.kind:
        case Kind.CALL_OFF_DAYS:
            return f"All dates, {_days_as_text(target.starts_at, target.ends_at, who.zone)}"
        case Kind.MOVE:
            [session] = target.sessions
            old = local_time_as_text(session.starts_at, who)
            return f"{session.service.name}, {old}, to {local_time_as_text(target.starts_at, who)}"
    name = target.booking.service_name if target.booking else target.sessions[0].service.name
    return f"{name}, {local_time_as_text(target.starts_at, who)}"


def _days_as_text(starts_at: datetime, ends_at: datetime, zone: ZoneInfo) -> str:
    """Return a range of days; with the hours, and their zone, of a day that is called off in part."""
    begin, end = starts_at.astimezone(zone), ends_at.astimezone(zone)
    last = (ends_at - timedelta(seconds=1)).astimezone(zone)
    from_hour = "" if begin.time() == time.min else f", {write_hour(begin)}"
    until_hour = "" if end.time() == time.min else f", {write_hour(end)}"
    in_zone = f" ({describe_place(zone)})" if from_hour or until_hour else ""
    if until_hour and begin.date() == last.date():
        return f"{write_short_day(begin)}, {write_hour(begin)} to {write_hour(end)}{in_zone}"
    if begin.date() == last.date() and not from_hour:
        return write_short_day(begin)
    return f"{write_short_day(begin)}{from_hour} to {write_short_day(last)}{until_hour}{in_zone}"
