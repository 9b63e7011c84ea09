"""Mails about an account, written when they are sent: until then no link that opens it lies anywhere.

A job that waits for a mail server has a template, an address and a user; it is worth nothing to who reads it.
"""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote, urlsplit

from allauth.account import app_settings
from allauth.account.adapter import get_adapter
from allauth.account.models import EmailAddress, get_emailconfirmation_model
from allauth.account.utils import user_pk_to_url_str
from django.conf import settings
from django.core.mail import EmailMessage

from estuary.accounts.models import User

FOLDER = "account/email/"
type Context = dict[str, Any]


def write_mail(template: str, email: str, user_id: int | None) -> EmailMessage | None:
    """Write a mail of TEMPLATES; None when it has no use any more. The life of its link begins now."""
    user = User.objects.filter(pk=user_id, is_active=True).first() if user_id else None
    context = TEMPLATES[template](email, user)
    if context is None:
        return None
    site = SimpleNamespace(name="Estuary", domain=urlsplit(settings.FRONTEND_URL).netloc)
    mail: EmailMessage = get_adapter().render_mail(
        FOLDER + template, email, {"email": email, "current_site": site, **context}
    )
    return mail


def _confirm_address(email: str, user: User | None) -> Context | None:
    address = EmailAddress.objects.filter(user=user, email__iexact=email, verified=False).first()
    if user is None or address is None:
        return None
    key = get_emailconfirmation_model().create(address).key
    return {"user": user, "activate_url": _link("account_confirm_email", key)}


def _reset_password(email: str, user: User | None) -> Context | None:
    if user is None:
        return None
    token = app_settings.PASSWORD_RESET_TOKEN_GENERATOR().make_token(user)
    key = f"{user_pk_to_url_str(user)}-{token}"
    return {"user": user, "password_reset_url": _link("account_reset_password_from_key", key)}


def _name_existing_account(email: str, user: User | None) -> Context:
    return {"signup_url": _link("account_signup"), "password_reset_url": _link("account_reset_password")}


def _link(page: str, key: str = "") -> str:
    return settings.HEADLESS_FRONTEND_URLS[page].format(key=quote(key))


TEMPLATES: dict[str, Callable[[str, User | None], Context | None]] = {
    "email_confirmation": _confirm_address,
    "email_confirmation_signup": _confirm_address,
    "password_reset_key": _reset_password,
    "account_already_exists": _name_existing_account,
    "unknown_account": _name_existing_account,
}
