"""Pages on which staff call off or move a date: a preview of every consequence, and one button that does it."""

from collections.abc import Callable
from typing import Any, cast
from urllib.parse import urlencode

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import reverse
from unfold.admin import ModelAdmin
from unfold.widgets import (
    UnfoldAdminDateWidget,
    UnfoldAdminSplitDateTimeWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
    UnfoldAdminTimeWidget,
)

from estuary.accounts.models import Practitioner, User
from estuary.accounts.rights import Right, may
from estuary.bookings.models import Booking
from estuary.catalog.models import ServiceSession
from estuary.common.admin.base import change_url, label, money
from estuary.common.admin.field_names import name_fields
from estuary.common.errors import EstuaryError
from estuary.payments.dates.affected import dates_of_target
from estuary.payments.dates.begin_change import Confirmation, begin_change
from estuary.payments.dates.consequences import Tender
from estuary.payments.dates.errors import PreviewOutdated
from estuary.payments.dates.previews import ChangeRequest, Kind, Preview, days_request, preview_change
from estuary.payments.models.date_changes import MESSAGE_MAX, REASON_MAX

TENDERS = {Tender.PAYMENT_METHOD: "the way it was paid", Tender.CREDITS: "credits", Tender.NONE: ""}
BUTTONS = {Kind.CALL_OFF: "Call it off", Kind.MOVE: "Move it", Kind.CALL_OFF_DAYS: "Call off these days"}
# What is asked for besides the object that the page is about, from the values of the page's own form.
type BuildRequest = Callable[[dict[str, Any]], ChangeRequest]


class ConfirmForm(forms.Form):
    message = forms.CharField(
        required=False,
        max_length=MESSAGE_MAX,
        label="Message to the guests",
        help_text="A part of the mail that says what happened and what goes back.",
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 4}),
    )
    reason = forms.CharField(
        required=False,
        max_length=REASON_MAX,
        help_text="For the record.",
        widget=UnfoldAdminTextInputWidget(),
    )
    preview_id = forms.CharField(max_length=64, widget=forms.HiddenInput)


class NothingForm(forms.Form):
    """Calling off needs no values besides the date itself."""


class NewTimeForm(forms.Form):
    starts_at = forms.SplitDateTimeField(label="New start (UTC)", widget=UnfoldAdminSplitDateTimeWidget())
    ends_at = forms.SplitDateTimeField(
        label="New end (UTC)",
        required=False,
        widget=UnfoldAdminSplitDateTimeWidget(),
        help_text="Empty: it lasts as long as before.",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        name_fields(self)


class DaysForm(forms.Form):
    first_day = forms.DateField(widget=UnfoldAdminDateWidget())
    start_time = forms.TimeField(
        required=False,
        widget=UnfoldAdminTimeWidget(),
        help_text="In the practitioner's zone. Empty: from midnight.",
    )
    last_day = forms.DateField(widget=UnfoldAdminDateWidget())
    end_time = forms.TimeField(
        required=False,
        widget=UnfoldAdminTimeWidget(),
        help_text="In the practitioner's zone. Empty: all of the day.",
    )


def session_page(model_admin: ModelAdmin, request: HttpRequest, session_id: int) -> HttpResponse:
    """Call off a date."""
    session = get_object_or_404(ServiceSession.objects.select_related("service__practitioner"), pk=session_id)
    owner = session.service.practitioner

    def build(values: dict[str, Any]) -> ChangeRequest:
        return ChangeRequest(kind=Kind.CALL_OFF, practitioner=owner, session_id=session.pk)

    links = (("Move it instead", reverse("admin:payments_datechange_move", args=[session.pk])),)
    return _page(
        model_admin, request, NothingForm, build, title="Call off a date", row=session.service, links=links
    )


def move_page(model_admin: ModelAdmin, request: HttpRequest, session_id: int) -> HttpResponse:
    """Move a date with all its guests."""
    session = get_object_or_404(ServiceSession.objects.select_related("service__practitioner"), pk=session_id)
    owner = session.service.practitioner

    def build(values: dict[str, Any]) -> ChangeRequest:
        times = {"starts_at": values["starts_at"], "ends_at": values["ends_at"]}
        return ChangeRequest(kind=Kind.MOVE, practitioner=owner, session_id=session.pk, **times)

    links = (("Call it off instead", reverse("admin:payments_datechange_session", args=[session.pk])),)
    return _page(
        model_admin, request, NewTimeForm, build, title="Move a date", row=session.service, links=links
    )


def booking_page(model_admin: ModelAdmin, request: HttpRequest, booking_id: int) -> HttpResponse:
    """Call off a 1-on-1 booking in the name of its practitioner."""
    booking = get_object_or_404(Booking.objects.select_related("practitioner"), pk=booking_id)

    def build(values: dict[str, Any]) -> ChangeRequest:
        return ChangeRequest(kind=Kind.CALL_OFF, practitioner=booking.practitioner, booking_id=booking.pk)

    return _page(model_admin, request, NothingForm, build, title="Call off a booking", row=booking)


def days_page(model_admin: ModelAdmin, request: HttpRequest, practitioner_id: int) -> HttpResponse:
    """Call off everything of a practitioner in a range of days."""
    practitioner = get_object_or_404(Practitioner, pk=practitioner_id)

    def build(values: dict[str, Any]) -> ChangeRequest:
        return days_request(practitioner, **values)

    return _page(
        model_admin, request, DaysForm, build, title=f"Call off days of {practitioner}", row=practitioner
    )


def _page(
    model_admin: ModelAdmin,
    request: HttpRequest,
    form_class: type[forms.Form],
    build: BuildRequest,
    *,
    title: str,
    row: Any,
    links: tuple[tuple[str, str], ...] = (),
) -> HttpResponse:
    """Show the preview of what the form asks for; on POST confirm it, or show how things stand now.

    Whatever is refused, the message to the guests and the reason stay on the page as they were written.
    """
    if not may(request.user, Right.CHANGE_DATES):
        raise PermissionDenied
    form, written = _times_form(form_class, request), _written(request)
    if "show" in request.POST and not written and form.is_valid():
        return HttpResponseRedirect(f"{request.path}?{_sent_of(form, request)}")
    is_confirming = request.method == "POST" and "show" not in request.POST
    confirm = ConfirmForm(request.POST if is_confirming else None)
    outcome = _confirm_or_preview(request, build, form, confirm) if form.is_valid() else None
    if isinstance(outcome, HttpResponse):
        return outcome
    if set(confirm.errors) <= {"preview_id"}:
        confirm = ConfirmForm(initial={**written, "preview_id": outcome.id if outcome else ""})
    shown = {"title": title, "form": form, "confirm": confirm, "back": change_url(row), "links": links}
    return _render(model_admin, request, outcome, {**shown, "written": written})


def _confirm_or_preview(
    request: HttpRequest, build: BuildRequest, form: forms.Form, confirm: ConfirmForm
) -> HttpResponse | Preview | None:
    """Do what was confirmed and return where it is shown; else return how things stand, or None if it can't be done."""
    try:
        change = build(form.cleaned_data)
        if confirm.is_valid():
            try:
                return _confirm(request, change, confirm.cleaned_data)
            except PreviewOutdated as error:
                messages.error(request, error.detail)
        return preview_change(change)
    except EstuaryError as error:
        messages.error(request, error.detail)
        return None


def _times_form(form_class: type[forms.Form], request: HttpRequest) -> forms.Form:
    """Return the form of what is asked for: as it was sent with the page, else as the address has it."""
    if form_class is NothingForm:
        return form_class({})
    form = form_class(request.POST)
    if _sent_of(form, request):
        return form
    return form_class(request.GET or None)


def _sent_of(form: forms.Form, request: HttpRequest) -> str:
    """Return what was sent of a form's fields, as a query."""
    names = tuple(bound.html_name for bound in form)
    sent = [(key, value) for key, value in request.POST.items() if key.startswith(names)]
    return urlencode(sent)


def _written(request: HttpRequest) -> dict[str, str]:
    """Return what was written for guests and for the record."""
    sent = {name: request.POST.get(name, "") for name in ("message", "reason")}
    return sent if any(sent.values()) else {}


def _render(
    model_admin: ModelAdmin, request: HttpRequest, preview: Preview | None, shown: dict[str, Any]
) -> HttpResponse:
    context = {
        **model_admin.admin_site.each_context(request),
        **_preview_context(preview),
        **shown,
        "opts": model_admin.model._meta,
        "media": model_admin.media + shown["form"].media + shown["confirm"].media,
    }
    request.current_app = model_admin.admin_site.name
    return TemplateResponse(request, "payments/date_change.html", context)


def _preview_context(preview: Preview | None) -> dict[str, Any]:
    return {
        "preview": preview,
        "rows": _consequences(preview) if preview else [],
        "dates": dates_of_target(preview.target) if preview else None,
        "totals": [money(total.amount_minor, total.currency) for total in preview.totals] if preview else [],
        "button": BUTTONS[preview.target.kind] if preview else "",
    }


def _confirm(request: HttpRequest, change: ChangeRequest, data: dict[str, Any]) -> HttpResponse:
    staff = cast(User, request.user)
    date_change = begin_change(change, Confirmation(by=staff, by_staff=True, **data))
    messages.success(request, "It has begun. This page shows how far it is.")
    return HttpResponseRedirect(change_url(date_change))


def _consequences(preview: Preview) -> list[dict[str, Any]]:
    return [
        {
            "guest": row.guest,
            "line": row.line,
            "act": label(str(row.act)),
            "amount": money(row.amount_minor, row.currency) if row.amount_minor else "",
            "tender": TENDERS[row.tender],
            "why": row.why,
        }
        for row in preview.rows
    ]
