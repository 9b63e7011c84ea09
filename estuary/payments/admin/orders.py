"""Orders: found by any of their ids, shown with all related objects, changed through confirmed actions."""

from datetime import datetime, timedelta
from typing import Any

from django.contrib import admin
from django.db.models import Model, Prefetch, Q, QuerySet, prefetch_related_objects
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.dataclasses import UnfoldAction
from unfold.decorators import action, display

from estuary.accounts.rights import Right, may
from estuary.common import clock
from estuary.common.admin.base import ReadOnlyAdmin, column, label, moment_column, money_column
from estuary.orders.models import Order
from estuary.orders.states import LIVE, UNPAID, Status
from estuary.payments.admin import actions, refund_form
from estuary.payments.admin.mails import resend
from estuary.payments.admin.order_detail import LOOKUPS, cards, sections
from estuary.payments.admin.search.finders import PartSearchMixin, find_orders_by_id
from estuary.payments.admin.timeline import timeline_of
from estuary.payments.models import Refund
from estuary.payments.refunds.request_refund import refundable_minor

ENDING_WITHIN = timedelta(minutes=5)
# Ids are looked up exactly, by their unique indexes.
BY_PREFIX = {
    "ord_": "public_id",
    "pi_": "stripe_payment_intent_id",
    "cs_": "stripe_checkout_session_id",
    "ref_": "refunds__public_id",
    "re_": "refunds__stripe_refund_id",
    "pyr_": "refunds__stripe_refund_id",
    "du_": "disputes__stripe_dispute_id",
    "dp_": "disputes__stripe_dispute_id",
}


def ending_holds(at: datetime) -> Q:
    """Return the condition of unpaid orders whose hold has a few minutes left."""
    return Q(status__in=sorted(UNPAID), expires_at__lte=at + ENDING_WITHIN)


class HoldFilter(admin.SimpleListFilter):
    title, parameter_name = "hold", "hold"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("ending", "ends within 5 minutes")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Order]) -> QuerySet[Order]:
        return queryset.filter(ending_holds(clock.now())) if self.value() == "ending" else queryset


@admin.register(Order)
class OrderAdmin(PartSearchMixin, ReadOnlyAdmin):
    list_display = ("public_id", "buyer", "title", "amount", "status_label", "placed")
    list_filter = ("status", "type", "disputed", HoldFilter, "created_at", "paid_at")
    indexed_filters = {
        "status__exact": {*LIVE, Status.PAID},
        "created_at__gte": None,
        "paid_at__gte": None,
        "hold": {"ending"},
    }
    list_select_related = ("user",)
    search_fields = ("public_id",)
    by_prefix = BY_PREFIX
    person = "user"
    find_keys = staticmethod(find_orders_by_id)
    search_help_text = (
        "Any id of the order, its payment, refund or dispute (ord_…, pi_…, re_…), its beginning or end, a link of"
        " Stripe’s dashboard, a receipt’s or credit note’s number (R-2026-000042, CN-…), the card’s last four digits,"
        " or the buyer’s e-mail or name"
    )
    ordering = ("-id",)
    change_form_outer_after_template: Any = "payments/order.html"
    actions_detail: Any = ("refund", "cancel_unpaid", "ask_stripe")
    amount = money_column("total_minor", "Total")
    placed = moment_column("created_at", "Placed")
    buyer = column("Buyer", lambda order: order.user.email, ordering="user__email")
    title = column("What", lambda order: order.title)

    @display(description="Status", ordering="status")
    def status_label(self, order: Order) -> SafeString:
        status = label(order.status)
        return format_html("{} {}", status, label("failed", "disputed")) if order.disputed else status

    # Methods, not names of permissions: names would be looked up in the database whenever a command starts.
    def has_refund_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        return may(request.user, Right.REFUND)

    def has_act_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        return may(request.user, Right.CHANGE_ORDERS)

    def has_cancel_booking_permission(self, request: HttpRequest) -> bool:
        return may(request.user, Right.CHANGE_BOOKINGS)

    def get_actions_detail(self, request: HttpRequest, object_id: int | str) -> list[UnfoldAction]:
        """Offer the actions that fit the order; each page checks again, in case the order changes meanwhile."""
        order = self.get_object(request, str(object_id))
        if order is None:
            return []
        is_offered = {
            "refund": refundable_minor(order) > 0,
            "cancel_unpaid": order.status in UNPAID,
            "ask_stripe": bool(order.stripe_payment_intent_id or order.stripe_checkout_session_id),
        }
        allowed = super().get_actions_detail(request, object_id)
        return [item for item in allowed if is_offered[item.action_name.removeprefix("orders_order_")]]

    def get_fieldsets(self, request: HttpRequest, obj: Model | None = None) -> Any:
        # The template shows cards and tables instead.
        return []

    def get_queryset(self, request: HttpRequest) -> QuerySet[Order]:
        return super().get_queryset(request).select_related("user", "service")

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        order = self.get_object(request, object_id)
        if order is not None and self.has_view_permission(request, order):
            prefetch_related_objects([order], *LOOKUPS)
            context = {
                "cards": cards(order),
                "timeline": timeline_of(order, request),
                "sections": sections(order, request),
                "title": f"Order {order.public_id}",
            }
            extra_context = {**(extra_context or {}), **context}
        return super().change_view(request, object_id, form_url, extra_context)

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        """Read the order once for the buttons, the tables and the fields of one page."""
        order = getattr(request, "_order_of_page", None)
        if order is None or str(order.pk) != object_id or request.method != "GET":
            order = super().get_object(request, object_id, from_field)
            refunds = Refund.objects.select_related("booking", "requested_by")
            prefetch_related_objects(
                [order] if order else [], Prefetch("refunds", queryset=refunds), "disputes"
            )
            request._order_of_page = order  # type: ignore[attr-defined]
        return order

    def get_urls(self) -> list[URLPattern]:
        cancel_booking = path(
            "<int:order_id>/bookings/<int:booking_id>/cancel/",
            self.admin_site.admin_view(self.cancel_booking),
            name="orders_order_cancel_booking",
        )
        resend_mail = path(
            "<int:order_id>/mails/<int:mail_id>/send/",
            self.admin_site.admin_view(self.resend_mail),
            name="orders_order_resend_mail",
        )
        return [cancel_booking, resend_mail, *super().get_urls()]

    @action(description="Refund", url_path="refund", icon="undo", permissions=["refund"])
    def refund(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return refund_form.refund_page(self, request, object_id)

    @action(description="Cancel order", url_path="cancel", icon="block", permissions=["act"])
    def cancel_unpaid(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return actions.cancel_page(self, request, object_id)

    @action(description="Ask Stripe now", url_path="ask-stripe", icon="sync", permissions=["act"])
    def ask_stripe(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return actions.sync_page(self, request, object_id)

    @action(description="Send a mail again", permissions=["act"])
    def resend_mail(self, request: HttpRequest, order_id: int, mail_id: int) -> HttpResponse:
        return resend.resend_view(request, order_id, mail_id)

    @action(description="Cancel a booking", permissions=["cancel_booking"])
    def cancel_booking(self, request: HttpRequest, order_id: int, booking_id: int) -> HttpResponse:
        return actions.cancel_booking_page(self, request, order_id, booking_id)
