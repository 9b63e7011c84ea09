"""Practitioners with their weekly hours, and the days with other hours."""

from typing import Any

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest
from django.urls import reverse

from estuary.accounts.models import Practitioner
from estuary.catalog.admin.forms import ExceptionForm, ExceptionFormSet, WindowForm, WindowFormSet
from estuary.catalog.models import Availability, AvailabilityException
from estuary.common.admin.base import StaffAdmin, StaffInline, column, external_link


class WindowInline(StaffInline):
    model = Availability
    form = WindowForm
    formset: Any = WindowFormSet
    verbose_name, verbose_name_plural = "window", "weekly hours, in the practitioner's own time zone"


class ExceptionInline(StaffInline):
    model = AvailabilityException
    form = ExceptionForm
    formset: Any = ExceptionFormSet
    verbose_name = "day with other hours"
    verbose_name_plural = (
        "days with other hours in place of the weekly ones; without times, the day is closed"
    )


@admin.register(Practitioner)
class PractitionerAdmin(StaffAdmin):
    list_display = ("display_name", "user", "time_zone", "headline")
    list_select_related = ("user",)
    search_fields = ("display_name", "slug", "user__email")
    search_help_text = "Name, slug or e-mail address"
    ordering = ("display_name",)
    autocomplete_fields = ("user",)
    prepopulated_fields = {"slug": ("display_name",)}
    inlines = (WindowInline, ExceptionInline)

    # The page is of a layer above this one.
    days_off = column(
        "Days off",
        lambda row: external_link(
            reverse("admin:payments_datechange_days", args=[row.pk]), "Call off days", new_tab=False
        ),
    )

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> tuple[str, ...]:
        return ("user", "days_off") if obj else ()
