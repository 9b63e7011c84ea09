"""Disputes, to be answered by a deadline, and fraud notices, which ask for a decision before there is one.

Evidence is submitted, and reviews are decided, in Stripe's dashboard.
"""

from collections.abc import Iterator
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from estuary.accounts.staff.search import IndexedSearchMixin
from estuary.common.admin.base import ReadOnlyAdmin, column, label, link, money, money_column, stripe_link
from estuary.payments.admin.order_detail import deadline, notice_label
from estuary.payments.admin.search import ids
from estuary.payments.admin.search.finders import PartSearchMixin, by_ids
from estuary.payments.models import Dispute, FraudNotice


class StandingFilter(admin.SimpleListFilter):
    title, parameter_name = "standing", "standing"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterator[tuple[str, str]]:
        yield from (("open", "Open"), ("closed", "Decided"))

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() not in {"open", "closed"}:
            return queryset
        return queryset.filter(closed_at__isnull=self.value() == "open")


@admin.register(Dispute)
class DisputeAdmin(PartSearchMixin, ReadOnlyAdmin):
    list_display = (
        "stripe_dispute_id",
        "order_link",
        "buyer",
        "amount",
        "why",
        "status_label",
        "answer_by",
        "dispute_at_stripe",
    )
    list_filter = (StandingFilter, "status", "reason", "opened_at")
    indexed_filters = {"standing": {"open"}}
    list_select_related = ("order__user",)
    search_fields = ("stripe_dispute_id",)
    by_prefix = {"du_": "stripe_dispute_id", "dp_": "stripe_dispute_id", "ord_": "order__public_id"}
    person = "order__user"
    find_keys = staticmethod(by_ids(ids.DISPUTES))
    search_help_text = "Dispute (du_… or a part of it), order (ord_…) or buyer's e-mail or name"
    fields = (
        ("stripe_dispute_id", "status_label", "why"),
        ("order_link", "buyer"),
        ("dispute_at_stripe", "payment_at_stripe"),
        ("amount", "lost"),
        ("frozen", "clawed"),
        ("answer_by", "refundable", "is_unmatched"),
        ("opened_at", "closed_at"),
    )
    amount = money_column("amount_minor", "Amount")
    lost = money_column("lost_minor", "Lost", currency="order__currency")
    frozen = money_column("frozen_minor", "Credits frozen", currency="order__currency")
    clawed = money_column("clawed_minor", "Credits taken back", currency="order__currency")
    order_link = column("Order", lambda dispute: link(dispute.order))
    buyer = column("Buyer", lambda dispute: dispute.order.user.email, ordering="order__user__email")
    why = column("Reason", lambda dispute: dispute.reason.replace("_", " "), ordering="reason")
    status_label = column(
        "Status", lambda dispute: label(dispute.status, dispute.get_status_display()), ordering="status"
    )
    answer_by = column("Answer by", deadline, ordering="due_by")
    dispute_at_stripe = column(
        "Evidence, at Stripe", lambda dispute: stripe_link("disputes", dispute.stripe_dispute_id)
    )
    payment_at_stripe = column("Payment", lambda row: stripe_link("payments", row.stripe_payment_intent_id))


@admin.register(FraudNotice)
class FraudNoticeAdmin(IndexedSearchMixin, ReadOnlyAdmin):
    list_display = (
        *("stripe_notice_id", "kind", "order_link", "buyer", "amount", "why", "status_label"),
        *("opened_at", "payment_at_stripe"),
    )
    list_filter = (StandingFilter, "kind", "opened_at")
    indexed_filters = {"standing": {"open"}}
    list_select_related = ("order__user",)
    search_fields = ("stripe_notice_id",)
    by_prefix = {
        "issfr_": "stripe_notice_id",
        "prv_": "stripe_notice_id",
        "ord_": "order__public_id",
    }
    person = "order__user"
    search_help_text = (
        "Warning (issfr_…), review (prv_…), order (ord_…) or buyer's e-mail address or last name"
    )
    fields = (
        ("stripe_notice_id", "kind", "status_label"),
        ("order_link", "buyer", "amount"),
        ("why", "closed_reason"),
        ("payment_at_stripe", "stripe_charge_id"),
        ("opened_at", "closed_at"),
    )
    readonly_fields = ("status_label", "order_link", "buyer", "amount", "why", "payment_at_stripe")
    amount = column("Amount", lambda notice: money(notice.order.captured_minor, notice.order.currency))
    order_link = column("Order", lambda notice: link(notice.order))
    buyer = column("Buyer", lambda notice: notice.order.user.email, ordering="order__user__email")
    why = column("Reason", lambda notice: notice.reason.replace("_", " "), ordering="reason")
    status_label = column("Status", notice_label, ordering="closed_at")
    payment_at_stripe = column("Payment", lambda row: stripe_link("payments", row.stripe_payment_intent_id))
