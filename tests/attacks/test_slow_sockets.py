"""Hundreds of sockets that trickle, against the proxy and the real web servers behind it: others are served."""

import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil  # type: ignore[import-untyped]
import pytest
from pytest_django import DjangoDbBlocker

from estuary.payments.models import WebhookEvent
from tests.attacks.test_large_uploads import BODY_MB, CSRF, FILE, FORM, GROWTH_MB, MB, memory_mb, pour
from tests.flows.payments.webhooks.test_webhook import an_event, signed
from tests.flows.payments.webhooks.test_webhook_on_the_wire import Wire, serving
from tests.proxy import running_proxy
from tests.sandbox_bridge import WEBHOOK
from tests.servers import wait_until

THREADS, WEBHOOK_THREADS = 256, 16  # as compose.yaml has them
SOCKETS = 300  # more than there are threads
LOGIN = "/_allauth/app/v1/auth/login"


@dataclass(frozen=True, slots=True)
class Site:
    """The proxy's port, and the two web servers behind it."""

    port: int
    web: Wire
    webhook: Wire

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@pytest.fixture(scope="module")
def site(
    django_db_setup: None, django_db_blocker: DjangoDbBlocker, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Site]:
    folder: Path = tmp_path_factory.mktemp("proxy")
    proxied = {"ESTUARY_TRUSTED_PROXIES": "1"}
    longer_than_anybody_waits = {"PROXY_BODY_TIME": "120s"}
    with django_db_blocker.unblock(), ExitStack() as stack:
        web = stack.enter_context(serving("--blocking-threads", str(THREADS), **proxied))
        webhook = stack.enter_context(serving("--blocking-threads", str(WEBHOOK_THREADS), **proxied))
        yield Site(
            stack.enter_context(
                running_proxy(
                    folder, web_port=web.port, webhook_port=webhook.port, **longer_than_anybody_waits
                )
            ),
            web,
            webhook,
        )


@contextmanager
def held(port: int, starts: list[bytes]) -> Iterator[list[socket.socket]]:
    """Keep so many connections open, each with the start of a request, and send a little more of each."""
    with ExitStack() as stack:
        opened = [
            stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=60)) for _ in starts
        ]
        for one, start in zip(opened, starts, strict=True):
            one.sendall(start)
        trickle(opened)
        yield opened


def trickle(opened: list[socket.socket]) -> None:
    for one in opened:
        with suppress(OSError):
            one.sendall(b"x")


def others_are_served(site: Site) -> None:
    with httpx.Client(base_url=site.url, trust_env=False, timeout=60) as visitor:
        assert answered(visitor.build_request("GET", "/api/v1/payments/config/"), visitor) == 200
        login = visitor.build_request("POST", LOGIN, json={"email": "a@example.com", "password": "b"})
        assert answered(login, visitor) == 400
        event = an_event(id=f"evt_{WebhookEvent.objects.count()}_beside")
        headers = {"Stripe-Signature": signed(event)}
        assert (
            answered(visitor.build_request("POST", WEBHOOK, content=event, headers=headers), visitor) == 200
        )


def answered(request: httpx.Request, visitor: httpx.Client) -> int:
    """Send it as every client does: a 503 says to send the same again in a moment, as on a machine that is busy.

    Sockets that hold a thread leave no 503: then nothing is answered, until the client's own time is over.
    """
    statuses = [503]

    def is_taken() -> bool:
        statuses.append(visitor.send(request).status_code)
        return statuses[-1] != 503

    wait_until(is_taken)
    return statuses[-1]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("path", [WEBHOOK, LOGIN])
def test_bodies_that_trickle_hold_no_thread(site: Site, path: str) -> None:
    head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{CSRF}\r\nContent-Type: application/json\r\n"
    with held(site.port, [f"{head}Content-Length: 1000\r\n\r\n".encode()] * SOCKETS) as opened:
        others_are_served(site)
        trickle(opened)
        others_are_served(site)


def test_slow_bodies_are_given_up_and_their_memory_let_go(site: Site, tmp_path: Path) -> None:
    """The proxy leaves their sockets open, but it holds the bodies of the last seconds only."""
    web, webhook = site.web.port, site.webhook.port
    head = b"POST /api/v1/payments/create/ HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 999000\r\n\r\n"
    with (
        running_proxy(tmp_path, web_port=web, webhook_port=webhook, PROXY_BODY_TIME="1s") as port,
        ExitStack() as stack,
    ):
        proxy = max(psutil.Process().children(), key=lambda child: child.create_time())
        grown = []
        for _ in range(5):
            stack.enter_context(held(port, [head + b"x" * 950_000] * 100))
            time.sleep(1.5)  # longer than a body may take
            grown.append(proxy.memory_info().rss / MB)
        assert "caddy" in proxy.name()
        assert grown[-1] < 1.8 * grown[0], grown


@pytest.mark.django_db(transaction=True)
def test_headers_that_trickle_hold_no_thread(site: Site) -> None:
    start = b"GET /api/v1/services/ HTTP/1.1\r\nHost: 127.0.0.1\r\nX-More: "
    with held(site.port, [start] * SOCKETS) as opened:
        others_are_served(site)
        trickle(opened)
        others_are_served(site)


def upload(site: Site, head: bytes, *, chunked: bool) -> bytes:
    """Send 50 MB, and return the status of the answer; nothing where the connection was closed meanwhile."""
    start = b"%x\r\n%b\r\n" % (len(FILE), FILE) if chunked else FILE
    with socket.create_connection(("127.0.0.1", site.port), timeout=60) as one:
        one.sendall(head + start)
        pour(one, BODY_MB, chunked=chunked)
        with suppress(OSError):
            return one.recv(65536)[9:12]
    return b""


@pytest.mark.django_db(transaction=True)
def test_uploads_of_50_mb_come_no_further_than_the_proxy(site: Site) -> None:
    others_are_served(site)
    before = memory_mb(site.web), memory_mb(site.webhook)
    for path in ("/admin/login/", LOGIN, WEBHOOK, "/"):
        for length in (f"Content-Length: {BODY_MB * MB}", "Transfer-Encoding: chunked"):
            head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{CSRF}\r\n{FORM}\r\n{length}\r\n\r\n"
            statuses = [upload(site, head.encode(), chunked="chunked" in length)]
            while statuses[-1] == b"503" and len(statuses) < 20:  # from a machine that is busy with so much
                time.sleep(0.5)
                statuses.append(upload(site, head.encode(), chunked="chunked" in length))
            assert statuses[-1] in {b"413", b"411", b""}, (path, length, statuses)
    assert memory_mb(site.web) - before[0] < GROWTH_MB
    assert memory_mb(site.webhook) - before[1] < GROWTH_MB
    others_are_served(site)
