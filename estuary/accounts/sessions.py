"""How long a sign-in lasts: from its beginning, whatever is done with it."""

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.http import HttpRequest

from estuary.common import clock


def end_after_a_day(sender: Any, request: HttpRequest, **_: Any) -> None:
    """Fix the end of a session at the sign-in (Django's user_logged_in): a stolen token can't renew it by using it."""
    request.session.set_expiry(clock.now() + timedelta(seconds=settings.SESSION_COOKIE_AGE))
