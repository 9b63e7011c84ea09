"""The OpenAPI document, built once per process because that takes most of a second, and served with an ETag."""

from collections.abc import Callable
from functools import cache
from threading import Lock
from typing import Any

from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.utils.cache import patch_vary_headers
from drf_spectacular.utils import extend_schema
from drf_spectacular.views import SpectacularAPIView
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request

from estuary.common.api.etags import etag_of, respond_if_changed

MAX_AGE_S = 300

_computing = Lock()


class OpenApiView(SpectacularAPIView):
    """Returns the cached document, whatever language or version a query asks for."""

    @extend_schema(exclude=True)
    def get(self, request: Request, *args: Any, **kwargs: Any) -> HttpResponseBase:
        renderer = request.accepted_renderer
        body, etag = _cached_document(type(renderer))
        response = HttpResponse(body, content_type=renderer.media_type)
        filename = f"estuary-payments.{renderer.format}"
        response.headers["Content-Disposition"] = f'inline; filename="{filename}"'
        response.headers["Cache-Control"] = f"public, max-age={MAX_AGE_S}"
        patch_vary_headers(response, ["Accept"])
        return respond_if_changed(request._request, response, etag)


def _cached_document(renderer: Callable[[], BaseRenderer]) -> tuple[bytes, str]:
    """Return the document and its ETag; requests that arrive while it is built wait for it."""
    with _computing:
        return _render_document(renderer)


@cache
def _render_document(renderer: Callable[[], BaseRenderer]) -> tuple[bytes, str]:
    body: bytes = renderer().render(_build_document(), renderer_context={})  # type: ignore[assignment] # the stubs say str
    return body, etag_of(body)


@cache
def _build_document() -> Any:
    generator: Any = SpectacularAPIView.generator_class()
    return generator.get_schema(request=None, public=True)


def clear_cached_document() -> None:
    """Clear the cached document; for tests."""
    _render_document.cache_clear()
    _build_document.cache_clear()
