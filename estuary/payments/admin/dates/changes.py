"""Changes of dates in the admin: the list, each with its rows and how far it is, and the pages that begin one."""

from typing import Any

from django.contrib import admin
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path
from django.utils.html import format_html_join
from django.utils.safestring import SafeString, mark_safe

from estuary.common.admin.base import (
    NOTHING,
    ReadOnlyAdmin,
    ReadOnlyInline,
    column,
    label,
    link,
    moment_column,
    money,
)
from estuary.payments.admin.dates import booking_moves, pages
from estuary.payments.dates.affected import dates_of_change
from estuary.payments.models import DateChange, DateChangeRow


class RowInline(ReadOnlyInline):
    model = DateChangeRow
    verbose_name, verbose_name_plural = "consequence", "consequences"
    fields = ("order_link", "line", "act_label", "amount", "why", "status_label", "refund_link")
    readonly_fields = fields
    order_link = column("Order", lambda row: link(row.order))
    act_label = column("What", lambda row: label(row.act))
    amount = column("Amount", lambda row: money(row.amount_minor, row.currency) if row.amount_minor else "–")
    status_label = column("Status", lambda row: label(row.status))
    refund_link = column("Refund", lambda row: link(row.refund))

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Rows are seen with their change."""
        return request.user.has_perm("payments.view_datechange")

    def get_queryset(self, request: HttpRequest) -> QuerySet[DateChangeRow]:
        return super().get_queryset(request).select_related("order", "refund")


def _dates(change: DateChange) -> SafeString | str:
    dates = dates_of_change(change)
    lines = [(line,) for _, line in dates.first] + ([(f"and {dates.more} more",)] if dates.more else [])
    return format_html_join(mark_safe("<br>"), "{}", lines) or NOTHING


@admin.register(DateChange)
class DateChangeAdmin(ReadOnlyAdmin):
    list_display = ("public_id", "title", "kind_label", "who", "status_label", "started")
    list_filter = ("status", "kind")
    list_select_related = ("requested_by", "practitioner")
    inlines = (RowInline,)
    fields = (
        ("title", "kind_label", "status_label"),
        ("practitioner", "who", "by_staff"),
        ("started", "done_at"),
        "called_off",
        "message",
        "reason",
    )
    kind_label = column("What", lambda change: label(change.kind))
    who = column("By", lambda change: link(change.requested_by))
    called_off = column("Dates called off", _dates)
    started = moment_column("created_at", "Started")

    def get_urls(self) -> list[URLPattern]:
        def at(route: str, page: Any, name: str) -> URLPattern:
            def view(request: HttpRequest, **ids: int) -> HttpResponse:
                answer: HttpResponse = page(self, request, **ids)
                return answer

            return path(route, self.admin_site.admin_view(view), name=f"payments_datechange_{name}")

        return [
            at("session/<int:session_id>/call-off/", pages.session_page, "session"),
            at("session/<int:session_id>/move/", pages.move_page, "move"),
            at("booking/<int:booking_id>/call-off/", pages.booking_page, "booking"),
            at("booking/<int:booking_id>/move/", booking_moves.move_booking_page, "booking_move"),
            at("practitioner/<int:practitioner_id>/call-off-days/", pages.days_page, "days"),
            *super().get_urls(),
        ]
