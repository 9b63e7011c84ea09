"""Every API error as RFC 9457 ``application/problem+json``, with a stable ``code`` and the ``request_id``."""

from typing import Any

import structlog
from django.core.exceptions import PermissionDenied, RequestDataTooBig
from django.db import OperationalError
from django.http import Http404, HttpRequest, JsonResponse
from django.urls import is_valid_path
from rest_framework import exceptions
from rest_framework.response import Response

from estuary.common.errors import EstuaryError
from estuary.common.observability.redaction import redact, redact_json
from estuary.common.postgresql.admission import Busy, mark_contended
from estuary.common.postgresql.limits import is_timeout

TIMEOUT_DETAIL = (
    "Another request changes the same data, and the wait took too long. Send this request again in a moment."
)
CONTENT_TYPE = "application/problem+json"


def problem_response(error: Exception, context: dict[str, Any]) -> Response | None:
    """Turn an exception of a view into a problem document (DRF's EXCEPTION_HANDLER)."""
    problem = _problem(error)
    if problem is None:
        return None  # a bug: Django logs it and responds through `server_error`
    body, status, headers = problem
    return Response(_with_request_id(body), status=status, headers=headers, content_type=CONTENT_TYPE)


def _problem(error: Exception) -> tuple[dict[str, Any], int, dict[str, str]] | None:
    match error:
        case Busy():
            return _unavailable(error)
        case EstuaryError():
            return (
                _body(error.code, error.title, error.status, error.detail, **error.extra),
                error.status,
                error.headers,
            )
        case exceptions.ValidationError():
            fields = error.get_full_details()
            detail = "Some fields are not valid: " + _sentence(error.detail)
            return _body("invalid_request", "The request is not valid", 400, detail, errors=fields), 400, {}
        case exceptions.APIException():
            return _from_drf(error)
        case Http404():
            return _body("not_found", "Not found", 404, "There is nothing here under this address."), 404, {}
        case RequestDataTooBig():
            return (
                _body("body_too_large", "The body is too large", 413, "The body is too large. Send less."),
                413,
                {},
            )
        case PermissionDenied():
            return _body("forbidden", "You may not do this", 403, "Your account may not do this."), 403, {}
        case OperationalError():
            return _unavailable(error)
    return None


def _unavailable(error: Exception) -> tuple[dict[str, Any], int, dict[str, str]]:
    out_of_time = is_timeout(error)
    if out_of_time:
        mark_contended()
    if isinstance(error, Busy) or out_of_time:
        structlog.get_logger(__name__).warning(
            "database_busy", error_type=type(error.__cause__ or error).__name__
        )
        busy = error if isinstance(error, Busy) else Busy(TIMEOUT_DETAIL)
        return _body(busy.code, busy.title, busy.status, busy.detail), busy.status, busy.headers
    structlog.get_logger(__name__).error("database_unavailable", error_type=type(error).__name__)
    detail = "The database does not respond. Send the same request again in a moment."
    return _body("unavailable", "Not available right now", 503, detail), 503, {"Retry-After": "5"}


def problem(error: EstuaryError) -> JsonResponse:
    """Return the response for an expected failure, outside of DRF's views."""
    body = _body(error.code, error.title, error.status, error.detail, **error.extra)
    return JsonResponse(
        _with_request_id(body), status=error.status, headers=error.headers, content_type=CONTENT_TYPE
    )


def unavailable(error: Exception) -> JsonResponse:
    """Return the 503 response for a database that does not answer, outside of DRF's views."""
    body, status, headers = _unavailable(error)
    return JsonResponse(_with_request_id(body), status=status, headers=headers, content_type=CONTENT_TYPE)


DRF_CODES = {
    400: ("malformed_json", "The request could not be read"),
    401: ("not_authenticated", "Sign in first"),
    403: ("forbidden", "You may not do this"),
    404: ("not_found", "Not found"),
    405: ("method_not_allowed", "This address does not take that method"),
    406: ("not_acceptable", "Only JSON is served here"),
    415: ("unsupported_media_type", "Send JSON"),
    429: ("too_many_requests", "Too many requests"),
}


def _from_drf(error: exceptions.APIException) -> tuple[dict[str, Any], int, dict[str, str]]:
    code, title = DRF_CODES.get(error.status_code, ("error", "The request could not be carried out"))
    headers = {}
    if auth := getattr(error, "auth_header", None):
        headers["WWW-Authenticate"] = auth
    if wait := getattr(error, "wait", None):
        headers["Retry-After"] = str(int(wait) + 1)
    return _body(code, title, error.status_code, str(error.detail)), error.status_code, headers


def _body(code: str, title: str, status: int, detail: str, **extra: Any) -> dict[str, Any]:
    return {
        "type": f"/docs/errors/#{code}",
        "title": title,
        "status": status,
        "code": code,
        "detail": redact(detail),
        **redact_json(extra),
    }


def _with_request_id(body: dict[str, Any]) -> dict[str, Any]:
    request_id = structlog.contextvars.get_contextvars().get("request_id")
    return {**body, "request_id": request_id} if request_id else body


def _sentence(detail: Any, name: str = "") -> str:
    """Flatten DRF's nested details into one line that a person can read."""
    if isinstance(detail, dict):
        parts = [_sentence(inner, f"{name}.{key}".strip(".")) for key, inner in detail.items()]
        return " ".join(part for part in parts if part)
    if isinstance(detail, list):
        return " ".join(part for part in (_sentence(inner, name) for inner in detail) if part)
    return f"{name}: {detail}" if name and name != "non_field_errors" else str(detail)


def not_found(request: HttpRequest, exception: Exception | None = None) -> JsonResponse:
    """Respond to an unknown URL (Django's handler404), and name the right one if only the last slash differs."""
    detail, address = (
        "There is nothing here under this address.",
        _find_path_with_other_slash(request.path_info),
    )
    extra = {"address": address} if address else {}
    body = _body(
        "not_found", "Not found", 404, f"{detail} Send it to {address}" if address else detail, **extra
    )
    return JsonResponse(_with_request_id(body), status=404, content_type=CONTENT_TYPE)


def _find_path_with_other_slash(path: str) -> str:
    """Return the URL that differs in its last slash alone: API URLs end with one, sign-in URLs do not."""
    if path.startswith("/api/") and not path.endswith("/"):
        other = f"{path}/"
    elif path.startswith("/_allauth/") and path.endswith("/"):
        other = path.rstrip("/")
    else:
        return ""
    return other if is_valid_path(other) else ""


def bad_request(request: HttpRequest, exception: Exception | None = None) -> JsonResponse:
    """Respond to a request that Django itself rejected: a large body, a bad host (Django's handler400)."""
    body = _body("invalid_request", "The request is not valid", 400, "The request could not be read.")
    return JsonResponse(_with_request_id(body), status=400, content_type=CONTENT_TYPE)


def server_error(request: HttpRequest) -> JsonResponse:
    """Respond to a bug, without details for the caller (Django's handler500)."""
    detail = (
        "Something went wrong on our side and we have been told. It is safe to send the same request again."
    )
    body = _body("internal_error", "Something went wrong", 500, detail)
    return JsonResponse(_with_request_id(body), status=500, content_type=CONTENT_TYPE)
