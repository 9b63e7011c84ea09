"""What a session token alone must not do: the person has proven to be there within the last five minutes.

allauth asks nothing of an account without a password. So this is asked besides, of every account, by password or by a
mailed code.
"""

import time
from collections.abc import Mapping
from typing import Any

from allauth.account import app_settings
from allauth.account.authentication import AUTHENTICATION_METHODS_SESSION_KEY
from allauth.headless.tokens.strategies.jwt.internal import get_token_session
from rest_framework.request import Request

from estuary.common.errors import Forbidden


class ReauthenticationRequired(Forbidden):
    code, title = "reauthentication_required", "Show once more that it is you"


def has_reauthenticated(session: Mapping[str, Any]) -> bool:
    """Return whether a session's owner has entered the password or a mailed code once more, a moment ago."""
    return any(
        record.get("reauthenticated") and time.time() - record["at"] < app_settings.REAUTHENTICATION_TIMEOUT
        for record in session.get(AUTHENTICATION_METHODS_SESSION_KEY) or ()
    )


def require_reauthentication(request: Request) -> None:
    """Check a request to the API with a bearer token; raises ReauthenticationRequired."""
    claims: dict[str, Any] = request.auth  # type: ignore[assignment]
    if not has_reauthenticated(get_token_session(claims) or {}):
        raise ReauthenticationRequired(
            "Enter your password, or a code that we mail you, once more. Then send the same request again."
        )
