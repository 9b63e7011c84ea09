"""The connections to Stripe that all threads of a process share, for the SDK to send its requests on.

They are urllib3's, which requests keeps as well. What that one does besides for each request (it prepares it, and looks
for proxies, passwords and cookies) costs as much as to send it.
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

ACCEPTED = {"Accept-Encoding": "gzip"}  # lists are long


@dataclass(frozen=True, slots=True)
class StripeResponse:
    """What the SDK reads of an answer."""

    status_code: int
    headers: Mapping[str, str]
    content: bytes


class Session:
    """As much of a requests.Session as the SDK uses, with a timeout that fits what is left for an answer."""

    def request(
        self, method: str, url: str, *, headers: Mapping[str, str], data: Any, verify: str, **_: Any
    ) -> StripeResponse:
        """Send one request, once; raises requests.ConnectionError or requests.Timeout."""
        scheme, host, path, query, _fragment = urlsplit(url)
        pool = _pool(f"{scheme}://{host}", verify)
        needs_full_url = pool.proxy is not None and scheme == "http"  # such a proxy is told the whole address
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
                assert_same_host=False,  # a proxy is another
            )
        except HTTPError as error:
            raise requests.ConnectionError(error) from error
        return StripeResponse(response.status, response.headers, response.data)


@cache
def _pool(origin: str, verify: str) -> HTTPConnectionPool:
    """Return the connections to an origin, past the proxy that the environment names: it is looked at once."""
    # As many connections are kept as there are threads to use them.
    adapter = HTTPAdapter(pool_maxsize=settings.WEB_THREADS)
    request = requests.Request("GET", origin).prepare()
    return adapter.get_connection_with_tls_context(request, verify, proxies=get_environ_proxies(origin))
