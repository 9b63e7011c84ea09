"""An address without its slash loses no request: a redirect would make a POST a GET, which most clients do unasked."""

import pytest
from django.test import Client
from drf_spectacular.generators import SchemaGenerator

from estuary.accounts.urls import VIEWS

pytestmark = pytest.mark.django_db

WEBHOOK = "/api/v1/payments/webhook/"


def api_addresses() -> list[str]:
    """Every address of the OpenAPI document, with something in its places, and that of the document."""
    paths = SchemaGenerator().get_schema(public=True)["paths"]  # type: ignore[no-untyped-call]
    filled = [path.replace("{order_id}", "ord_1").replace("{public_id}", "ord_1") for path in paths]
    filled = [path.replace("{id}", "1").replace("{payment_method_id}", "1") for path in filled]
    filled = [path.replace("{slug}", "terms").replace("{number}", "C-2026-1") for path in filled]
    filled = [path.replace("{change_id}", "chg_1").replace("{day}", "2030-01-07") for path in filled]
    # That of a calendar ends as a file does.
    filled = [path for path in filled if path.endswith("/")]
    return [*filled, "/api/schema/"]


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_every_address_of_the_api_without_its_slash_names_the_right_one(client: Client, method: str) -> None:
    addresses = api_addresses()
    assert len(addresses) > 15
    for address in addresses:
        answer = client.generic(
            method, f"{address.removesuffix('/')}?a=1", b"{}", content_type="application/json"
        )
        assert (answer.status_code, answer["Content-Type"]) == (404, "application/problem+json"), address
        assert "Location" not in answer
        if method != "HEAD":
            problem = answer.json()
            assert (problem["code"], problem["address"]) == ("not_found", address)
            assert address in problem["detail"]


def test_the_webhook_is_served_without_it(client: Client) -> None:
    for address in (WEBHOOK, WEBHOOK.removesuffix("/")):
        assert client.post(address, b"{}", content_type="application/json").json()["code"] == "bad_signature"


def test_an_address_of_accounts_with_a_slash_too_many_names_the_right_one(client: Client) -> None:
    for view in (*VIEWS, "auth/login", "auth/session", "tokens/refresh"):
        address = f"/_allauth/app/v1/{view}"
        answer = client.post(f"{address}/", b"{}", content_type="application/json")
        assert (answer.status_code, answer["Content-Type"]) == (404, "application/problem+json"), address
        assert answer.json()["address"] == address


@pytest.mark.parametrize(
    "path", ["/api", "/api/v1/nothing", "/api/v1//payments/create", "/api/v1/nothing/", "/_allauth/x/"]
)
def test_what_is_nowhere_names_nothing(client: Client, path: str) -> None:
    answer = client.post(path, b"{}", content_type="application/json")
    assert (answer.status_code, answer["Content-Type"]) == (404, "application/problem+json")
    assert "address" not in answer.json()


def test_pages_for_people_are_still_found_without_it(client: Client) -> None:
    for page in ("/api/docs", "/api/redoc", "/admin"):
        assert client.get(page)["Location"] == f"{page}/"
