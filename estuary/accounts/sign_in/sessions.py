"""Sessions: when they expire, and whether the API or the admin opened them."""

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY
from django.contrib.sessions.backends import db
from django.http import HttpRequest

from estuary.common import clock

API_BACKEND = "allauth.account.auth_backends.AuthenticationBackend"
# The backend in sessions of an earlier version, where API and admin shared one sign-in. They count as the API's, so
# that a deployment signs no buyer out. Staff sign in once more.
LEGACY_BACKEND = "django.contrib.auth.backends.ModelBackend"


class SessionStore(db.SessionStore):
    """Django's database sessions; sessions of the earlier version count as the API's."""

    def decode(self, session_data: bytes | str) -> dict[str, Any]:
        session: dict[str, Any] = super().decode(session_data)
        if session.get(BACKEND_SESSION_KEY) == LEGACY_BACKEND:
            session[BACKEND_SESSION_KEY] = API_BACKEND
        return session


def set_absolute_expiry(sender: Any, request: HttpRequest, **_: Any) -> None:
    """Set the expiry of a session at sign-in (user_logged_in), so that using a stolen token can't extend it."""
    request.session.set_expiry(clock.now() + timedelta(seconds=settings.SESSION_COOKIE_AGE))
