"""The pages of attendees: the dates of a day, and the people of one date, to print or as a file."""

from datetime import date, timedelta
from http import HTTPStatus
from typing import Any, cast

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.dateparse import parse_date

from estuary.accounts.models import User
from estuary.accounts.staff import audit
from estuary.catalog.models import ServiceSession
from estuary.common import clock
from estuary.common.admin.csv_files import csv_response
from estuary.payments.admin.attendees.dates import HEADER, MAX_DATES, attendees_of, dates_of, meeting_of

PERMISSION = "bookings.view_booking"


def day_page(request: HttpRequest) -> TemplateResponse:
    """Show what begins on a day; without one, today."""
    _check_permission(request)
    today = timezone.localdate(clock.now())
    day = _parse_day(request.GET.get("day", ""))
    is_invalid = day is None and bool(request.GET.get("day"))
    if is_invalid:
        messages.error(request, "Write the day as year, month and day, such as 2026-11-30.")
    day = day or today
    meetings = dates_of(day)
    context = {
        **admin.site.each_context(request),
        "title": "Attendees",
        "day": day,
        "before": day - timedelta(days=1),
        "after": day + timedelta(days=1),
        "meetings": meetings,
        "limit": MAX_DATES if len(meetings) == MAX_DATES else 0,
    }
    return _render(request, "payments/attendees_day.html", context, is_invalid=is_invalid)


def session_page(request: HttpRequest, session_id: int) -> HttpResponseBase:
    """Show who comes to a date; with ``format=csv`` as a file, which the audit trail records."""
    _check_permission(request)
    sessions = ServiceSession.objects.select_related("service__practitioner")
    session = get_object_or_404(sessions, pk=session_id)
    meeting = meeting_of(session)
    if request.GET.get("format") == "csv":
        what = f"Exported the attendees of {meeting.title}, {meeting.when}"
        audit.record(cast(User, request.user), session, what)
        suffix = "-called-off" if meeting.is_called_off else ""
        name = f"attendees-{session.pk}-{meeting.starts_at:%Y-%m-%d}{suffix}.csv"
        return csv_response(name, HEADER, (attendee.row for attendee in attendees_of(session)))
    context = {
        **admin.site.each_context(request),
        "title": f"Attendees of {meeting.title}",
        "meeting": meeting,
        "attendees": list(attendees_of(session)),
    }
    return _render(request, "payments/attendees.html", context)


def _check_permission(request: HttpRequest) -> None:
    if not request.user.has_perm(PERMISSION):
        raise PermissionDenied


def _parse_day(text: str) -> date | None:
    """Return the day that a text names, or None. The first and last day that Python knows have no neighbours."""
    try:
        day = parse_date(text)
    except ValueError:
        return None
    return day if day and date.min < day < date.max else None


def _render(
    request: HttpRequest, template: str, context: dict[str, Any], *, is_invalid: bool = False
) -> TemplateResponse:
    request.current_app = admin.site.name
    status = HTTPStatus.BAD_REQUEST if is_invalid else HTTPStatus.OK
    return TemplateResponse(request, template, context, status=status)
