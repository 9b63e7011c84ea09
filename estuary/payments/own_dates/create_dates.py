"""A practitioner adds a date to a workshop or course, or the same time of several weeks: all of them or none."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import IntegrityError, transaction
from django.http import Http404

from estuary.accounts.models import Practitioner, User
from estuary.accounts.staff import audit
from estuary.catalog.bounds import DATES_MAX
from estuary.catalog.calendar import insert_entries
from estuary.catalog.models import Service, ServiceSession, ServiceType
from estuary.common import clock
from estuary.common.db.transactions import retry_transaction, violated_constraint
from estuary.payments.dates.affected import local_time_as_text
from estuary.payments.own_dates.conflicts import find_conflicts, practitioner_taken
from estuary.payments.own_dates.errors import (
    CourseSold,
    CourseStarted,
    NoDates,
    ServiceInactive,
    TooManyDates,
)
from estuary.payments.own_dates.repetition import Span, check_spans, repeat_weekly

WITH_DATES = (ServiceType.WORKSHOP, ServiceType.COURSE)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewDates:
    """What is asked for; without an end, a date lasts as long as its service says."""

    service_id: int
    starts_at: datetime
    ends_at: datetime | None = None
    duration_min: int | None = None
    capacity: int
    join_url: str = ""
    weeks: int = 1


def create_dates(
    practitioner: Practitioner, request: NewDates, *, by: User, is_retry: bool = False
) -> list[ServiceSession]:
    """Add dates to the practitioner's own service and return them, soonest first.

    ``is_retry``: an earlier run of the same request may have added them; then they are returned as they are. Raises
    Http404, NoDates, ServiceInactive, CourseSold, CourseStarted, TooManyDates, PractitionerTaken, SlotInPast,
    BeyondHorizon or InvalidRequest, and then adds none.
    """
    services = Service.objects.select_related("venue")
    service = services.filter(practitioner=practitioner, pk=request.service_id).first()
    if service is None:
        raise Http404
    spans = _plan(service, practitioner, request)
    if is_retry and (existing := _find_existing(service, spans)):
        return existing
    try:
        return _create(service, practitioner, spans, request, by)
    except IntegrityError as error:
        if violated_constraint(error) != "calendar_practitioner_never_overlaps":
            raise
        raise practitioner_taken(find_conflicts(practitioner, spans)) from None


def _plan(service: Service, practitioner: Practitioner, request: NewDates) -> list[Span]:
    if service.type not in WITH_DATES:
        raise NoDates(
            f"{service.name} is a {service.type} service, which has no dates. Only workshops and courses have some."
        )
    lasts = timedelta(minutes=request.duration_min or service.duration_min)
    first = Span(request.starts_at, request.ends_at or request.starts_at + lasts)
    zone = (service.venue or practitioner).zone
    spans = repeat_weekly(first, request.weeks, zone)
    check_spans(spans, at=clock.now())
    return spans


def _find_existing(service: Service, spans: Sequence[Span]) -> list[ServiceSession]:
    """Return the dates at exactly these times, if all of them are there."""
    times = {(span.starts_at, span.ends_at) for span in spans}
    rows = ServiceSession.objects.filter(service=service, starts_at__in=[span.starts_at for span in spans])
    existing = [row for row in rows if (row.starts_at, row.ends_at) in times]
    return existing if len(existing) == len(spans) else []


@retry_transaction
@transaction.atomic
def _create(
    service: Service, practitioner: Practitioner, spans: Sequence[Span], request: NewDates, by: User
) -> list[ServiceSession]:
    _check_can_add(service, len(spans), at=clock.now())
    if conflicts := find_conflicts(practitioner, spans):
        raise practitioner_taken(conflicts)
    entries = insert_entries((practitioner.pk, span.starts_at, span.ends_at) for span in spans)
    created = ServiceSession.objects.bulk_create(
        ServiceSession(
            service=service,
            starts_at=span.starts_at,
            ends_at=span.ends_at,
            capacity=request.capacity,
            join_url=request.join_url,
            calendar_entry=entry,
        )
        for span, entry in zip(spans, entries, strict=True)
    )
    times = "; ".join(local_time_as_text(span.starts_at, practitioner) for span in spans)
    audit.record(by, service, f"Added by the practitioner, {request.capacity} seats each: {times}")
    return created


def _check_can_add(service: Service, how_many: int, *, at: datetime) -> None:
    """Raise unless dates can be added now; the service and its dates stay locked.

    Whoever buys a course locks its dates, and takes no seat if there is another by then (take_seats). So no course is
    sold without a date that is added.
    """
    locked = Service.objects.select_for_update(no_key=True, of=("self",)).get(pk=service.pk)
    if not locked.active:
        raise ServiceInactive(f"{service.name} is not offered at present. Ask us to put it on sale first.")
    dates = ServiceSession.objects.filter(service=service).order_by("pk")
    existing = list(dates.select_for_update(no_key=True).only("starts_at", "taken", "called_off_at"))
    if len(existing) + how_many > DATES_MAX:
        raise TooManyDates(
            f"{service.name} can have {DATES_MAX} dates, and has {len(existing)}. Delete some that nobody booked."
        )
    if service.type == ServiceType.COURSE:
        _check_course(service, existing, at)


def _check_course(service: Service, existing: Sequence[ServiceSession], at: datetime) -> None:
    """A course is sold as a whole: its guests have a seat in each of its dates."""
    if any(session.taken for session in existing):
        raise CourseSold(
            f"{service.name} is sold as a whole, and guests have bought the dates that it has. They would have no "
            "seat in a new one: move a date instead, or offer a new course."
        )
    if any(session.starts_at <= at and not session.is_called_off for session in existing):
        raise CourseStarted(
            f"{service.name} has begun, so it is not sold any more. Delete its past dates, which nobody booked, first."
        )
