"""Middleware for every request: security headers, request ids, invalid characters, and a database that is down."""

from django.conf import settings
from django.db import OperationalError
from django.http import HttpRequest, JsonResponse
from django.http.response import HttpResponseBase
from django.utils.deprecation import MiddlewareMixin
from structlog.contextvars import get_contextvars

from estuary.common.api.problems import problem, unavailable
from estuary.common.errors import InvalidRequest
from estuary.common.observability import request_ids  # noqa: F401 its signal receiver names requests
from estuary.common.postgresql.admission import Busy


class SecurityHeadersMiddleware(MiddlewareMixin):
    """Set the security headers that Django's own middleware does not set.

    Source: https://www.w3.org/TR/permissions-policy/, https://docs.stripe.com/security/guide
    """

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        response.headers["Permissions-Policy"] = settings.PERMISSIONS_POLICY
        # The pages of the API's documentation set a weaker value, for an OAuth sign-in that we do not have.
        response.headers["Cross-Origin-Opener-Policy"] = "same-origin"
        if "Authorization" in request.headers:
            # The response is for one person: neither a proxy nor a shared browser may store it.
            response.headers.setdefault("Cache-Control", "private, no-store")
        return response


class RequestIdMiddleware(MiddlewareMixin):
    """Return the request id in X-Request-ID; the log has it on every line of the request."""

    def process_request(self, request: HttpRequest) -> None:
        request.request_id = get_contextvars()["request_id"]  # type: ignore[attr-defined] # logged by Django

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        response.headers["X-Request-ID"] = request.request_id  # type: ignore[attr-defined]
        return response


class RejectNulMiddleware(MiddlewareMixin):
    """Reject NUL in a query string: PostgreSQL text cannot hold it, and Django's filters let it pass."""

    def process_request(self, request: HttpRequest) -> JsonResponse | None:
        if "%00" in request.META.get("QUERY_STRING", ""):
            return problem(InvalidRequest("The URL contains the character %00. Send it without."))
        return None


class DatabaseUnavailableMiddleware(MiddlewareMixin):
    """Respond 503 with Retry-After while the database is unavailable, at sign-in and to Stripe too."""

    def process_exception(self, request: HttpRequest, exception: Exception) -> JsonResponse | None:
        return unavailable(exception) if isinstance(exception, (OperationalError, Busy)) else None
