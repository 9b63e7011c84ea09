"""Keys, ours and Stripe's: whatever is lost on the way, forgotten or remembered, there is one order and one payment."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection
from pytest_django import Settings
from rest_framework.test import APIClient

from estuary.accounts.models import User
from estuary.common import clock
from estuary.common.api.rates import Rate
from estuary.orders.models import Order
from estuary.payments.checkout import start_payment, stripe_creation
from estuary.payments.models import IdempotencyKey
from stripe_sandbox import Sandbox
from tests.factories import signed_in
from tests.flows import buying
from tests.flows.buying import CREATE, pay, posts, status_of
from tests.flows.payments.test_idempotency import CREDITS, send
from tests.flows.test_crowds import tabs_of
from tests.sandbox_bridge import settle_everything

pytestmark = pytest.mark.django_db(transaction=True)

PATHS = {"intent": "/v1/payment_intents", "checkout": "/v1/checkout/sessions"}
BOTH = pytest.mark.parametrize("payment_type", PATHS)
A_DAY_AND_MORE = timedelta(hours=25)


def later(wait: timedelta) -> Any:
    return time_machine.travel(clock.now() + wait, tick=True)


def things_to_pay(stripe: Sandbox) -> int:
    store = stripe.state.store
    pages = len(store.checkout_sessions)
    return pages or len(store.payment_intents)


def keys_sent(stripe: Sandbox, path: str) -> list[str]:
    return [sent.headers["Idempotency-Key"] for sent in posts(stripe, path)]


@BOTH
def test_the_same_key_twenty_times_at_once_is_one_order_one_payment_and_one_answer(
    stripe: Sandbox, maya: User, settings: Settings, payment_type: str
) -> None:
    settings.PAYMENT_LIMIT = Rate.parse("1000/10m")
    body, tabs = {**CREDITS, "payment_type": payment_type}, tabs_of(maya, 20)

    def ask(tab: APIClient) -> int:
        try:
            return int(send(tab, body, "the one key").status_code)
        finally:
            connection.close()

    with ThreadPoolExecutor(20) as threads:
        assert set(threads.map(ask, tabs)) <= {201, 409, 503}
    answers = [send(tab, body, "the one key") for tab in tabs]  # as each is told to: in a moment
    assert [answer.status_code for answer in answers] == [201] * 20
    assert [answer.json() for answer in answers] == [answers[0].json()] * 20
    assert (Order.objects.count(), things_to_pay(stripe)) == (1, 1)
    assert len(stripe.state.store.customers) == 1


def test_another_body_under_the_same_key_is_refused_without_a_call_to_stripe(
    stripe: Sandbox, buyer: APIClient
) -> None:
    send(buyer, CREDITS, "the one key")
    calls_before = len(stripe.requests)
    answer = send(buyer, {**CREDITS, "amount": "30.00"}, "the one key")
    assert (answer.status_code, answer.json()["code"]) == (422, "idempotency_key_reused")
    assert (len(stripe.requests), Order.objects.count()) == (calls_before, 1)


@BOTH
@pytest.mark.parametrize("first", ["answered", "lost after", "lost before"])
def test_our_key_binds_after_stripe_has_forgotten_its_own(
    stripe: Sandbox, buyer: APIClient, maya: User, payment_type: str, first: str
) -> None:
    body = {**CREDITS, "payment_type": payment_type}
    if first != "answered":
        stripe.faults.add(f"timeout_{first.removeprefix('lost ')}", f"POST {PATHS[payment_type]}")
    answer = send(buyer, body, "the one key")
    assert answer.status_code == (201 if first == "answered" else 503)
    with later(A_DAY_AND_MORE):  # and no worker ran all the while
        again = send(signed_in(maya), body, "the one key")
        if first == "answered" and payment_type == "intent":
            assert again.json() == answer.json()
        if (
            payment_type == "checkout" and again.status_code == 503
        ):  # its page has ended, and is asked for anew
            again = send(signed_in(maya), body, "the one key")
        assert again.status_code == 201, again.json()
        assert (Order.objects.count(), len(open_ways(stripe))) == (1, 0 if is_over(again, stripe) else 1)
        if payment_type == "intent":
            assert things_to_pay(stripe) == 1
        settle_everything(stripe)


def open_ways(stripe: Sandbox) -> list[str]:
    store = stripe.state.store
    ways = [page for page in store.checkout_sessions if page["status"] == "open"]
    ways += [one for one in store.payment_intents if one["status"] == "requires_payment_method"]
    return [way["id"] for way in ways]


def is_over(answer: Any, stripe: Sandbox) -> bool:
    """A page lives a day at most; its order is answered as it stands, and there is nothing to pay any more."""
    return not open_ways(stripe) and "checkout_url" in answer.json()


@BOTH
@pytest.mark.parametrize("fault", ["timeout_before", "timeout_after"])
def test_after_a_time_out_the_same_key_is_sent_again_and_there_is_one_thing_to_pay(
    stripe: Sandbox, buyer: APIClient, payment_type: str, fault: str
) -> None:
    stripe.faults.add(fault, f"POST {PATHS[payment_type]}")
    assert buyer.post(CREATE, {**CREDITS, "payment_type": payment_type}).status_code == 503
    order = buying.credits(buyer, "20.00", payment_type=payment_type)
    keys = keys_sent(stripe, PATHS[payment_type])
    assert (len(keys), len(set(keys)), things_to_pay(stripe)) == (2, 1, 1)
    assert keys[0].startswith(order["order_id"])
    pay(stripe, order)
    assert (status_of(order), buying.balance(buyer)) == ("completed", "20.00")


@BOTH
@pytest.mark.parametrize("effect", [False, True], ids=["nothing done", "done all the same"])
def test_after_a_failure_that_stripe_remembers_a_fresh_key_is_sent_only_once_absence_is_shown(
    stripe: Sandbox, buyer: APIClient, payment_type: str, effect: bool
) -> None:
    path = PATHS[payment_type]
    stripe.faults.add("error_saved", f"POST {path}", effect=effect)
    buyer.post(CREATE, {**CREDITS, "payment_type": payment_type})
    order = buying.credits(buyer, "20.00", payment_type=payment_type)
    methods = [sent.method for sent in stripe.requests if sent.path.partition("?")[0] == path]
    assert methods == (["POST", "GET"] if effect else ["POST", "GET", "POST"])
    keys = keys_sent(stripe, path)
    assert (len(set(keys)), things_to_pay(stripe)) == (len(keys), 1)
    pay(stripe, order)
    assert status_of(order) == "completed"


@pytest.mark.parametrize("fault", ["rate_limit", "lock_timeout"])
def test_a_busy_stripe_is_not_hammered_and_the_caller_is_told_when_to_come_back(
    stripe: Sandbox, buyer: APIClient, fault: str
) -> None:
    stripe.faults.add(fault, "POST /v1/payment_intents", times=None)
    for tries in (1, 2, 3):
        answer = buyer.post(CREATE, CREDITS)
        assert (answer.status_code, answer.json()["code"]) == (503, "payment_service_busy")
        assert int(answer["Retry-After"]) > 0
        assert len(posts(stripe, "/v1/payment_intents")) == tries  # one a request, whoever asks
    assert Order.objects.count() == 1
    stripe.faults.clear()
    pay(stripe, buying.credits(buyer, "20.00"))
    assert (buying.balance(buyer), things_to_pay(stripe)) == ("20.00", 1)


def lost(*args: Any, **kwargs: Any) -> Any:
    raise SystemError("as if the process had died before its commit")


@BOTH
@pytest.mark.parametrize("key", [True, False], ids=["with a key", "without a key"])
def test_what_stripe_made_before_our_commit_was_lost_is_found_by_the_retry(
    stripe: Sandbox, buyer: APIClient, monkeypatch: pytest.MonkeyPatch, payment_type: str, key: bool
) -> None:
    body = {**CREDITS, "payment_type": payment_type}
    ask: Callable[[], Any] = lambda: send(buyer, body, "k") if key else buyer.post(CREATE, body)  # noqa: E731
    buyer.raise_request_exception = False
    with monkeypatch.context() as dying:
        dying.setattr(stripe_creation, "save_stripe_id", lost)
        assert ask().status_code == 500
    IdempotencyKey.objects.update(leased_until=clock.now())
    order = ask().json()
    assert (things_to_pay(stripe), Order.objects.count()) == (1, 1)
    pay(stripe, order)
    assert buying.balance(buyer) == "20.00"


@pytest.mark.parametrize("key", [True, False], ids=["with a key", "without a key"])
@pytest.mark.parametrize("event", ["heard", "not heard"])
def test_a_payment_that_went_through_before_our_commit_was_lost_is_not_made_again(
    stripe: Sandbox, buyer: APIClient, monkeypatch: pytest.MonkeyPatch, key: bool, event: str
) -> None:
    buying.buy_credits(stripe, buyer, "10.00")
    body = {**CREDITS, "payment_method_id": buying.cards(buyer)[0]["id"]}
    ask: Callable[[], Any] = lambda: send(buyer, body, "k") if key else buyer.post(CREATE, body)  # noqa: E731
    buyer.raise_request_exception = False
    with monkeypatch.context() as dying:
        dying.setattr(start_payment, "settle", lost)
        assert ask().status_code == 500
    IdempotencyKey.objects.update(leased_until=clock.now())
    if event == "heard":
        settle_everything(stripe)
    again = ask()
    if key or event == "not heard":
        assert (again.status_code, again.json()["status"]) == (201, "completed")
    else:
        assert (again.status_code, again.json()["code"]) == (409, "bought_just_now")
    settle_everything(stripe)
    assert len(stripe.state.store.charges) == 2
    assert buying.balance(buyer) == "30.00"
