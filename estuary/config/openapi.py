"""The OpenAPI document, and its two pages for people, which ask no other server for anything.

The document is built once per process because that takes most of a second, and is served with an ETag.
"""

from collections.abc import Callable
from functools import cache
from pathlib import Path
from threading import Lock
from typing import Any

from django.contrib.staticfiles import finders
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.csp import CSP
from django.utils.decorators import method_decorator
from django.views.decorators.cache import cache_control
from django.views.decorators.csp import csp_override
from django.views.decorators.http import conditional_page, require_safe
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

REDOC_PICTURE = b"https://cdn.redoc.ly/redoc/logo-mini.svg"

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


# Only read: rest_framework would render its answer to OPTIONS with a template that there is not.
@method_decorator([require_safe, csp_override(DOCS_POLICY)], name="dispatch")
class SwaggerView(SpectacularSwaggerView):
    """The endpoints to read and to try."""


# Only read: rest_framework would render its answer to OPTIONS with a template that there is not.
@method_decorator([require_safe, csp_override(DOCS_POLICY)], name="dispatch")
class RedocView(SpectacularRedocView):
    """The endpoints to read; the template leaves out Google's fonts."""

    template_name = "redoc.html"

    @staticmethod
    def _redoc_standalone() -> str:
        return reverse("redoc-script")


@require_safe
@conditional_page
@cache_control(public=True, max_age=MAX_AGE_S)
def redoc_script(request: HttpRequest) -> HttpResponse:
    """Serve Redoc without the one picture that it fetches from its maker's server."""
    return HttpResponse(_offline_redoc(), content_type="text/javascript; charset=utf-8")


@cache
def _offline_redoc() -> bytes:
    bundle = finders.find("drf_spectacular_sidecar/redoc/bundles/redoc.standalone.js")
    return Path(str(bundle)).read_bytes().replace(REDOC_PICTURE, b"data:,")
