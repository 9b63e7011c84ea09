"""Staff give or take credits: the button names the sum, and a form that is sent twice adjusts once."""

import re
from typing import Any, cast

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from unfold.admin import ModelAdmin
from unfold.widgets import UnfoldAdminEmailInputWidget, UnfoldAdminTextInputWidget

from estuary.accounts.models import User
from estuary.accounts.staff import audit
from estuary.common import clock, ids
from estuary.common.admin.base import ConfirmPage, change_url, render_confirm_page
from estuary.common.admin.fields import AmountField, CurrencyField, read_minor
from estuary.common.errors import InvalidAmount
from estuary.common.money import display
from estuary.credits import ledger
from estuary.credits.models import CreditAccount, CreditTransaction


class AdjustmentForm(forms.Form):
    """A signed amount and a reason. ``token`` identifies the adjustment, so a form sent twice adjusts once."""

    email = forms.EmailField(label="Buyer's e-mail address", widget=UnfoldAdminEmailInputWidget())
    currency = CurrencyField(max_length=3)
    amount = AmountField(
        is_signed=True, help_text="Such as 25.00 to give credits, or -25.00 to take them back."
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
            amount = data["amount"]
            try:
                data["amount_minor"] = read_minor(abs(amount), data["currency"]) * (-1 if amount < 0 else 1)
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
        audit.record(by, account, f"Adjusted by {display(transaction_row.amount_minor, currency)}: {note}")
        return transaction_row


def adjust_page(model_admin: ModelAdmin, request: HttpRequest, account: CreditAccount | None) -> HttpResponse:
    """Show the form, of one account or of any buyer's; when submitted, adjust and return to the account.

    While the form is filled in, the browser asks for its button again with each change (``preview`` in the query).
    """
    if "preview" in request.GET:
        form = AdjustmentForm(request.GET, account=account)
        return TemplateResponse(request, "credits/adjust_button.html", _preview(form, account))
    form = AdjustmentForm(request.POST if request.method == "POST" else None, account=account)
    if form.is_valid():
        if request.POST.get("total", str(form.cleaned_data["amount_minor"])) == str(
            form.cleaned_data["amount_minor"]
        ):
            return _adjust(request, form.cleaned_data)
        form.add_error(None, "Read what will happen, and press the button with the sum on it.")
    balance = (("Balance", display(account.balance_minor, account.currency)),) if account else ()
    page = ConfirmPage(
        title="Adjust credits",
        text="Changes the balance at once, by a row of its own in the ledger. The buyer sees the row and its note,"
        " and gets no mail. It is taken back by another adjustment.",
        button="Adjust",
        back=_back(account),
        facts=(("Buyer", account.user.email), *balance) if account else (),
    )
    more = _preview(form, account) if form.is_bound else {"back": page.back}
    return render_confirm_page(model_admin, request, page, form, template="credits/adjust.html", more=more)


def _back(account: CreditAccount | None) -> str:
    return change_url(account) if account else reverse("admin:credits_creditaccount_changelist")


def _preview(form: AdjustmentForm, account: CreditAccount | None) -> dict[str, Any]:
    """Return the values of the button: the sum on it, and the balance before and after; or that there is none yet."""
    form.is_valid()
    # A note is not needed to name the sum.
    data = form.cleaned_data
    context: dict[str, Any] = {"back": _back(account)}
    if not data.get("user") or "amount_minor" not in data:
        return context
    minor, currency = data["amount_minor"], data["currency"]
    row = CreditAccount.objects.filter(user=data["user"], currency=currency).first()
    before, amount = row.balance_minor if row else 0, display(abs(minor), currency)
    return {
        **context,
        "buyer": data["user"].email,
        "before": display(before, currency),
        "after": display(before + minor, currency),
        "total": minor,
        "button": f"Give {amount}" if minor > 0 else f"Take {amount} back",
    }


def _adjust(request: HttpRequest, data: dict[str, Any]) -> HttpResponse:
    names = ("user", "currency", "amount_minor", "note", "token")
    adjustment = adjust(**{name: data[name] for name in names}, by=cast(User, request.user))
    account = CreditAccount.objects.get(user=data["user"], currency=data["currency"])
    if adjustment is None:
        messages.warning(request, "This adjustment was made already; it was not made twice.")
    else:
        messages.success(request, f"Adjusted by {display(adjustment.amount_minor, account.currency)}.")
    return HttpResponseRedirect(change_url(account))
