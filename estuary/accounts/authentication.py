"""Bearer tokens of django-allauth headless, and their OpenAPI security scheme."""

from collections.abc import Iterator, Mapping
from typing import Any

from allauth.account.authentication import AUTHENTICATION_METHODS_SESSION_KEY
from allauth.headless.contrib.rest_framework.authentication import JWTTokenAuthentication
from allauth.headless.tokens.strategies.jwt.internal import (
    decode_token,
    get_token_session,
    session_key_from_sid,
)
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends.base import SessionBase
from django.contrib.sessions.models import Session
from django.db.models import Subquery
from django.utils.crypto import constant_time_compare
from drf_spectacular.extensions import OpenApiAuthenticationExtension

from estuary.accounts.models import User
from estuary.accounts.second_factor import bind_passed_factors
from estuary.accounts.sessions import API_BACKEND, SessionStore
from estuary.common import clock
from estuary.common.db.prepared_queries import Param, PreparedValuesQuery
from estuary.common.ids import parse_primary_key

COLUMNS = [field.attname for field in User._meta.concrete_fields]
_session = Session.objects.filter(session_key=Param("session_key"), expire_date__gt=Param("at"))
SIGNED_IN = PreparedValuesQuery(
    lambda: User.objects.filter(pk=Param("user_id")).values_list(
        *COLUMNS, Subquery(_session.values("session_data"))
    )
)


class BearerAuthentication(JWTTokenAuthentication):
    """``Authorization: Bearer <access token>``; validated against the session, so signed out means signed out."""

    def authenticate_credentials(self, key: str) -> Any:
        """Return the user and the token's claims; raises AuthenticationFailed.

        One query finds the user and the session of a valid token. In all other cases allauth's own check runs, with
        twice as many queries. Only allauth's check rejects a token.
        """
        return _plainly_signed_in(key) or self._signed_in(key)

    def _signed_in(self, key: str) -> tuple[User, dict[str, Any]]:
        user, payload = super().authenticate_credentials(key)
        session = get_token_session(payload)
        bind_passed_factors(user, _passed_factors(session or {}))
        return user, payload


def _plainly_signed_in(token: str) -> tuple[User, dict[str, Any]] | None:
    """Return the active user of the token's session, if the password is still the one of the sign-in."""
    claims = decode_token(token, "access")
    user_id = parse_primary_key(claims["sub"]) if claims else None
    if claims is None or user_id is None:
        return None
    session_key = session_key_from_sid(claims["sid"])
    row = SIGNED_IN.first(user_id=user_id, session_key=session_key, at=clock.now())
    if row is None or row[-1] is None:
        return None
    user, session = User.from_db("default", COLUMNS, row[:-1]), SessionStore(session_key).decode(row[-1])
    is_valid = (
        user.is_active
        and session.get(SESSION_KEY) == claims["sub"]
        and session.get(BACKEND_SESSION_KEY) == API_BACKEND
        and constant_time_compare(session.get(HASH_SESSION_KEY, ""), user.get_session_auth_hash())
    )
    bind_passed_factors(user, _passed_factors(session))
    return (user, claims) if is_valid else None


def _passed_factors(session: Mapping[str, Any] | SessionBase) -> Iterator[int]:
    """Yield the second factors that a session has passed, as allauth records them."""
    for record in session.get(AUTHENTICATION_METHODS_SESSION_KEY) or ():
        if record.get("method") == "mfa":
            yield record["id"]


class BearerScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = BearerAuthentication
    name = "bearer"

    def get_security_definition(self, auto_schema: object) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}
