"""Cross-site request forgery: the webhook alone is exempt; all else wants a token that no other site can send."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from estuary.accounts.authentication import BearerAuthentication
from estuary.common.api.problems import not_found
from tests.api.staff import admin_client, make_staff

WEBHOOK = "api/v1/payments/webhook/"
# allauth's addresses for apps know no cookies: who is meant is said by a header, which no other site can send.
BY_HEADER = "_allauth/app/"


def views(patterns: list[Any] | None = None, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every address of the URL conf with its view."""
    for pattern in get_resolver().url_patterns if patterns is None else patterns:
        here = path + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from views(pattern.url_patterns, here)
        elif isinstance(pattern, URLPattern):
            yield here, pattern.callback


def test_only_the_webhook_takes_a_post_that_nothing_but_its_body_vouches_for() -> None:
    exempt = {path: view for path, view in views() if getattr(view, "csrf_exempt", False)}
    unguarded = set()
    for path, view in exempt.items():
        api_view = getattr(
            view, "cls", None
        )  # of Django REST framework, which asks its authentication instead
        if api_view is not None:
            assert set(api_view.authentication_classes) <= {BearerAuthentication}, path
        elif BY_HEADER not in path and getattr(view, "__wrapped__", None) is not not_found:
            unguarded.add(path)
    assert unguarded == {WEBHOOK, WEBHOOK.removesuffix("/")}
    assert len(list(views())) > 100  # the walk goes everywhere
    assert any(path.startswith("admin/") for path, _ in views())


@pytest.mark.django_db
def test_a_cookie_alone_opens_no_door_of_the_api() -> None:
    browser = admin_client()
    for path in ("payments/create/", "payments/methods/setup/", "payments/methods/default/"):
        answer = browser.post(
            f"/api/v1/{path}", {"is_credit_purchase": True, "amount": "5.00"}, "application/json"
        )
        assert answer.status_code == 401, path
    assert browser.delete("/api/v1/payments/methods/1/").status_code == 401


@pytest.mark.django_db
def test_the_pages_of_staff_refuse_a_post_from_elsewhere() -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(make_staff(is_superuser=True), "estuary.accounts.staff.sign_in.StaffBackend")
    for path in ("/admin/payments/webhookevent/", "/admin/orders/order/", "/admin/logout/", "/admin/login/"):
        assert browser.post(path, {"action": "replay_selected"}).status_code == 403, path
