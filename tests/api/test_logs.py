"""What a line of the log in production says: JSON, with the request, the events or the job that it belongs to."""

import asyncio
import json
import logging
from collections.abc import Iterator
from io import StringIO
from typing import Any

import pytest
import structlog
from django.core.handlers.wsgi import WSGIHandler
from django.db import connection
from django.test import Client, RequestFactory
from procrastinate import jobs as of_procrastinate
from procrastinate.contrib.django import app
from procrastinate.contrib.django.models import ProcrastinateJob

from estuary.common.observability import logging as logs
from estuary.config.webhook_gateway import WebhookGateway
from estuary.notifications import staff_alerts
from estuary.payments import observability
from estuary.payments.inbox import processor
from estuary.payments.models import WebhookEvent
from stripe_sandbox import Sandbox
from tests.factories import make_user, signed_in
from tests.flows import buying
from tests.flows.payments.webhooks.test_webhook import an_event, send, signed
from tests.sandbox_bridge import WEBHOOK, deliver, forget_jobs, post_all

pytestmark = pytest.mark.django_db(transaction=True)

type Line = dict[str, Any]


class Log:
    """Production's log, from the last time that it was read."""

    def __init__(self, stream: StringIO) -> None:
        self._stream = stream

    def read(self) -> list[Line]:
        lines = [json.loads(line) for line in self._stream.getvalue().splitlines()]
        self._stream.seek(0)
        self._stream.truncate()
        return lines


@pytest.fixture
def log(transactional_db: None) -> Iterator[Log]:
    stream = StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(logs.build_formatter(logs.JSON))
    logging.getLogger().addHandler(handler)
    yield Log(stream)
    logging.getLogger().removeHandler(handler)


@pytest.mark.parametrize("path", ["/api/v1/orders/", "/api/v1/nothing-here/", "/api/v1/payments/webhook/"])
def test_all_lines_of_a_request_and_its_answer_and_its_problem_tell_one_name(log: Log, path: str) -> None:
    answer = Client().get(path)
    lines = log.read()
    request_ids = {line.get("request_id") for line in lines}
    assert answer.status_code >= 400 and len(lines) >= 2
    assert {line["event"] for line in lines} >= {"request_started", "request_finished"}
    assert {line["logger"] for line in lines} >= {"django.request"}  # what Django says afterwards
    assert request_ids == {answer["X-Request-ID"]}
    if answer.headers["Content-Type"] == "application/problem+json":
        assert answer.json()["request_id"] == answer["X-Request-ID"]


def test_the_log_line_of_a_refused_request_has_the_errors_code(log: Log) -> None:
    body = {"is_credit_purchase": True, "amount": "5.00", "success_url": "https://elsewhere.example/"}
    Client().get("/api/v1/orders/")
    signed_in(make_user()).post(buying.CREATE, body)
    Client().get("/api/v1/nothing-here/")
    ends = [line for line in log.read() if line["event"] == "request_finished"]
    assert [(line["code"], line["error_code"]) for line in ends] == [
        (401, "not_authenticated"),
        (400, "unsafe_return_url"),
        (404, "not_found"),
    ]
    Client().get("/api/v1/services/")
    [end] = [line for line in log.read() if line["event"] == "request_finished"]
    assert "error_code" not in end


@pytest.mark.parametrize("path", ["/api/v1/orders/", WEBHOOK])
def test_the_name_that_a_proxy_of_ours_gave_a_request_stands(log: Log, settings: Any, path: str) -> None:
    settings.TRUSTED_PROXIES = 1
    assert named(path, "from-the-proxy.1") == "from-the-proxy.1"
    assert {line["request_id"] for line in log.read()} <= {"from-the-proxy.1"}
    for odd in ("short", "x" * 65, "two words here", "línea-nueva-1", "-leading-dash"):
        assert named(path, odd) != odd


@pytest.mark.parametrize("path", ["/api/v1/orders/", WEBHOOK])
@pytest.mark.parametrize("proxies", [None, 0])
def test_nobody_names_a_request_where_no_proxy_stands(
    log: Log, settings: Any, path: str, proxies: int | None
) -> None:
    settings.TRUSTED_PROXIES = proxies
    assert named(path, "made-up-by-anyone") != "made-up-by-anyone"
    assert "made-up-by-anyone" not in {line.get("request_id") for line in log.read()}


def named(path: str, name: str) -> str:
    """Send a request through the web server's own door, with a name; returns that of the answer."""
    response_headers: dict[str, str] = {}

    def start_response(status: str, headers: list[tuple[str, str]], *_: Any) -> Any:
        response_headers.update(headers)

    method = "POST" if path == WEBHOOK else "GET"
    environ = RequestFactory().generic(method, path, headers={"X-Request-ID": name}).environ
    list(WebhookGateway(WSGIHandler())(environ, start_response))
    return response_headers["X-Request-ID"]


def test_the_lines_between_two_requests_belong_to_none(log: Log) -> None:
    Client().get("/api/v1/orders/")
    log.read()
    structlog.get_logger("estuary").warning("afterwards")
    [line] = log.read()
    assert "request_id" not in line


def test_each_call_to_stripe_tells_its_time_its_outcome_and_stripe_s_own_name_for_it(
    stripe: Sandbox, log: Log
) -> None:
    buying.credits(signed_in(make_user()))  # the first of a process asks who the owner is, who is nobody yet
    buyer = signed_in(make_user())
    log.read()
    answer = buyer.post(buying.CREATE, {"is_credit_purchase": True, "amount": "100.00"})
    calls = [line for line in log.read() if line["event"] == "stripe_called"]
    assert "payment_intents.create" in [call["call"] for call in calls]
    for call in calls:
        assert (call["outcome"], call["request_id"]) == ("ok", answer["X-Request-ID"])
        assert call["stripe_request_id"].startswith("req_") and call["seconds"] >= 0
    assert len({call["stripe_request_id"] for call in calls}) == len(calls)


def test_a_call_that_fails_tells_as_what(stripe: Sandbox, log: Log) -> None:
    buyer = signed_in(make_user())
    stripe.faults.add("timeout_before", "POST /v1/payment_intents")
    buyer.post(buying.CREATE, {"is_credit_purchase": True, "amount": "100.00"})
    [call] = [
        line for line in log.read() if line.get("call") == "payment_intents.create" and "outcome" in line
    ]
    assert (call["outcome"], call["stripe_request_id"]) == ("payment_service_unavailable", "")


def test_every_line_of_a_batch_names_its_events_and_of_one_alone_that_one(stripe: Sandbox, log: Log) -> None:
    for name in ("evt_bad", "evt_fine"):
        kind = "payment_intent.succeeded" if name == "evt_bad" else "invoice.paid"
        body = an_event(id=name, type=kind)  # the bad one's payment lacks everything
        assert send(body, signed(body)).status_code == 200
    log.read()
    processor.drain()
    lines = {line["event"]: line for line in log.read()}
    assert lines["inbox_batch_failed"]["stripe_events"] == "evt_bad evt_fine"
    assert lines["inbox_event_failed"]["stripe_events"] == "evt_bad"
    assert WebhookEvent.objects.get(stripe_event_id="evt_fine").status == "ignored"


def test_what_is_fetched_for_an_event_is_told_with_it(stripe: Sandbox, log: Log) -> None:
    buying.pay_only(stripe, buying.credits(signed_in(make_user())))
    post_all(stripe)
    rows = WebhookEvent.objects.filter(type="payment_intent.succeeded")
    rows.update(api_version="2020-01-01")
    with connection.cursor() as cursor:
        cursor.execute(
            'UPDATE payments_webhookevent SET payload = payload || \'{"api_version": "2020-01-01"}\''
        )
    log.read()
    processor.drain()
    fetched = [line for line in log.read() if line["event"] == "stripe_called"]
    assert rows.get().stripe_event_id in {line["stripe_events"] for line in fetched}
    assert deliver(stripe) == []


def test_every_line_of_a_job_has_its_number_and_its_name(log: Log, settings: Any) -> None:
    forget_jobs()
    staff_alerts.alert_staff("a_code", "Something to tell.")
    [waiting] = ProcrastinateJob.objects.filter(task_name="payments.alert_staff")
    log.read()

    async def work() -> None:
        with app.replace_connector(app.connector.get_worker_connector()) as working:  # type: ignore[attr-defined]
            async with working.open_async():
                await working.run_worker_async(
                    wait=False,
                    install_signal_handlers=False,
                    worker_middleware=[observability.observe_job, speaking],
                )

    asyncio.run(work())
    [line] = [line for line in log.read() if line["event"] == "in_a_job" and line["job"] == "alert_staff"]
    assert line["job_id"] == waiting.id
    assert ProcrastinateJob.objects.get(pk=waiting.pk).status == of_procrastinate.Status.SUCCEEDED.value


async def speaking(run: Any, context: Any, worker: Any) -> Any:
    """Say something where a job would, in a thread of its own."""
    await asyncio.to_thread(structlog.get_logger("estuary.job").warning, "in_a_job")
    return await run()
