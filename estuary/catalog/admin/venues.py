"""The admin of venues: addresses, time zones and how to get there."""

from typing import cast

from django import forms
from django.contrib import admin
from django.db.models import Exists, Model, OuterRef, QuerySet
from django.http import HttpRequest

from estuary.catalog.models import Service
from estuary.catalog.venues import Venue
from estuary.common.admin.base import StaffAdmin


class VenueForm(forms.ModelForm):  # type: ignore[type-arg]
    class Meta:
        model = Venue
        fields = ("name", "practitioner", "address", "time_zone", "directions", "map_url")
        labels = {"map_url": "Link to directions"}
        help_texts = {"time_zone": "Such as Europe/Lisbon: dates there are shown in it."}


@admin.register(Venue)
class VenueAdmin(StaffAdmin):
    form = VenueForm
    list_display = ("name", "practitioner", "time_zone")
    list_select_related = ("practitioner",)
    search_fields = ("name", "practitioner__display_name")
    search_help_text = "Name or practitioner"
    ordering = ("name",)
    autocomplete_fields = ("practitioner",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Venue]:
        used = Service.objects.filter(venue=OuterRef("pk"))
        return cast(QuerySet[Venue], super().get_queryset(request).annotate(is_used=Exists(used)))

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return super().has_delete_permission(request, obj) and not getattr(obj, "is_used", False)
