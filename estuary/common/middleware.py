"""What no request may bring, whatever it asks for."""

from collections.abc import Callable

from django.http import HttpRequest
from django.http.response import HttpResponseBase

from estuary.common.errors import InvalidRequest
from estuary.common.problems import problem


class RefuseNul:
    """Refuse NUL in a query: no text has it, PostgreSQL can't compare with it, and Django's own filters let it pass."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if "%00" in request.META.get("QUERY_STRING", ""):
            return problem(
                InvalidRequest("The address has a character, %00, that no text has. Send it without.")
            )
        return self.get_response(request)
