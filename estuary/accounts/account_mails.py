"""Account mails, rendered when they are sent, so that no link that opens an account is stored anywhere.

A job that waits for the mail server has a template, an address and a user, which are worth nothing to an attacker.
"""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote, urlsplit
from zoneinfo import ZoneInfo

from allauth.account import app_settings
from allauth.account.adapter import get_adapter
from allauth.account.models import EmailAddress, get_emailconfirmation_model
from allauth.account.utils import user_pk_to_url_str
from django.conf import settings
from django.core.mail import EmailMessage, EmailMultiAlternatives
from procrastinate.types import JSONDict

from estuary.accounts.mailed_codes import (
    DIGITS,
    VALID_FOR,
    Purpose,
    compute_code,
    find_user,
)
from estuary.accounts.models import User
from estuary.accounts.profile.email_change import sign_email_change
from estuary.common import clock
from estuary.common.english_times import describe_moment
from estuary.common.process.job_queue import enqueue
from estuary.notifications.layout import Content, render_html

FOLDER = "account/email/"
SIGN_IN_CODE = "sign_in_code"
type Context = dict[str, Any]
type Details = dict[str, str]


def enqueue_mail(
    template: str, email: str, user_id: int | None, details: dict[str, str] | None = None
) -> None:
    """Enqueue a mail about an account; ``template`` is SIGN_IN_CODE, or a key of TEMPLATES or NOTICES."""
    template = template.removeprefix(FOLDER)
    if template != SIGN_IN_CODE and template not in TEMPLATES and template not in NOTICES:
        raise LookupError(f"There is no mail {template}: add it to accounts/account_mails.py")
    mail: JSONDict = {"template": template, "email": email, "user_id": user_id}
    if details:
        mail["details"] = dict(details)
    enqueue("payments.send_account_mail", [mail])


def write_mail(
    template: str, email: str, user_id: int | None, details: dict[str, str] | None = None
) -> EmailMessage | None:
    """Render a mail; None if it is obsolete. The age of its link begins now."""
    context = None
    if template in NOTICES:
        context = _describe_change(template, details or {})
    elif template == SIGN_IN_CODE:
        context = _describe_code(email, details or {})
    elif user_id and (user := User.objects.filter(pk=user_id, is_active=True).first()):
        context = TEMPLATES[template](email, user, details or {})
    if context is None:
        return None
    return _render_of_site(template, email, context)


def write_sample(template: str) -> EmailMultiAlternatives:
    """Render a mail of SAMPLE_TITLES with values that open nothing; no row is read."""
    email, key = "maya@estuary.example", "a-sample-that-opens-nothing"
    user = User(first_name="Maya", last_name="Lindqvist", email=email)
    context: Context = {"user": user}
    if template in NOTICES:
        details = {"at": describe_moment(clock.now(), ZoneInfo("UTC")), "ip": "203.0.113.7"}
        if template == "email_changed":
            details |= {"from_email": email, "to_email": "maya.lindqvist@estuary.example"}
        context = _describe_change(template, details)
    elif template == SIGN_IN_CODE:
        context = {"code": "1234 5678", "is_new": False, "minutes": VALID_FOR.seconds // 60}
    elif template == "password_reset_key":
        context["password_reset_url"] = _link("account_reset_password_from_key", key)
    elif template in CONFIRMATIONS:
        context["activate_url"] = _link("account_confirm_email", key)
    return _render_of_site(template, email, context)


def _render_of_site(template: str, email: str, context: Context) -> EmailMultiAlternatives:
    # From the settings, never from the Host of a request, which anybody can forge.
    site = SimpleNamespace(name=settings.SITE_NAME, domain=urlsplit(settings.FRONTEND_URL).netloc)
    return render(template, email, {"email": email, "current_site": site} | context)


def render(template: str, email: str, context: Context) -> EmailMultiAlternatives:
    """Return a mail as text, and the same in HTML in the layout of all mails: its link is a button there."""
    file = FILES.get(template, "account_notice/notice")
    plain: EmailMessage = get_adapter().render_mail(file, email, context)
    subject, text = str(plain.subject), str(plain.body)
    mail = EmailMultiAlternatives(subject, text, plain.from_email, plain.to, headers=plain.extra_headers)
    # The layout has both: the name of the site above, and its address below.
    without_site = text.strip().removesuffix(context["current_site"].domain)
    heading = subject.removeprefix(settings.ACCOUNT_EMAIL_SUBJECT_PREFIX)
    link_text = "Confirm this address" if template in CONFIRMATIONS else "Set a new password"
    mail.attach_alternative(
        render_html(Content(heading, without_site, greets=False, link_text=link_text)), "text/html"
    )
    return mail


def _describe_change(template: str, details: dict[str, str]) -> Context:
    """Return what was changed in an account, from where, and what to do about it."""
    reset_url = _link("account_reset_password")
    can_reset = template not in {"email_changed", "erasure_requested"}
    return {
        "change": NOTICES[template],
        "details": details,
        "password_reset_url": reset_url if can_reset else "",
    }


def _describe_code(email: str, details: dict[str, str]) -> Context | None:
    """Return a code as people read it; None if it is over. Only now is it known who has the address."""
    purpose = Purpose(details["purpose"])
    code = compute_code(details["mark"], email, purpose)
    if not code:
        return None
    return {
        "code": f"{code[: DIGITS // 2]} {code[DIGITS // 2 :]}",
        "is_new": find_user(email) is None,
        "reauthenticates": purpose is Purpose.REAUTHENTICATE,
        "minutes": VALID_FOR.seconds // 60,
    }


def _confirm_address(email: str, user: User, details: Details) -> Context | None:
    address = EmailAddress.objects.filter(user=user, email__iexact=email, verified=False).first()
    if address is None:
        return None
    key = get_emailconfirmation_model().create(address).key
    return {"user": user, "activate_url": _link("account_confirm_email", key)}


def _change_address(email: str, user: User, details: Details) -> Context | None:
    """Return None if password or address have changed since the request; jobs of an earlier version do not say."""
    key = sign_email_change(user, email, details.get("state", ""))
    return {"user": user, "activate_url": _link("account_confirm_email", key)} if key else None


def _reset_password(email: str, user: User, details: Details) -> Context | None:
    """Return None if the account's address has changed since the request."""
    if user.email.lower() != email.lower():
        return None
    token = app_settings.PASSWORD_RESET_TOKEN_GENERATOR().make_token(user)
    key = f"{user_pk_to_url_str(user)}-{token}"
    return {"user": user, "password_reset_url": _link("account_reset_password_from_key", key)}


def _drop_mail(email: str, user: User, details: Details) -> None:
    """Drop a mail to somebody without an account, enqueued by an earlier version."""


def _link(page: str, key: str = "") -> str:
    return settings.HEADLESS_FRONTEND_URLS[page].format(key=quote(key))


TEMPLATES: dict[str, Callable[[str, User, Details], Context | None]] = {
    "email_confirmation": _confirm_address,
    "email_confirmation_signup": _confirm_address,
    "email_change": _change_address,
    "password_reset_key": _reset_password,
    "account_already_exists": _drop_mail,
    "unknown_account": _drop_mail,
}
CONFIRMATIONS = frozenset({"email_confirmation", "email_confirmation_signup", "email_change"})
# Not sent any more.
OBSOLETE = frozenset({"account_already_exists", "unknown_account"})
FILES = {
    SIGN_IN_CODE: "account_notice/code",
    "email_confirmation_signup": "account_notice/confirm_joined",
    "email_confirmation": "account_notice/confirm_address",
    "email_change": "account_notice/confirm_change",
    "password_reset_key": "account_notice/reset",
}
# allauth's template names, and what each notice says was done.
NOTICES = {
    "email_changed": "Your e-mail address was changed",
    "password_changed": "Your password was changed",
    "password_set": "Your password was set",
    "password_reset": "Your password was reset",
    "password_removed": "Your password was removed, as your address had not been confirmed before",
    "feed_ended": "Your calendar feed has ended: make a new address, and give it to your calendar",
    "erasure_requested": "Your account was closed, and your data will be deleted",
    "mfa/email/totp_activated": "An authenticator app was added",
    "mfa/email/totp_deactivated": "Your authenticator app was removed",
    "mfa/email/recovery_codes_generated": "New recovery codes were made",
    "mfa/email/webauthn_added": "A security key was added",
    "mfa/email/webauthn_removed": "A security key was removed",
}
# The mails that have a sample.
SAMPLE_TITLES = {
    SIGN_IN_CODE: "A code to sign in with",
    "email_confirmation_signup": "Confirm the address of a new account",
    "email_confirmation": "Confirm the address of an account",
    "email_change": "Confirm a change of address",
    "password_reset_key": "A link to set a new password",
    **NOTICES,
}
