"""From what a buyer asks for to order lines: which seats and slots each deliverable of a service needs."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from django.db.models import Q

from estuary.catalog.availability import check_slots
from estuary.catalog.models import Service, ServiceSession, ServiceType
from estuary.catalog.pricing import PricedItem, priced_items
from estuary.common.api.errors import Conflict, InvalidRequest
from estuary.orders.creation import Line

MOST_HELD = 3  # times that an unpaid order keeps from others


class SchedulingRequired(InvalidRequest):
    code = "scheduling_required"


class SessionNotOffered(InvalidRequest):
    code = "session_not_offered"


class SessionStarted(Conflict):
    code = "session_started"


@dataclass(frozen=True, slots=True)
class ScheduleRequest:
    """When the buyer wants one deliverable: a start (1-on-1) or a session's id (group), of which service."""

    service_id: int | None = None
    starts_at: datetime | None = None
    session_id: int | None = None


def plan_lines(
    service: Service, *, wish: ScheduleRequest, items: Sequence[ScheduleRequest], currency: str, at: datetime
) -> list[Line]:
    """Price every deliverable of ``service`` and say which seats and slot it takes, in at most three queries.

    Must run inside a transaction: the sessions stay locked until it ends, so that what is planned can be reserved.
    Raises SchedulingRequired, SessionNotOffered, SessionStarted, or what availability.py raises for a bad slot.
    """
    priced = priced_items(service, currency)
    wishes = _match(service, priced, wish, items)
    seats = _seats(priced, wishes)
    ends = check_slots(
        [
            (item.service, chosen.starts_at)
            for item, chosen in zip(priced, wishes, strict=True)
            if item.service.type == ServiceType.SESSION and chosen.starts_at
        ],
        at=at,
    )
    slot_ends = iter(ends)
    lines = []
    for item, chosen in zip(priced, wishes, strict=True):
        if item.service.type == ServiceType.SESSION and chosen.starts_at:
            lines.append(Line(item.service, item.amount_minor, (), chosen.starts_at, next(slot_ends)))
        else:
            lines.append(_group_line(item, chosen, seats, at))
    return lines


def _match(
    service: Service, priced: list[PricedItem], wish: ScheduleRequest, items: Sequence[ScheduleRequest]
) -> list[ScheduleRequest]:
    """Give every deliverable its wish; in a package or bundle those not asked for are scheduled later."""
    if service.type not in {ServiceType.PACKAGE, ServiceType.BUNDLE}:
        if service.type == ServiceType.SESSION and wish.starts_at is None:
            raise SchedulingRequired(
                f"Choose when {service.name} shall start: send scheduling_data.start_datetime, one of its free slots."
            )
        if service.type == ServiceType.WORKSHOP and wish.session_id is None:
            raise SchedulingRequired(
                f"Choose a date of {service.name}: send scheduling_data.service_session_id, one of its sessions."
            )
        return [wish]
    waiting = list(items) or ([wish] if wish.starts_at or wish.session_id else [])
    matched = []
    for item in priced:
        found = next((w for w in waiting if w.service_id in (None, item.service.pk)), None)
        if found:
            waiting.remove(found)
        matched.append(found or ScheduleRequest())
    if waiting:
        raise SessionNotOffered(
            f"scheduling_data.items names service {waiting[0].service_id}, which {service.name} does not hold "
            "(or not that often)."
        )
    return matched


def _seats(priced: list[PricedItem], wishes: list[ScheduleRequest]) -> dict[int, list[ServiceSession]]:
    """Return the sessions that matter, locked in id order, by service id: one query, or none without a group."""
    courses = {item.service.pk for item in priced if item.service.type == ServiceType.COURSE}
    chosen = {
        wish.session_id
        for item, wish in zip(priced, wishes, strict=True)
        if wish.session_id and item.service.type == ServiceType.WORKSHOP
    }
    found: dict[int, list[ServiceSession]] = {}
    if courses or chosen:
        wanted = ServiceSession.objects.filter(Q(pk__in=chosen) | Q(service_id__in=courses))
        for session in wanted.order_by("pk").select_for_update(no_key=True):
            found.setdefault(session.service_id, []).append(session)
    return found


def _group_line(
    item: PricedItem, wish: ScheduleRequest, seats: dict[int, list[ServiceSession]], at: datetime
) -> Line:
    service, offered = item.service, seats.get(item.service.pk, [])
    if service.type == ServiceType.COURSE:
        if not offered:
            raise SessionNotOffered(f"{service.name} has no dates yet and can't be bought.")
        return _line(item, sorted(offered, key=lambda session: session.starts_at), at)
    if service.type == ServiceType.WORKSHOP and wish.session_id:
        chosen = [session for session in offered if session.pk == wish.session_id]
        if not chosen:
            raise SessionNotOffered(f"Session {wish.session_id} is not a date of {service.name}.")
        return _line(item, chosen, at)
    if service.type == ServiceType.SESSION and wish.session_id:
        raise SessionNotOffered(
            f"{service.name} is 1-on-1: send start_datetime instead of service_session_id."
        )
    if service.type == ServiceType.WORKSHOP and wish.starts_at:
        raise SessionNotOffered(
            f"{service.name} has fixed dates: send service_session_id instead of start_datetime."
        )
    return Line(service, item.amount_minor)


def _line(item: PricedItem, sessions: Iterable[ServiceSession], at: datetime) -> Line:
    taken = tuple(sessions)
    if taken[0].starts_at <= at:
        raise SessionStarted(
            f"{item.service.name} began on {taken[0].starts_at:%d %B %Y}; choose a later date."
        )
    return Line(item.service, item.amount_minor, taken, taken[0].starts_at, taken[-1].ends_at)


def hold_at_most(lines: Sequence[Line], most: int = MOST_HELD) -> list[Line]:
    """Mark which times an unpaid order holds: the soonest, as many as ``most``; the others are taken when it is paid.

    Ten massages, each with its time: the first three are held. A course is held whole, as one of them, since it can't
    be scheduled later.
    """
    timed = [number for number, line in enumerate(lines) if line.starts_at]
    courses = [number for number in timed if lines[number].service.type == ServiceType.COURSE]
    others = sorted(
        (number for number in timed if number not in courses), key=lambda n: (lines[n].starts_at, n)
    )
    held = {*courses, *others[: max(most - len(courses), 0)]}
    return [
        replace(line, held=number in held) if line.starts_at else line for number, line in enumerate(lines)
    ]
