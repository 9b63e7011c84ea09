"""What stands before allauth's own views, which take any text that Python can read and a database can't keep."""

from collections.abc import Callable

from django.http import HttpRequest
from django.http.response import HttpResponseBase

from estuary.common.api.errors import EstuaryError, InvalidRequest
from estuary.common.api.parsers import parse_strict_json
from estuary.common.api.problems import problem

PREFIX = "/_allauth/"


class StrictSignInMiddleware:
    """Hold the bodies of sign-up and sign-in to the same JSON as the API's own."""

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
