"""``/metrics`` for Prometheus: with the token, for any host name, over plain HTTP; without the token a 404."""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

from estuary.common.api.problems import not_found
from estuary.common.observability import metrics

PATH = "/metrics"


class MetricsMiddleware:
    """Responds to a scrape, and passes all other requests on."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if request.path_info != PATH:
            return self.get_response(request)
        authorization = request.headers.get("Authorization", "")
        if request.method != "GET" or not metrics.may_scrape(authorization, token=settings.METRICS_TOKEN):
            return not_found(request)
        response = HttpResponse(metrics.render_metrics(), content_type=metrics.CONTENT_TYPE)
        response.headers["Cache-Control"] = "no-store"
        return response
