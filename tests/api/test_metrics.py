"""What Prometheus is told: by the web server to whoever has the token, and by the worker on a port of its own."""

from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from django.conf import settings
from django.db import connection
from django.test import Client
from prometheus_client.parser import text_string_to_metric_families

from estuary.common import clock
from estuary.common.observability import db_pools, metrics
from estuary.common.postgresql.admission import ANY, Admission, Busy, Claim
from estuary.payments import observability
from estuary.payments.inbox import processor
from estuary.payments.models import WebhookEvent
from estuary.payments.observability import DATABASE_GAUGES
from stripe_sandbox import Sandbox
from tests.api.test_unavailable import no_connection_left
from tests.factories import REFUNDING, make_staff, make_user, signed_in
from tests.flows import buying
from tests.flows.payments.webhooks.test_webhook import an_event, send, signed
from tests.sandbox_bridge import post_all, settle_everything

TOKEN = "a-token-for-prometheus"
type Sample = tuple[str, frozenset[tuple[str, str]]]
type Scrape = dict[Sample, float]

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def a_token(settings: Any) -> Iterator[None]:
    settings.METRICS_TOKEN = TOKEN
    DATABASE_GAUGES.forget()
    yield
    DATABASE_GAUGES.forget()


def ask(token: str = TOKEN) -> Any:
    return Client().get("/metrics", headers={"Host": "10.1.2.3:8000", "Authorization": f"Bearer {token}"})


def scraped() -> Scrape:
    """Return every sample by its name and its labels."""
    DATABASE_GAUGES.forget()
    families = text_string_to_metric_families(ask().content.decode())
    samples = (sample for family in families for sample in family.samples)
    return {(sample.name, frozenset(sample.labels.items())): sample.value for sample in samples}


def named(name: str, /, **labels: str) -> Sample:
    return f"estuary_{name}", frozenset(labels.items())


def grown(before: Scrape, name: str, /, **labels: str) -> float:
    return scraped().get(named(name, **labels), 0) - before.get(named(name, **labels), 0)


def test_nobody_is_told_without_the_token(settings: Any) -> None:
    assert ask().status_code == 200
    assert [ask(token).status_code for token in ("", "another-token", TOKEN + "x", "tökén")] == [404] * 4
    assert Client().get("/metrics").status_code == 404
    assert Client().post("/metrics", headers={"Authorization": f"Bearer {TOKEN}"}).status_code == 404
    settings.METRICS_TOKEN = ""
    assert [ask(token).status_code for token in ("", TOKEN)] == [404, 404]


def test_a_purchase_and_its_refund_are_counted_from_the_webhook_to_the_last_transition(
    stripe: Sandbox,
) -> None:
    before = scraped()
    buyer = signed_in(make_user())
    bought = buying.buy_credits(stripe, buyer)
    buying.refund(signed_in(make_staff("Ines Duarte", *REFUNDING)), bought)
    settle_everything(stripe)
    since = partial(grown, before)
    assert since("order_transitions_total", before="", after="pending") == 1
    assert since("order_transitions_total", before="pending", after="completed") == 1
    assert since("order_transitions_total", before="completed", after="refunded") == 1
    assert since("refunds_total", origin="staff", status="requested") == 1
    assert since("refunds_total", origin="staff", status="succeeded") == 1
    kept = WebhookEvent.objects.count()
    assert sum(since("events_settled_total", outcome=outcome) for outcome in ("done", "ignored")) == kept
    assert since("event_settled_seconds_count") == kept
    assert since("settle_batch_events_sum") == kept
    assert since("stripe_call_seconds_count", call="payment_intents.create", outcome="ok") == 1
    assert since("stripe_call_seconds_count", call="refunds.create", outcome="ok") == 1


def test_what_comes_to_the_webhook_is_counted_by_what_became_of_it(stripe: Sandbox) -> None:
    before = scraped()
    event, other = an_event(), an_event(id="evt_other", type="invoice.paid")
    for body in (event, event, other):
        send(body, signed(body))
    send(event, "t=1,v1=00")
    since = partial(grown, before, "events_received_total")
    assert since(type="known", outcome="kept") == 1
    assert since(type="known", outcome="repeated") == 1
    assert since(type="other", outcome="kept") == 1
    assert since(type="none", outcome="bad_signature") == 1


def test_what_waits_in_the_database_is_told_with_its_age(stripe: Sandbox) -> None:
    buyer = signed_in(make_user())
    buying.credits(buyer)
    body = an_event(type="invoice.paid")
    send(body, signed(body))
    WebhookEvent.objects.update(received_at=clock.now() - timedelta(minutes=10))
    samples = scraped()
    assert (samples[named("live_holds")], samples[named("inbox_pending")]) == (1, 1)
    assert 600 <= samples[named("inbox_oldest_seconds")] < 700
    assert (samples[named("inbox_dead")], samples[named("holds_overdue_seconds")]) == (0, 0)
    assert samples[named("database_reachable")] == 1
    processor.drain()
    assert scraped()[named("inbox_pending")] == 0


def test_of_a_long_backlog_enough_is_counted_to_tell_of_it_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(observability, "MAX_PENDING_COUNTED", 2)
    for number in range(3):
        body = an_event(id=f"evt_{number}", type="invoice.paid")
        send(body, signed(body))
    WebhookEvent.objects.filter(stripe_event_id="evt_0").update(
        received_at=clock.now() - timedelta(minutes=10)
    )
    samples = scraped()
    assert samples[named("inbox_pending")] == 2
    assert 600 <= samples[named("inbox_oldest_seconds")] < 700


def test_the_database_is_asked_once_however_many_scrape(django_assert_num_queries: Any) -> None:
    ask()
    with django_assert_num_queries(0):
        ask()


def test_while_the_database_does_not_answer_that_is_told_with_all_that_is_counted() -> None:
    with no_connection_left():
        samples = scraped()
    assert samples[named("database_reachable")] == 0
    assert named("inbox_pending") not in samples
    assert named("events_received_total", type="known", outcome="kept") in samples


def test_what_is_rolled_back_is_not_counted(stripe: Sandbox) -> None:
    buyer = signed_in(make_user())
    bought = buying.credits(buyer)
    before = scraped()
    buying.pay_only(stripe, bought)
    post_all(stripe)
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE orders_ordertransition ADD CONSTRAINT never CHECK (after <> 'completed')")
    try:
        processor.drain()
    finally:
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE orders_ordertransition DROP CONSTRAINT never")
    assert grown(before, "order_transitions_total", before="pending", after="completed") == 0
    assert grown(before, "events_settled_total", outcome="put_off") == 1
    WebhookEvent.objects.update(due_at=clock.now())
    processor.drain()
    assert grown(before, "order_transitions_total", before="pending", after="completed") == 1


def test_who_is_throttled_and_what_is_replayed_is_counted(stripe: Sandbox, settings: Any) -> None:
    before = scraped()
    buyer = signed_in(make_user())
    settings.PAYMENT_LIMIT = type(settings.PAYMENT_LIMIT)(2, timedelta(minutes=10))
    headers = {"Idempotency-Key": "again"}
    body = {"is_credit_purchase": True, "amount": "100.00", "currency": "usd"}
    answers = [buyer.post("/api/v1/payments/create/", body, format="json", headers=headers) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [201, 201, 429]
    assert grown(before, "idempotency_replays_total") == 1
    assert grown(before, "throttled_requests_total", limit="payment", code="too_many_requests") == 1


def test_who_waits_for_a_connection_and_who_gets_none_is_counted() -> None:
    db_pools.record_pools(seconds=0)
    before = scraped()
    catalogue = "/api/v1/services/"
    Client().get(catalogue)
    with no_connection_left():
        assert Client().get(catalogue).status_code == 503
        db_pools.record_pools(seconds=10)
    since = partial(grown, before, pool="default")
    assert since("db_pool_requests_total") >= 2
    assert since("db_pool_waits_total") >= 1
    assert since("db_pool_errors_total") >= 1
    assert (
        since("db_pool_busy_seconds_total")
        == 10 * settings.DATABASES["default"]["OPTIONS"]["pool"]["max_size"]
    )


def test_who_is_not_admitted_to_a_connection_is_counted_as_one_who_gets_none() -> None:
    before, admission = scraped(), Admission()
    permit = admission.acquire(Claim((ANY,)), 1)
    with pytest.raises(Busy):
        admission.acquire(Claim((ANY,), wait_left_s=0), 1)
    admission.release(permit)
    assert admission.acquire(Claim((ANY,), wait_left_s=0), 1) == permit
    assert grown(before, "db_pool_waits_total", pool="default") == 1
    assert grown(before, "db_pool_errors_total", pool="default") == 1


def test_no_label_has_a_value_that_a_caller_chooses() -> None:
    allowed = {
        "type",
        "outcome",
        "reason",
        "call",
        "job",
        "before",
        "after",
        "origin",
        "status",
        "limit",
        "code",
        "pool",
    }
    labels = {
        name for metric in metrics.REGISTRY.collect() for sample in metric.samples for name in sample.labels
    }
    assert labels <= allowed | {"le"}
