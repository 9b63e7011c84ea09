"""No key, client secret, token or card number is ever in a log, an error, a mail or a row."""

import json
import re
import sys
import time
from datetime import timedelta
from typing import Any

import pytest
import structlog
from django.core import mail
from django.test import Client, RequestFactory
from django.utils.module_loading import import_string
from pytest_django import Settings
from rest_framework.test import APIClient

from estuary.accounts.models import User
from estuary.common import clock
from estuary.common.observability import redaction
from estuary.common.observability.redaction import RedactingReporter, redact
from estuary.orders.models import Order
from estuary.payments.customers import payment_methods
from estuary.payments.inbox import processor
from estuary.payments.models import WebhookEvent
from estuary.payments.refunds import request_refund as refunds
from stripe_sandbox import Sandbox
from stripe_sandbox.webhook_queue import signature
from tests.api.staff import admin_client
from tests.factories import signed_in
from tests.flows import buying
from tests.flows.buying import CHALLENGED, CREATE, DECLINED, NO_FUNDS, pay
from tests.flows.sentinels import CARDS, Everything, everything, secrets
from tests.sandbox_bridge import SECRET, WEBHOOK, settle_everything

pytestmark = pytest.mark.django_db(transaction=True)

SETUP = "/api/v1/payments/methods/setup/"


@pytest.fixture(autouse=True)
def alert_recipients(settings: Settings) -> None:
    settings.STAFF_MAIL, settings.ADMINS = "staff@estuary.example", ["admins@estuary.example"]
    settings.DEBUG = False


def token_of(buyer: APIClient) -> str:
    return str(buyer._credentials["HTTP_AUTHORIZATION"]).removeprefix("Bearer ")  # type: ignore[attr-defined]


def careless_text(sentinels: list[str]) -> str:
    """What a careless bug, or a careless Stripe, might say."""
    return " and ".join(sentinels) + " and Bearer " + sentinels[-1]


def buying_in_every_way(stripe: Sandbox, buyer: APIClient) -> None:
    order = buying.credits(buyer)
    for number in (DECLINED, NO_FUNDS):
        pay(stripe, order, number)
    stripe.control.confirm(order["payment_intent_id"], card=CHALLENGED)
    stripe.control.complete_challenge(order["payment_intent_id"])
    settle_everything(stripe)
    pay(stripe, buying.credits(buyer, "20.00", payment_type="checkout"))
    setup = buyer.post(SETUP, headers={"Idempotency-Key": "one"}).json()
    stripe.control.confirm_setup(setup["setup_intent_id"], card=DECLINED)
    settle_everything(stripe)
    body = {"is_credit_purchase": True, "amount": "30.00"}
    for _ in range(2):
        assert buyer.post(CREATE, body, headers={"Idempotency-Key": "two"}).status_code == 201
    [card, *_] = buying.cards(buyer)
    buying.credits(buyer, "40.00", payment_method_id=card["id"])
    settle_everything(stripe)


def stripe_says_too_much(stripe: Sandbox, buyer: APIClient, text: str) -> None:
    for number, fault in enumerate(["refuse", "revoked_key", "error_before", "timeout_after", "error_saved"]):
        stripe.faults.add(fault, "POST /v1/payment_intents", message=text)
        answer = buyer.post(CREATE, {"is_credit_purchase": True, "amount": f"5{number}.00"})
        assert answer.status_code == (409 if fault == "refuse" else 503), answer.json()
        for _ in range(2):  # what was made all the same is found again, and ended
            buyer.post(CREATE, {"is_credit_purchase": True, "amount": f"6{number}.00"})
        stripe.faults.clear()
    settle_everything(stripe)


def events_with_secrets(text: str) -> None:
    """A forged one, one that no handler understands, and one that carries secrets where nobody expects them."""
    poison = {"id": "evt_poison", "object": "payment_intent", "status": text, "description": text}
    event = {
        "id": "evt_canary",
        "type": "payment_intent.succeeded",
        "api_version": "2026-10-28.endive",
        "created": 1_790_000_000,
        "livemode": False,
        "data": {"object": {**poison, "nested": [{"client_secret": text, "number": text}]}},
    }
    body = json.dumps(event).encode()
    for secret, expected in (("whsec_of_a_forger_of_signatures", 400), (SECRET, 200)):
        headers = {"Stripe-Signature": signature(body, secret, int(time.time()))}
        answer = Client().post(WEBHOOK, data=body, content_type="application/json", headers=headers)
        assert answer.status_code == expected
    processor.drain()
    assert WebhookEvent.objects.get(stripe_event_id="evt_canary").error


def a_bug_of_the_worker(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """An event that fails with everything in its error, until it is dead and staff are told."""

    def broken(payload: Any) -> Any:
        raise RuntimeError(f"can't settle {text}")

    with monkeypatch.context() as patched:
        patched.setattr(processor, "read_event", broken)
        # Its last try, and it is due.
        dying = WebhookEvent.objects.filter(stripe_event_id="evt_canary")
        dying.update(
            status="pending", attempts=processor.MAX_ATTEMPTS - 1, due_at=clock.now() - timedelta(minutes=1)
        )
        processor.drain()
    assert dying.get().status == "dead"
    assert "RuntimeError" in dying.get().error


def requests_with_secrets(buyer: APIClient, sentinels: list[str]) -> None:
    for sentinel in sentinels:
        buyer.get("/api/v1/orders/", {"payment_intent_client_secret": sentinel})
        buyer.get("/nowhere/", {"token": sentinel})
        for body in (
            {"is_credit_purchase": True, "amount": sentinel},
            {"is_credit_purchase": True, "amount": "60.00", "service_data": {"note": sentinel}},
            {"is_credit_purchase": True, "amount": "60.00", "payment_type": sentinel},
            {
                "is_credit_purchase": True,
                "amount": "60.00",
                "success_url": f"https://evil.example/{sentinel}",
            },
        ):
            assert buyer.post(CREATE, body).status_code == 400
        key = buyer.post(
            CREATE, {"is_credit_purchase": True, "amount": "70.00"}, headers={"Idempotency-Key": sentinel}
        )
        assert key.status_code == 400, key.json()


def a_bug(buyer: APIClient, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """An unhandled error whose message, and whose variables, say everything."""

    def broken(user: User) -> Any:
        message = text
        raise RuntimeError(f"can't go on with {message}")

    quiet = APIClient(raise_request_exception=False)
    quiet.credentials(**buyer._credentials)  # type: ignore[attr-defined]
    with monkeypatch.context() as patched:
        patched.setattr(payment_methods, "saved_cards", broken)
        answer = quiet.get(buying.METHODS)
    assert (answer.status_code, answer.json()["code"]) == (500, "internal_error")


def staff_look_at_all_of_it(text: str) -> None:
    browser = admin_client()
    order = Order.objects.filter(captured_minor__gt=0).first()
    assert order is not None
    refunds.request_refund(order=order, amount_minor=500, reason=text[:150])
    for model in ("orders_order", "payments_webhookevent", "payments_refund", "payments_paymentmethod"):
        app, name = model.split("_")
        assert browser.get(f"/admin/{app}/{name}/").status_code == 200
    for event in WebhookEvent.objects.all():
        assert browser.get(f"/admin/payments/webhookevent/{event.pk}/change/").status_code == 200
    assert browser.get(f"/admin/orders/order/{order.pk}/change/").status_code == 200


def play_everything(
    stripe: Sandbox, maya: User, monkeypatch: pytest.MonkeyPatch
) -> tuple[Everything, list[str]]:
    with everything() as record:
        buyer = signed_in(maya)
        buying_in_every_way(stripe, buyer)
        sentinels = secrets(stripe, token_of(buyer))
        shaped = [sentinel for sentinel in sentinels if redact(sentinel) != sentinel]
        text = careless_text(shaped)
        stripe_says_too_much(stripe, buyer, text)
        events_with_secrets(text)
        a_bug_of_the_worker(text, monkeypatch)
        requests_with_secrets(buyer, shaped)
        a_bug(buyer, text, monkeypatch)
        staff_look_at_all_of_it(text)
        settle_everything(stripe)
    return record, secrets(stripe, token_of(buyer))


def test_no_secret_is_anywhere(stripe: Sandbox, maya: User, monkeypatch: pytest.MonkeyPatch) -> None:
    record, sentinels = play_everything(stripe, maya, monkeypatch)
    assert len(sentinels) > 10
    places = {place.partition(" ")[0] for place, text in record.texts() if text}
    assert places == {"log", "answer", "mail", "row"}
    assert "internal_error" in str(record.answers) and "stripe_refused_our_key" in record.logs.getvalue()
    assert not any("Traceback" in sent.body for sent in mail.outbox), "a mail was sent within a request"
    assert redaction.REDACTED in record.logs.getvalue()
    assert record.hits(sentinels) == []


def test_a_report_of_an_error_names_no_secret(stripe: Sandbox, settings: Settings) -> None:
    """What Django's debug page, or a mail to admins, would say of an error."""
    assert import_string(settings.DEFAULT_EXCEPTION_REPORTER) is RedactingReporter
    sentinels = [sentinel for sentinel in secrets(stripe) if redact(sentinel) != sentinel]
    try:
        message = careless_text(sentinels)
        raise RuntimeError(f"can't go on with {message}")
    except RuntimeError:
        request = RequestFactory().get("/", {"key": sentinels[0]})
        reporter = RedactingReporter(request, *sys.exc_info())
        reports = [str(reporter.get_traceback_html()), str(reporter.get_traceback_text())]
    assert len(sentinels) > 3
    for report in reports:
        assert "RuntimeError" in report and redaction.REDACTED in report
        assert [sentinel for sentinel in sentinels if sentinel in report] == []


def test_without_redaction_the_sentinels_are_found(
    stripe: Sandbox, maya: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The test above can fail: in logs, answers, mails and rows."""
    monkeypatch.setattr(redaction, "SECRET", re.compile("(?P<key>)(?P<secret>)(?P<bearer>)(?!)"))
    monkeypatch.setattr(redaction, "JWT", re.compile("(?!)"))
    monkeypatch.setattr(redaction, "find_card_numbers", lambda _: [])
    with everything() as record:
        buyer = signed_in(maya)
        pay(stripe, buying.credits(buyer))
        sentinels = secrets(stripe, token_of(buyer))
        text = careless_text(sentinels)
        stripe_says_too_much(stripe, buyer, text)
        events_with_secrets(text)
        a_bug(buyer, text, monkeypatch)
    hit = {place.partition(" ")[0] for place, _, _ in record.hits(sentinels)}
    assert hit == {"log", "answer", "mail", "row"}
    assert {sentinel for _, sentinel, _ in record.hits(sentinels)} == set(sentinels)
    WebhookEvent.objects.all().delete()


@pytest.mark.parametrize("place", ["log", "answer", "mail", "row"])
def test_a_planted_leak_is_found_wherever_it_is(
    stripe: Sandbox, maya: User, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    with everything() as record:
        sentinel = secrets(stripe)[0]
        if place == "log":
            monkeypatch.setattr(redaction, "redact", lambda text: text)
            structlog.get_logger("leak").info("paying", key=sentinel)
        elif place == "answer":
            User.objects.filter(pk=maya.pk).update(first_name=sentinel)
            admin_client().get(f"/admin/accounts/user/{maya.pk}/change/")
            User.objects.filter(pk=maya.pk).update(first_name="Maya")
        elif place == "mail":
            mail.send_mail("Hello", f"your key is {sentinel}", None, ["a@estuary.example"])
        else:
            User.objects.filter(pk=maya.pk).update(last_name=sentinel)
    assert {where.partition(" ")[0] for where, _, _ in record.hits([sentinel])} == {place}
    User.objects.filter(pk=maya.pk).update(last_name="")


@pytest.mark.parametrize("number", CARDS)
def test_card_numbers_go_and_other_numbers_stay(number: str) -> None:
    assert redact(f"paid with {number}.") == "paid with [redacted]."
    assert redact(f"paid with {number[:-1]}{(int(number[-1]) + 1) % 10}.") != "paid with [redacted]."
    for harmless in (
        "1790000000",
        "ord_4242424242424242",
        "1790000000123",
        "12.4242424242424242",
        "2026-11-23",
    ):
        assert redact(harmless) == harmless


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("sk_live_51HabcdefGHIJ", "sk_live_[redacted]"),
        ("rk_test_51HabcdefGHIJ", "rk_test_[redacted]"),
        ("whsec_0123456789abcdef", "whsec_[redacted]"),
        ("/pay/?x=pi_3Abc_secret_xYz123456&y=1", "/pay/?x=pi_3Abc_[redacted]&y=1"),
        ("seti_1Abc_secret_xYz123456", "seti_1Abc_[redacted]"),
        ("cs_test_a1Abc_secret_fidwbEhqYWAn", "cs_test_a1Abc_[redacted]"),
        ("cs_test_a1Abc_secret_fidwbEhqYWAn%2Fabc", "cs_test_a1Abc_[redacted]"),
        (r"card:\n4242424242424242", r"card:\n[redacted]"),
        (r"Preis 5 \u20ac4242 4242 4242 4242", r"Preis 5 \u20ac[redacted]"),
        (r"header\nBearer abc.def-123", r"header\nBearer [redacted]"),
        (r"\teyJhbGciOiJI.eyJzdWIiOiIx.c2lnbmF0dXJl", r"\t[redacted]"),
        ("Authorization: Bearer abc.def-123", "Authorization: Bearer [redacted]"),
        ("token=eyJhbGciOiJI.eyJzdWIiOiIx.c2lnbmF0dXJl;", "token=[redacted];"),
        ("pk_live_0123456789abcdef is public", "pk_live_0123456789abcdef is public"),
    ],
)
def test_what_a_secret_was_can_still_be_read(text: str, kept: str) -> None:
    assert redact(text) == kept
    assert redact(kept) == kept
