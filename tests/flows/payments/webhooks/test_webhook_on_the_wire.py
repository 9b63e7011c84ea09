"""The webhook behind the real web server: what is too large is refused before it is read or hashed."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import psycopg
import pytest
from django.core.handlers.wsgi import WSGIRequest
from django.db import connection
from django.test import Client, RequestFactory
from pytest_django import DjangoDbBlocker

from demo.ports import free_port, listens
from estuary.common import clock
from estuary.common.postgresql import timeouts
from estuary.config import webhook_gateway
from estuary.payments import client, event_store, webhooks
from estuary.payments.models import WebhookEvent
from stripe_sandbox import Sandbox
from tests.flows.common.process.test_worker_process import nobody_let_in
from tests.flows.payments.gateway.test_real_mode import database_url
from tests.flows.payments.webhooks.test_webhook import EVENT, an_event, code, send, signed
from tests.sandbox_bridge import WEBHOOK
from tests.servers import wait_until

pytestmark = pytest.mark.django_db(transaction=True)

ROOT = Path(__file__).parents[4]
NUL = '{"a": "\\u0000"}'
TOO_LONG_FOR_AN_INDEX = json.dumps({"data": {"object": {"id": "".join(map(hex, range(5000)))}}})
NAME = "the web server"
LARGE = webhooks.MAX_BYTES + 1


class Wire:
    """Bytes to the server and back, with no library in between that would mend them."""

    def __init__(self, port: int, server: "subprocess.Popen[bytes]") -> None:
        self.port, self.server = port, server

    def kill(self) -> None:
        """End the server and its workers as a power cut does, with nothing tidied up."""
        os.killpg(self.server.pid, signal.SIGKILL)
        self.server.wait()

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=30)

    def post(self, headers: str, body: bytes, signature: str = "t=1,v1=00") -> int:
        return int(self.answer_to(headers, body, signature).split()[1])

    def answer_to(self, headers: str, body: bytes, signature: str) -> bytes:
        head = f"POST {WEBHOOK} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
        head += f"Stripe-Signature: {signature}\r\n{headers}\r\n\r\n"
        with self.connect() as wire:
            wire.sendall(head.encode())
            with suppress(BrokenPipeError, ConnectionResetError):  # refused before all of it was sent
                wire.sendall(body)
            return b"".join(iter(partial(wire.recv, 4096), b""))


@pytest.fixture(scope="module")
def wire(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[Wire]:
    with django_db_blocker.unblock(), serving("--workers", "1") as wire:
        yield wire


@contextmanager
def serving(*options: str, **more: str) -> Iterator[Wire]:
    port = free_port()
    environment = os.environ | {"DATABASE_URL": f"{database_url()}&application_name={quote(NAME)}"} | more
    command = [str(Path(sys.executable).parent / "granian"), "--interface", "wsgi", "--host", "127.0.0.1"]
    command += ["--port", str(port), *options, "estuary.config.wsgi:application"]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    server = subprocess.Popen(command, cwd=ROOT, env=environment, start_new_session=True, **quiet)  # type: ignore[call-overload]
    try:
        wait_until(lambda: listens(port))
        yield Wire(port, server)
    finally:
        end(server)


def end(server: "subprocess.Popen[bytes]") -> None:
    """End a web server with all its processes; one of them that was still starting has not heard the signal."""
    server.terminate()
    try:
        server.wait(timeout=30)
    except subprocess.TimeoutExpired:
        os.killpg(server.pid, signal.SIGKILL)
        server.wait()


def chunked(body: bytes, size: int = 1000) -> bytes:
    parts = [body[at : at + size] for at in range(0, len(body), size)]
    return b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"


def test_only_what_is_small_and_signed_comes_in(wire: Wire) -> None:
    large, chunks = b"x" * LARGE, "Transfer-Encoding: chunked"
    assert wire.post(f"Content-Length: {LARGE}", large) == 413
    assert wire.post(f"Content-Length: {LARGE}", b"and then nothing more") == 413  # nobody waits for the rest
    assert wire.post("Content-Length: 99999999999999999999", b"x") in {400, 413}
    assert wire.post(chunks, chunked(large)) == 413
    assert wire.post(f"Content-Length: 5\r\n{chunks}", chunked(large)) in {400, 413}
    assert wire.post("Content-Length: 5", large) == 400  # five bytes, and their signature is wrong
    assert wire.post("Content-Length: -5", b"x") == 400
    assert wire.post(chunks, chunked(b"hello")) == 400
    assert not WebhookEvent.objects.exists()
    body = an_event()
    assert wire.post(f"Content-Length: {len(body)}", body, signed(body)) == 200
    again = an_event(id="evt_in_chunks")
    assert wire.post(chunks, chunked(again, size=100), signed(again)) == 200
    assert set(WebhookEvent.objects.values_list("stripe_event_id", flat=True)) == {
        EVENT["id"],
        "evt_in_chunks",
    }


def test_the_short_way_in_says_what_django_would_and_tells_the_request_by_name(wire: Wire) -> None:
    body, odd = an_event(), an_event(id="evt_odd", data=json.loads(TOO_LONG_FOR_AN_INDEX)["data"])
    headers = signed(body), signed(b"another body"), signed(body, at=1), "nonsense"
    for body, header in (*((body, header) for header in headers), (odd, signed(odd))):
        head, _, content = wire.answer_to(f"Content-Length: {len(body)}", body, header).partition(b"\r\n\r\n")
        django = send(body, header)
        assert int(head.split()[1]) == django.status_code
        short = json.loads(content)
        [name] = re.findall(rb"(?im)^x-request-id: (\S+)\r?$", head)
        assert short.pop("request_id", name.decode()) == name.decode()
        assert short == {
            key: value for key, value in json.loads(django.content).items() if key != "request_id"
        }
        assert re.search(rb"(?im)^x-content-type-options: nosniff\r?$", head)
    assert django.status_code == 400  # no database will ever take the last
    assert WebhookEvent.objects.count() == 1


def test_events_come_in_again_as_soon_as_the_database_is_back(wire: Wire) -> None:
    """Its kept connections died with the server's other ones; while nobody is let in, Stripe is told to try again."""
    body = an_event(id="evt_before")
    assert wire.post(f"Content-Length: {len(body)}", body, signed(body)) == 200
    with nobody_let_in():
        assert cut_off_the_server() >= 1
        refused = an_event(id="evt_meanwhile")
        answer = wire.answer_to(f"Content-Length: {len(refused)}", refused, signed(refused))
        assert answer.split()[1] == b"503"
        assert re.search(rb"(?im)^retry-after: \d+\r?$", answer)
    assert wire.post(f"Content-Length: {len(refused)}", refused, signed(refused)) == 200
    cut_off_the_server()
    after = an_event(id="evt_after")
    assert wire.post(f"Content-Length: {len(after)}", after, signed(after)) == 200
    assert WebhookEvent.objects.count() == 3


def row(name: str, payload: str = "{}") -> event_store.EventRow:
    at = clock.now()
    return event_store.EventRow(f"evt_{name}", "a.type", "", False, payload, at, at, at)


@pytest.fixture
def inbox_pool(transactional_db: None, settings: Any) -> Iterator[None]:
    """The connections for events, opened in this process by the first event that needs one."""
    settings.DATABASE_URL = database_url()
    webhook_gateway._open_pool.cache_clear()
    yield
    webhook_gateway._pool().close()
    webhook_gateway._open_pool.cache_clear()


@pytest.mark.parametrize("payload", [NUL, TOO_LONG_FOR_AN_INDEX], ids=["nul", "too_long"])
def test_an_event_that_no_database_can_hold_is_refused_alone(inbox_pool: None, payload: str) -> None:
    fine, broken, new = row("fine"), row("broken", payload), row("new")
    first, refused, again = webhook_gateway._write([fine, broken, fine])
    assert (first, again) == (True, False)
    assert isinstance(refused, psycopg.Error)
    later = new._replace(received_at=new.received_at + timedelta(seconds=1))
    assert webhook_gateway._write([fine, new, later]) == [False, True, False]
    assert set(WebhookEvent.objects.values_list("stripe_event_id", flat=True)) == {"evt_fine", "evt_new"}


def test_the_first_event_that_meets_a_locked_inbox_costs_no_connection(
    inbox_pool: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A pool whose connection fails as it is opened waits before it opens the next, longer each time."""
    monkeypatch.setattr(timeouts, "_limits", {"lock_timeout": "100ms"})
    with psycopg.connect(database_url()) as holder:
        holder.execute("LOCK TABLE payments_webhookevent IN ACCESS EXCLUSIVE MODE")
        with pytest.raises(psycopg.errors.LockNotAvailable):
            webhook_gateway._write([row("first")])
        holder.rollback()
    assert webhook_gateway._write([row("first")]) == [True]


def test_an_event_that_comes_before_the_migrations_is_taken_in_after_them(inbox_pool: None) -> None:
    rename = "ALTER TABLE {} RENAME TO {}"
    with connection.cursor() as cursor:
        cursor.execute(rename.format("payments_webhookevent", "not_there_yet"))
        try:
            with pytest.raises(psycopg.OperationalError):
                webhook_gateway._write([row("early")])
        finally:
            cursor.execute(rename.format("not_there_yet", "payments_webhookevent"))
    assert webhook_gateway._write([row("early")]) == [True]


def cut_off_the_server() -> int:
    """End all connections of the web server, as a crash of the database does; returns how many."""
    with connection.cursor() as cursor:
        ends = (
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
            " WHERE application_name = %s AND datname = current_database()"
        )
        cursor.execute(ends, [NAME])
        return int(cursor.fetchone()[0])


def test_what_is_too_large_is_never_hashed(stripe: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    hashed: list[int] = []

    def counted(body: bytes, header: str, **_: Any) -> None:
        hashed.append(len(body))

    monkeypatch.setattr(client, "verify_signature", counted)
    body = an_event(data={"object": {"id": "x" * LARGE}})
    assert code(send(body, signed(body))) == (413, "body_too_large")
    assert hashed == []
    Client().post(WEBHOOK, data=b"x" * webhooks.MAX_BYTES, content_type="application/json")
    assert hashed == [webhooks.MAX_BYTES]


def test_an_event_outlives_a_server_that_is_killed_right_after_its_answer() -> None:
    with serving("--workers", "1") as wire:
        for number in range(5):
            body = an_event(id=f"evt_{number}")
            assert wire.post(f"Content-Length: {len(body)}", body, signed(body)) == 200
        wire.kill()
    assert WebhookEvent.objects.filter(status="pending").count() == 5


@pytest.mark.parametrize("how_many", [5_000, pytest.param(100_000, marks=pytest.mark.exhaustive)])
def test_thousands_of_bad_signatures_are_no_row_and_no_query(
    stripe: Sandbox, django_assert_num_queries: object, how_many: int
) -> None:
    """At the view itself, without the layers around it; one in a hundred more comes through all of them."""
    body, now = an_event(), int(time.time())
    environ = RequestFactory().post(WEBHOOK, data=body, content_type="application/json").environ
    with django_assert_num_queries(0):  # type: ignore[operator]
        for number in range(how_many):
            header = {"HTTP_STRIPE_SIGNATURE": f"t={now},v1={number:064x}", "wsgi.input": BytesIO(body)}
            answer = webhooks.stripe_webhook(WSGIRequest(environ | header))
            assert answer.status_code == 400
        for number in range(how_many // 100):
            assert send(body, f"t={now},v1={number:064x}").status_code == 400
    assert not WebhookEvent.objects.exists()


def test_the_address_without_its_slash_takes_events_too(wire: Wire, client: Client) -> None:
    """Stripe follows no redirect: an endpoint that was typed without the slash would lose every event."""
    bare = WEBHOOK.removesuffix("/")
    first, second = an_event(id="evt_past_django"), an_event(id="evt_by_django")
    url, headers = f"http://127.0.0.1:{wire.port}{bare}", {"Stripe-Signature": signed(first)}
    assert httpx.post(url, content=first, headers=headers, trust_env=False, timeout=30).status_code == 200
    headers = {"Stripe-Signature": signed(second)}
    assert client.post(bare, second, "application/json", headers=headers).status_code == 200
    assert WebhookEvent.objects.count() == 2
