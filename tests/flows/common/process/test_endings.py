"""SIGTERM at real processes: what is under way is finished, what was only claimed is given back, and the code is 0."""

import signal
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest
from django.db import connection
from procrastinate.contrib.django.models import ProcrastinateJob

from estuary.common import clock
from estuary.notifications import staff_alerts
from estuary.payments import event_store
from estuary.payments.models import WebhookEvent
from tests.flows.common.process.test_worker_process import Worker, is_listening
from tests.flows.payments.gateway.test_real_mode import database_url
from tests.flows.payments.webhooks.test_webhook import an_event, send, signed
from tests.flows.payments.webhooks.test_webhook_on_the_wire import Wire, wire
from tests.sandbox_bridge import forget_jobs
from tests.servers import wait_until

pytestmark = pytest.mark.django_db(transaction=True)

__all__ = ["wire"]  # a fixture
WAITING = """
    SELECT count(*) FROM pg_stat_activity
    WHERE query LIKE '%%payments_webhookevent%%' AND wait_event_type = 'Lock'"""


@contextmanager
def listening() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(60)
        yield server


def a_worker(tmp_path: Path, *arguments: str, **environment: str) -> Worker:
    forget_jobs()
    url = f"{database_url()}&application_name=the%20worker"
    return Worker(tmp_path / "worker.log", url, *arguments, **environment)


def test_the_web_server_answers_a_request_that_is_under_way_and_then_ends(wire: Wire) -> None:
    """Another transaction holds the event's id, so its insert waits until that has ended."""
    body = an_event(id="evt_under_way")
    answers: list[int] = []
    with psycopg.connect(database_url()) as other:
        at = clock.now()
        other.execute(event_store.insert_statement(1), ["evt_under_way", "", "", False, "{}", at, at, at])
        head = f"Content-Length: {len(body)}"
        posting = threading.Thread(target=lambda: answers.append(wire.post(head, body, signed(body))))
        posting.start()
        wait_until(lambda: count(WAITING) == 1)
        wire.server.send_signal(signal.SIGTERM)
        wait_until(lambda: refuses(wire.port))
        assert answers == []
        other.rollback()
    posting.join(timeout=60)
    assert answers == [200]
    assert wire.server.wait(timeout=60) == 0
    assert WebhookEvent.objects.get().status == "pending"


def test_a_worker_gives_back_the_events_that_it_had_only_claimed(tmp_path: Path) -> None:
    """Events in another API version are asked about at Stripe, one after the other: here nobody answers."""
    for number in range(5):
        body = an_event(id=f"evt_{number}", api_version="2020-01-01")
        assert send(body, signed(body)).status_code == 200
    WebhookEvent.objects.update(due_at=clock.now() + timedelta(hours=1))
    with listening() as stripe:
        address = f"http://127.0.0.1:{stripe.getsockname()[1]}"
        worker = a_worker(tmp_path, "--only", "events", STRIPE_API_BASE=address)
        try:
            worker.wait_until(lambda: worker.has_logged("Estuary worker: ready"), "ready")
            time.sleep(1)  # by now it has looked for what waited from before, which it takes one by one
            WebhookEvent.objects.update(due_at=clock.now())
            client_socket, _ = stripe.accept()
            assert not WebhookEvent.objects.filter(due_at__lte=clock.now()).exists()
            worker.process.send_signal(signal.SIGTERM)
            assert worker.process.wait(timeout=120) == 0
            client_socket.close()
        finally:
            worker.process.kill()
            worker.process.wait()
    rows = WebhookEvent.objects.order_by("pk")
    assert [(row.status, row.attempts) for row in rows] == [("pending", 0)] * 5
    due = [row.stripe_event_id for row in rows if row.due_at <= clock.now()]
    assert due == ["evt_1", "evt_2", "evt_3", "evt_4"]  # evt_0 was asked about, and waits for Stripe


def test_a_worker_finishes_the_job_that_is_under_way(tmp_path: Path) -> None:
    """A mail server that is slow to greet holds up the job that writes to staff."""
    mails: list[bytes] = []
    with listening() as post:
        worker = a_worker(
            tmp_path,
            EMAIL_URL=f"smtp://127.0.0.1:{post.getsockname()[1]}",
            ESTUARY_STAFF_MAIL="staff@estuary.example",
        )
        try:
            worker.wait_until(is_listening, "listening")
            staff_alerts.alert_staff("a_code", "Something to tell.")
            staff_alerts.alert_staff("another_code", "Something else.")
            first, _ = post.accept()
            worker.process.send_signal(signal.SIGTERM)
            worker.wait_until(lambda: not is_listening(), "stopping to listen")
            second = accept_another(post)
            mails += [take_mail(came) for came in (first, second) if came]
            assert worker.process.wait(timeout=120) == 0
        finally:
            worker.process.kill()
            worker.process.wait()
    assert b"Something to tell." in b"".join(mails)
    left = ProcrastinateJob.objects.filter(task_name="payments.alert_staff")
    assert not left.filter(status="doing").exists()
    assert left.count() == 2 - len(mails)
    forget_jobs()


def accept_another(post: socket.socket) -> socket.socket | None:
    """A worker with two jobs at once may have begun the second before it was told."""
    post.settimeout(2)
    try:
        return post.accept()[0]
    except TimeoutError:
        return None


def take_mail(wire: socket.socket) -> bytes:
    """Say what a mail server says, and return what was mailed."""
    with wire, wire.makefile("rb") as stream:
        wire.sendall(b"220 slow\r\n")
        for line in stream:
            if line.upper().startswith(b"DATA"):
                wire.sendall(b"354 go on\r\n")
                mail = b"".join(iter(stream.readline, b".\r\n"))
                wire.sendall(b"250 taken\r\n")
            elif line.upper().startswith(b"QUIT"):
                wire.sendall(b"221 bye\r\n")
                break
            else:
                wire.sendall(b"250 fine\r\n")
    return mail


def refuses(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=5).close()
    except ConnectionRefusedError:
        return True
    return False


def count(query: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute(query, [])
        return int(cursor.fetchone()[0])
