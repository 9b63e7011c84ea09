"""What holds for every request, whatever it asks for, and what every answer says."""

from collections.abc import Callable

from django.conf import settings
from django.db import OperationalError
from django.http import HttpRequest, JsonResponse
from django.http.response import HttpResponseBase
from structlog.contextvars import get_contextvars

from estuary.common.api.errors import InvalidRequest
from estuary.common.api.problems import problem, unavailable
from estuary.common.observability import request_ids  # noqa: F401 names requests as they begin
from estuary.common.postgresql.admission import Busy


class SecurityHeadersMiddleware:
    """Say on every answer what Django's own middleware leaves unsaid: no page of ours needs more of the browser.

    Source: https://www.w3.org/TR/permissions-policy/, https://docs.stripe.com/security/guide
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        response.headers["Permissions-Policy"] = settings.PERMISSIONS_POLICY
        # The pages of the API's documentation would open themselves to others, for a sign-in that there is not.
        response.headers["Cross-Origin-Opener-Policy"] = "same-origin"
        if "Authorization" in request.headers:
            # It is for one person: nobody keeps it, neither a proxy nor a browser that several use.
            response.headers.setdefault("Cache-Control", "private, no-store")
        return response


class RequestIdMiddleware:
    """Tell the caller the name of the request, by which all its lines are found in the log."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        request_id = get_contextvars()["request_id"]
        request.request_id = request_id  # type: ignore[attr-defined] # Django logs it at the end
        response = self.get_response(request)
        response.headers["X-Request-ID"] = request_id
        return response


class RejectNulMiddleware:
    """Refuse NUL in a query: no text has it, PostgreSQL can't compare with it, and Django's own filters let it pass."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if "%00" in request.META.get("QUERY_STRING", ""):
            return problem(
                InvalidRequest("The address has a character, %00, that no text has. Send it without.")
            )
        return self.get_response(request)


class DatabaseUnavailableMiddleware:
    """Answer 503 with Retry-After while the database does not answer: to Stripe and at sign-in as in the API."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> JsonResponse | None:
        return unavailable(exception) if isinstance(exception, (OperationalError, Busy)) else None
