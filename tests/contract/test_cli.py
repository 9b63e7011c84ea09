"""Stripe's own command line tool takes the sandbox for Stripe."""

import json
import re
import subprocess
import time
from collections.abc import Iterator

import pytest
import stripe

from tests.contract.official_cli import (
    ROOT,
    Served,
    binary,
    environment,
    running,
    serving,
    wait_for,
    webhook,
)

TRIGGERS = [
    "cash_balance.funds_available",
    "charge.captured",
    "charge.dispute.closed",
    "charge.dispute.created",
    "charge.dispute.updated",
    "charge.failed",
    "charge.refund.updated",
    "charge.refunded",
    "charge.succeeded",
    "checkout.session.async_payment_failed",
    "checkout.session.async_payment_succeeded",
    "checkout.session.completed",
    "checkout.session.expired",
    "customer.created",
    "customer.deleted",
    "customer.source.created",
    "customer.source.updated",
    "customer.updated",
    "customer_cash_balance_transaction.created",
    "payment_intent.amount_capturable_updated",
    "payment_intent.canceled",
    "payment_intent.created",
    "payment_intent.payment_failed",
    "payment_intent.processing",
    "payment_intent.requires_action",
    "payment_intent.succeeded",
    "payment_method.attached",
    "payment_method.detached",
    "payment_method.updated",
    "price.created",
    "price.updated",
    "product.created",
    "product.deleted",
    "product.updated",
    "setup_intent.canceled",
    "setup_intent.created",
    "setup_intent.requires_action",
    "setup_intent.setup_failed",
    "setup_intent.succeeded",
]
# The tool has no trigger for these; they come with another one.
COME_ALONG = {
    "refund.created": "charge.refunded",
    "refund.updated": "charge.refund.updated",
    "payment_intent.succeeded": "checkout.session.completed",
}


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving(tmp_path_factory.mktemp("cli")) as running:
        yield running


@pytest.mark.exhaustive(one_in=6)
@pytest.mark.parametrize("kind", TRIGGERS)
def test_a_trigger_makes_its_event(served: Served, kind: str) -> None:
    before = {event["id"] for event in served.events(kind)}
    done = served.trigger(kind)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Trigger succeeded" in done.stdout
    fresh = wait_for(lambda: [e for e in served.events(kind) if e["id"] not in before], kind)
    assert fresh[0]["type"] == kind


@pytest.mark.exhaustive(one_in=3)
@pytest.mark.parametrize(("kind", "trigger"), COME_ALONG.items())
def test_an_event_without_a_trigger_comes_with_another(served: Served, kind: str, trigger: str) -> None:
    before = {event["id"] for event in served.events(kind)}
    assert served.trigger(trigger).returncode == 0
    assert [e for e in served.events(kind) if e["id"] not in before]


def test_a_trigger_takes_the_tools_overrides(served: Served) -> None:
    done = served.trigger(
        "payment_intent.succeeded",
        "--override",
        "payment_intent:amount=12345",
        "--add",
        "payment_intent:metadata.order_id=7",
    )
    assert done.returncode == 0, done.stdout + done.stderr
    intent = served.events("payment_intent.succeeded")[0]["data"]["object"]
    assert (intent["amount"], intent["metadata"]) == (12345, {"order_id": "7"})


def test_a_trigger_in_the_new_version_is_refused_as_stripe_refuses_it(served: Served) -> None:
    done = served.trigger("payment_intent.succeeded", "--api-version", "2026-10-28.endive")
    assert done.returncode != 0
    assert "payment_method_types" in done.stdout + done.stderr


def secret_in(lines: list[str]) -> str:
    """Return the signing secret that `stripe listen` prints once it is ready."""
    return wait_for(lambda: re.search(r"whsec_\w+", "\n".join(lines)), "the signing secret").group()


GUIDES_LINE = "stripe listen --forward-to localhost:8000/api/v1/payments/webhook/"


def test_the_line_of_the_guides_wants_the_words_that_the_readme_names(served: Served) -> None:
    """Should the tool start without them again, the README can be shorter."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert f"`{GUIDES_LINE}`" in readme
    words = re.findall(r"^\| `(--[\w-]+)", readme.split("the tool wants")[1], re.MULTILINE)
    assert words == ["--all-snapshot", "--api-base", "--no-wss"]
    refused = subprocess.run(
        [str(binary()), *GUIDES_LINE.split()[1:]],
        env=environment(served.home), capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert refused.returncode != 0
    assert "--all-snapshot" in refused.stdout + refused.stderr


def test_the_line_of_the_guides_forwards_events_with_these_words(served: Served) -> None:
    with webhook() as (url, came):
        line = GUIDES_LINE.replace("localhost:8000", url.partition("/")[0].replace("127.0.0.1", "localhost"))
        words = ["--all-snapshot", "--api-base", served.base, "--no-wss"]
        with running([str(binary()), *line.split()[1:], *words], environment(served.home)) as lines:
            secret_in(lines)
            assert served.trigger("customer.created").returncode == 0
            assert wait_for(lambda: came, "the event")[0].event["type"] == "customer.created"


def test_listen_forwards_signed_events_and_reports_the_answers(served: Served) -> None:
    with webhook() as (url, came), served.listening(url) as lines:
        secret = secret_in(lines)
        assert served.trigger("payment_intent.succeeded").returncode == 0
        delivery = wait_for(
            lambda: next((d for d in came if d.event["type"] == "payment_intent.succeeded"), None),
            "the event",
        )
        signature = delivery.headers["Stripe-Signature"]
        assert stripe.WebhookSignature.verify_header(delivery.body.decode(), signature, secret, 300)
        assert delivery.event == served.get(f"/v1/events/{delivery.event['id']}")
        shown = wait_for(
            lambda: [line for line in lines if "[200]" in line], "the answer in the tool's output"
        )
        assert "/api/v1/payments/webhook/" in shown[0]


def test_listen_shows_the_answer_of_a_webhook_that_fails(served: Served) -> None:
    with webhook(status=500) as (url, came), served.listening(url) as lines:
        secret_in(lines)
        assert served.trigger("customer.created").returncode == 0
        wait_for(lambda: [line for line in lines if "[500]" in line], "the answer in the tool's output")
        # The tool does not retry, and neither does Stripe on its behalf.
        time.sleep(0.5)
        assert [d.event["type"] for d in came] == ["customer.created"]


def test_listen_prints_the_same_secret_each_time(served: Served) -> None:
    secrets = set()
    for _ in range(2):
        with webhook() as (url, _came), served.listening(url) as lines:
            secrets.add(secret_in(lines))
    assert len(secrets) == 1


def test_listen_takes_events_in_the_latest_version(served: Served) -> None:
    with webhook() as (url, came), served.listening(url, "--all-snapshot", "--latest") as lines:
        secret_in(lines)
        assert served.trigger("customer.created").returncode == 0
        assert wait_for(lambda: came, "the event")[0].event["api_version"] == stripe.api_version
        time.sleep(0.5)
        assert len(came) == 1


def test_resend_sends_an_event_again_to_those_who_listen(served: Served) -> None:
    with webhook() as (url, came), served.listening(url) as lines:
        secret = secret_in(lines)
        assert served.trigger("customer.created").returncode == 0
        first = wait_for(lambda: came, "the event")[0]
        done = served.run("events", "resend", first.event["id"])
        assert done.returncode == 0, done.stdout + done.stderr
        assert json.loads(done.stdout)["id"] == first.event["id"]
        again = wait_for(lambda: came[1:], "the event again")[0]
        assert again.event["id"] == first.event["id"]
        signature = again.headers["Stripe-Signature"]
        assert stripe.WebhookSignature.verify_header(again.body.decode(), signature, secret, 300)


def test_resend_sends_an_event_again_to_one_endpoint(served: Served) -> None:
    assert served.trigger("product.created").returncode == 0
    event = served.events("product.created")[0]
    with webhook() as (url, came):
        events = {"enabled_events[0]": "payout.paid"}
        endpoint = served.post("/v1/webhook_endpoints", url=f"http://{url}", **events)["id"]
        done = served.run("events", "resend", event["id"], "--webhook-endpoint", endpoint)
        assert done.returncode == 0, done.stdout + done.stderr
        assert wait_for(lambda: came, "the event again")[0].event["id"] == event["id"]


def test_listen_filters_by_event_type(served: Served) -> None:
    with webhook() as (url, came), served.listening(url, "--events", "refund.created") as lines:
        secret_in(lines)
        assert served.trigger("charge.refunded").returncode == 0
        wait_for(lambda: came, "the event")
        time.sleep(0.5)
        assert {json.loads(d.body)["type"] for d in came} == {"refund.created"}
