"""``/metrics`` for Prometheus: with the token, for any host name, over plain HTTP; without the token a 404."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.deprecation import MiddlewareMixin

from estuary.common.api.problems import not_found
from estuary.common.observability import metrics

PATH = "/metrics"


class MetricsMiddleware(MiddlewareMixin):
    """Responds to a scrape, and passes all other requests on."""

    def process_request(self, request: HttpRequest) -> HttpResponse | None:
        if request.path_info != PATH:
            return None
        authorization = request.headers.get("Authorization", "")
        if request.method != "GET" or not metrics.may_scrape(authorization, token=settings.METRICS_TOKEN):
            return not_found(request)
        response = HttpResponse(metrics.render_metrics(), content_type=metrics.CONTENT_TYPE)
        response.headers["Cache-Control"] = "no-store"
        return response
