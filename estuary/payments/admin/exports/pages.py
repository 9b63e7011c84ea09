"""The page of exports: which table, which days, which currency; the audit trail records each download."""

from datetime import datetime, time, timedelta
from http import HTTPStatus
from typing import Any, cast

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse
from django.utils import timezone
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from estuary.accounts.models import User
from estuary.accounts.staff import audit
from estuary.common import clock
from estuary.common.admin.csv_files import csv_response
from estuary.common.money import CURRENCIES
from estuary.payments.admin.exports.tables import EXPORTS, read

EARLIEST_YEAR, LATEST_YEAR = 2000, 9000


class DayInput(UnfoldAdminTextInputWidget):
    input_type = "date"


class ExportForm(forms.Form):
    """What is exported. The days are those of UTC, both included."""

    table = forms.ChoiceField(widget=UnfoldAdminSelectWidget())
    first = forms.DateField(label="First day (UTC)", widget=DayInput())
    last = forms.DateField(label="Last day (UTC)", widget=DayInput())
    currency = forms.CharField(
        required=False,
        max_length=3,
        help_text="Three letters, such as EUR. Empty: all currencies, each row with its own.",
        widget=UnfoldAdminTextInputWidget(),
    )

    def __init__(self, data: Any, *, tables: list[str]) -> None:
        today = timezone.localdate(clock.now())
        super().__init__(data, initial={"first": today.replace(day=1), "last": today})
        self.fields["table"].choices = [(name, EXPORTS[name].title) for name in tables]  # type: ignore[attr-defined]

    def clean_currency(self) -> str:
        currency = str(self.cleaned_data["currency"]).strip().lower()
        if currency and currency not in CURRENCIES:
            raise forms.ValidationError(
                "Write a currency as its three letters, such as EUR, or leave it empty."
            )
        return currency

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        for name in ("first", "last"):
            if name in data and not EARLIEST_YEAR <= data[name].year <= LATEST_YEAR:
                self.add_error(name, "Is the year right?")
        if "first" in data and "last" in data and data["first"] > data["last"]:
            self.add_error("last", "The last day comes before the first: swap them.")
        return data


def exports_page(request: HttpRequest) -> HttpResponseBase:
    """Show the form; when submitted, send the file."""
    tables = [name for name, export in EXPORTS.items() if request.user.has_perm(export.permission)]
    if not tables:
        raise PermissionDenied
    form = ExportForm(request.POST if request.method == "POST" else None, tables=tables)
    if form.is_valid():
        return _send(cast(User, request.user), form.cleaned_data)
    context = {**admin.site.each_context(request), "title": "Exports", "form": form, "media": form.media}
    request.current_app = admin.site.name
    status = HTTPStatus.BAD_REQUEST if form.errors else HTTPStatus.OK
    return TemplateResponse(request, "payments/exports.html", context, status=status)


def _send(staff: User, data: dict[str, Any]) -> HttpResponseBase:
    export, currency = EXPORTS[data["table"]], data["currency"]
    days = f"{data['first']:%Y-%m-%d} to {data['last']:%Y-%m-%d}"
    in_currency = currency.upper() if currency else "all currencies"
    audit.record(staff, staff, f"Exported {data['table']}, {days}, {in_currency}")
    begin, end = (
        timezone.make_aware(datetime.combine(day, time.min))
        for day in (data["first"], data["last"] + timedelta(days=1))
    )
    name = "-".join(filter(None, (data["table"], days.replace(" to ", "-to-"), currency)))
    rows = read(export, begin=begin, end=end, currency=currency)
    return csv_response(f"{name}.csv", export.header, rows)
