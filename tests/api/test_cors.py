"""Pages of other origins: a listed one calls the API with its tokens; others, and other addresses, get nothing."""

from collections.abc import Mapping
from typing import Any

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries, Settings

from estuary.common.api.rates import Rate
from estuary.config.environment import Environment
from tests.factories import make_user, signed_in

SHOP = "https://shop.example"
STRANGERS = [
    "https://evil.example",
    "https://shop.example.evil.example",
    "https://evilshop.example",
    "http://shop.example",
    "https://shop.example:8443",
    "https://api.shop.example",
    "null",
    "file://",
    "https://[",
]
CLOSED = [
    "/api/v1/payments/webhook/",
    "/api/v1/payments/webhook",
    "/admin/",
    "/admin/login/",
    "/api/schema/",
    "/api/docs/",
    "/api/redoc/",
    "/_allauth/browser/v1/config",
    "/healthz",
    "/metrics",
    "/",
]
PREFLIGHT = {
    "Origin": SHOP,
    "Access-Control-Request-Method": "POST",
    "Access-Control-Request-Headers": "authorization,content-type,idempotency-key,x-session-token",
}


@pytest.fixture(autouse=True)
def listed(settings: Settings) -> None:
    settings.CORS_ALLOWED_ORIGINS = [SHOP, "http://localhost:5173"]


def cors(headers: Mapping[str, str]) -> set[str]:
    return {name.lower() for name in headers if name.lower().startswith("access-control-")}


def words(header: str) -> set[str]:
    return {word.strip().lower() for word in header.split(",")}


def test_a_preflight_costs_no_query_and_names_what_a_page_may_send(
    db: None, client: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_num_queries(0):
        answer = client.options("/api/v1/payments/create/", headers=PREFLIGHT)
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer["Access-Control-Allow-Origin"] == SHOP
    assert words(PREFLIGHT["Access-Control-Request-Headers"]) <= words(answer["Access-Control-Allow-Headers"])
    assert {"get", "post", "delete"} <= words(answer["Access-Control-Allow-Methods"])
    assert "Access-Control-Allow-Credentials" not in answer
    assert answer["X-Content-Type-Options"] == "nosniff"


def test_a_preflight_is_answered_to_whom_a_limit_holds_up(db: None, settings: Settings) -> None:
    settings.PAYMENT_LIMIT = Rate.parse("1/10m")
    shopper = signed_in(make_user("Maya Lindqvist"))
    spent = [shopper.post("/api/v1/payments/create/", {}, headers={"Origin": SHOP}) for _ in range(9)][-1]
    assert spent.status_code == 429
    assert spent["Access-Control-Allow-Origin"] == SHOP
    assert "retry-after" in words(spent["Access-Control-Expose-Headers"])
    assert shopper.options("/api/v1/payments/create/", headers=PREFLIGHT).status_code == 200


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/api/v1/services/", 200),
        ("/api/v1/orders/", 401),
        ("/api/v1/nothing/", 404),
        ("/api/v1/services/?page=%00", 400),
        ("/_allauth/app/v1/config", 200),
        ("/_allauth/app/v1/auth/session", 401),
    ],
)
def test_a_listed_page_reads_every_answer_refusals_too(
    db: None, client: Client, path: str, status: int
) -> None:
    answer = client.get(path, headers={"Origin": SHOP})
    assert answer.status_code == status
    assert answer["Access-Control-Allow-Origin"] == SHOP
    assert {"x-request-id", "retry-after", "date"} <= words(answer["Access-Control-Expose-Headers"])
    assert "origin" in words(answer["Vary"])
    assert "Access-Control-Allow-Credentials" not in answer


@pytest.mark.parametrize("origin", STRANGERS)
def test_a_page_that_is_not_listed_gets_nothing(db: None, client: Client, origin: str) -> None:
    assert cors(client.get("/api/v1/services/", headers={"Origin": origin}).headers) == set()
    preflight = client.options("/api/v1/services/", headers=PREFLIGHT | {"Origin": origin})
    assert cors(preflight.headers) == set()


@pytest.mark.parametrize("path", CLOSED)
def test_webhook_admin_and_pages_get_nothing_for_any_origin(db: None, client: Client, path: str) -> None:
    answers: list[Any] = [client.options(path, headers=PREFLIGHT), client.get(path, headers={"Origin": SHOP})]
    answers.append(client.post(path, "{}", content_type="application/json", headers={"Origin": SHOP}))
    assert [cors(answer.headers) for answer in answers] == [set()] * 3


def test_without_a_list_nothing_is_allowed(db: None, client: Client, settings: Settings) -> None:
    settings.CORS_ALLOWED_ORIGINS = []
    assert Environment.model_fields["estuary_cors_origins"].default == ""
    assert cors(client.get("/api/v1/services/", headers={"Origin": SHOP}).headers) == set()
    assert cors(client.options("/api/v1/services/", headers=PREFLIGHT).headers) == set()
