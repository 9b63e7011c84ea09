"""Middleware for allauth's views, which accept text that a database can't store."""

from collections.abc import Callable

from django.http import HttpRequest
from django.http.response import HttpResponseBase

from estuary.common.api.parsers import parse_strict_json
from estuary.common.api.problems import problem
from estuary.common.errors import EstuaryError, InvalidRequest

PREFIX = "/_allauth/"


class StrictSignInMiddleware:
    """Applies the API's strict JSON parser to the bodies of sign-up and sign-in."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if request.path_info.startswith(PREFIX) and request.method != "GET":
            try:
                self._check(request.body)
            except EstuaryError as error:
                return problem(error)
        return self.get_response(request)

    @staticmethod
    def _check(body: bytes) -> None:
        if body and not isinstance(parse_strict_json(body), dict):
            raise InvalidRequest("The body must be a JSON object.")
