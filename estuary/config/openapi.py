"""The OpenAPI document, and its two pages for people, which ask no other server for anything.

The document is built once per process because that takes most of a second, and is served with an ETag.
"""

from collections.abc import Callable
from functools import cache
from threading import Lock
from typing import Any

from django.http import HttpResponse
from django.utils.csp import CSP
from django.utils.decorators import method_decorator
from django.views.decorators.cache import cache_control
from django.views.decorators.csp import csp_override
from django.views.decorators.http import conditional_page
from django.views.decorators.vary import vary_on_headers
from drf_spectacular.utils import extend_schema
from drf_spectacular.views import SpectacularAPIView, SpectacularRedocView, SpectacularSwaggerView
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request

MAX_AGE_S = 300

# Both pages start by an inline script, and style what they draw. Redoc searches in a worker of its own making.
DOCS_POLICY: dict[str, list[str]] = {
    "default-src": [CSP.SELF],
    "script-src": [CSP.SELF, CSP.UNSAFE_INLINE],
    "style-src": [CSP.SELF, CSP.UNSAFE_INLINE],
    "img-src": [CSP.SELF, "data:"],
    "worker-src": ["blob:"],
    "object-src": [CSP.NONE],
    "base-uri": [CSP.SELF],
    "frame-ancestors": [CSP.NONE],
}

_computing = Lock()


class OpenApiView(SpectacularAPIView):
    """Returns the cached document, whatever language or version a query asks for."""

    @extend_schema(exclude=True)
    @method_decorator(
        [conditional_page, cache_control(public=True, max_age=MAX_AGE_S), vary_on_headers("Accept")]
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> HttpResponse:
        renderer = request.accepted_renderer
        renderer_class: Callable[[], BaseRenderer] = type(renderer)
        with _computing:  # requests that arrive while the document is built wait for it
            body = _render_document(renderer_class)
        headers = {"Content-Disposition": f'inline; filename="estuary-payments.{renderer.format}"'}
        return HttpResponse(body, content_type=renderer.media_type, headers=headers)


@cache
def _render_document(renderer: Callable[[], BaseRenderer]) -> bytes:
    return renderer().render(_build_document(), renderer_context={})  # type: ignore[return-value] # the stubs say str


@cache
def _build_document() -> Any:
    generator: Any = SpectacularAPIView.generator_class()
    return generator.get_schema(request=None, public=True)


def clear_cached_document() -> None:
    """Clear the cached document; for tests."""
    _render_document.cache_clear()
    _build_document.cache_clear()


@method_decorator(csp_override(DOCS_POLICY), name="dispatch")
class SwaggerView(SpectacularSwaggerView):
    """The endpoints to read and to try."""


@method_decorator(csp_override(DOCS_POLICY), name="dispatch")
class RedocView(SpectacularRedocView):
    """The endpoints to read; the template leaves out Google's fonts."""

    template_name = "redoc.html"
