"""The storefront's exported pages, served on the API's origin, each with its own Content-Security-Policy.

The pages are static, so a nonce is not possible: the policy allows the exported inline scripts by their hashes.
"""

import base64
import gzip
import hashlib
import mimetypes
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import brotli
from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponsePermanentRedirect
from django.http.response import HttpResponseBase
from django.utils.cache import patch_cache_control, patch_vary_headers
from django.utils.csp import CSP
from django.views.decorators.csp import csp_override
from django.views.decorators.gzip import gzip_page
from django.views.decorators.http import conditional_page, require_safe
from whitenoise.middleware import WhiteNoiseMiddleware

from estuary.common.api.problems import not_found
from estuary.common.origins import origin_of
from estuary.config.first_view import insert_services

ASSETS = "_next"
NOT_FOUND = "404.html"
# A weight of zero refuses a coding (RFC 9110).
REFUSED = frozenset({"q=0", "q=0.0", "q=0.00", "q=0.000"})
PAGE_SUFFIXES = frozenset({".html", ".txt", ".svg"})
# A script without an end tag extends to the end of the page, as in a browser.
INLINE_SCRIPT = re.compile(r"<script(?![^<>]*\ssrc=)[^<>]*>(.*?)(?:</script>|\Z)", re.DOTALL)
NOT_BUILT = "The storefront is not built yet: run `make frontend`, then start the server again.\n"


class StorefrontAssetsMiddleware(WhiteNoiseMiddleware):
    """Serves static files, and the storefront's scripts, styles and fonts, whose names contain their hash."""

    def __init__(self, get_response: Callable[..., Any]) -> None:
        super().__init__(get_response)  # type: ignore[no-untyped-call]
        assets = Path(settings.STOREFRONT_ROOT) / ASSETS
        if assets.is_dir():
            self.add_files(str(assets), prefix=f"{ASSETS}/")  # type: ignore[no-untyped-call]

    def immutable_file_test(self, path: str, url: str) -> bool:
        return url.startswith(f"/{ASSETS}/static/") or bool(super().immutable_file_test(path, url))  # type: ignore[no-untyped-call]


@dataclass(frozen=True, slots=True)
class Page:
    """One exported file, held in memory: plain, and in each coding that browsers take."""

    body: bytes
    content_type: str
    policy: dict[str, Any]
    encoded: dict[str, bytes]


@cache
def read_exported_pages(root: Path) -> dict[str, Page]:
    """Read every page, every navigation payload and the icon below ``root``, by its path."""
    files = (path for path in root.rglob("*") if path.suffix in PAGE_SUFFIXES and path.is_file())
    return {
        path.relative_to(root).as_posix(): _page(path)
        for path in files
        if path.relative_to(root).parts[0] != ASSETS
    }


def _page(path: Path) -> Page:
    body = path.read_bytes()
    is_html = path.suffix == ".html"
    kind = mimetypes.types_map.get(path.suffix, "text/plain")
    return Page(
        body=body,
        content_type=f"{kind}; charset=utf-8",
        policy=content_policy(inline_scripts(body.decode())) if is_html else {"default-src": [CSP.NONE]},
        # The best first.
        encoded={"br": brotli.compress(body), "gzip": gzip.compress(body, mtime=0)},
    )


def inline_scripts(html: str) -> list[str]:
    """Return the CSP sources of a page's inline scripts, each once."""
    digests = (hashlib.sha256(text.encode()).digest() for text in INLINE_SCRIPT.findall(html))
    return sorted({f"'sha256-{base64.b64encode(digest).decode()}'" for digest in digests})


def content_policy(hashes: list[str]) -> dict[str, list[str]]:
    """Return the policy of a page: its own files, Stripe.js, and what Stripe.js needs.

    Source: https://docs.stripe.com/security/guide#content-security-policy
    """
    scripts, frames, calls = _stripe_sources()
    return {
        "default-src": [CSP.NONE],
        "script-src": [CSP.SELF, *hashes, *scripts],
        "style-src": [CSP.SELF],
        "font-src": [CSP.SELF],
        "img-src": [CSP.SELF, "data:", *scripts],
        "connect-src": [CSP.SELF, *calls],
        "frame-src": frames,
        "form-action": [CSP.SELF],
        "base-uri": [CSP.NONE],
        "object-src": [CSP.NONE],
        "frame-ancestors": [CSP.NONE],
    }


def _stripe_sources() -> tuple[list[str], list[str], list[str]]:
    """Return the origins of Stripe's scripts, frames and calls; in sandbox mode the sandbox is all three."""
    if settings.STRIPE_JS_URL:
        origins = sorted({origin_of(settings.STRIPE_JS_URL), origin_of(settings.STRIPE_API_BASE)})
        return origins, origins, origins
    scripts = ["https://js.stripe.com", "https://*.js.stripe.com"]
    return scripts, [*scripts, "https://hooks.stripe.com"], ["https://api.stripe.com"]


@require_safe
def storefront(request: HttpRequest, path: str) -> HttpResponseBase:
    """Serve an exported page. An unknown path gets the storefront's 404 page, or JSON if HTML is not accepted."""
    pages = read_exported_pages(Path(settings.STOREFRONT_ROOT))
    if page := pages.get(f"{path}index.html" if path.endswith("/") or not path else path):
        if not path and (body := insert_services(request, page.body)):
            return _respond_fresh(request, replace(page, body=body))
        return _respond(request, page, status=200)
    if f"{path}/index.html" in pages:
        query = request.META.get("QUERY_STRING", "")
        return HttpResponsePermanentRedirect(f"/{path}/" + (f"?{query}" if query else ""))
    if "text/html" not in request.headers.get("Accept", ""):
        return not_found(request)
    if not_found_page := pages.get(NOT_FOUND):
        return _respond(request, not_found_page, status=404)
    return HttpResponse(NOT_BUILT, status=404, content_type="text/plain; charset=utf-8")


def _respond_fresh(request: HttpRequest, page: Page) -> HttpResponseBase:
    """Respond with a page that was made for this request; it is compressed now."""

    def respond(request: HttpRequest) -> HttpResponse:
        response = HttpResponse(page.body, content_type=page.content_type)
        patch_cache_control(response, no_cache=True)
        return response

    return csp_override(page.policy)(gzip_page(conditional_page(respond)))(request)


def _choose_coding(request: HttpRequest, page: Page) -> str:
    """Return the best coding that the browser takes, or "" for none."""
    offers = [part.partition(";") for part in request.headers.get("Accept-Encoding", "").split(",")]
    taken = {name.strip().lower() for name, _, weight in offers if weight.replace(" ", "") not in REFUSED}
    return next((coding for coding in page.encoded if coding in taken), "")


def _respond(request: HttpRequest, page: Page, *, status: int) -> HttpResponseBase:
    def respond(request: HttpRequest) -> HttpResponse:
        coding = _choose_coding(request, page)
        body = page.encoded[coding] if coding else page.body
        response = HttpResponse(body, status=status, content_type=page.content_type)
        if coding:
            response.headers["Content-Encoding"] = coding
        patch_vary_headers(response, ["Accept-Encoding"])
        patch_cache_control(response, no_cache=True)
        return response

    # A 304 has the page's policy too.
    return csp_override(page.policy)(conditional_page(respond) if status == 200 else respond)(request)
