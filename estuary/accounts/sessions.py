"""Sessions: how long a sign-in lasts, and which sign-in opened one."""

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY
from django.contrib.sessions.backends import db
from django.http import HttpRequest

from estuary.common import clock

API_BACKEND = "allauth.account.auth_backends.AuthenticationBackend"
# Named by sessions of the code before, whose sign-ins were one: they are the API's, so that no buyer is signed out by
# a deployment. Staff sign in once more.
LEGACY_BACKEND = "django.contrib.auth.backends.ModelBackend"


class SessionStore(db.SessionStore):
    """Django's sessions in the database; those of the code before are read as the API's."""

    def decode(self, session_data: bytes | str) -> dict[str, Any]:
        session: dict[str, Any] = super().decode(session_data)
        if session.get(BACKEND_SESSION_KEY) == LEGACY_BACKEND:
            session[BACKEND_SESSION_KEY] = API_BACKEND
        return session


def set_absolute_expiry(sender: Any, request: HttpRequest, **_: Any) -> None:
    """Fix the end of a session at the sign-in (Django's user_logged_in): a stolen token can't renew it by using it."""
    request.session.set_expiry(clock.now() + timedelta(seconds=settings.SESSION_COOKIE_AGE))
