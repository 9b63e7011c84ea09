"""The page on which staff move one booking: the times that are free, the buyer's limits, and one button."""

from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from itertools import groupby
from typing import Any, cast

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import F
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.utils.html import format_html
from unfold.admin import ModelAdmin
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from estuary.accounts.models import User
from estuary.accounts.rights import Right, may
from estuary.accounts.staff import audit
from estuary.bookings.models import Booking
from estuary.bookings.moving.move_booking import calendar_entry_of
from estuary.bookings.moving.rules import check_movable, max_moves, move_until
from estuary.bookings.order_lines import ScheduleRequest
from estuary.bookings.scheduling import set_sold_length
from estuary.catalog.availability import Slot, free_slots
from estuary.catalog.models import ServiceType
from estuary.common import clock
from estuary.common.admin.base import NOTHING, ConfirmPage, change_url, external_link, render_confirm_page
from estuary.common.admin.reasons import with_reason
from estuary.common.admin.times import day_and_time
from estuary.common.db.transactions import retry_transaction
from estuary.common.english_times import describe_place
from estuary.common.errors import Conflict, EstuaryError
from estuary.payments.models.date_changes import REASON_MAX
from estuary.payments.order_api.moving import move_and_announce

# Slots of so many days, or so many dates of a workshop, are offered at once.
DAYS, DATES = 14, 100
RELATED = ("order__user", "service__practitioner", "practitioner", "session")

# A value and its title, by day.
type Times = list[tuple[str, list[tuple[str, str]]]]


class MoveForm(forms.Form):
    time = forms.ChoiceField(
        label="New time",
        widget=UnfoldAdminSelectWidget(),
        error_messages={"invalid_choice": "This time is not free any more. Choose another one."},
    )
    reason = forms.CharField(required=False, max_length=REASON_MAX, widget=UnfoldAdminTextInputWidget())

    def __init__(self, data: Any, *, times: Times, is_beyond: bool, zone: str, reason: str = "") -> None:
        super().__init__(data, initial={"reason": reason})
        time: Any = self.fields["time"]
        time.choices = [("", "Choose a time"), *times]
        time.help_text = f"All times here are in the practitioner’s time zone, {zone}."
        self.fields["reason"].required = is_beyond
        self.fields["reason"].help_text = "For the audit trail and the order’s timeline. " + (
            "Needed, because this is beyond the buyer’s limits." if is_beyond else "May be left empty."
        )


def move_booking_page(model_admin: ModelAdmin, request: HttpRequest, booking_id: int) -> HttpResponse:
    """Move a booking to another time of its service; also after the deadline, or more often than was sold."""
    if not may(request.user, Right.CHANGE_BOOKINGS):
        raise PermissionDenied
    booking, at = get_object_or_404(Booking.objects.select_related(*RELATED), pk=booking_id), clock.now()
    try:
        check_movable(booking, at, beyond_limits=True)
    except EstuaryError as error:
        messages.error(request, f"Staff can’t move it either. The buyer reads: “{error.detail}”")
        return HttpResponseRedirect(change_url(booking))
    limit, first_day = _limit_passed(booking, at), _first_day(request, at)
    form = _form(request.POST if request.method == "POST" else None, booking, first_day, at)
    if form.is_valid():
        try:
            return _answer_move(request, booking, form.cleaned_data)
        except EstuaryError as error:
            messages.error(request, error.detail)
        # Read again: the time that was chosen is no longer free, and is not offered any more.
        booking = Booking.objects.select_related(*RELATED).get(pk=booking_id)
        form = _form(None, booking, first_day, at, reason=form.cleaned_data["reason"])
    return render_confirm_page(model_admin, request, _describe(booking, first_day, limit, at), form)


def _form(data: Any, booking: Booking, first_day: date, at: datetime, *, reason: str = "") -> MoveForm:
    return MoveForm(
        data,
        times=list(_times(booking, first_day, at)),
        is_beyond=bool(_limit_passed(booking, at)),
        zone=describe_place(booking.practitioner.zone),
        reason=reason,
    )


def _describe(booking: Booking, first_day: date, limit: str, at: datetime) -> ConfirmPage:
    facts: list[tuple[str, Any]] = [
        ("Booking", f"{booking.service_name} with {booking.practitioner.display_name}"),
        ("Buyer", booking.order.user.email),
        ("Order", booking.order.public_id),
        ("Now", _in_zone(booking.starts_at, booking)),
        ("Moved so far", f"{booking.times_moved} of {max_moves(booking)} times"),
        ("The buyer may until", _in_zone(move_until(booking), booking)),
    ]
    if limit:
        facts.append(("Beyond the limits", f"The buyer would be told: “{limit}”"))
    if booking.service_type == ServiceType.SESSION:
        facts.append(("Times shown", _pages(first_day, at)))
    return ConfirmPage(
        title="Move to another time",
        text="Takes the new time and gives the old one back, in one step. The price stays, and no payment is touched."
        " The buyer and the practitioner get the mail of a new time, with a calendar file.",
        button="Move it",
        back=change_url(booking.order),
        facts=tuple(facts),
    )


def _in_zone(at: datetime | None, booking: Booking) -> str:
    """Return a moment as the practitioner's clock shows it, as the times that are offered."""
    return day_and_time(at, booking.practitioner.zone) if at else NOTHING


def _pages(first_day: date, at: datetime) -> Any:
    """Return which days are shown, with links to the days before and after."""
    last_day = first_day + timedelta(days=DAYS - 1)
    links = [external_link(f"?from={first_day + timedelta(days=DAYS):%Y-%m-%d}", "Later", new_tab=False)]
    if first_day > at.date():
        earlier = max(first_day - timedelta(days=DAYS), at.date())
        links.insert(0, external_link(f"?from={earlier:%Y-%m-%d}", "Earlier", new_tab=False))
    days = f"{first_day:%d %b} to {last_day:%d %b %Y}"
    return format_html("{}{}" + " · {}" * (len(links) - 1), f"{days} · ", *links)


def _limit_passed(booking: Booking, at: datetime) -> str:
    """Return why the buyer could not move the booking any more; empty if the buyer could."""
    try:
        check_movable(booking, at)
    except Conflict as error:
        return error.detail
    return ""


def _first_day(request: HttpRequest, at: datetime) -> date:
    try:
        first_day = date.fromisoformat(request.GET.get("from", ""))
    except ValueError:
        return at.date()
    return min(max(first_day, at.date()), at.date() + timedelta(days=3650))


def _times(booking: Booking, first_day: date, at: datetime) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """Yield the free times by day, in the practitioner's time zone."""
    zone = booking.practitioner.zone
    free = _free_slots(booking, first_day, at) or _free_dates(booking, at)
    local = [(key, slot.starts_at.astimezone(zone), slot.ends_at.astimezone(zone)) for key, slot in free]
    for day, of_day in groupby(local, key=lambda time: time[1].date()):
        yield (
            f"{day:%A %d %B %Y}, {describe_place(zone)}",
            [(key, f"{begin:%a %d %b, %H:%M} – {end:%H:%M}") for key, begin, end in of_day],
        )


def _free_slots(booking: Booking, first_day: date, at: datetime) -> Sequence[tuple[str, Slot]]:
    if booking.service_type != ServiceType.SESSION:
        return []
    service = booking.service
    assert service
    set_sold_length(service, booking)
    slots = free_slots(
        service, first_day=first_day, days=DAYS, at=at, ignored_entry_id=calendar_entry_of(booking)
    )
    return [(slot.starts_at.isoformat(), slot) for slot in slots if slot.starts_at != booking.starts_at]


def _free_dates(booking: Booking, at: datetime) -> Sequence[tuple[str, Slot]]:
    if booking.service_type != ServiceType.WORKSHOP:
        return []
    assert booking.service and booking.session
    dates = booking.service.sessions.filter(starts_at__gt=at, called_off_at=None, taken__lt=F("capacity"))
    others = dates.exclude(pk=booking.session.pk).order_by("starts_at")[:DATES]
    return [(str(row.pk), Slot(row.starts_at, row.ends_at)) for row in others]


def _answer_move(request: HttpRequest, booking: Booking, data: dict[str, str]) -> HttpResponse:
    starts_at = _move(booking, data["time"], data["reason"], cast(User, request.user))
    time = _in_zone(starts_at, booking)
    messages.success(request, f"{booking.service_name} is moved to {time}; the buyer is told.")
    return HttpResponseRedirect(change_url(booking.order))


@retry_transaction
@transaction.atomic
def _move(booking: Booking, time: str, reason: str, staff: User) -> datetime:
    """Move a booking with its entry in the audit trail, in one transaction; return its new start."""
    new_time = (
        ScheduleRequest(starts_at=datetime.fromisoformat(time))
        if booking.service_type == ServiceType.SESSION
        else ScheduleRequest(session_id=int(time))
    )
    record = move_and_announce(booking=booking, request=new_time, by=staff, beyond_limits=True)
    if record is None:
        booking.refresh_from_db()
        return cast(datetime, booking.starts_at)
    beyond = " beyond the buyer’s limits" if record.beyond_limits else ""
    text = f"Moved {booking.service_name} to {day_and_time(record.to_starts_at)}{beyond}."
    audit.record(staff, booking.order, with_reason(text, reason))
    return record.to_starts_at
