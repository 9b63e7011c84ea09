"""Session tokens of the API. A session of the admin is not accepted as one."""

from allauth.headless.tokens.strategies.jwt import JWTTokenStrategy
from django.contrib.sessions.backends.base import SessionBase

from estuary.accounts.staff.sign_in import is_admin_session


class ApiTokenStrategy(JWTTokenStrategy):
    """Accepts sessions of the API's sign-in only."""

    def lookup_session(self, session_token: str) -> SessionBase | None:
        session = super().lookup_session(session_token)
        return None if session is None or is_admin_session(session) else session
