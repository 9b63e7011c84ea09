"""The API's tokens: none of them is a session of the admin."""

from allauth.headless.tokens.strategies.jwt import JWTTokenStrategy
from django.contrib.sessions.backends.base import SessionBase

from estuary.accounts.staff_sign_in import is_admin_session


class ApiTokenStrategy(JWTTokenStrategy):
    """Takes what sign-in by the API gave out; the cookie of the admin is no token."""

    def lookup_session(self, session_token: str) -> SessionBase | None:
        session = super().lookup_session(session_token)
        return None if session is None or is_admin_session(session) else session
