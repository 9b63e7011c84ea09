"""Known devices: browsers in which an account was opened before. Guesses from elsewhere never count against them.

The cookie grants no access. It proves that its browser once sent the password, or a key from the account's mail, so
that guesses from this browser are counted separately.
https://owasp.org/www-community/Slow_Down_Online_Guessing_Attacks_with_Device_Cookies
"""

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core import signing
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.crypto import constant_time_compare, salted_hmac
from django.utils.deprecation import MiddlewareMixin

from estuary.accounts.models import User
from estuary.common.ids import device_key

SALT = "estuary.accounts.sign_in.devices"
COOKIE_AGE = timedelta(days=180)


def remember_device(sender: Any, request: HttpRequest, user: User, **_: Any) -> None:
    """Mark a request so that its browser is remembered, after a sign-in (user_logged_in) or a password reset."""
    request.device_of = user  # type: ignore[attr-defined]


def find_device(request: HttpRequest, email: str) -> str | None:
    """Return the key of a browser that has opened this account with its current password; None if it has not."""
    cookie = request.COOKIES.get(_cookie_name(email))
    if cookie is None:
        return None
    try:
        device: dict[str, Any] = signing.loads(cookie, salt=SALT, max_age=COOKIE_AGE)
    except signing.BadSignature:
        return None
    user = User.objects.filter(pk=device["user"], email__iexact=email, is_active=True).first()
    return device["key"] if user and constant_time_compare(device["state"], _state_digest(user)) else None


class RememberDeviceMiddleware(MiddlewareMixin):
    """Sets the device cookie after an account was opened."""

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        user: User | None = getattr(request, "device_of", None)
        if user is not None:
            device = {"key": device_key(), "user": user.pk, "state": _state_digest(user)}
            response.set_cookie(
                _cookie_name(user.email),
                signing.dumps(device, salt=SALT),
                max_age=COOKIE_AGE,
                secure=settings.SESSION_COOKIE_SECURE,
                httponly=True,
                samesite="Strict",
            )
        return response


def _cookie_name(email: str) -> str:
    """Return the cookie's name: one per account, without revealing the account."""
    return f"estuary_device_{salted_hmac(SALT, email.lower(), algorithm='sha256').hexdigest()[:16]}"


def _state_digest(user: User) -> str:
    """Return a digest that changes with the password."""
    return salted_hmac(SALT, user.password, algorithm="sha256").hexdigest()
