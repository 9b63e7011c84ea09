"""The door for Stripe's events: only what Stripe signed, each event once, and never a wait."""

import json
import time
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.http import HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings
from rest_framework.test import APIClient

from estuary.common import clock
from estuary.orders.models import Order
from estuary.payments.doctor import SAFETY, run_checks
from estuary.payments.inbox import leases, processor
from estuary.payments.models import WebhookEvent
from stripe_sandbox import Delivery, Sandbox
from stripe_sandbox.webhook_queue import signature
from tests.flows import buying
from tests.flows.buying import pay_only, status_of
from tests.sandbox_bridge import SECRET, WEBHOOK, deliver, post_all, post_event, run_jobs, settle_everything

pytestmark = pytest.mark.django_db(transaction=True)

EVENT: dict[str, Any] = {
    "id": "evt_1",
    "object": "event",
    "type": "payment_intent.succeeded",
    "api_version": "2026-10-28.endive",
    "created": 1_790_000_000,
    "livemode": False,
    "data": {"object": {"id": "pi_foreign", "object": "payment_intent"}},
}


def send(body: bytes, header: str | None) -> HttpResponse:
    headers = {} if header is None else {"Stripe-Signature": header}
    browser = Client(enforce_csrf_checks=True, raise_request_exception=False)
    return browser.post(WEBHOOK, data=body, content_type="application/json", headers=headers)  # type: ignore[return-value]


def signed(body: bytes, secret: str = SECRET, at: float | None = None) -> str:
    return signature(body, secret, int(time.time() if at is None else at))


def an_event(**changes: Any) -> bytes:
    return json.dumps(EVENT | changes).encode()


def code(answer: HttpResponse) -> tuple[int, str]:
    problem = json.loads(answer.content)
    assert len(problem["detail"].split()) > 2
    return answer.status_code, problem["code"]


def test_a_signed_event_is_durable_before_the_answer_and_needs_no_csrf_token(stripe: Sandbox) -> None:
    answer = send(an_event(), signed(an_event()))
    assert (answer.status_code, json.loads(answer.content)) == (200, {"received": True})
    row = WebhookEvent.objects.get()
    assert (row.stripe_event_id, row.status, row.attempts) == ("evt_1", "pending", 0)


BODY = an_event()
OTHER = an_event(id="evt_2")


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "nonsense",
        "t=abc,v1=abc",
        "v1=" + "0" * 64,
        signed(BODY, "whsec_anotherhouse"),
        signed(OTHER),
        signed(BODY, at=time.time() - 3600),
        signed(BODY, at=time.time() + 3600),
        signed(BODY).replace("v1=", "v1=é"),
        signed(BODY).replace("v1=", "v0="),
        "t=99999999999999999999,v1=" + "0" * 64,
        "," * 2000,
    ],
    ids=[
        "none",
        "empty",
        "nonsense",
        "no time",
        "no timestamp",
        "another secret",
        "another body",
        "old",
        "future",
        "not ASCII",
        "old scheme",
        "overflow",
        "commas",
    ],
)
def test_what_stripe_did_not_sign_just_now_is_refused_and_writes_nothing(
    stripe: Sandbox, header: str | None
) -> None:
    with CaptureQueriesContext(connection) as queries:
        assert code(send(BODY, header)) == (400, "bad_signature")
    assert not WebhookEvent.objects.exists()
    assert not [query for query in queries if "INSERT" in query["sql"]]


def test_while_secrets_rotate_either_passes(stripe: Sandbox, settings: Settings) -> None:
    settings.STRIPE_WEBHOOK_SECRETS = ["whsec_thenewone", SECRET]
    for number, secret in enumerate(["whsec_thenewone", SECRET]):
        body = an_event(id=f"evt_{number}")
        assert send(body, signed(body, secret)).status_code == 200
    assert code(send(BODY, signed(BODY, "whsec_athird"))) == (400, "bad_signature")
    both = signed(BODY, "whsec_athird") + "," + signed(BODY).split(",")[1]
    assert send(BODY, both).status_code == 200


def test_an_oversized_body_is_refused_before_it_is_hashed(stripe: Sandbox) -> None:
    body = an_event(data={"object": {"id": "x" * 300_000}})
    assert code(send(body, signed(body))) == (413, "body_too_large")
    assert not WebhookEvent.objects.exists()


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"not json",
        b"[]",
        b"null",
        b'"evt"',
        b"{}",
        an_event(id=7),
        an_event(created="yesterday"),
        an_event(created=10**20),
        an_event(data={"object": {"id": "\x00"}}),
        an_event().replace(b'"pi_foreign"', b"NaN"),
        an_event().replace(b"pi_foreign", b"\\ud800"),
        b"[" * 100_000,
        an_event().replace(b'"pi_foreign"', b'{"id": ' * 300 + b"1" + b"}" * 300),
    ],
)
def test_what_is_signed_but_no_event_is_refused(stripe: Sandbox, body: bytes) -> None:
    assert code(send(body, signed(body))) == (400, "not_an_event")
    assert not WebhookEvent.objects.exists()


@pytest.mark.parametrize("name", ["C:\\u0000", "\\u0000", "\\\\u0000", "ends in \\"])
def test_a_text_that_only_spells_a_character_no_database_can_hold_is_kept(stripe: Sandbox, name: str) -> None:
    body = an_event(data={"object": {"id": "pi_foreign", "object": "payment_intent", name: {"name": [name]}}})
    assert send(body, signed(body)).status_code == 200
    assert WebhookEvent.objects.get().payload["data"]["object"][name] == {"name": [name]}


@pytest.mark.parametrize("odd", [b"\\u0000", b"\\\\\\u0000", b"C:\\\\u0000 and \\u0000"])
def test_a_character_that_no_database_can_hold_is_refused_wherever_it_is(stripe: Sandbox, odd: bytes) -> None:
    for place in (b'"pi_foreign"', b'"evt_1"', b'"data"'):
        body = an_event().replace(
            place, b'"' + odd + b'"' if place != b'"data"' else b'"x%s": [], "data"' % odd
        )
        assert code(send(body, signed(body))) == (400, "not_an_event")
    assert not WebhookEvent.objects.exists()


def test_a_card_number_right_after_a_letter_of_another_alphabet_is_not_kept(stripe: Sandbox) -> None:
    text = "Карта4242424242424242, €4000000000000002"
    body = an_event(data={"object": {"id": "pi_foreign", "object": "payment_intent", "description": text}})
    assert send(body, signed(body)).status_code == 200
    kept = WebhookEvent.objects.get().payload["data"]["object"]["description"]
    assert kept == "Карта[redacted], €[redacted]"


def test_only_post_is_answered(stripe: Sandbox) -> None:
    assert Client().get(WEBHOOK).status_code == 405


def test_an_event_that_comes_many_times_is_one_row_and_one_effect(stripe: Sandbox, buyer: APIClient) -> None:
    order = buying.credits(buyer)
    pay_only(stripe, order)
    for delivery in stripe.take_deliveries():
        for _ in range(3):
            assert post_event(delivery) == 200
        processor.drain()
        assert post_event(delivery) == 200
    assert processor.drain() == 0
    ids = list(WebhookEvent.objects.values_list("stripe_event_id", flat=True))
    assert len(ids) == len(set(ids)) > 0
    assert buying.balance(buyer) == "100.00"


def test_the_view_makes_one_insert_and_nothing_else(stripe: Sandbox) -> None:
    header = signed(BODY)
    for _ in range(2):
        with CaptureQueriesContext(connection) as queries:
            assert send(BODY, header).status_code == 200
        assert [query["sql"].split()[0] for query in queries] == ["INSERT"]


def test_an_unknown_type_is_recorded_and_of_no_concern(stripe: Sandbox) -> None:
    body = an_event(type="topup.created")
    assert send(body, signed(body)).status_code == 200
    processor.drain()
    row = WebhookEvent.objects.get()
    assert (row.status, row.outcome, row.type) == ("ignored", "no concern of ours", "topup.created")


def test_a_payment_that_is_not_ours_is_left_alone(stripe: Sandbox) -> None:
    stripe_own = {"amount": 500, "currency": "usd"}
    intent = {"id": "pi_foreign", "object": "payment_intent", "status": "succeeded", "amount_received": 500}
    body = an_event(data={"object": intent | stripe_own})
    assert send(body, signed(body)).status_code == 200
    processor.drain()
    assert (WebhookEvent.objects.get().status, WebhookEvent.objects.get().outcome) == ("ignored", "not ours")
    assert stripe.requests == []


def test_a_payment_of_another_mode_is_left_alone(stripe: Sandbox, buyer: APIClient) -> None:
    order = buying.credits(buyer)
    pay_only(stripe, order)
    for delivery in stripe.take_deliveries():
        body = json.dumps(json.loads(delivery.body) | {"livemode": True}).encode()
        assert send(body, signed(body)).status_code == 200
    processor.drain()
    assert (status_of(order), set(WebhookEvent.objects.values_list("status", flat=True))) == (
        "pending",
        {"ignored"},
    )


def test_no_client_secret_is_ever_stored(stripe: Sandbox, buyer: APIClient) -> None:
    order = buying.credits(buyer)
    stripe.control.confirm(order["payment_intent_id"], card=buying.CHALLENGED)
    stripe.control.complete_challenge(order["payment_intent_id"])
    deliveries = stripe.take_deliveries()
    assert any(order["client_secret"].encode() in delivery.body for delivery in deliveries)
    for delivery in deliveries:
        post_event(delivery)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM payments_webhookevent WHERE payload::text LIKE '%%\\_secret\\_%%'"
        )
        assert cursor.fetchone() == (0,)
    processor.drain()
    assert status_of(order) == "completed"


@pytest.mark.parametrize(
    "odd",
    [
        pytest.param({"description": "_secret_ and client_secret"}, id="words_alone"),
        pytest.param({"description": "see pi_1Abc_secret_xYz123456"}, id="in_a_text"),
        pytest.param({"metadata": {"pi_1Abc_secret_xYz123456": "1"}}, id="in_a_name"),
    ],
)
def test_a_secret_is_taken_out_wherever_it_stands_and_mere_words_trouble_nobody(
    stripe: Sandbox, odd: dict[str, Any]
) -> None:
    body = json.dumps(EVENT | {"data": {"object": EVENT["data"]["object"] | odd}}).encode()
    assert send(body, signed(body)).status_code == 200
    assert "xYz123456" not in json.dumps(WebhookEvent.objects.get().payload)
    assert not run_checks(SAFETY, at=clock.now()).violations


def test_an_event_in_another_version_is_a_hint_and_the_object_is_fetched(
    stripe: Sandbox, buyer: APIClient
) -> None:
    order = buying.credits(buyer)
    pay_only(stripe, order)
    calls_before = len(stripe.requests)
    for delivery in stripe.take_deliveries():
        if delivery.type == "payment_intent.succeeded":
            older: dict[str, Any] = json.loads(delivery.body) | {"api_version": "2019-05-16"}
            older["data"]["object"] = {"id": order["payment_intent_id"], "object": "payment_intent"}
            body = json.dumps(older).encode()
            assert send(body, signed(body)).status_code == 200
    processor.drain()
    assert status_of(order) == "completed"
    assert [sent.method for sent in stripe.requests[calls_before:]] == ["GET"]


def poison(delivery: Delivery) -> bytes:
    """An event whose object lacks what every payment has."""
    broken = json.loads(delivery.body) | {"id": "evt_poison", "type": "payment_intent.succeeded"}
    broken["data"] = {"object": {"object": "payment_intent", "id": "pi_poison"}}
    return json.dumps(broken).encode()


def test_a_poison_event_stands_alone_is_put_off_and_dies_in_the_end(
    stripe: Sandbox, buyer: APIClient, settings: Settings, mailoutbox: list[Any]
) -> None:
    settings.STAFF_MAIL = "staff@estuary.example"
    order = buying.credits(buyer)
    pay_only(stripe, order)
    deliveries = stripe.take_deliveries()
    bad = poison(deliveries[0])
    assert send(bad, signed(bad)).status_code == 200
    for delivery in deliveries:
        post_event(delivery)
    processor.drain()
    row = WebhookEvent.objects.get(stripe_event_id="evt_poison")
    assert (row.status, row.attempts, "KeyError" in row.error) == ("pending", 1, True), row.error
    assert row.due_at > clock.now()
    assert (status_of(order), buying.balance(buyer)) == ("completed", "100.00")
    assert processor.drain() == 0
    for _ in range(processor.MAX_ATTEMPTS - 1):
        WebhookEvent.objects.filter(pk=row.pk).update(due_at=clock.now() - timedelta(seconds=1))
        assert processor.drain() == 1
    row.refresh_from_db()
    assert (row.status, row.attempts) == ("dead", processor.MAX_ATTEMPTS)
    run_jobs()
    assert [mail for mail in mailoutbox if "event_dead" in mail.subject]
    assert processor.drain() == 0


def test_events_can_be_replayed_without_harm_and_dead_ones_come_to_life(
    stripe: Sandbox, buyer: APIClient
) -> None:
    order = buying.credits(buyer)
    pay_only(stripe, order)
    settle_everything(stripe)
    count = WebhookEvent.objects.count()
    WebhookEvent.objects.update(status="dead", attempts=processor.MAX_ATTEMPTS)
    assert processor.replay(list(WebhookEvent.objects.all())) == count
    assert processor.drain() == count
    assert set(WebhookEvent.objects.values_list("status", flat=True)) <= {"done", "ignored"}
    assert (status_of(order), buying.balance(buyer)) == ("completed", "100.00")


def test_an_event_whose_worker_died_is_claimed_again_when_its_lease_is_over(
    stripe: Sandbox, buyer: APIClient
) -> None:
    order = buying.credits(buyer)
    pay_only(stripe, order)
    post_all(stripe)
    assert leases.claim_events(100)
    assert processor.drain() == 0
    WebhookEvent.objects.update(due_at=clock.now() - timedelta(seconds=1))
    processor.drain()
    assert status_of(order) == "completed"


def pay_another_amount(stripe: Sandbox, buyer: APIClient) -> buying.Json:
    """Pay 50.00 where 100.00 are due."""
    order = buying.credits(buyer)
    intent = stripe.state.store.payment_intents.get(order["payment_intent_id"])
    assert intent is not None
    intent["amount"] = 5000
    pay_only(stripe, order)
    return order


def test_money_that_is_not_what_was_asked_for_is_quarantined_and_refunded(
    stripe: Sandbox, buyer: APIClient
) -> None:
    pay_another_amount(stripe, buyer)
    settle_everything(stripe)
    order = Order.objects.get()
    assert (order.status, order.captured_minor, buying.balance(buyer)) == ("canceled", 0, "0.00")
    assert [(refund.is_unmatched, refund.status, refund.card_minor) for refund in order.refunds.all()] == [
        (True, "succeeded", 5000)
    ]


def test_money_in_another_currency_goes_back_in_its_own(stripe: Sandbox, buyer: APIClient) -> None:
    order = buying.credits(buyer)
    intent = stripe.state.store.payment_intents.get(order["payment_intent_id"])
    assert intent is not None
    intent["currency"] = "eur"
    pay_only(stripe, order)
    settle_everything(stripe)
    [refund] = Order.objects.get().refunds.all()
    assert (refund.is_unmatched, refund.status, refund.card_minor, refund.currency) == (
        True,
        "succeeded",
        10000,
        "eur",
    )


def test_a_wrong_payment_that_staff_have_refunded_in_the_dashboard_needs_no_second_refund(
    stripe: Sandbox, buyer: APIClient, mailoutbox: list[object]
) -> None:
    order = pay_another_amount(stripe, buyer)
    deliver(stripe)  # our refund is asked for, and its job waits
    stripe.control.refund(order["payment_intent_id"])
    run_jobs()  # what staff were told of the wrong payment
    mails_before = len(mailoutbox)
    settle_everything(stripe)
    refunds = Order.objects.get().refunds.order_by("pk")
    assert [(refund.is_unmatched, refund.origin, refund.status) for refund in refunds] == [
        (True, "automatic", "failed"),
        (True, "dashboard", "succeeded"),
    ]
    assert len(mailoutbox) == mails_before  # the money is back: nobody is promised any more
