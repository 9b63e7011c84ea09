"""One of staff without a permission reads and refunds by the API; the API's session token is tried on the admin."""

from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session
from django.test import Client
from drf_spectacular.generators import SchemaGenerator
from rest_framework.test import APIClient

from estuary.accounts.models import User
from estuary.payments.models import Refund
from stripe_sandbox import Sandbox
from tests.attacks.visitor import Visitor
from tests.factories import PASSWORD, REFUNDING, make_staff, make_user, signed_in
from tests.flows import buying
from tests.flows.buying import pay
from tests.sandbox_bridge import settle_everything

pytestmark = pytest.mark.django_db(transaction=True)

NOT_FOUND, FORBIDDEN, FINE, CREATED = 404, 403, 200, 201
ORDER = "/api/v1/orders/{order_id}/"
REFUNDS = "/api/v1/orders/{public_id}/refunds/"
# The permissions that open each endpoint to staff, and its answer to (buyer, staff without, staff with, superuser),
# each of whom asks for the order of somebody else.
BY_PERMISSION: dict[tuple[str, str], tuple[tuple[str, ...], tuple[int, int, int, int]]] = {
    ("GET", ORDER): (("orders.view_order",), (NOT_FOUND, NOT_FOUND, FINE, FINE)),
    ("GET", REFUNDS): (("orders.view_order",), (FORBIDDEN, FORBIDDEN, FINE, FINE)),
    ("POST", REFUNDS): (
        ("orders.view_order", "payments.add_refund"),
        (FORBIDDEN, FORBIDDEN, CREATED, CREATED),
    ),
}
# No permission opens another's row here: staff are as any other account.
OWN: dict[tuple[str, str], int] = {
    ("GET", "/api/v1/account/"): FINE,
    ("PATCH", "/api/v1/account/"): FINE,
    ("GET", "/api/v1/account/data/"): FORBIDDEN,
    ("POST", "/api/v1/account/erasure/"): FORBIDDEN,
    ("GET", "/api/v1/bookings/"): FINE,
    ("GET", "/api/v1/bookings/{id}/"): NOT_FOUND,
    ("GET", "/api/v1/bookings/{id}/cancel/"): NOT_FOUND,
    ("POST", "/api/v1/bookings/{id}/cancel/"): NOT_FOUND,
    ("POST", "/api/v1/bookings/{id}/move/"): NOT_FOUND,
    ("POST", "/api/v1/bookings/{id}/schedule/"): NOT_FOUND,
    ("GET", "/api/v1/bookings/{id}/sessions/"): NOT_FOUND,
    ("GET", "/api/v1/bookings/{id}/slots/"): NOT_FOUND,
    ("GET", "/api/v1/credits/"): FINE,
    ("GET", "/api/v1/orders/"): FINE,
    ("GET", "/api/v1/orders/{order_id}/receipt/"): NOT_FOUND,
    ("GET", "/api/v1/orders/{order_id}/receipt/pdf/"): NOT_FOUND,
    ("GET", "/api/v1/orders/{order_id}/credit-notes/{number}/pdf/"): NOT_FOUND,
    ("POST", "/api/v1/orders/{public_id}/cancel/"): NOT_FOUND,
    ("POST", "/api/v1/orders/{public_id}/sync/"): NOT_FOUND,
    ("GET", "/api/v1/payments/methods/"): FINE,
    ("DELETE", "/api/v1/payments/methods/{payment_method_id}/"): NOT_FOUND,
    ("POST", "/api/v1/payments/methods/default/"): NOT_FOUND,
    ("GET", "/api/v1/hours/"): FORBIDDEN,
    ("PUT", "/api/v1/hours/"): FORBIDDEN,
    ("PUT", "/api/v1/hours/exceptions/{day}/"): FORBIDDEN,
    ("DELETE", "/api/v1/hours/exceptions/{day}/"): FORBIDDEN,
    ("GET", "/api/v1/roster/"): FORBIDDEN,
    ("GET", "/api/v1/bookings/{id}/decline/"): NOT_FOUND,
    ("POST", "/api/v1/bookings/{id}/decline/"): NOT_FOUND,
    ("GET", "/api/v1/roster/bookings/{id}/call-off/"): FORBIDDEN,
    ("POST", "/api/v1/roster/bookings/{id}/call-off/"): FORBIDDEN,
    ("GET", "/api/v1/roster/changes/"): FORBIDDEN,
    ("GET", "/api/v1/roster/changes/{change_id}/"): FORBIDDEN,
    ("GET", "/api/v1/roster/days/call-off/"): FORBIDDEN,
    ("POST", "/api/v1/roster/days/call-off/"): FORBIDDEN,
    ("POST", "/api/v1/roster/days/open/"): FORBIDDEN,
    ("GET", "/api/v1/roster/services/"): FORBIDDEN,
    ("GET", "/api/v1/roster/sessions/"): FORBIDDEN,
    ("POST", "/api/v1/roster/sessions/"): FORBIDDEN,
    ("GET", "/api/v1/roster/sessions/{id}/"): FORBIDDEN,
    ("PATCH", "/api/v1/roster/sessions/{id}/"): FORBIDDEN,
    ("DELETE", "/api/v1/roster/sessions/{id}/"): FORBIDDEN,
    ("POST", "/api/v1/roster/bookings/{id}/message/"): FORBIDDEN,
    ("POST", "/api/v1/roster/sessions/{id}/message/"): FORBIDDEN,
    ("GET", "/api/v1/roster/feed/"): FORBIDDEN,
    ("POST", "/api/v1/roster/feed/"): FORBIDDEN,
    ("DELETE", "/api/v1/roster/feed/"): FORBIDDEN,
    ("GET", "/api/v1/roster/sessions/{id}/call-off/"): FORBIDDEN,
    ("POST", "/api/v1/roster/sessions/{id}/call-off/"): FORBIDDEN,
    ("GET", "/api/v1/roster/sessions/{id}/move/"): FORBIDDEN,
    ("POST", "/api/v1/roster/sessions/{id}/move/"): FORBIDDEN,
}
# Each account makes something of its own, or reads what is everybody's.
WITHOUT_ROWS_OF_OTHERS = {
    ("POST", "/api/v1/payments/create/"),
    ("POST", "/api/v1/payments/methods/setup/"),
    # Its token alone opens it.
    ("GET", "/api/v1/calendar/{token}.ics"),
    ("GET", "/api/v1/pages/{slug}/"),
    ("GET", "/api/v1/payments/config/"),
    ("GET", "/api/v1/services/"),
    ("GET", "/api/v1/services/{id}/"),
    ("GET", "/api/v1/services/{id}/sessions/"),
    ("GET", "/api/v1/services/{id}/slots/"),
}
BODIES: dict[str, dict[str, Any]] = {
    REFUNDS: {"amount": "1.00"},
    "/api/v1/roster/bookings/{id}/call-off/": {"preview_id": "prv_1"},
    "/api/v1/roster/sessions/{id}/call-off/": {"preview_id": "prv_1"},
    "/api/v1/bookings/{id}/move/": {"start_datetime": "2030-01-07T10:00:00Z"},
    "/api/v1/bookings/{id}/schedule/": {"start_datetime": "2030-01-07T10:00:00Z"},
}


@pytest.fixture
def paid(stripe: Sandbox) -> dict[str, str]:
    """What belongs to a buyer, by the name that it has in an address."""
    maya = make_user()
    order = buying.credits(signed_in(maya), "50.00")
    pay(stripe, order)
    settle_everything(stripe)
    card = str(maya.payment_methods.get().pk)
    return {
        "{order_id}": order["order_id"],
        "{public_id}": order["order_id"],
        "{payment_method_id}": card,
        "{id}": "1",
        "{number}": "C-2026-000001",
        "{change_id}": "chg_1",
        "{day}": "2030-01-07",
    }


def ask(client: APIClient, endpoint: tuple[str, str], paid: dict[str, str]) -> Any:
    verb, path = endpoint
    body = BODIES.get(path, {})
    if path.endswith("/default/"):
        body = {"payment_method_id": paid["{payment_method_id}"]}
    for name, value in paid.items():
        path = path.replace(name, value)
    return client.get(path) if verb == "GET" else getattr(client, verb.lower())(path, body)


def accounts(*permissions: str) -> list[APIClient]:
    """A buyer, one of staff without permissions, one with these, and a superuser."""
    everybody = [
        make_user("Tom Achterberg"),
        make_staff("No Rights"),
        make_staff("Ines Duarte", *permissions),
    ]
    everybody.append(make_staff("Sam Okafor", is_superuser=True))
    return [signed_in(account) for account in everybody]


def test_each_endpoint_has_its_row() -> None:
    paths = SchemaGenerator().get_schema(public=True)["paths"]  # type: ignore[no-untyped-call]
    endpoints = {(verb.upper(), path) for path, verbs in paths.items() for verb in verbs}
    assert endpoints == BY_PERMISSION.keys() | OWN.keys() | WITHOUT_ROWS_OF_OTHERS


@pytest.mark.parametrize("endpoint", BY_PERMISSION)
def test_staff_act_by_their_permissions(
    stripe: Sandbox, paid: dict[str, str], endpoint: tuple[str, str]
) -> None:
    permissions, expected = BY_PERMISSION[endpoint]
    answers = [ask(client, endpoint, paid) for client in accounts(*permissions)]
    assert tuple(answer.status_code for answer in answers) == expected
    allowed = sum(answer == CREATED for answer in expected)
    assert Refund.objects.count() == allowed
    settle_everything(stripe)


@pytest.mark.parametrize("endpoint", [one for one in BY_PERMISSION if len(BY_PERMISSION[one][0]) > 1])
def test_each_of_several_permissions_is_needed(
    stripe: Sandbox, paid: dict[str, str], endpoint: tuple[str, str]
) -> None:
    for permission in BY_PERMISSION[endpoint][0]:
        answer = ask(signed_in(make_staff("Half Rights", permission)), endpoint, paid)
        assert answer.status_code == FORBIDDEN, permission


@pytest.mark.exhaustive(one_in=3)
@pytest.mark.parametrize("endpoint", OWN)
def test_no_permission_opens_what_is_its_owners_alone(
    stripe: Sandbox, paid: dict[str, str], endpoint: tuple[str, str]
) -> None:
    for client in accounts(*REFUNDING):
        answer = ask(client, endpoint, paid)
        assert answer.status_code == OWN[endpoint]
        assert paid["{order_id}"] not in answer.content.decode()


def test_permissions_of_one_who_left_staff_open_nothing(stripe: Sandbox, paid: dict[str, str]) -> None:
    former = make_staff("Former Member", *REFUNDING)
    User.objects.filter(pk=former.pk).update(is_staff=False)
    client = signed_in(former)
    for endpoint, (_, expected) in BY_PERMISSION.items():
        assert ask(client, endpoint, paid).status_code == expected[0]


def session_token(user: User) -> str:
    answer = APIClient().post("/_allauth/app/v1/auth/login", {"email": user.email, "password": PASSWORD})
    return str(answer.json()["meta"]["session_token"])


def test_a_session_token_of_the_api_opens_no_page_of_staff() -> None:
    browser = Client()
    browser.cookies[settings.SESSION_COOKIE_NAME] = session_token(make_staff("Sam Okafor", is_superuser=True))
    for page in ("/admin/", "/admin/orders/order/", "/admin/password_change/", "/admin/jsi18n/"):
        assert browser.get(page).status_code == 302, page
    assert browser.get("/admin/login/").status_code == FINE


def test_a_session_of_the_admin_is_no_token_of_the_api() -> None:
    chief = make_staff("Sam Okafor", is_superuser=True)
    browser = Client()
    browser.post("/admin/login/?next=/admin/", {"username": chief.email, "password": PASSWORD})
    assert browser.get("/admin/").status_code == FINE
    key = browser.cookies[settings.SESSION_COOKIE_NAME].value
    answer = APIClient().get("/_allauth/app/v1/auth/session", headers={"X-Session-Token": key})
    assert answer.status_code in {401, 410}


def test_sessions_of_the_code_before_stay_the_apis_and_never_open_the_admin() -> None:
    chief, visitor = make_staff("Sam Okafor", is_superuser=True), Visitor()
    assert visitor.sign_in(chief.email, PASSWORD) == FINE
    [row] = Session.objects.all()
    held = SessionStore().decode(row.session_data)
    held[BACKEND_SESSION_KEY] = "django.contrib.auth.backends.ModelBackend"
    row.session_data = SessionStore().encode(held)
    row.save()
    assert visitor.opens_the_api()
    assert visitor.ask("GET", "auth/session")[0] == FINE
    assert visitor.ask("POST", "tokens/refresh", {"refresh_token": visitor.refresh})[0] == FINE
    assert visitor.opens_the_api()
    browser = Client()
    browser.cookies[settings.SESSION_COOKIE_NAME] = visitor.session
    assert browser.get("/admin/").status_code == 302
