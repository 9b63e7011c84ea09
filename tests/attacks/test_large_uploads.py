"""Anonymous bodies of 50 MB against the bare web server: refused before anything reads them, and kept nowhere."""

import socket
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import httpx
import psutil  # type: ignore[import-untyped]
import pytest
from pytest_django import DjangoDbBlocker

from tests.flows.payments.webhooks.test_webhook_on_the_wire import Wire, serving

MB = 1024 * 1024
BODY_MB, GROWTH_MB = 50, 24
SILENCE_S = 10
ADDRESSES = (
    "/admin/login/",
    "/_allauth/app/v1/auth/login",
    "/api/v1/payments/create/",
    "/api/v1/payments/webhook/",
    "/nowhere/",
    "/",
)
# A token of one's own making: with it Django's protection against forged forms reads the whole form.
CSRF = "Cookie: csrftoken=abcdefghijklmnopqrstuvwxyzabcdef"
FORM = "Content-Type: multipart/form-data; boundary=cut"
FILE = b'--cut\r\nContent-Disposition: form-data; name="f"; filename="f.bin"\r\n\r\n'
TYPES = (FORM, "Content-Type: application/x-www-form-urlencoded", "Content-Type: application/json")


@pytest.fixture(scope="module")
def uploads(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where Python puts temporary files: in production a tmpfs, which is memory."""
    return tmp_path_factory.mktemp("tmp")


@pytest.fixture(scope="module")
def web(django_db_setup: None, django_db_blocker: DjangoDbBlocker, uploads: Path) -> Iterator[Wire]:
    options = ("--workers", "1", "--blocking-threads", "256")
    with django_db_blocker.unblock(), serving(*options, TMPDIR=str(uploads)) as wire:
        yield wire


def open_upload(wire: Wire, path: str, headers: str, start: bytes) -> socket.socket:
    """Send the head and the first bytes of a body."""
    opened = wire.connect()
    opened.settimeout(SILENCE_S)
    opened.sendall(f"POST {path} HTTP/1.1\r\nHost: localhost\r\n{CSRF}\r\n{headers}\r\n\r\n".encode() + start)
    return opened


def status_of(opened: socket.socket) -> int:
    """Return the status that came back, 0 for a connection that was closed or has no answer."""
    with suppress(OSError):
        if line := opened.recv(4096):
            return int(line.split()[1])
    return 0


def pour(opened: socket.socket, megabytes: int, *, chunked: bool = False) -> None:
    """Send so much more, until the server has closed the connection."""
    part = b"x" * MB
    with suppress(OSError):
        for _ in range(megabytes):
            opened.sendall(b"%x\r\n%b\r\n" % (MB, part) if chunked else part)


def memory_mb(wire: Wire) -> float:
    processes = [psutil.Process(wire.server.pid), *psutil.Process(wire.server.pid).children(recursive=True)]
    return float(sum(process.memory_info().rss for process in processes)) / MB


def spooled(folder: Path) -> list[str]:
    return [f"{file.name}: {file.stat().st_size}" for file in folder.iterdir() if ".upload" in file.name]


def others_are_served(wire: Wire) -> bool:
    url = f"http://127.0.0.1:{wire.port}/api/v1/payments/config/"
    return httpx.get(url, trust_env=False, timeout=60).is_success


def test_a_body_that_says_it_is_large_is_refused_before_it_is_read(web: Wire, uploads: Path) -> None:
    assert others_are_served(web)
    before = memory_mb(web)
    opened = []
    for address in ADDRESSES:
        for kind in TYPES:
            one = open_upload(web, address, f"{kind}\r\nContent-Length: {BODY_MB * MB}", FILE)
            assert status_of(one) == 413, (address, kind)
            pour(one, BODY_MB)
            opened.append(one)
    assert not spooled(uploads)
    assert memory_mb(web) - before < GROWTH_MB
    assert others_are_served(web)
    for one in opened:
        one.close()


def test_a_body_that_does_not_say_how_large_it_is_is_refused(web: Wire, uploads: Path) -> None:
    before = memory_mb(web)
    first = b"%x\r\n%b\r\n" % (len(FILE), FILE)
    for address in ADDRESSES:
        one = open_upload(web, address, f"{FORM}\r\nTransfer-Encoding: chunked", first)
        pour(one, BODY_MB, chunked=True)
        assert status_of(one) in ({413, 0} if "webhook" in address else {411, 0}), address
        one.close()
    assert not spooled(uploads)
    assert memory_mb(web) - before < GROWTH_MB
    assert others_are_served(web)


def test_a_small_form_with_a_file_is_refused_and_one_without_is_read(web: Wire, uploads: Path) -> None:
    with httpx.Client(base_url=f"http://127.0.0.1:{web.port}", trust_env=False, timeout=60) as browser:
        browser.get("/admin/login/")
        fields = {"username": "a", "password": "b", "csrfmiddlewaretoken": browser.cookies["csrftoken"]}
        text = [(name, (None, value)) for name, value in fields.items()]
        assert browser.post("/admin/login/", files=text).status_code == 200  # the form, with its error
        refused = browser.post("/admin/login/", files=[*text, ("f", ("f.bin", b"x" * 1000))])
        assert (refused.status_code, refused.json()["code"]) == (400, "invalid_request")
    assert not spooled(uploads)
