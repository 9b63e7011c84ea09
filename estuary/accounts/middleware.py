"""Middleware for allauth's views: bodies are parsed strictly, and errors are problem documents as everywhere else."""

import json
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.utils.deprecation import MiddlewareMixin

from estuary.common.api.parsers import parse_strict_json
from estuary.common.api.problems import CONTENT_TYPE, into_problem, problem
from estuary.common.errors import (
    Conflict,
    EstuaryError,
    Forbidden,
    InvalidRequest,
    NotAuthenticated,
    NotFound,
    TooManyRequests,
)

PREFIX = "/_allauth/"
# allauth counts by the minute for most of its limits, and does not say when the next attempt is allowed.
RETRY_AFTER_S = 60


class SessionEnded(EstuaryError):
    code, status, title = "session_ended", 410, "This sign-in has ended"


class StrictSignInMiddleware(MiddlewareMixin):
    """Applies the API's strict JSON parser and its form of errors to sign-up and sign-in.

    A problem document keeps allauth's own members: ``errors``, ``data`` with the next steps, ``meta``.
    """

    def process_request(self, request: HttpRequest) -> JsonResponse | None:
        if not request.path_info.startswith(PREFIX) or request.method == "GET" or not request.body:
            return None
        try:
            if isinstance(parse_strict_json(request.body), dict):
                return None
        except EstuaryError as error:
            return problem(error)
        return problem(InvalidRequest("The body must be a JSON object."))

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        if request.path_info.startswith(PREFIX) and isinstance(response, HttpResponse):
            return _with_problem(response)
        return response


def _with_problem(response: HttpResponse) -> HttpResponse:
    """Return an error of allauth as a problem document; any other response stays as it is."""
    if response.headers["Content-Type"] == CONTENT_TYPE or (error := _find_error(response)) is None:
        return response
    for name, value in error.headers.items():
        response.headers.setdefault(name, value)
    return into_problem(response, error)


def _find_error(response: HttpResponse) -> EstuaryError | None:
    match response.status_code:
        case 400:
            return InvalidRequest(_messages(response) or "The request could not be read.")
        case 401:
            return NotAuthenticated(
                "Sign in, or take one of the next steps in `data.flows`, if this has any."
            )
        case 403:
            return Forbidden(_messages(response) or "Your account may not do this.")
        case 404:
            return NotFound("There is nothing here under this address.")
        case 409:
            return Conflict(
                _messages(response) or "You are signed in already, or there is nothing to go on with."
            )
        case 410:
            return SessionEnded("This sign-in has ended. Sign in again.")
        case 429:
            return TooManyRequests(
                "That was often for now. Wait a minute, then send it again.", retry_after_s=RETRY_AFTER_S
            )
    return None


def _messages(response: HttpResponse) -> str:
    """Return allauth's sentences for people, each once."""
    try:
        errors: Any = json.loads(response.content)["errors"]
    except (ValueError, KeyError, TypeError):
        return ""
    return " ".join(dict.fromkeys(str(error["message"]) for error in errors))
