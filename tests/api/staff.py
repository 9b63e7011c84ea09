"""Members of staff who are signed in to the admin, and what they read there."""

from html import unescape
from typing import Any

from django.db import transaction
from django.forms import MultiWidget
from django.test import Client

from estuary.accounts.models import User
from estuary.common import clock
from estuary.credits import ledger
from estuary.credits.models import CreditAccount
from tests.factories import make_staff as make_member
from tests.factories import signed_in


def make_staff(*permissions: str, is_superuser: bool = False) -> User:
    """One of staff who may do exactly this, such as ``orders.view_order``."""
    return make_member("Sam Okafor", *permissions, is_superuser=is_superuser)


def admin_client(*permissions: str) -> Client:
    """A browser of one of staff with these permissions; with none named, of a superuser."""
    client = Client()
    client.force_login(
        make_staff(*permissions, is_superuser=not permissions), "estuary.accounts.staff.sign_in.StaffBackend"
    )
    return client


def give_credits(user: User, amount_minor: int) -> None:
    with transaction.atomic():
        ledger.post(
            [ledger.Posting(user.pk, "usd", ledger.Kind.ADJUSTMENT, amount_minor, "adjustment:test")],
            at=clock.now(),
        )


def balance_of(user: User, currency: str) -> int:
    return CreditAccount.objects.get(user=user, currency=currency).balance_minor


def created(user: User, **body: Any) -> dict[str, Any]:
    """What the public API answers when this buyer orders."""
    answer = signed_in(user).post("/api/v1/payments/create/", body)
    assert answer.status_code == 201, answer.json()
    return dict(answer.json())


def messages_on(answer: Any) -> str:
    """The messages on the page after an act, in one text."""
    return " ".join(str(message) for message in answer.context["messages"])


def form_data(answer: Any) -> dict[str, str]:
    """What a browser would send if the form on this page were saved as it is."""
    forms = [answer.context["adminform"].form]
    for inline in answer.context["inline_admin_formsets"]:
        formset = inline.formset
        forms += [formset.management_form, *formset.forms]
    sent: dict[str, str] = {}
    for form in forms:
        for field in form:
            sent |= _sent_by(field)
    return sent


def _sent_by(field: Any) -> dict[str, str]:
    widget, value = field.field.widget, field.value()
    if isinstance(widget, MultiWidget):
        parts = value if isinstance(value, list) else widget.decompress(value) or []
        return {f"{field.html_name}_{n}": str(part or "") for n, part in enumerate(parts)}
    if isinstance(value, bool):
        return {field.html_name: "on"} if value else {}
    return {field.html_name: "" if value is None else str(value)}


def errors_on(answer: Any) -> str:
    """Everything that the form on the page complains about, in one text."""
    errors = [answer.context["adminform"].form.errors]
    for inline in answer.context["inline_admin_formsets"]:
        errors += [inline.formset.non_form_errors(), *inline.formset.errors]
    return unescape(" ".join(str(one) for one in errors if one))
