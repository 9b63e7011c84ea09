"""Events that nobody has thought of: whatever comes to the door or lies in the inbox, nothing falls over."""

import json
import time
from typing import Any

import pytest
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rest_framework.test import APIClient

from estuary.common import clock
from estuary.payments.doctor import SAFETY, run_checks
from estuary.payments.inbox import processor
from estuary.payments.models import WebhookEvent
from stripe_sandbox import Sandbox
from stripe_sandbox.webhook_queue import signature
from tests.flows import buying
from tests.flows.buying import pay_only
from tests.sandbox_bridge import SECRET, WEBHOOK, post_event

pytestmark = pytest.mark.django_db(transaction=True)

fuzzed = settings(
    max_examples=settings().max_examples * 5 // 2,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
Status = WebhookEvent.Status

texts = st.text(max_size=30) | st.sampled_from(
    ["\x00", "\ud800", "evt_1", "9" * 400, "pi_x", "\u202e", "succeeded"]
)
numbers = st.integers() | st.floats() | st.sampled_from([2**63, -(2**63) - 1, 10**30, -0.0])
values = st.recursive(
    st.none() | st.booleans() | numbers | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=12,
)
events = st.fixed_dictionaries(
    {"id": values, "type": values, "created": values, "data": values},
    optional={"api_version": values, "livemode": values, "object": values},
)


@st.composite
def twice_named(draw: st.DrawFn) -> str:
    """JSON in which every name comes twice, as no writer of it should."""
    one, other = draw(events), draw(events)
    pairs = [f"{json.dumps(name)}: {json.dumps(value)}" for name, value in (*one.items(), *other.items())]
    return "{" + ", ".join(draw(st.permutations(pairs))) + "}"


nested = st.integers(1, 60_000).map(lambda depth: '{"id":' * depth + "1" + "}" * depth)
bodies = (
    st.binary(max_size=300)
    | events.map(json.dumps).map(str.encode)
    | twice_named().map(str.encode)
    | nested.map(str.encode)
    | values.map(json.dumps).map(str.encode)
)
times = st.integers(-(2**70), 2**70).map(str) | st.sampled_from(["", "NaN", "1e9", "١", "-1"])
headers = st.text(st.characters(codec="latin-1", exclude_characters="\r\n\x00"), max_size=200) | st.builds(
    "t={},v1={},v1={}".format, times, texts, texts
).filter(lambda header: header.isprintable())


def send(body: bytes, header: str) -> int:
    browser = Client(raise_request_exception=False)
    sent = {"Stripe-Signature": header}
    return browser.post(WEBHOOK, body, content_type="application/json", headers=sent).status_code


@fuzzed
@given(body=bodies, header=headers)
def test_what_is_not_signed_is_refused_and_leaves_nothing(stripe: Sandbox, body: bytes, header: str) -> None:
    assert send(body, header) in {400, 413}
    assert not WebhookEvent.objects.exists()


@fuzzed
@given(body=bodies)
def test_what_is_signed_is_kept_or_refused_and_read_without_harm(stripe: Sandbox, body: bytes) -> None:
    WebhookEvent.objects.all().delete()
    status = send(body, signature(body, SECRET, int(time.time())))
    assert status in {200, 400, 413}
    assert WebhookEvent.objects.count() == (status == 200)
    assert processor.drain() == (status == 200)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the way to every value inside a decoded event."""
    paths = [path] if path else []
    if isinstance(value, dict):
        paths += [way for name, inner in value.items() for way in places(inner, (*path, name))]
    if isinstance(value, list):
        paths += [way for index, inner in enumerate(value) for way in places(inner, (*path, index))]
    return paths


GONE = object()


def changed(event: dict[str, Any], way: tuple[Any, ...], odd: Any) -> dict[str, Any]:
    """Return a copy with something odd, or nothing, in one place."""
    copy: dict[str, Any] = json.loads(json.dumps(event))
    parent: Any = copy
    for step in way[:-1]:
        parent = parent[step]
    if odd is GONE:
        parent.pop(way[-1])
    else:
        parent[way[-1]] = odd
    return copy


@pytest.fixture
def real_events(stripe: Sandbox, buyer: APIClient) -> list[dict[str, Any]]:
    """Every event of one payment, settled."""
    pay_only(stripe, buying.credits(buyer, "10.00"))
    deliveries = stripe.take_deliveries()
    for delivery in deliveries:
        post_event(delivery)
    processor.drain()
    return [json.loads(delivery.body) for delivery in deliveries]


@fuzzed
@given(data=st.data())
def test_a_real_event_with_one_thing_amiss_harms_no_other(
    real_events: list[dict[str, Any]], data: st.DataObject
) -> None:
    """Signed by Stripe and still not as Stripe writes it: it is settled, ignored, or put off alone."""
    event = data.draw(st.sampled_from(real_events))
    way = data.draw(st.sampled_from([way for way in places(event) if way != ("id",)]))
    odd = data.draw(st.just(GONE) | values)
    body = json.dumps(changed(event, way, odd) | {"id": "evt_amiss"}).encode()
    WebhookEvent.objects.filter(stripe_event_id="evt_amiss").delete()
    WebhookEvent.objects.update(status=Status.PENDING, attempts=0, due_at=clock.now())
    assert send(body, signature(body, SECRET, int(time.time()))) in {200, 400}
    processor.drain()
    others = WebhookEvent.objects.exclude(stripe_event_id="evt_amiss")
    assert not others.exclude(status__in=[Status.DONE, Status.IGNORED]).exists()
    assert not run_checks(SAFETY, at=clock.now()).violations
