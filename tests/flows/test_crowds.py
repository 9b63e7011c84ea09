"""Many at once on real threads and connections: one gets it, the others are told, and the books balance."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import httpx
import pytest
from django.db import connection
from rest_framework.test import APIClient

from estuary.accounts.models import Practitioner, User
from estuary.bookings.models import Participant, Reservation
from estuary.catalog.models import ServiceType
from estuary.credits.models import CreditTransaction
from estuary.orders.models import Order
from estuary.payments.checkout import stripe_creation
from estuary.payments.customers import customers
from estuary.payments.inbox import processor
from estuary.payments.models import PaymentMethod, Refund, WebhookEvent
from stripe_sandbox import Sandbox
from tests.factories import (
    REFUNDING,
    make_service,
    make_sessions,
    make_staff,
    make_user,
    signed_in,
    token_of,
)
from tests.flows import buying
from tests.flows.buying import CREATE, METHODS, pay, pay_only
from tests.flows.payments.webhooks.test_webhook_on_the_wire import serving
from tests.sandbox_bridge import post_all, post_event, settle_everything

pytestmark = pytest.mark.django_db(transaction=True)

FEW, CROWD = 30, 100  # the connections are fewer than either


@pytest.fixture(params=[FEW, pytest.param(CROWD, marks=pytest.mark.exhaustive)])
def how_many(request: pytest.FixtureRequest) -> int:
    """How many come: a hundred in ``make test-all``."""
    return int(request.param)


def all_at_once[R](verbs: Iterable[Callable[[], R]]) -> list[R]:
    """Run verbs at the same moment, each on a thread and a connection of its own, and return what each came to."""
    verbs = list(verbs)
    start = threading.Barrier(len(verbs))

    def run(verb: Callable[[], R]) -> R:
        start.wait()
        try:
            return verb()
        finally:
            connection.close()

    with ThreadPoolExecutor(len(verbs)) as threads:
        return list(threads.map(run, verbs))


def answer_to(client: APIClient, url: str, body: dict[str, Any]) -> Callable[[], tuple[int, str]]:
    def ask() -> tuple[int, str]:
        answer = client.post(url, body)
        while answer.status_code == 503:  # a crowd waits for the few connections, and asks again when told to
            answer = client.post(url, body)
        return answer.status_code, str(answer.json().get("code", ""))

    return ask


def test_of_many_buyers_one_gets_the_last_seat(stripe: Sandbox, ana: Practitioner, how_many: int) -> None:
    workshop = make_service(ServiceType.WORKSHOP, ana)
    [date] = make_sessions(workshop, capacity=1)
    body = {"service_id": str(workshop.pk), "scheduling_data": {"service_session_id": str(date.pk)}}
    crowd = [signed_in(make_user(f"Buyer{number} Last")) for number in range(how_many)]
    outcomes = Counter(all_at_once(answer_to(buyer, CREATE, body) for buyer in crowd))
    assert outcomes == {(201, ""): 1, (409, "sold_out"): how_many - 1}
    pay(
        stripe,
        {
            "order_id": (order := Order.objects.get()).public_id,
            "payment_intent_id": order.stripe_payment_intent_id,
        },
    )
    assert (Participant.objects.count(), Reservation.objects.filter(status="confirmed").count()) == (1, 1)


def test_sixty_buyers_at_the_web_server_are_served_or_told_sold_out_and_nobody_is_turned_away_at_once(
    address: str, ana: Practitioner
) -> None:
    """With production's limits. On a slow machine some are told to come again, after a wait; nothing is lost."""
    workshop = make_service(ServiceType.WORKSHOP, ana)
    [date] = make_sessions(workshop, capacity=20)
    body = {"service_id": str(workshop.pk), "scheduling_data": {"service_session_id": str(date.pk)}}
    tokens = [token_of(make_user(f"Buyer{number} Crowd")) for number in range(60)]
    with serving("--workers", "1", "--blocking-threads", "256", STRIPE_API_BASE=address) as wire:
        limits = httpx.Limits(max_connections=None)
        base = f"http://127.0.0.1:{wire.port}"
        with httpx.Client(base_url=base, timeout=60, trust_env=False, limits=limits) as web:

            def ask(token: dict[str, str]) -> tuple[bool, str]:
                while True:
                    since = time.monotonic()
                    answer = web.post(CREATE, json=body, headers=token)
                    code = answer.json().get("code", "")
                    if answer.status_code != 503:
                        return answer.is_success, code
                    # PostgreSQL waits a second for a lock, and a request four for a connection.
                    assert code != "busy" or time.monotonic() - since >= 1

            outcomes = Counter(all_at_once([partial(ask, token) for token in tokens]))
    assert outcomes == {(True, ""): 20, (False, "sold_out"): 40}
    assert Order.objects.values("user").distinct().count() == Order.objects.count() == 20


def test_of_many_spends_the_balance_covers_one(
    stripe: Sandbox, maya: User, buyer: APIClient, ana: Practitioner, how_many: int
) -> None:
    buying.buy_credits(stripe, buyer, "100.00")
    workshops = [make_service(ServiceType.WORKSHOP, ana, usd=10_000) for _ in range(how_many)]
    dates = [make_sessions(workshop, in_days=10 + number)[0] for number, workshop in enumerate(workshops)]
    asks = [
        answer_to(
            buyer_again,
            CREATE,
            {
                "service_id": str(workshop.pk),
                "scheduling_data": {"service_session_id": str(date.pk)},
                "use_credits": True,
                "payment_type": "intent",
                "amount": "100.00",
            },
        )
        for workshop, date, buyer_again in zip(workshops, dates, tabs_of(maya, how_many), strict=True)
    ]
    outcomes = Counter(all_at_once(asks))
    assert sum(outcomes.values()) == how_many
    spent = CreditTransaction.objects.filter(kind="spend")
    assert [line.amount_minor for line in spent] == [-10_000]
    assert Order.objects.filter(status="completed", type="direct").count() == 1
    assert buying.balance(buyer) == "0.00"


def tabs_of(user: User, how_many: int) -> list[APIClient]:
    """Clients of one person, who signed in once."""
    token = signed_in(user).get("/api/v1/credits/").wsgi_request.headers["Authorization"]
    tabs = [APIClient() for _ in range(how_many)]
    for tab in tabs:
        tab.credentials(HTTP_AUTHORIZATION=token)
    return tabs


def test_the_same_event_fifty_times_at_once_is_settled_once(stripe: Sandbox, buyer: APIClient) -> None:
    order = buying.credits(buyer)
    pay_only(stripe, order)
    deliveries = stripe.take_deliveries()
    for delivery in deliveries:
        assert set(all_at_once([lambda: post_event(delivery)] * 50)) <= {200, 503}  # noqa: B023
        assert post_event(delivery) == 200  # as Stripe does after a 503
    assert WebhookEvent.objects.count() == len({d.event_id for d in deliveries})
    all_at_once([processor.drain] * 4)
    settle_everything(stripe)
    assert buying.balance(buyer) == "100.00"
    assert CreditTransaction.objects.count() == 1


def test_a_refund_that_many_press_at_once_is_given_once(
    stripe: Sandbox, buyer: APIClient, staff: APIClient
) -> None:
    order = buying.buy_credits(stripe, buyer, "100.00")
    url = f"/api/v1/orders/{order['order_id']}/refunds/"
    people = [signed_in(make_staff(f"Staff{number} Press", *REFUNDING)) for number in range(20)]
    outcomes = Counter(all_at_once(answer_to(person, url, {"reason": "pressed"}) for person in people))
    assert outcomes[201, ""] == 1
    assert {status for status, _ in outcomes} == {201, 409}
    settle_everything(stripe)
    assert [refund.card_minor for refund in Refund.objects.all()] == [10_000]
    assert buying.balance(buyer) == "0.00"


def test_of_twenty_defaults_set_at_once_one_is(stripe: Sandbox, maya: User, buyer: APIClient) -> None:
    for card in ("4242424242424242", "5555555555554444", "378282246310005", "6011111111111117"):
        buying.buy_credits(stripe, buyer, "10.00", card)
    ids = [card["id"] for card in buying.cards(buyer)]
    assert len(ids) == 4
    tabs = tabs_of(maya, 20)
    outcomes = Counter(
        all_at_once(
            answer_to(tab, f"{METHODS}default/", {"payment_method_id": ids[number % 4]})
            for number, tab in enumerate(tabs)
        )
    )
    assert {status for status, _ in outcomes} == {200}
    assert PaymentMethod.objects.filter(user=maya, is_default=True).count() == 1


def test_keys_that_many_count_at_once_are_counted_once_each(
    stripe: Sandbox, maya: User, buyer: APIClient
) -> None:
    order = buying.order_of(buying.buy_credits(stripe, buyer, "10.00"))

    def of_the_order() -> str:
        return stripe_creation.next_order_key(Order.objects.get(pk=order.pk), "confirm")

    keys = all_at_once([of_the_order, lambda: customers.next_customer_key(maya, "detach")] * 20)
    assert len(set(keys)) == len(keys) == 40


def test_six_workers_settle_many_payments_once_each(stripe: Sandbox, how_many: int) -> None:
    crowd = [signed_in(make_user(f"Buyer{number} Pays")) for number in range(how_many)]
    for buyer in crowd:
        pay_only(stripe, buying.credits(buyer, "10.00"))
    post_all(stripe)
    all_at_once([lambda: sum(iter(lambda: processor.drain(7), 0))] * 6)
    settle_everything(stripe)
    assert {buying.balance(buyer) for buyer in crowd} == {"10.00"}
    assert CreditTransaction.objects.count() == how_many
