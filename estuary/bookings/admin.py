"""The admin of bookings and seats, read-only: bookings are changed on the page of their order."""

from datetime import timedelta
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.decorators import display

from estuary.accounts.staff.search import IndexedSearchMixin
from estuary.bookings.models import ACTIVE, Booking, Participant, Reservation, RosterFeed
from estuary.bookings.moving.rules import MOVABLE
from estuary.catalog.models import ServiceType
from estuary.common import clock
from estuary.common.admin.base import (
    NOTHING,
    ReadOnlyAdmin,
    ReadOnlyInline,
    column,
    external_link,
    label,
    link,
    money_column,
)
from estuary.common.admin.pagination import choices_filter


class ChildInline(ReadOnlyInline):
    model = Booking
    fk_name = "parent"
    verbose_name, verbose_name_plural = "booking inside it", "bookings inside it"
    fields = ("service_name", "status_label", "starts_at", "amount")
    readonly_fields = fields
    ordering = ("position",)
    show_change_link = True
    status_label = column("Status", lambda booking: label(booking.status))
    amount = money_column("amount_minor", "Share of the price", currency="order__currency")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Booking]:
        return super().get_queryset(request).select_related("order")


class SeatInline(ReadOnlyInline):
    model = Participant
    verbose_name, verbose_name_plural = "seat", "seats"
    fields = ("session", "active", "created_at")
    readonly_fields = fields

    def get_queryset(self, request: HttpRequest) -> QuerySet[Participant]:
        return super().get_queryset(request).select_related("session")


class EndsFilter(admin.SimpleListFilter):
    """Active bookings that end soon; uses the same index as ``close_past``."""

    title, parameter_name = "ends", "ends"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("today", "in the next 24 hours"), ("week", "in the next 7 days")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Booking]) -> QuerySet[Booking]:
        days = {"today": 1, "week": 7}.get(self.value() or "")
        if days is None:
            return queryset
        at = clock.now()
        return queryset.filter(
            status__in=sorted(ACTIVE), ends_at__gt=at, ends_at__lte=at + timedelta(days=days)
        )


def _call_off_link(row: Booking) -> Any:
    """Return a link to the page that calls off a 1-on-1 booking, or its date; that page is of a layer above."""
    if not row.is_active or row.starts_at is None or row.starts_at <= clock.now():
        return NOTHING
    if row.session_id is None and row.service_type != ServiceType.SESSION:
        return NOTHING
    name, key = ("session", row.session_id) if row.session_id else ("booking", row.pk)
    return external_link(
        reverse(f"admin:payments_datechange_{name}", args=[key]), "Call it off", new_tab=False
    )


def _move_link(row: Booking) -> Any:
    """Return a link to the page that moves one booking; that page is of a layer above."""
    is_ahead = row.starts_at is not None and row.starts_at > clock.now()
    if not is_ahead or not row.is_active or row.service_type not in MOVABLE:
        return NOTHING
    url = reverse("admin:payments_datechange_booking_move", args=[row.pk])
    return external_link(url, "Move to another time", new_tab=False)


@admin.register(Booking)
class BookingAdmin(IndexedSearchMixin, ReadOnlyAdmin):
    list_display = ("what", "buyer", "practitioner", "starts_at", "status_label", "amount", "order_link")
    list_filter = (
        "status",
        choices_filter("service type", "service_type", ServiceType.choices),
        "order__disputed",
        EndsFilter,
    )
    indexed_filters = {"ends": None}
    list_select_related = ("user", "order", "practitioner")
    search_fields = ("user",)
    by_prefix = {"ord_": "order__public_id"}
    person = "user"
    search_help_text = "Buyer's e-mail address or last name, or order (ord_…)"
    inlines = (ChildInline, SeatInline)
    fields = (
        ("what", "status_label"),
        ("buyer", "practitioner"),
        ("order_link", "parent_link"),
        ("starts_at", "ends_at"),
        ("times_moved", "former_starts_at"),
        ("valid_until", "canceled_at", "forfeited"),
        ("amount", "created_at"),
        ("move", "call_off"),
    )
    move = column("Move", _move_link)
    call_off = column("Call off", _call_off_link)
    what = column("What", lambda row: f"{row.service_name} ({row.service_type})", ordering="service_name")
    buyer = column("Buyer", lambda booking: booking.user.email, ordering="user__email")
    order_link = column("Order", lambda booking: link(booking.order))
    parent_link = column(
        "Inside", lambda row: link(row.parent, row.parent.service_name if row.parent else "")
    )
    amount = money_column("amount_minor", "Share of the price", currency="order__currency")

    @display(description="Status", ordering="status")
    def status_label(self, row: Booking) -> SafeString:
        status = label(row.status)
        return format_html("{} {}", status, label("failed", "disputed")) if row.order.disputed else status


@admin.register(Reservation)
class ReservationAdmin(IndexedSearchMixin, ReadOnlyAdmin):
    list_display = ("id", "order", "line", "session", "status_label", "created_at")
    list_filter = ("status",)
    list_select_related = ("order", "line", "session")
    search_fields = ("order",)
    by_prefix = {"ord_": "order__public_id"}
    search_help_text = "Order (ord_…)"


@admin.register(RosterFeed)
class RosterFeedAdmin(ReadOnlyAdmin):
    """Which practitioners have a calendar feed. Staff can stop one; nobody can read its address."""

    list_display = ("practitioner", "created_at")
    list_select_related = ("practitioner",)
    fields = ("practitioner", "created_at")

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm("bookings.delete_rosterfeed")
