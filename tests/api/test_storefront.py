"""The storefront's pages as Django serves them: found, protected, and told apart from the API."""

import base64
import gzip
import hashlib
import json
from pathlib import Path
from urllib.parse import urlsplit

import brotli
import pytest
from django.db import OperationalError
from django.test import Client
from pytest_django import Settings
from starlette.testclient import TestClient

from estuary.catalog.api import ServiceList
from estuary.catalog.models import Service, ServiceType
from estuary.config import storefront
from stripe_sandbox import Sandbox
from stripe_sandbox.server import app_for
from tests.factories import make_practitioner, make_service

PAGE = "<!doctype html><script>greet()</script><script src='/_next/x.js'></script><p>Hello</p>"
GREET = "'sha256-" + base64.b64encode(hashlib.sha256(b"greet()").digest()).decode() + "'"


@pytest.fixture(autouse=True)
def exported(tmp_path: Path, settings: Settings) -> Path:
    """A small export of three pages."""
    for name in ("index.html", "orders/index.html", "404.html"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(PAGE.replace("Hello", name))
    settings.STOREFRONT_ROOT = tmp_path
    return tmp_path


def _policy(client: Client, path: str = "/") -> dict[str, list[str]]:
    header = client.get(path)["Content-Security-Policy"]
    return {name: sources for name, *sources in (part.split() for part in header.split(";"))}


def test_a_page_is_served_and_not_sent_twice(client: Client) -> None:
    first = client.get("/orders/?id=ord_1")
    assert first.status_code == 200
    assert b"orders/index.html" in first.content
    assert client.get("/orders/", headers={"If-None-Match": first["ETag"]}).status_code == 304


def test_a_missing_slash_is_added_and_the_query_kept(client: Client) -> None:
    answer = client.get("/orders?id=ord_1")
    assert (answer.status_code, answer["Location"]) == (301, "/orders/?id=ord_1")


def test_only_hashed_and_own_scripts_run(client: Client) -> None:
    policy = _policy(client)
    assert GREET in policy["script-src"]
    assert "'unsafe-inline'" not in {source for sources in policy.values() for source in sources}
    assert "'unsafe-eval'" not in policy["script-src"]
    assert policy["default-src"] == policy["frame-ancestors"] == policy["object-src"] == ["'none'"]


def test_in_sandbox_mode_only_the_sandbox_is_let_in(client: Client, settings: Settings) -> None:
    settings.STRIPE_JS_URL = "http://127.0.0.1:9/v3/stripe.js"
    settings.STRIPE_API_BASE = "http://127.0.0.1:9"
    storefront.read_exported_pages.cache_clear()
    policy = _policy(client)
    assert policy["frame-src"] == ["http://127.0.0.1:9"]
    assert "stripe.com" not in str(policy)


def test_the_script_that_the_pages_are_told_is_the_one_that_the_sandbox_serves(
    client: Client, settings: Settings
) -> None:
    script_url = client.get("/api/v1/payments/config/").json()["stripe_js_url"]
    assert script_url == settings.STRIPE_JS_URL
    assert script_url.startswith(settings.STRIPE_API_BASE)
    served = TestClient(app_for(Sandbox())).get(urlsplit(script_url).path)
    assert served.status_code == 200
    assert "javascript" in served.headers["content-type"]


def test_on_real_stripe_only_stripe_is_let_in(client: Client, settings: Settings) -> None:
    settings.STRIPE_JS_URL = ""
    storefront.read_exported_pages.cache_clear()
    policy = _policy(client)
    assert "https://js.stripe.com" in policy["script-src"]
    assert policy["connect-src"] == ["'self'", "https://api.stripe.com"]
    assert "https://hooks.stripe.com" in policy["frame-src"]


def test_an_unknown_page_is_the_shops_own_404_for_people_and_json_for_programs(client: Client) -> None:
    page = client.get("/nothing/", headers={"Accept": "text/html"})
    assert (page.status_code, b"404.html" in page.content) == (404, True)
    assert client.get("/nothing/")["Content-Type"] == "application/problem+json"
    assert (
        client.get("/api/v1/nothing/", headers={"Accept": "text/html"})["Content-Type"]
        == "application/problem+json"
    )


def test_a_path_never_leaves_the_export(client: Client, exported: Path) -> None:
    (exported.parent / "secret.txt").write_text("secret")
    assert client.get("/../secret.txt").status_code == 404
    assert client.get("/%2e%2e/secret.txt").status_code == 404


def test_an_unbuilt_storefront_says_how_to_build_it(
    client: Client, settings: Settings, tmp_path: Path
) -> None:
    settings.STOREFRONT_ROOT = tmp_path / "none"
    answer = client.get("/", headers={"Accept": "text/html"})
    assert answer.status_code == 404
    assert b"make frontend" in answer.content


def test_a_page_is_sent_in_the_best_coding_that_the_browser_takes(client: Client) -> None:
    plain = client.get("/orders/")
    assert "Content-Encoding" not in plain
    for offer, coding in (("gzip, deflate, br", "br"), ("gzip", "gzip"), ("br;q=0, gzip", "gzip")):
        sent = client.get("/orders/", headers={"Accept-Encoding": offer})
        assert sent["Content-Encoding"] == coding
        assert "Accept-Encoding" in sent["Vary"]
        content = brotli.decompress(sent.content) if coding == "br" else gzip.decompress(sent.content)
        assert content == plain.content
        again = client.get("/orders/", headers={"Accept-Encoding": offer, "If-None-Match": sent["ETag"]})
        assert again.status_code == 304


@pytest.fixture
def catalogue(exported: Path, db: None) -> Service:
    """A service, and the catalogue's page with the place for it."""
    placeholder = '<section id="first-services" class="x"><div>Loading</div></section>'
    (exported / "index.html").write_text(f"{PAGE}{placeholder}<p>the end</p>")
    storefront.read_exported_pages.cache_clear()
    name = "Yoga & </script><script>steal()</script>"
    return make_service(ServiceType.WORKSHOP, make_practitioner("Ana <b>Ribeiro"), name=name)


def test_the_catalogues_first_cards_are_in_its_page(client: Client, catalogue: Service) -> None:
    page = client.get("/").content.decode()
    assert f'href="/services/?id={catalogue.pk}"' in page
    assert "Loading" not in page
    assert page.endswith("<p>the end</p>")
    data = json.loads(
        page.partition('id="first-services-data" type="application/json">')[2].partition("<")[0]
    )
    assert data == {"type": "", "page": client.get("/api/v1/services/").json()}


def test_a_services_name_can_bring_no_markup_into_the_page(client: Client, catalogue: Service) -> None:
    page = client.get("/").content.decode()
    assert "steal()" in page
    assert "<script>steal" not in page
    assert "<b>" not in page


def test_the_cards_are_of_the_type_in_the_address(client: Client, catalogue: Service) -> None:
    assert catalogue.slug in client.get("/?type=workshop&utm_source=x").content.decode()
    assert catalogue.slug not in client.get("/?type=course").content.decode()
    assert "Loading" in client.get("/?type=nothing").content.decode()


def test_without_its_database_the_catalogues_page_is_as_it_was_exported(
    client: Client, catalogue: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*args: object) -> None:
        raise OperationalError("gone")

    monkeypatch.setattr(ServiceList, "get_queryset", fail)
    answer = client.get("/")
    assert answer.status_code == 200
    assert "Loading" in answer.content.decode()
