"""Sign-in to the admin: a door of its own, whose sessions the API does not take, and which takes none of the API's."""

from typing import Any

from allauth.core.internal import ratelimit
from django.contrib.auth import BACKEND_SESSION_KEY, authenticate, get_user_model
from django.contrib.auth.backends import BaseBackend
from django.contrib.sessions.backends.base import SessionBase
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from unfold.forms import AuthenticationForm
from unfold.sites import UnfoldAdminSite

from estuary.accounts.models import User

BACKEND = "estuary.accounts.staff_sign_in.StaffBackend"
# Counted before a password is hashed. By where somebody calls from, and never by the account alone: then a stranger
# who guesses would lock its owner out.
GUESSES = {
    "from_address": "10/m/ip,60/h/ip",
    "at_account": "5/5m/key",
}
TOO_MANY = (
    "Too many tries from where you are. Wait five minutes,"
    " or set a new password by mail at the shop's sign-in page."
)


class StaffBackend(BaseBackend):
    """Names the sessions that the admin's sign-in page opened; checks no password and grants no permission."""

    def get_user(self, user_id: int) -> User | None:
        user: User | None = get_user_model()._default_manager.filter(pk=user_id, is_active=True).first()
        return user


def is_of_admin(session: SessionBase) -> bool:
    """Return whether the admin's sign-in page opened a session."""
    return bool(session.get(BACKEND_SESSION_KEY) == BACKEND)


class StaffSignInForm(AuthenticationForm):
    """Counts each try before its password is looked at, which is hashed once."""

    def clean(self) -> dict[str, Any]:
        email, password = self.cleaned_data.get("username"), self.cleaned_data.get("password")
        if self.request is None or not email or not password:
            return self.cleaned_data
        tries = _count_try(self.request, email)
        user = authenticate(self.request, email=email, password=password)
        if not isinstance(user, User):
            raise self.get_invalid_login_error()
        self.confirm_login_allowed(user)
        for one in tries:
            one.rollback()
        user.backend = BACKEND
        self.user_cache = user
        return self.cleaned_data


def _count_try(request: HttpRequest, email: str) -> list[ratelimit.RateLimitUsage]:
    """Count a try by address, and by address and account; raises ValidationError where there were too many."""
    tries = []
    key = f"{ratelimit.get_ip(request)} {email.lower()}"
    for action, rates in GUESSES.items():
        usage = ratelimit.consume(
            request, app="estuary.staff", action=action, config={action: rates}, key=key
        )
        if not usage:
            raise ValidationError(TOO_MANY, code="too_many_tries")
        tries.append(usage)
    return tries


class StaffSite(UnfoldAdminSite):
    """The admin: open to staff who signed in at its own page."""

    login_form = StaffSignInForm

    def has_permission(self, request: HttpRequest) -> bool:
        return is_of_admin(request.session) and super().has_permission(request)
