"""The admin of credits: balances and the ledger are read-only; a correction is a ledger row of its own."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from unfold.decorators import action

from estuary.accounts.staff.search import IndexedSearchMixin
from estuary.common.admin.base import ReadOnlyAdmin, ReadOnlyInline, column, label, link, money_column
from estuary.credits.adjust_form import adjust_page
from estuary.credits.models import CreditAccount, CreditTransaction


class MovementInline(ReadOnlyInline):
    """The newest ledger rows first; older ones on further pages."""

    model = CreditTransaction
    verbose_name, verbose_name_plural = "movement", "ledger"
    fields = ("created_at", "kind_label", "amount", "balance_after", "order_link", "note")
    readonly_fields = fields
    ordering = ("-id",)
    per_page: Any = 50
    kind_label = column("Kind", lambda row: label(row.kind))
    amount = money_column("amount_minor", "Amount", currency="account__currency")
    balance_after = money_column("balance_after_minor", "Balance after", currency="account__currency")
    order_link = column("Order", lambda row: link(row.order))

    def get_queryset(self, request: HttpRequest) -> QuerySet[CreditTransaction]:
        return super().get_queryset(request).select_related("account", "order")


@admin.register(CreditAccount)
class CreditAccountAdmin(IndexedSearchMixin, ReadOnlyAdmin):
    list_display = ("owner", "balance", "frozen", "currency")
    list_select_related = ("user",)
    search_fields = ("user",)
    person = "user"
    search_help_text = "Buyer's e-mail address or last name"
    ordering = ("-id",)
    fields = ("owner", "balance", "frozen")
    readonly_fields = fields
    inlines = (MovementInline,)
    actions_list: Any = ("give",)
    actions_detail: Any = ("adjust_account",)
    owner = column("Buyer", lambda account: account.user.email, ordering="user__email")
    balance = money_column("balance_minor", "Balance")
    frozen = money_column("frozen_minor", "Frozen by disputes")

    def has_adjust_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        return request.user.has_perms(["credits.view_creditaccount", "credits.add_credittransaction"])

    @action(description="Adjust", url_path="adjust", icon="tune", permissions=["adjust"])
    def adjust_account(self, request: HttpRequest, object_id: str) -> HttpResponse:
        account = self.get_object(request, object_id)
        if account is None:
            messages.error(request, "There is no such account.")
            return HttpResponseRedirect(reverse("admin:credits_creditaccount_changelist"))
        return adjust_page(self, request, account)

    @action(description="Give or take credits", url_path="give", icon="tune", permissions=["adjust"])
    def give(self, request: HttpRequest) -> HttpResponse:
        return adjust_page(self, request, None)


@admin.register(CreditTransaction)
class CreditTransactionAdmin(IndexedSearchMixin, ReadOnlyAdmin):
    list_display = ("created_at", "owner", "kind_label", "amount", "balance_after", "order_link", "note")
    list_filter = ("kind", "created_at")
    list_select_related = ("account__user", "order")
    search_fields = ("order",)
    by_prefix = {"ord_": "order__public_id"}
    person = "account__user"
    search_help_text = "Buyer's e-mail address or last name, or order (ord_…)"
    ordering = ("-id",)
    fields = (*list_display, "effect")
    readonly_fields = list_display
    owner = column("Buyer", lambda row: row.account.user.email)
    kind_label = column("Kind", lambda row: label(row.kind), ordering="kind")
    order_link = column("Order", lambda row: link(row.order))
    amount = money_column("amount_minor", "Amount", currency="account__currency")
    balance_after = money_column("balance_after_minor", "Balance after", currency="account__currency")
