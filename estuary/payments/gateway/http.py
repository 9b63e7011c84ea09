"""The HTTP session that carries the SDK's requests to Stripe, shared by all threads of a process."""

from http.cookiejar import DefaultCookiePolicy
from typing import Any

import requests
from django.conf import settings
from requests.adapters import HTTPAdapter
from requests.utils import get_environ_proxies

from estuary.payments.gateway.deadline import timeout


class DeadlineAdapter(HTTPAdapter):
    """Sends each request once, with a timeout that fits the web request's time budget."""

    def send(self, request: requests.PreparedRequest, *args: Any, **options: Any) -> requests.Response:
        return super().send(request, *args, **options | {"timeout": timeout()})


def open_http_session(api_base: str) -> requests.Session:
    """Return a session with one connection per thread, through the environment's proxy for ``api_base``.

    A session is not made for many threads: what a response could change in it is switched off.
    """
    session = requests.Session()
    adapter = DeadlineAdapter(pool_maxsize=settings.WEB_THREADS)
    session.mount("https://", adapter)
    session.mount("http://", adapter)
    session.max_redirects = 0
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    # A .netrc of the machine would replace the key, and proxies would be looked up for each request.
    session.trust_env = False
    session.proxies = get_environ_proxies(api_base)
    return session
