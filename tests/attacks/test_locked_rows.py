"""Somebody holds what others wait for: they are told so in time, and whoever wants anything else is served.

The web server is the real one, with production's pool; it runs in a process of its own.
"""

import json
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import httpx
import psycopg
import pytest
from django.conf import settings
from django.contrib.auth.hashers import PBKDF2PasswordHasher
from pytest_django import DjangoDbBlocker

from estuary.catalog.models import Service, ServiceSession, ServiceType
from estuary.orders.models import Order
from estuary.payments.models import WebhookEvent
from tests.factories import PASSWORD, make_practitioner, make_service, make_sessions, make_user, token_of
from tests.flows.buying import CREATE
from tests.flows.payments.gateway.test_real_mode import database_url
from tests.flows.payments.webhooks.test_webhook import an_event, signed
from tests.flows.payments.webhooks.test_webhook_on_the_wire import serving
from tests.sandbox_bridge import WEBHOOK

pytestmark = pytest.mark.django_db(transaction=True)

BUYERS = 60
SECRET = "whsec_0123456789abcdef"
PRODUCTION = {
    "ESTUARY_SANDBOX": "0",
    "STRIPE_SECRET_KEY": "sk_live_0123456789abcdef",
    "STRIPE_WEBHOOK_SECRET": SECRET,
    "NEXT_PUBLIC_STRIPE_PUBLISHABLE_KEY": "pk_live_0123456789abcdef",
    "FRONTEND_URL": "https://estuary.example",
    "EMAIL_URL": "smtp://post.example:587/",
    "ESTUARY_TRUSTED_PROXIES": "1",
}
SIGN_IN = "/_allauth/app/v1/auth/login"
BUSY = {(503, "busy")}
NO_STRIPE = {"payment_service_unavailable", "wrong_account", ""}

type Answer = tuple[int, str]


@contextmanager
def open_shop() -> Iterator[httpx.Client]:
    """Start the web server as the image starts it, asked over the wire."""
    key = {"DJANGO_SECRET_KEY": settings.SECRET_KEY}  # for the tokens that the test gives out
    with serving("--workers", "1", "--blocking-threads", "256", **PRODUCTION, **key) as wire:
        limits = httpx.Limits(max_connections=None)
        base, proxied = f"http://127.0.0.1:{wire.port}", {"X-Forwarded-Proto": "https"}
        with httpx.Client(
            base_url=base, headers=proxied, timeout=60, trust_env=False, limits=limits
        ) as client:
            client.get("/api/v1/services/")
            yield client


@pytest.fixture(scope="module")
def shop(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[httpx.Client]:
    """A web server that one test after another asks."""
    with django_db_blocker.unblock(), open_shop() as shop:
        yield shop


@pytest.fixture
def fresh_shop(transactional_db: None) -> Iterator[httpx.Client]:
    """One that nobody has asked before."""
    with open_shop() as shop:
        yield shop


@pytest.fixture
def workshop(transactional_db: None) -> Service:
    return make_service(ServiceType.WORKSHOP, make_practitioner("Ana Ribeiro"))


@pytest.fixture
def elsewhere(transactional_db: None) -> Service:
    """A workshop of another practitioner, which nobody holds."""
    return make_service(ServiceType.WORKSHOP, make_practitioner("Bo Lind"))


@contextmanager
def held(*statements: str) -> Iterator[None]:
    """Keep a transaction open that has locked something, as a stuck process or a careless person does."""
    with psycopg.connect(database_url()) as holder:
        for statement in statements:
            holder.execute(statement.encode())
        yield
        holder.rollback()


def body_for(date: ServiceSession) -> dict[str, Any]:
    return {
        "service_id": str(date.service_id),
        "scheduling_data": {"service_session_id": str(date.pk)},
    }


def answer_of(answer: httpx.Response) -> Answer:
    is_json = "json" in answer.headers.get("Content-Type", "")
    body = answer.json() if is_json and answer.content else {}
    code = str(body.get("code", "")) if isinstance(body, dict) else ""
    if answer.status_code == 503:
        assert int(answer.headers["Retry-After"]) > 0
    return answer.status_code, code


def while_they_wait(crowd: list[Callable[[], Answer]], others: list[Callable[[], Answer]]) -> Any:
    """Let a crowd ask at once and, while all of it waits, others three times; return what both were told."""
    start = threading.Barrier(len(crowd) + 1)

    def ask(verb: Callable[[], Answer]) -> Answer:
        start.wait()
        return verb()

    with ThreadPoolExecutor(len(crowd)) as threads:
        asking = [threads.submit(ask, verb) for verb in crowd]
        start.wait()
        served = [verb() for _ in range(3) for verb in others]
        return Counter(future.result() for future in asking), served


def buyers(shop: httpx.Client, bodies: list[dict[str, Any]]) -> list[Callable[[], Answer]]:
    def ask(number: int, body: dict[str, Any]) -> Callable[[], Answer]:
        headers = token_of(make_user(f"Buyer{number} Crowd"))
        headers |= {"Idempotency-Key": f"click {number}", "X-Forwarded-For": f"2001:db8:{number:x}::7"}
        return lambda: answer_of(shop.post(CREATE, json=body, headers=headers))

    return [ask(number, body) for number, body in enumerate(bodies)]


def bystanders(shop: httpx.Client, elsewhere: Service) -> list[Callable[[], Answer]]:
    """Return what others want meanwhile: readiness, the catalogue, their orders, to sign in, to buy from others."""
    [date] = make_sessions(elsewhere, capacity=50)
    tom = make_user("Tom Achterberg")
    headers, guest = token_of(tom), make_user("Ines Duarte")
    guest.password = PBKDF2PasswordHasher().encode(PASSWORD, "salt")  # as production has it
    guest.save()
    credentials = {"email": guest.email, "password": PASSWORD}
    body = body_for(date)

    def buy() -> Answer:
        _, code = answer_of(shop.post(CREATE, json=body, headers=headers))
        # No Stripe listens here: what is asked of it comes after everything that is asked of the database.
        assert code in NO_STRIPE, code
        return 200, ""

    return [
        lambda: answer_of(shop.get("/readyz")),
        lambda: answer_of(shop.get("/api/v1/services/")),
        lambda: answer_of(shop.get(f"/api/v1/services/{elsewhere.pk}/sessions/")),
        lambda: answer_of(shop.get("/api/v1/orders/", headers=headers)),
        lambda: answer_of(shop.post(SIGN_IN, json=credentials)),
        buy,
    ]


@pytest.mark.exhaustive
def test_sixty_buyers_of_one_locked_row_are_told_and_everybody_else_is_served(
    shop: httpx.Client, workshop: Service, elsewhere: Service
) -> None:
    [date] = make_sessions(workshop, capacity=BUYERS)
    crowd = buyers(shop, [body_for(date)] * BUYERS)
    lock = f"SELECT FROM catalog_servicesession WHERE id = {date.pk} FOR UPDATE"
    others = bystanders(shop, elsewhere)
    with held(lock):
        refused, served = while_they_wait(crowd, others)
    assert set(refused) == BUSY
    assert set(served) == {(200, "")}
    # The same again, under the same key: nobody is told that it is under way still.
    again = Counter(ask() for ask in crowd)
    assert {code for _, code in again} <= NO_STRIPE, again
    assert Order.objects.filter(service=workshop).count() == BUYERS


def test_one_buyer_whose_own_row_is_locked_keeps_nobody_else_waiting(
    shop: httpx.Client, elsewhere: Service
) -> None:
    maya = make_user("Maya Lindqvist")
    headers = token_of(maya)
    crowd = [
        lambda: answer_of(
            shop.post(CREATE, json={"is_credit_purchase": True, "amount": "20.00"}, headers=headers)
        )
    ] * BUYERS
    others = bystanders(shop, elsewhere)
    with held(f"SELECT FROM accounts_user WHERE id = {maya.pk} FOR UPDATE"):
        refused, served = while_they_wait(crowd, others)
    assert set(refused) == BUSY
    assert set(served) == {(200, "")}


@pytest.mark.exhaustive(one_in=2)
@pytest.mark.parametrize(
    ("table", "open_still"),
    [("orders_order", 3), ("payments_attempts", 4)],
    ids=["a table of writers and readers", "a table of writers alone"],
)
def test_a_locked_table_leaves_the_catalogue_open_and_what_does_not_need_it(
    shop: httpx.Client, elsewhere: Service, table: str, open_still: int
) -> None:
    """Each wants something else, so nobody is held up as one of many who want the same."""
    practitioners = [make_practitioner(f"Prac{number} Titioner") for number in range(BUYERS // 2)]
    workshops = [make_service(ServiceType.WORKSHOP, owner) for owner in practitioners]
    crowd = buyers(shop, [body_for(date) for workshop in workshops for date in make_sessions(workshop)])
    if table == "orders_order":
        readers = [token_of(make_user(f"Reader{number} Crowd")) for number in range(BUYERS // 2)]
        crowd += [lambda one=one: answer_of(shop.get("/api/v1/orders/", headers=one)) for one in readers]  # type: ignore[misc]
    others = bystanders(shop, elsewhere)[:open_still]
    with held(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE"):
        refused, served = while_they_wait(crowd, others)
    assert set(refused) == BUSY
    assert set(served) == {(200, "")}


@pytest.mark.exhaustive(one_in=2)
@pytest.mark.parametrize(
    ("server", "first"),
    [("shop", "evt_before"), ("fresh_shop", "evt_0")],
    ids=["a server at work", "its first event"],
)
def test_events_that_meet_a_locked_inbox_are_refused_in_time_and_kept_when_they_come_again(
    request: pytest.FixtureRequest, elsewhere: Service, server: str, first: str
) -> None:
    shop: httpx.Client = request.getfixturevalue(server)
    events = [an_event(id=f"evt_{number}") for number in range(BUYERS)]

    def send(body: bytes) -> Callable[[], Answer]:
        return lambda: answer_of(
            shop.post(WEBHOOK, content=body, headers={"Stripe-Signature": signed(body, SECRET)})
        )

    if first == "evt_before":
        events.append(an_event(id=first))
        assert send(events[-1])()[0] == 200
    others = bystanders(shop, elsewhere)
    with held("LOCK TABLE payments_webhookevent IN ACCESS EXCLUSIVE MODE"):
        refused, served = while_they_wait([send(body) for body in events], others)
    assert {status for status, _ in refused} == {503}
    assert set(served) == {(200, "")}
    assert {send(body)()[0] for body in events} == {200}
    kept = WebhookEvent.objects.values_list("stripe_event_id", flat=True)
    assert sorted(kept) == sorted(json.loads(body)["id"] for body in events)
