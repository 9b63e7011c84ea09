"""Prometheus at real processes: the web server's count as one, and the worker answers on a port of its own."""

import os
import re
import urllib.error
import urllib.request
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from demo.ports import free_port
from estuary.notifications import staff_alerts
from tests.flows.common.process.test_worker_process import Worker, is_listening
from tests.flows.payments.gateway.test_real_mode import database_url
from tests.flows.payments.webhooks.test_webhook_on_the_wire import Wire, serving
from tests.sandbox_bridge import forget_jobs
from tests.servers import wait_until

pytestmark = pytest.mark.django_db(transaction=True)

TOKEN = "a-token-for-prometheus"


def scrape(port: int, token: str = TOKEN) -> tuple[int, str]:
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/metrics", headers={"Authorization": f"Bearer {token}"}
    )
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as refused:
        return refused.code, ""


def value_of(text: str, sample: str) -> float:
    match = re.search(rf"^{re.escape(sample)} (\S+)$", text, re.MULTILINE)
    return float(match[1]) if match else 0.0


@pytest.fixture
def two_processes(transactional_db: None, tmp_path: Path) -> Iterator[Wire]:
    with serving(
        "--workers", "2", PROMETHEUS_MULTIPROC_DIR=str(tmp_path), ESTUARY_METRICS_TOKEN=TOKEN
    ) as wire:
        wait_until(lambda: len({name.split("_")[1] for name in os.listdir(tmp_path)}) == 2)
        yield wire


def test_the_processes_of_one_web_server_are_scraped_as_one(two_processes: Wire) -> None:
    for _ in range(20):
        assert two_processes.post("Content-Length: 2", b"{}") == 400
    refused = 'estuary_events_received_total{outcome="bad_signature",type="none"}'
    for _ in range(6):  # whichever answers
        status, text = scrape(two_processes.port)
        assert (status, value_of(text, refused), value_of(text, "estuary_database_reachable")) == (200, 20, 1)
    assert scrape(two_processes.port, "another")[0] == 404
    taken = (
        'estuary_db_pool_requests_total{pool="default"}'  # by the scrapes themselves, as told every second
    )
    wait_until(lambda: value_of(scrape(two_processes.port)[1], taken) > 0)


def test_the_worker_is_scraped_with_the_token_as_often_as_one_likes(tmp_path: Path) -> None:
    forget_jobs()
    port = free_port()
    url = f"{database_url()}&application_name=the%20worker"
    settings = {"ESTUARY_WORKER_METRICS_PORT": str(port), "ESTUARY_METRICS_TOKEN": TOKEN}
    worker = Worker(tmp_path / "worker.log", url, **settings)
    try:
        worker.wait_until(is_listening, "listening")
        staff_alerts.alert_staff("a_code", "Something to tell.")
        done = 'estuary_job_seconds_count{job="alert_staff"}'
        worker.wait_until(lambda: value_of(scrape(port)[1], done) == 1, "telling of the job")
        for _ in range(20):  # more often than there are connections
            status, text = scrape(port)
            assert (status, value_of(text, "estuary_database_reachable")) == (200, 1)
        assert list(map(partial(scrape, port), ("", "another"))) == [(404, "")] * 2
    finally:
        worker.process.kill()
        worker.process.wait()
