"""Order lines from a buyer's request: which seats and slots each deliverable of a service needs."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import NoReturn

from django.db.models import Q

from estuary.catalog.availability import check_slots
from estuary.catalog.models import Service, ServiceSession, ServiceType
from estuary.catalog.pricing import PricedItem
from estuary.common.english_times import describe_utc, write_date
from estuary.common.errors import Conflict, InvalidRequest
from estuary.orders.place_order import Line

# Times that one unpaid order may hold.
MAX_HELD_TIMES = 3
SHOWN_STARTS_HELP = (
    "when it begins as the buyer saw it, of a course each meeting: if a date was moved since, nothing is booked, and "
    "the answer is a 409 `time_changed`"
)
# Dates of a workshop that an error lists.
MAX_LISTED_DATES = 10


class SchedulingRequired(InvalidRequest):
    code = "scheduling_required"


class SessionNotOffered(InvalidRequest):
    code = "session_not_offered"


class SessionStarted(Conflict):
    code = "session_started"


class TimeChanged(Conflict):
    code, title = "time_changed", "It takes place at another time"


class SessionCalledOff(Conflict):
    code, title = "session_called_off", "This date does not take place"


@dataclass(frozen=True, slots=True)
class ScheduleRequest:
    """The requested time of one deliverable: a start (1-on-1) or a session's id (group), and the service.

    ``shown_starts`` are the starts that the buyer saw; None if the client does not say.
    """

    service_id: int | None = None
    starts_at: datetime | None = None
    session_id: int | None = None
    shown_starts: tuple[datetime, ...] | None = None


def find_only_session(workshop: Service, *, at: datetime) -> ServiceSession:
    """Return the session of a workshop that has one date to come, for a buyer who names none.

    Raises SchedulingRequired, which lists the dates, when there are several or none.
    """
    upcoming = ServiceSession.objects.filter(service=workshop, starts_at__gt=at, called_off_at=None)
    sessions = list(upcoming.order_by("starts_at", "pk")[:MAX_LISTED_DATES])
    if not sessions:
        raise SchedulingRequired(
            f"{workshop.name} has no date to come. It can be bought once it has a new date.", sessions=[]
        )
    if len(sessions) > 1:
        first = sessions[0]
        raise SchedulingRequired(
            f"{workshop.name} has several dates: send the chosen one as scheduling_data.service_session_id, such as "
            f"{first.pk} for {describe_utc(first.starts_at)}. "
            f"All of them: GET /api/v1/services/{workshop.pk}/sessions/",
            sessions=[
                {
                    "service_session_id": str(session.pk),
                    "start_datetime": session.starts_at.isoformat(),
                    "seats_left": session.seats_left,
                }
                for session in sessions
            ],
        )
    return sessions[0]


def plan_lines(
    service: Service,
    priced: Sequence[PricedItem],
    *,
    schedule_request: ScheduleRequest,
    items: Sequence[ScheduleRequest],
    at: datetime,
) -> list[Line]:
    """Return a line for every deliverable in ``priced``, with its seats and slot, in at most two queries.

    Must run inside a transaction: the sessions stay locked until it ends, so that the lines can be reserved.
    Raises SchedulingRequired, SessionNotOffered, SessionStarted, SessionCalledOff, TimeChanged,
    or what availability.py raises for a bad slot.
    """
    return plan_matched_lines(priced, _match_requests(service, priced, schedule_request, items), at=at)


def plan_matched_lines(
    priced: Sequence[PricedItem], requests: Sequence[ScheduleRequest], *, at: datetime
) -> list[Line]:
    """Return a line for every deliverable with the request at the same position."""
    sessions = _lock_sessions(priced, requests)
    slots = [
        (item.service, request.starts_at)
        for item, request in zip(priced, requests, strict=True)
        if item.service.type == ServiceType.SESSION and request.starts_at
    ]
    slot_ends = iter(check_slots(slots, at=at))
    lines = []
    for item, request in zip(priced, requests, strict=True):
        if item.service.type == ServiceType.SESSION and request.starts_at:
            lines.append(Line(item.service, item.amount_minor, (), request.starts_at, next(slot_ends)))
        else:
            lines.append(_group_line(item, request, sessions, at))
        _check_shown(lines[-1], request)
    return lines


def _check_shown(line: Line, request: ScheduleRequest) -> None:
    """Raise TimeChanged if the line takes place at other times than the buyer saw: a date was moved since."""
    if request.shown_starts is None or line.starts_at is None:
        return
    starts = [session.starts_at for session in line.seats] or [line.starts_at]
    if starts == sorted(request.shown_starts):
        return
    raise TimeChanged(
        f"{line.service.name} has been moved since you looked: it begins on {describe_utc(line.starts_at)}. Look at "
        "its times again, and book it if they suit you.",
        start_datetimes=[start.isoformat() for start in starts],
    )


def _match_requests(
    service: Service,
    priced: Sequence[PricedItem],
    schedule_request: ScheduleRequest,
    items: Sequence[ScheduleRequest],
) -> list[ScheduleRequest]:
    """Match each deliverable with its request; parts of a package or bundle without one are scheduled later."""
    if service.type not in {ServiceType.PACKAGE, ServiceType.BUNDLE}:
        if service.type == ServiceType.SESSION and schedule_request.starts_at is None:
            raise SchedulingRequired(
                f"Choose when {service.name} shall start: send scheduling_data.start_datetime, one of its free slots."
            )
        if service.type == ServiceType.WORKSHOP and schedule_request.session_id is None:
            raise SchedulingRequired(
                f"Choose a date of {service.name}: send scheduling_data.service_session_id, one of its sessions."
            )
        return [schedule_request]
    unmatched = list(items) or (
        [schedule_request] if schedule_request.starts_at or schedule_request.session_id else []
    )
    matched = []
    for item in priced:
        request = next((each for each in unmatched if _fits(each, item.service)), None)
        if request:
            unmatched.remove(request)
        matched.append(request or ScheduleRequest())
    if unmatched:
        _refuse_unmatched(service, unmatched[0])
    return matched


def _refuse_unmatched(service: Service, request: ScheduleRequest) -> NoReturn:
    if request.service_id is None:
        raise SessionNotOffered(
            f"scheduling_data has a time or date that fits no part of {service.name}: send items, each with the "
            "service_id of its part."
        )
    raise SessionNotOffered(
        f"scheduling_data.items names service {request.service_id}, which {service.name} does not hold "
        "(or not that often)."
    )


def _fits(request: ScheduleRequest, service: Service) -> bool:
    """Return whether a request is for a service: it names it, or names none and is of its kind."""
    if request.service_id is not None:
        return request.service_id == service.pk
    if request.session_id is not None:
        return service.type == ServiceType.WORKSHOP
    return service.type == (ServiceType.COURSE if request.starts_at is None else ServiceType.SESSION)


def _lock_sessions(
    priced: Sequence[PricedItem], requests: Sequence[ScheduleRequest]
) -> dict[int, list[ServiceSession]]:
    """Lock the sessions concerned in id order, and return them by service id; no query without group services."""
    course_ids = {item.service.pk for item in priced if item.service.type == ServiceType.COURSE}
    session_ids = {
        request.session_id
        for item, request in zip(priced, requests, strict=True)
        if request.session_id and item.service.type == ServiceType.WORKSHOP
    }
    sessions_by_service: dict[int, list[ServiceSession]] = {}
    if course_ids or session_ids:
        sessions = ServiceSession.objects.filter(Q(pk__in=session_ids) | Q(service_id__in=course_ids))
        for session in sessions.order_by("pk").select_for_update(no_key=True):
            sessions_by_service.setdefault(session.service_id, []).append(session)
    return sessions_by_service


def _group_line(
    item: PricedItem, request: ScheduleRequest, sessions: dict[int, list[ServiceSession]], at: datetime
) -> Line:
    service, offered = item.service, sessions.get(item.service.pk, [])
    if service.type == ServiceType.COURSE:
        meetings = [session for session in offered if not session.is_called_off]
        if not meetings:
            raise SessionNotOffered(f"{service.name} has no dates yet and can't be bought.")
        return _line_with_seats(item, sorted(meetings, key=lambda session: session.starts_at), at)
    if service.type == ServiceType.WORKSHOP and request.session_id:
        requested = [session for session in offered if session.pk == request.session_id]
        if not requested:
            raise SessionNotOffered(f"Session {request.session_id} is not a date of {service.name}.")
        if requested[0].is_called_off:
            raise SessionCalledOff(
                f"{service.name} on {write_date(requested[0].starts_at)} was called off; choose another date."
            )
        return _line_with_seats(item, requested, at)
    refuse_other_kind(service, request)
    return Line(service, item.amount_minor)


def refuse_other_kind(service: Service, request: ScheduleRequest) -> None:
    """Raise SessionNotOffered for a date of a 1-on-1 session, and for a start of a workshop."""
    if service.type == ServiceType.SESSION and request.session_id is not None:
        raise SessionNotOffered(
            f"{service.name} is 1-on-1: send start_datetime instead of service_session_id."
        )
    if service.type == ServiceType.WORKSHOP and request.starts_at is not None:
        raise SessionNotOffered(
            f"{service.name} has fixed dates: send service_session_id instead of start_datetime."
        )


def _line_with_seats(item: PricedItem, sessions: Iterable[ServiceSession], at: datetime) -> Line:
    seats = tuple(sessions)
    if seats[0].starts_at <= at:
        raise SessionStarted(
            f"{item.service.name} began on {write_date(seats[0].starts_at)}; choose a later date."
        )
    return Line(item.service, item.amount_minor, seats, seats[0].starts_at, seats[-1].ends_at)


def limit_held_times(lines: Sequence[Line], max_held: int = MAX_HELD_TIMES) -> list[Line]:
    """Mark which times an unpaid order holds: the ``max_held`` soonest. The others are taken when the order is paid.

    Of ten massages with a time each, the first three are held. A course counts as one time and is always held whole,
    because it can't be scheduled later.
    """
    scheduled = [number for number, line in enumerate(lines) if line.starts_at]
    courses = [number for number in scheduled if lines[number].service.type == ServiceType.COURSE]
    slots = sorted(
        (number for number in scheduled if number not in courses), key=lambda n: (lines[n].starts_at, n)
    )
    held_numbers = {*courses, *slots[: max(max_held - len(courses), 0)]}
    return [
        replace(line, is_held=number in held_numbers) if line.starts_at else line
        for number, line in enumerate(lines)
    ]
