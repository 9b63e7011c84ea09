"""ETags of answers that clients poll."""

import hashlib

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.cache import get_conditional_response
from django.utils.http import quote_etag


def etag_of(body: bytes) -> str:
    return quote_etag(hashlib.blake2b(body, digest_size=16).hexdigest())


def respond_if_changed(request: HttpRequest, response: HttpResponse, etag: str) -> HttpResponseBase:
    """Return the response with its ETag, or a 304 when the client has it already."""
    response.headers["ETag"] = etag
    return get_conditional_response(request, etag=etag, response=response) or response
