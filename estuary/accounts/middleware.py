"""Middleware for allauth's views, which accept text that a database can't store."""

from django.http import HttpRequest, JsonResponse
from django.utils.deprecation import MiddlewareMixin

from estuary.common.api.parsers import parse_strict_json
from estuary.common.api.problems import problem
from estuary.common.errors import EstuaryError, InvalidRequest

PREFIX = "/_allauth/"


class StrictSignInMiddleware(MiddlewareMixin):
    """Applies the API's strict JSON parser to the bodies of sign-up and sign-in."""

    def process_request(self, request: HttpRequest) -> JsonResponse | None:
        if not request.path_info.startswith(PREFIX) or request.method == "GET" or not request.body:
            return None
        try:
            if isinstance(parse_strict_json(request.body), dict):
                return None
        except EstuaryError as error:
            return problem(error)
        return problem(InvalidRequest("The body must be a JSON object."))
