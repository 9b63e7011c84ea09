"""Every kind of answer tells the browser what it may not do with it; in production, never to come without TLS."""

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from pytest_django import Settings

from estuary.config import storefront
from estuary.config.environment import BASE_DIR
from estuary.payments.customers import payment_methods
from tests.api.staff import admin_client, make_staff
from tests.domain.test_environment import REAL
from tests.factories import signed_in

PAGES = {
    "the API": "/api/v1/payments/config/",
    "a refusal of the API": "/api/v1/orders/",
    "no such address of the API": "/api/v1/nothing/",
    "the schema": "/api/schema/",
    "the API's documentation": "/api/docs/",
    "the other documentation": "/api/redoc/",
    "the reference of errors": "/docs/errors/",
    "a page of the storefront": "/",
    "no page of the storefront": "/nothing/",
    "a redirect": "/orders",
    "a script of the storefront": "/_next/static/app.js",
    "sign-in for staff": "/admin/login/",
    "a page of staff": "/admin/",
    "a static file": "/static/admin/css/base.css",
    "sign-in": "/_allauth/app/v1/config",
    "a query that is refused": "/api/v1/services/?page=%00",
}


@pytest.fixture
def shop(tmp_path: Path, settings: Settings) -> Path:
    for name in ("index.html", "404.html", "orders/index.html", "_next/static/app.js"):
        (tmp_path / name).parent.mkdir(exist_ok=True, parents=True)
        (tmp_path / name).write_text("<!doctype html><p>Hello")
    settings.STOREFRONT_ROOT = tmp_path
    storefront.read_exported_pages.cache_clear()
    return tmp_path


def assert_guarded(headers: Mapping[str, str]) -> None:
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "DENY"
    policy = {rule.split()[0]: rule.split()[1:] for rule in headers["Content-Security-Policy"].split(";")}
    assert policy["frame-ancestors"] == ["'none'"]
    assert policy.get("object-src", policy.get("default-src")) == ["'none'"]
    assert headers["Referrer-Policy"] == "same-origin"
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    for feature in ("camera", "microphone", "geolocation", "usb"):
        assert f"{feature}=()" in headers["Permissions-Policy"].split(", ")


@pytest.mark.django_db
@pytest.mark.parametrize("kind", PAGES)
def test_every_kind_of_answer_is_guarded(shop: Path, kind: str) -> None:
    browser = admin_client()
    answer = browser.get(PAGES[kind], headers={"Accept": "text/html"} if "storefront" in kind else {})
    assert_guarded(answer.headers)
    assert "Strict-Transport-Security" not in answer  # the laptop has no TLS


@pytest.mark.django_db
@pytest.mark.parametrize(
    "path", ["account", "credits", "bookings", "orders", "payments/methods", "roster", "hours"]
)
def test_what_is_for_one_person_is_kept_by_nobody(path: str) -> None:
    answer = signed_in(make_staff()).get(f"/api/v1/{path}/")
    assert answer["Cache-Control"] == "private, no-store"
    assert "no-store" in Client().get("/_allauth/app/v1/auth/session")["Cache-Control"]


@pytest.mark.django_db
def test_answers_to_events_and_to_bugs_are_guarded_too(monkeypatch: pytest.MonkeyPatch) -> None:
    assert_guarded(Client().post("/api/v1/payments/webhook/", b"{}", "application/json").headers)

    def broken(user: Any) -> Any:
        raise RuntimeError("a bug")

    monkeypatch.setattr(payment_methods, "saved_cards", broken)
    buyer = signed_in(make_staff("orders.view_order"))
    buyer.raise_request_exception = False
    answer = buyer.get("/api/v1/payments/methods/")
    assert answer.status_code == 500
    assert_guarded(answer.headers)


IN_PRODUCTION = """
import json, os
os.environ["DJANGO_SETTINGS_MODULE"] = "estuary.config.settings"
import django
django.setup()
from django.test import Client
found = {}
for path in ("/docs/errors/", "/api/v1/nothing/", "/", "/admin/login/", "/static/admin/css/base.css"):
    for secure in (True, False):
        answer = Client().get(path, secure=secure, HTTP_HOST="estuary.example")
        cookies = [str(cookie) for cookie in answer.cookies.values()]
        found[f"{path} {secure}"] = [answer.status_code, dict(answer.items()), cookies]
print(json.dumps(found))
"""


def test_production_insists_on_tls() -> None:
    command = [sys.executable, "-c", IN_PRODUCTION]
    process = subprocess.run(command, cwd=BASE_DIR, env=REAL, capture_output=True, text=True, check=True)
    for request, (status, headers, cookies) in json.loads(process.stdout).items():
        path, _, secure = request.partition(" ")
        if secure == "True":
            assert_guarded(headers)
            assert headers["Strict-Transport-Security"] == "max-age=31536000; includeSubDomains; preload", (
                request
            )
            assert all("Secure" in cookie for cookie in cookies)
        else:
            assert (status, headers["Location"]) == (301, f"https://estuary.example{path}"), request
