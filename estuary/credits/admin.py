"""The admin of credits: balances and the ledger are read-only; a correction is a ledger row of its own."""

import re
from decimal import Decimal
from typing import Any, cast

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from unfold.decorators import action
from unfold.widgets import (
    UnfoldAdminDecimalFieldWidget,
    UnfoldAdminEmailInputWidget,
    UnfoldAdminTextInputWidget,
)

from estuary.accounts import staff_audit
from estuary.accounts.models import User
from estuary.accounts.staff_search import IndexedSearchMixin
from estuary.common import clock, ids
from estuary.common.admin.base import (
    ConfirmPage,
    ReadOnlyAdmin,
    ReadOnlyInline,
    change_url,
    column,
    label,
    link,
    money_column,
    render_confirm_page,
)
from estuary.common.admin.fields import CurrencyField
from estuary.common.errors import InvalidAmount
from estuary.common.money import display as display_money
from estuary.common.money import to_minor
from estuary.credits import ledger
from estuary.credits.models import CreditAccount, CreditTransaction


class AdjustmentForm(forms.Form):
    """A signed amount and a reason. ``token`` identifies the adjustment, so a form sent twice adjusts once."""

    email = forms.EmailField(label="Buyer's e-mail address", widget=UnfoldAdminEmailInputWidget())
    currency = CurrencyField(max_length=3)
    amount = forms.DecimalField(
        help_text="Such as 25.00 to give credits, or -25.00 to take them back.",
        widget=UnfoldAdminDecimalFieldWidget(),
    )
    note = forms.CharField(
        max_length=200, help_text="Why; the buyer sees it too.", widget=UnfoldAdminTextInputWidget()
    )
    token = forms.CharField(widget=forms.HiddenInput)

    def __init__(self, data: Any, *, account: CreditAccount | None) -> None:
        fixed = {"email": account.user.email, "currency": account.currency} if account else {}
        super().__init__(data, initial={**fixed, "token": ids.public_id("adj")})
        for name in fixed:
            self.fields[name].disabled = True

    def clean_token(self) -> str:
        token = str(self.cleaned_data["token"])
        if not re.fullmatch("adj_[0-9a-z]{20}", token):
            raise ValidationError("This form is not valid any more: open it again.")
        return token

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if "email" in data:
            data["user"] = User.objects.filter(email__iexact=data["email"]).first()
            if data["user"] is None:
                self.add_error("email", "Nobody has an account with this e-mail address.")
        if "amount" in data and "currency" in data:
            amount: Decimal = data["amount"]
            try:
                data["amount_minor"] = to_minor(abs(amount), data["currency"]) * (-1 if amount < 0 else 1)
            except InvalidAmount as error:
                self.add_error("amount", error.detail)
        return data


def adjust(
    *, user: User, currency: str, amount_minor: int, note: str, token: str, by: User
) -> CreditTransaction | None:
    """Adjust credits once per ``token``; returns None if that was done before. The balance may become negative."""
    with transaction.atomic():
        account, _ = CreditAccount.objects.get_or_create(user=user, currency=currency)
        ledger.lock_account(user, currency)
        effect = f"adjustment:{token}"
        if CreditTransaction.objects.filter(account=account, effect=effect).exists():
            return None
        posting = ledger.Posting(user.pk, currency, ledger.Kind.ADJUSTMENT, amount_minor, effect, note=note)
        [transaction_row] = ledger.post([posting], at=clock.now())
        staff_audit.record(
            by, account, f"Adjusted by {display_money(transaction_row.amount_minor, currency)}: {note}"
        )
        return transaction_row


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
        return self._adjusting(request, account)

    @action(description="Give or take credits", url_path="give", icon="tune", permissions=["adjust"])
    def give(self, request: HttpRequest) -> HttpResponse:
        return self._adjusting(request, None)

    def _adjusting(self, request: HttpRequest, account: CreditAccount | None) -> HttpResponse:
        form = AdjustmentForm(request.POST if request.method == "POST" else None, account=account)
        if form.is_valid():
            return self._adjusted(request, form.cleaned_data)
        facts = (("Buyer", account.user.email), ("Balance", self.balance(account))) if account else ()
        page = ConfirmPage(
            title="Adjust credits",
            text="Changes the balance at once, by a row of its own in the ledger. The buyer sees the row and its note,"
            " and gets no mail. It is taken back by another adjustment.",
            button="Adjust",
            back=change_url(account) if account else reverse("admin:credits_creditaccount_changelist"),
            facts=facts,
        )
        return render_confirm_page(self, request, page, form)

    def _adjusted(self, request: HttpRequest, data: dict[str, Any]) -> HttpResponse:
        names = ("user", "currency", "amount_minor", "note", "token")
        adjustment = adjust(**{name: data[name] for name in names}, by=cast(User, request.user))
        account = CreditAccount.objects.get(user=data["user"], currency=data["currency"])
        if adjustment is None:
            messages.warning(request, "This adjustment was made already; it was not made twice.")
        else:
            amount = display_money(adjustment.amount_minor, account.currency)
            messages.success(request, f"Adjusted by {amount}.")
        return HttpResponseRedirect(change_url(account))


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
