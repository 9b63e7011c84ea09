"""No input is an accident: every address of the OpenAPI document, with odd values in every place that takes one."""

import json
import re
from base64 import b64encode
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client
from django.urls import get_resolver
from drf_spectacular.generators import SchemaGenerator
from rest_framework.test import APIClient

from estuary.accounts.models import Practitioner, User
from estuary.bookings.models import Booking
from estuary.bookings.order_lines import ScheduleRequest
from estuary.catalog.models import ServiceType
from estuary.orders.models import Order
from estuary.payments.models import StripeCustomer
from stripe_sandbox import Sandbox
from tests.api.staff import admin_client
from tests.factories import REFUNDING, a_free_slot, buy, make_service, make_staff, signed_in

pytestmark = pytest.mark.django_db

type Json = dict[str, Any]

HUGE = "9" * 23
IN_ADDRESSES = [
    "%00",
    "x%00y",
    "%ED%A0%80",
    "%F0%9F",
    "%FF",
    HUGE,
    "9" * 5000,
    "-1",
    "%27%22%3B--",
    "%E2%80%AE",
    "%0A",
]
POSITIONS = [
    "abc", "%00", "1%00", "%FF", "1", "-1", HUGE, "-" + HUGE, "9" * 5000, "1.5", "1_0", "None", "", "%D9%A3",
    "2026-01-01", "2026-01-01 10:00:00", "0001-01-01 00:00:00+14:00", "9999-12-31 23:59:59-14:00",
    "2026-02-30T10:00:00Z", "2026-01-01 10:00:00.000000+00:00",
]  # fmt: skip
CURSORS = [b64encode(f"p={position}".encode()).decode() for position in POSITIONS] + [
    b64encode(tokens.encode()).decode()
    for tokens in ("o=99999&p=9", f"o={HUGE}", "o=-1", "o=x", f"r={HUGE}", "r=x&p=1", "r=1", "r=1&o=5&p=abc", "p", "&&")
] + ["", "x", "%00", "%F0%9F", "====", "cD0x" * 2000]  # fmt: skip
IN_BODIES = [
    "1e99999999999999999999", "-1e-99999999999999999999", "1e400", HUGE, "9" * 5000, "-1", "0.1", "true", "null",
    '""', '"\\u0000"', '"\\ud800"', '"\\udfff x"', '"x"', '"\\u202e"', f'"{HUGE}"',
    '"1e99999999999999999999"', '"sNaN"',
    "[]", "{}",
    '[[{"a": [1e99999999999999999999]}]]', '{"a": 1e99999999999999999999}', '{"\\ud800": 1}', '{"\\u0000": 1}',
]  # fmt: skip
WHOLE_BODIES = [
    "",
    "[]",
    "null",
    '"x"',
    "1",
    "{",
    '{"a"',
    "\xff",
    '{"a": 1e99999999999999999999}',
    '["\\ud800"]',
]


@pytest.fixture
def ines(db: None) -> User:
    """Of staff, so that every address lets her in, and with something of everything to ask about."""
    return make_staff("Ines Duarte", *REFUNDING)


@pytest.fixture
def booking(ines: User, ana: Practitioner) -> Booking:
    session = make_service(ServiceType.SESSION, ana)
    booking = buy(ines, session, wish=ScheduleRequest(starts_at=a_free_slot(session)))
    Order.objects.update(disputed=True)  # or a body that is right by chance would refund it
    return booking


@pytest.fixture
def client(ines: User) -> APIClient:
    """Answers 500 where there is a bug, as the server does."""
    client = signed_in(ines)
    client.raise_request_exception = False
    return client


def operations() -> Iterator[tuple[str, str, Json]]:
    """Every address of ours with its method and what the document says of it."""
    for address, methods in document()["paths"].items():
        for method, operation in methods.items():
            if address.startswith("/api/v1/"):
                yield address, method.upper(), operation


def document() -> Json:
    return dict(SchemaGenerator().get_schema(request=None, public=True))  # type: ignore[no-untyped-call]


def places(operation: Json, where: str) -> list[str]:
    return [parameter["name"] for parameter in operation.get("parameters", []) if parameter["in"] == where]


def filled(address: str, operation: Json, booking: Booking) -> str:
    """Put what there is into an address."""
    ids = {"services": booking.service_id, "bookings": booking.pk, "orders": booking.order.public_id}
    for name in places(operation, "path"):
        address = address.replace(f"{{{name}}}", str(ids.get(address.split("/")[3], "1")))
    return address


def wrong(answer: Any, request: str) -> list[str]:
    """Return what is wrong with an answer: a 500, or a no that tells nobody anything."""
    status = answer.status_code
    if status < 400:
        return []
    if status >= 500 or answer["Content-Type"] != "application/problem+json":
        return [f"{status} {answer['Content-Type']} for {request[:200]}"]
    problem = answer.json()
    is_told = problem["status"] == status and problem["code"] and len(problem["detail"].split()) > 3
    return [] if is_told else [f"{problem} for {request[:200]}"]


def sent(client: APIClient, method: str, address: str, body: str = "{}") -> list[str]:
    content = body.encode("latin-1") if method != "GET" else b""
    answer = client.generic(method, address, content, content_type="application/json")  # type: ignore[arg-type]
    return wrong(answer, f"{method} {address} {body}")


def test_no_address_takes_an_odd_value_for_more_than_a_clear_no(
    client: APIClient, booking: Booking, stripe: Sandbox
) -> None:
    faults = []
    for address, method, operation in operations():
        for name in places(operation, "path"):
            for value in IN_ADDRESSES:
                faults += sent(client, method, address.replace(f"{{{name}}}", value))
        for name in places(operation, "query"):
            for value in CURSORS if name == "cursor" else IN_ADDRESSES:
                faults += sent(client, method, f"{filled(address, operation, booking)}?{name}={value}")
    assert faults == []
    nothing_happened(stripe)


@pytest.mark.exhaustive
def test_no_body_holds_an_odd_value_for_more_than_a_clear_no(
    client: APIClient, booking: Booking, stripe: Sandbox
) -> None:
    schemas, faults = document()["components"]["schemas"], []
    for address, method, operation in operations():
        shape = (
            operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
        )
        schema = schemas[shape["$ref"].rpartition("/")[2]] if "$ref" in shape else {}
        names = schema.get("properties", [])
        bodies = [f'{{"{name}": {value}}}' for name in names for value in IN_BODIES]
        # Where nothing is required, a body without anything is right.
        whole = [body for body in WHOLE_BODIES if schema.get("required") or body not in {"", "{}"}]
        for body in [*bodies, *whole] if names else []:
            faults += sent(client, method, filled(address, operation, booking), body)
    assert faults == []
    nothing_happened(stripe)


@pytest.mark.parametrize(
    "name", ["amount", "credit_amount", "service_data", "payment_method_id", "success_url"]
)
@pytest.mark.parametrize(
    "value", ["1e99999999999999999999", '{"a": [1e99999999999999999999]}', '"\\ud800"', '"\\u0000"']
)
def test_a_purchase_with_an_odd_value_is_refused_whatever_else_is_right(
    client: APIClient, stripe: Sandbox, name: str, value: str
) -> None:
    body = (
        f'{{"is_credit_purchase": true, {"" if name == "amount" else '"amount": "5.00", '}"{name}": {value}}}'
    )
    answer = client.generic("POST", "/api/v1/payments/create/", body, content_type="application/json")
    assert answer.status_code == 400, answer.content
    assert wrong(answer, body) == []
    nothing_happened(stripe)


def test_a_cursor_of_another_list_is_told_to_be_none(client: APIClient, booking: Booking) -> None:
    by_id, by_start = (b64encode(f"p={at}".encode()).decode() for at in ("1", "2026-01-01 10:00:00+00:00"))
    for address, cursor in (
        (f"/api/v1/bookings/?when=upcoming&cursor={by_id}", by_id),
        (f"/api/v1/services/{booking.service_id}/sessions/?cursor={by_id}", by_id),
        (f"/api/v1/orders/?cursor={by_start}", by_start),
    ):
        answer = client.get(address)
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found"), cursor
        assert "cursor" in answer.json()["detail"]


@pytest.mark.parametrize("address", ["auth/signup", "auth/login", "auth/password/request", "tokens/refresh"])
def test_signing_in_takes_only_what_is_text(address: str) -> None:
    client = Client(raise_request_exception=False)
    for field in ("email", "password", "refresh_token", "other"):
        right = {"email": "maya@estuary.example", "password": "correct horse battery", "refresh_token": "x"}
        for odd in ('"\\ud800xyzzyqwerty"', '"maya\\u0000@estuary.example"', '{"\\udfff": 1}', '["\\u0000"]'):
            others = json.dumps({name: value for name, value in right.items() if name != field})[1:]
            body = f'{{"{field}": {odd}, {others}'
            answer = client.post(f"/_allauth/app/v1/{address}", body, content_type="application/json")
            assert answer.status_code == 400, (body, answer.content)
            assert answer.json()["code"] == "malformed_json", answer.content
    assert not User.objects.filter(email__startswith="maya").exists()


ODD_ROWS = ["%00", "_00", "x", "-1", HUGE, "9" * 5000, "%D9%A3"]
ODD_FILTERS = [
    "status__exact=%00",
    "type__exact=%00",
    "q=%00",
    "id__exact=x",
    f"p={HUGE}",
    "o=x.%00",
    "e=%00",
]


@pytest.mark.exhaustive
def test_no_page_of_the_staff_takes_an_odd_value_for_a_bug(booking: Booking, stripe: Sandbox) -> None:
    client, answers = admin_client(), []
    client.raise_request_exception = False
    for address in admin_addresses():
        for odd in ODD_ROWS if "<" in address else []:
            answers.append((client.get(re.sub(r"<[^>]*>", odd, address)).status_code, odd, address))
        for odd in ODD_FILTERS if "<" not in address else []:
            answers.append((client.get(f"{address}?{odd}").status_code, odd, address))
    assert len(answers) > 500
    assert [answer for answer in answers if answer[0] >= 500] == []
    nothing_happened(stripe)


def admin_addresses(patterns: Any = None, address: str = "/") -> Iterator[str]:
    """Every address of the admin, with ``<…>`` where a row's id stands."""
    for pattern in get_resolver().url_patterns if patterns is None else patterns:
        whole = f"{address}{pattern.pattern}"
        if inner := getattr(pattern, "url_patterns", None):
            yield from admin_addresses(inner, whole)
        elif whole.startswith("/admin/") and "(?P" not in whole and "logout" not in whole:
            yield whole.removesuffix("$")


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE"])
def test_there_is_nothing_about_phones_since_none_is_kept(method: str) -> None:
    client = Client(raise_request_exception=False, enforce_csrf_checks=True)
    for address in ("account/phone", "auth/phone/verify", "auth/phone/verify/resend"):
        answer = client.generic(method, f"/_allauth/app/v1/{address}", b"{}", content_type="application/json")
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


def nothing_happened(stripe: Sandbox) -> None:
    assert stripe.requests == []
    assert not StripeCustomer.objects.exists()
    assert not Order.objects.filter(request_fingerprint__gt="").exists()
