"""Changing the e-mail address: an account has one address, and a new one replaces it once its owner confirms it.

Nothing is stored before that: the signed link in the mail names the account and the new address. So a request keeps
nobody else from the address. It expires once the account's password or address changes, from the moment of the request
on: its mail may wait for days.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from allauth.account import app_settings
from allauth.account.adapter import get_adapter
from allauth.account.internal.userkit import filter_users_by_email
from allauth.account.models import EmailAddress
from django.core import signing
from django.db import IntegrityError, transaction
from django.http import HttpRequest
from django.utils.crypto import constant_time_compare, salted_hmac

from estuary.accounts.models import User
from estuary.common import clock
from estuary.common.db.transactions import violated_constraint

SALT = "estuary.accounts.profile.email_change"
EMAIL_CONSTRAINTS = frozenset({"user_email_unique", "accounts_user_email_key", "unique_verified_email"})


def is_taken(error: IntegrityError) -> bool:
    """Return whether a write failed because another account has the address."""
    return violated_constraint(error) in EMAIL_CONSTRAINTS


@dataclass(frozen=True)
class EmailChange:
    """A request for another address, read from the link of a mail."""

    user: User
    email: str

    @property
    def email_address(self) -> EmailAddress:
        """Return the address as allauth's views need it; the row is not saved."""
        return EmailAddress(user=self.user, email=self.email)

    def confirm(self, request: HttpRequest) -> EmailAddress:
        """Replace the account's address, notify the old one, and return the row; raises ValidationError.

        The user's row is locked. Of a change and a password reset at the same time, the later one then sees the other.
        """
        try:
            with transaction.atomic():
                user = User.objects.select_for_update(no_key=True).get(pk=self.user.pk)
                if not _is_unchanged(user, state_digest(self.user)):
                    raise get_adapter().validation_error("invalid_or_expired_key")
                return _replace_address(user, self.email)
        except IntegrityError as error:
            if not is_taken(error):
                raise
            raise get_adapter().validation_error("email_taken") from None


def _replace_address(user: User, email: str) -> EmailAddress:
    before = user.email
    user.email, user.email_verified_at = email, clock.now()
    user.save(update_fields=["email", "email_verified_at"])
    address, _ = EmailAddress.objects.update_or_create(
        user=user, defaults={"email": email, "verified": True, "primary": True}
    )
    notice: dict[str, Any] = {"from_email": before, "to_email": email}
    get_adapter().send_notification_mail("account/email/email_changed", user, notice, email=before)
    return address


def sign_email_change(user: User, email: str, requested_with: str) -> str:
    """Return the signed key for a change of address, for a mail to the new address.

    ``requested_with`` is the ``state_digest`` at the request; empty if the account has changed since.
    """
    if not _is_unchanged(user, requested_with):
        return ""
    return signing.dumps({"user": user.pk, "email": email, "state": requested_with}, salt=SALT)


def read_email_change(key: str) -> EmailChange | None:
    """Return the request in a key; None if the key is invalid or expired, or the account has changed since."""
    try:
        change = signing.loads(
            key, salt=SALT, max_age=timedelta(days=app_settings.EMAIL_CONFIRMATION_EXPIRE_DAYS)
        )
    except signing.BadSignature:
        return None
    user = User.objects.filter(pk=change["user"]).first()
    return EmailChange(user, change["email"]) if user and _is_unchanged(user, change["state"]) else None


def is_free(email: str, *, except_for: User) -> bool:
    """Return whether no other account has an address."""
    return all(user.pk == except_for.pk for user in filter_users_by_email(email))


def _is_unchanged(user: User, state: str) -> bool:
    return user.is_active and constant_time_compare(state_digest(user), state)


def state_digest(user: User) -> str:
    """Return a digest that changes with the password and with the address, and opens nothing by itself."""
    return salted_hmac(SALT, f"{user.email}|{user.password}", algorithm="sha256").hexdigest()
