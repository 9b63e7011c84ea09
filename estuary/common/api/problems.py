"""Every API error as RFC 9457 ``application/problem+json``, with a stable ``code`` and the ``request_id``."""

import json
from typing import Any

import structlog
from django.core.exceptions import PermissionDenied, RequestDataTooBig
from django.db import OperationalError
from django.dispatch import receiver
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.urls import is_valid_path
from django_structlog.signals import bind_extra_request_finished_metadata
from rest_framework import exceptions
from rest_framework.response import Response

from estuary.common.body_limits import BodyTooLarge
from estuary.common.errors import (
    EstuaryError,
    Forbidden,
    InternalError,
    InvalidRequest,
    NotFound,
    Unavailable,
)
from estuary.common.observability.redaction import redact, redact_json
from estuary.common.postgresql.admission import Busy, mark_contended
from estuary.common.postgresql.timeouts import is_timeout

CONTENT_TYPE = "application/problem+json"
NOTHING_HERE = "There is nothing here under this address."
TIMEOUT = (
    "Another request changes the same data, and the wait took too long. Send this request again in a moment."
)
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

log = structlog.get_logger(__name__)


def problem_response(exception: Exception, context: dict[str, Any]) -> Response | None:
    """Turn an exception of a view into a problem document (DRF's EXCEPTION_HANDLER)."""
    error = _as_our_error(exception)
    if error is None:
        return None  # a bug: Django logs it and responds through `server_error`
    response = Response(_document(error), error.status, headers=error.headers, content_type=CONTENT_TYPE)
    return _name_error(response, error.code)


def problem(error: EstuaryError) -> JsonResponse:
    """Return the response for an expected failure, outside of DRF's views."""
    response = JsonResponse(
        _document(error), status=error.status, headers=error.headers, content_type=CONTENT_TYPE
    )
    return _name_error(response, error.code)


def _name_error[R: HttpResponse](response: R, code: str) -> R:
    """Give a response the error's code, for the log line of the request."""
    response.error_code = code  # type: ignore[attr-defined]
    return response


@receiver(bind_extra_request_finished_metadata)
def _log_error_code(response: HttpResponse, log_kwargs: dict[str, Any], **_: Any) -> None:
    if code := getattr(response, "error_code", ""):
        log_kwargs["error_code"] = code


def into_problem(response: HttpResponse, error: EstuaryError) -> HttpResponse:
    """Turn a library's JSON response into a problem document, which keeps the members that the library gave it."""
    try:
        members = json.loads(response.content)
    except ValueError:
        members = None
    kept = members if isinstance(members, dict) else {}
    response.content = json.dumps(kept | _document(error)).encode()
    response.headers["Content-Type"] = CONTENT_TYPE
    return _name_error(response, error.code)


def unavailable(error: Exception) -> JsonResponse:
    """Return the 503 response for a database that does not answer, outside of DRF's views."""
    return problem(_as_unavailable(error))


def _as_our_error(error: Exception) -> EstuaryError | None:
    match error:
        case Busy() | OperationalError():
            return _as_unavailable(error)
        case EstuaryError():
            return error
        case exceptions.ValidationError():
            detail = "Some fields are not valid: " + _sentence(error.detail)
            return InvalidRequest(detail, errors=error.get_full_details())
        case exceptions.APIException():
            return _from_drf(error)
        case Http404():
            return NotFound(NOTHING_HERE)
        case RequestDataTooBig():
            return BodyTooLarge("The body is too large. Send less.")
        case PermissionDenied():
            return Forbidden("Your account may not do this.")
    return None


def _as_unavailable(error: Exception) -> EstuaryError:
    if is_timeout(error):
        mark_contended()
    if isinstance(error, Busy) or is_timeout(error):
        log.warning("database_busy", error_type=type(error.__cause__ or error).__name__)
        return error if isinstance(error, Busy) else Busy(TIMEOUT)
    log.error("database_unavailable", error_type=type(error).__name__)
    return Unavailable("The database does not respond. Send the same request again in a moment.")


def _from_drf(exception: exceptions.APIException) -> EstuaryError:
    error = EstuaryError(str(exception.detail))
    error.status = exception.status_code
    error.code, error.title = DRF_CODES.get(error.status, (error.code, error.title))
    if auth := getattr(exception, "auth_header", None):
        error.headers["WWW-Authenticate"] = auth
    if wait := getattr(exception, "wait", None):
        error.headers["Retry-After"] = str(int(wait) + 1)
    return error


def _document(error: EstuaryError) -> dict[str, Any]:
    request_id = structlog.contextvars.get_contextvars().get("request_id")
    return {
        "type": f"/docs/errors/#{error.code}",
        "title": error.title,
        "status": error.status,
        "code": error.code,
        "detail": redact(error.detail),
        **redact_json(error.extra),
        **({"request_id": request_id} if request_id else {}),
    }


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
    if address := _find_path_with_other_slash(request.path_info):
        return problem(NotFound(f"{NOTHING_HERE} Send it to {address}", address=address))
    return problem(NotFound(NOTHING_HERE))


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
    return problem(InvalidRequest("The request could not be read."))


def server_error(request: HttpRequest) -> JsonResponse:
    """Respond to a bug, without details for the caller (Django's handler500)."""
    detail = (
        "Something went wrong on our side and we have been told. It is safe to send the same request again."
    )
    return problem(InternalError(detail))
