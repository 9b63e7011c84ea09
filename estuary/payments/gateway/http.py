"""Connections to Stripe, shared by all threads of a process, for the SDK's requests.

They are urllib3 connection pools, as the library requests uses. What requests does besides for each request
(preparing it, looking up proxies, passwords and cookies) costs as much as sending it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any
from urllib.parse import urlsplit

import requests
from django.conf import settings
from requests.adapters import HTTPAdapter
from requests.utils import get_environ_proxies
from urllib3.connectionpool import HTTPConnectionPool
from urllib3.exceptions import HTTPError

from estuary.payments.gateway.deadline import timeout

# Lists are long.
ACCEPTED = {"Accept-Encoding": "gzip"}


@dataclass(frozen=True, slots=True)
class StripeResponse:
    """The part of a response that the SDK reads."""

    status_code: int
    headers: Mapping[str, str]
    content: bytes


class Session:
    """The part of requests.Session that the SDK uses, with a timeout that fits the request's time budget."""

    def request(
        self, method: str, url: str, *, headers: Mapping[str, str], data: Any, verify: str, **_: Any
    ) -> StripeResponse:
        """Send one request, once; raises requests.ConnectionError or requests.Timeout."""
        scheme, host, path, query, _fragment = urlsplit(url)
        pool = _pool(f"{scheme}://{host}", verify)
        # An HTTP proxy of plain HTTP needs the whole URL.
        needs_full_url = pool.proxy is not None and scheme == "http"
        target = url if needs_full_url else f"{path}?{query}" if query else path
        try:
            response = pool.urlopen(
                method.upper(),
                target,
                body=data,
                headers={**headers, **ACCEPTED},
                timeout=timeout(),
                retries=False,
                redirect=False,
                # Through a proxy, the host is another one.
                assert_same_host=False,
            )
        except HTTPError as error:
            raise requests.ConnectionError(error) from error
        return StripeResponse(response.status, response.headers, response.data)


@cache
def _pool(origin: str, verify: str) -> HTTPConnectionPool:
    """Return the connection pool of an origin, through the environment's proxy, which is looked up once."""
    # One connection per thread.
    adapter = HTTPAdapter(pool_maxsize=settings.WEB_THREADS)
    request = requests.Request("GET", origin).prepare()
    return adapter.get_connection_with_tls_context(request, verify, proxies=get_environ_proxies(origin))
