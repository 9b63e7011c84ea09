"""Refunds, saved cards and customers: read-only here; changed on their order's page or by their owner."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.decorators import display

from estuary.common.admin.base import (
    NOTHING,
    ReadOnlyAdmin,
    column,
    link,
    money,
    money_column,
    stripe_link,
)
from estuary.common.admin.pagination import choices_filter
from estuary.payments.admin.search import ids
from estuary.payments.admin.search.finders import PartSearchMixin, by_ids, find_cards
from estuary.payments.models import PaymentMethod, Refund, StripeCustomer
from estuary.payments.models.customers import BRAND_NAMES


class OwnedAdmin(ReadOnlyAdmin):
    """Rows that belong to one user."""

    list_select_related = ("user",)
    owner = column("Buyer", lambda row: row.user.email, ordering="user__email")


class RefundStandingFilter(admin.SimpleListFilter):
    title, parameter_name = "standing", "standing"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("open", "On their way"), ("closed", "Ended")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Refund]) -> QuerySet[Refund]:
        match self.value():
            case "open":
                return queryset.filter(status__in=sorted(Refund.OPEN))
            case "closed":
                return queryset.exclude(status__in=sorted(Refund.OPEN))
        return queryset


@admin.register(Refund)
class RefundAdmin(PartSearchMixin, ReadOnlyAdmin):
    list_display = (
        "public_id",
        "order_link",
        "amount",
        "card",
        "credit_part",
        "status_label",
        "origin",
        "reason",
        "created_at",
    )
    list_filter = (RefundStandingFilter, "status", "origin", "is_unmatched", "created_at", "settled_at")
    indexed_filters = {
        "standing": {"open"},
        "status__exact": {"requested", "pending"},
        "settled_at__gte": None,
    }
    list_select_related = ("order", "booking", "requested_by")
    search_fields = ("public_id",)
    by_prefix = {
        "ref_": "public_id",
        "re_": "stripe_refund_id",
        "pyr_": "stripe_refund_id",
        "ord_": "order__public_id",
    }
    find_keys = staticmethod(by_ids(ids.REFUNDS, ids.STRIPE_REFUNDS))
    search_help_text = "Refund (ref_…, re_…, or the end of re_…) or order (ord_…)"
    fields = (
        ("public_id", "status_label", "origin"),
        ("order_link", "booking_link"),
        ("amount", "card", "credit_part"),
        ("refund_at_stripe", "payment_at_stripe"),
        ("reason", "requested_by"),
        ("cancels", "is_unmatched", "failure_reason"),
        ("created_at", "settled_at"),
    )
    card = money_column("card_minor", "To the card")
    credit_part = money_column("credits_minor", "To credits")
    amount = column("Amount", lambda row: money(row.amount_minor, row.currency))
    order_link = column("Order", lambda row: link(row.order))
    booking_link = column(
        "Booking", lambda row: link(row.booking, row.booking.service_name if row.booking else "")
    )
    refund_at_stripe = column("At Stripe", lambda row: row.stripe_refund_id or NOTHING)
    payment_at_stripe = column("Payment", lambda row: stripe_link("payments", row.stripe_payment_intent_id))


@admin.register(PaymentMethod)
class PaymentMethodAdmin(PartSearchMixin, OwnedAdmin):
    list_display = ("__str__", "owner", "expires", "is_default", "is_saved", "stripe_payment_method_id")
    list_filter = (
        "is_default",
        "detach_pending",
        choices_filter("brand", "brand", list(BRAND_NAMES.items())),
    )
    indexed_filters = {"detach_pending__exact": {"1"}}
    search_fields = ("stripe_payment_method_id",)
    by_prefix = {"pm_": "stripe_payment_method_id", "card_": "stripe_payment_method_id"}
    person = "user"
    find_keys = staticmethod(find_cards)
    search_help_text = "Card (pm_… or a part of it, or the last four digits), or its owner's e-mail or name"
    ordering = ("-id",)
    exclude = ("fingerprint",)
    expires = column("Expires", lambda card: f"{card.exp_month:02}/{card.exp_year}")

    @display(description="Saved", boolean=True)
    def is_saved(self, card: PaymentMethod) -> bool:
        return card.detached_at is None


@admin.register(StripeCustomer)
class StripeCustomerAdmin(PartSearchMixin, OwnedAdmin):
    list_display = ("owner", "customer", "email", "created_at")
    search_fields = ("stripe_customer_id",)
    by_prefix = {"cus_": "stripe_customer_id"}
    person = "user"
    find_keys = staticmethod(by_ids(ids.CUSTOMERS))
    search_help_text = "Customer (cus_… or a part of it), or the person's e-mail or name"
    ordering = ("-id",)
    fields = (("owner", "customer"), ("email", "name"), ("key", "created_at"))
    customer = column("At Stripe", lambda row: stripe_link("customers", row.stripe_customer_id))
