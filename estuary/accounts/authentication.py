"""Bearer tokens of django-allauth headless for sessions of the API, and their OpenAPI security scheme."""

from collections.abc import Iterator
from typing import Any

from allauth.account.authentication import AUTHENTICATION_METHODS_SESSION_KEY
from allauth.headless.contrib.rest_framework.authentication import JWTTokenAuthentication
from allauth.headless.tokens.strategies.jwt import JWTTokenStrategy
from allauth.headless.tokens.strategies.jwt.internal import get_token_session
from django.contrib.sessions.backends.base import SessionBase
from drf_spectacular.extensions import OpenApiAuthenticationExtension

from estuary.accounts.models import User
from estuary.accounts.staff.second_factor import bind_passed_factors
from estuary.accounts.staff.sign_in import is_admin_session


class ApiTokenStrategy(JWTTokenStrategy):
    """Accepts sessions of the API's sign-in only."""

    def lookup_session(self, session_token: str) -> SessionBase | None:
        session = super().lookup_session(session_token)
        return None if session is None or is_admin_session(session) else session


class BearerAuthentication(JWTTokenAuthentication):
    """``Authorization: Bearer <access token>``; validated against the session, so signed out means signed out."""

    def authenticate_credentials(self, key: str) -> tuple[User, dict[str, Any]]:
        """Return the user and the token's claims; raises AuthenticationFailed."""
        user, claims = super().authenticate_credentials(key)
        bind_passed_factors(user, _passed_factors(claims))
        return user, claims


def _passed_factors(claims: dict[str, Any]) -> Iterator[int]:
    """Yield the second factors that the token's session has passed, as allauth records them.

    The session is read again at the first iteration, which only requests for a right of staff reach.
    """
    session: SessionBase | dict[str, Any] = get_token_session(claims) or {}
    for record in session.get(AUTHENTICATION_METHODS_SESSION_KEY) or ():
        if record.get("method") == "mfa":
            yield record["id"]


class BearerScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = BearerAuthentication
    name = "bearer"

    def get_security_definition(self, auto_schema: object) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}
