"""The OpenAPI document: complete, valid, and readable without a network."""

from io import StringIO

import pytest
from django.core.management import call_command
from rest_framework.test import APIClient

pytestmark = pytest.mark.django_db


def test_the_document_is_generated_without_a_warning() -> None:
    call_command("spectacular", "--validate", "--fail-on-warn", stdout=StringIO())


def test_the_document_names_every_address_of_ours_and_how_to_sign_in(public: APIClient) -> None:
    answer = public.get("/api/schema/", {"format": "json"})
    assert answer.status_code == 200
    document = answer.json()
    assert {
        "/api/v1/services/",
        "/api/v1/services/{id}/",
        "/api/v1/services/{id}/sessions/",
        "/api/v1/services/{id}/slots/",
        "/api/v1/orders/",
        "/api/v1/orders/{order_id}/",
        "/api/v1/bookings/",
        "/api/v1/bookings/{id}/",
        "/api/v1/bookings/{id}/schedule/",
        "/api/v1/bookings/{id}/move/",
        "/api/v1/bookings/{id}/sessions/",
        "/api/v1/bookings/{id}/slots/",
        "/api/v1/roster/",
        "/api/v1/hours/",
        "/api/v1/credits/",
    } <= set(document["paths"])
    assert "/_allauth/app/v1/auth/login" in document["info"]["description"]
    assert document["components"]["securitySchemes"]["bearer"]["scheme"] == "bearer"


def test_money_is_a_string_in_the_document(public: APIClient) -> None:
    schemas = public.get("/api/schema/", {"format": "json"}).json()["components"]["schemas"]
    for name in ("amount", "amount_due", "credits_applied", "refunded"):
        shape = schemas["Order"]["properties"][name]
        assert (shape["type"], shape["format"]) == ("string", "decimal")


@pytest.mark.parametrize(
    ("address", "script"),
    [("/api/docs/", "/static/drf_spectacular_sidecar/"), ("/api/redoc/", "/api/redoc/script.js")],
)
def test_the_docs_come_from_this_server_alone(public: APIClient, address: str, script: str) -> None:
    answer = public.get(address, HTTP_ACCEPT="text/html")
    assert answer.status_code == 200
    page = answer.content.decode()
    assert f'src="{script}' in page
    # The style that hides the maker's link names it.
    assert "://" not in page.replace('a[href="https://redocly.com/redoc/"]', "")
    policy = dict(rule.split(maxsplit=1) for rule in answer.headers["Content-Security-Policy"].split("; "))
    assert policy["default-src"] == "'self'"
    assert not [source for sources in policy.values() for source in sources.split() if "://" in source]


def test_the_script_of_the_other_docs_fetches_no_picture_from_its_maker(public: APIClient) -> None:
    answer = public.get("/api/redoc/script.js")
    assert answer.status_code == 200
    script = answer.content.decode()
    assert "Redoc" in script and "cdn.redoc.ly" not in script
    assert public.get("/api/redoc/script.js", headers={"If-None-Match": answer["ETag"]}).status_code == 304
