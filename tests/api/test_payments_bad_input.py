"""Whatever is wrong with a purchase is told in a sentence, before a row is written or Stripe is asked."""

import json
from datetime import timedelta
from typing import Any

import pytest
from rest_framework.test import APIClient

from estuary.accounts.models import Practitioner, User
from estuary.bookings.order_lines import ScheduleRequest
from estuary.catalog.models import Service, ServiceSession, ServiceType
from estuary.common import clock
from estuary.orders.models import Order
from estuary.payments.models import StripeCustomer
from stripe_sandbox import Sandbox
from tests.factories import (
    a_free_slot,
    buy,
    make_practitioner,
    make_service,
    make_sessions,
    make_user,
    place,
)

pytestmark = pytest.mark.django_db

CREATE = "/api/v1/payments/create/"


@pytest.fixture
def session(ana: Practitioner) -> Service:
    return make_service(ServiceType.SESSION, ana, usd=10000)


@pytest.fixture
def workshop(ana: Practitioner) -> Service:
    return make_service(ServiceType.WORKSHOP, ana)


@pytest.fixture(autouse=True)
def nothing_happens(db: None, stripe: Sandbox) -> Any:
    """After each refusal there is no new order, and Stripe knows of nothing."""
    yield
    assert stripe.requests == []
    assert not StripeCustomer.objects.exists()
    assert not Order.objects.filter(request_fingerprint__gt="").exists()


def refused(buyer: APIClient, status: int, code: str, **body: Any) -> dict[str, Any]:
    return problem_of(buyer.post(CREATE, body), status, code)


def problem_of(answer: Any, status: int, code: str) -> dict[str, Any]:
    problem = dict(answer.json())
    assert (answer.status_code, problem.get("code")) == (status, code), problem
    assert answer["Content-Type"] == "application/problem+json"
    assert " " in problem["detail"]
    return problem


def raw(buyer: APIClient, body: str | bytes) -> Any:
    return buyer.generic("POST", CREATE, body, content_type="application/json")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "amount", ["0", "0.00", "-5", "NaN", "Infinity", "1e400", "1e-400", "10.005", "x", "", "1,5"]
)
@pytest.mark.parametrize("credit", [True, False], ids=["credits", "service"])
def test_an_amount_that_is_none_is_refused(
    as_maya: APIClient, session: Service, amount: str, credit: bool
) -> None:
    what = {"is_credit_purchase": True} if credit else {"service_id": str(session.pk)}
    refused(as_maya, 400, "invalid_amount", amount=amount, **what)


@pytest.mark.parametrize(
    "literal",
    ["0", "-1", "1e400", "10.005", "1E9999999999", "9" * 60, "true", "null", "[1]", '{"a": 1}', "1e-7"],
)
def test_an_amount_that_is_a_strange_number_is_refused(as_maya: APIClient, literal: str) -> None:
    answer = raw(as_maya, f'{{"is_credit_purchase": true, "amount": {literal}}}')
    assert answer.status_code == 400, answer.content
    assert answer.json()["code"] in {"invalid_amount", "invalid_request"}


@pytest.mark.parametrize("literal", ["NaN", "Infinity", "-Infinity"])
def test_what_json_has_no_word_for_is_malformed(as_maya: APIClient, literal: str) -> None:
    problem_of(raw(as_maya, f'{{"is_credit_purchase": true, "amount": {literal}}}'), 400, "malformed_json")


@pytest.mark.parametrize("amount", ["0.49", "10000.01"])
def test_too_few_and_too_many_credits_at_once_are_refused(as_maya: APIClient, amount: str) -> None:
    refused(as_maya, 400, "invalid_amount", is_credit_purchase=True, amount=amount)


def test_a_wrong_price_is_told_with_the_right_one(as_maya: APIClient, session: Service) -> None:
    for amount in ("99.99", "100.01", 1):
        problem = refused(as_maya, 409, "price_changed", service_id=str(session.pk), amount=amount)
        assert (problem["amount"], problem["currency"]) == ("100.00", "usd")


def test_a_price_that_no_card_can_be_charged_is_refused(as_maya: APIClient, ana: Practitioner) -> None:
    cheap = make_service(ServiceType.SESSION, ana, usd=49)
    wish = {"start_datetime": a_free_slot(cheap).isoformat()}
    for more in ({}, {"use_credits": True}, {"amount": "0.49"}, {"payment_type": "checkout"}):
        problem = refused(
            as_maya, 409, "below_minimum", service_id=str(cheap.pk), scheduling_data=wish, **more
        )
        assert problem["minimum"] == "0.50"
    refused(as_maya, 409, "price_changed", service_id=str(cheap.pk), amount="0.50")
    assert not Order.objects.exists()


def test_more_credits_than_money_are_refused(as_maya: APIClient) -> None:
    problem = refused(
        as_maya, 409, "price_changed", is_credit_purchase=True, amount="100.00", credit_amount="1000.00"
    )
    assert problem["credit_amount"] == "100.00"


def test_a_currency_that_is_not_offered_is_refused(as_maya: APIClient, session: Service) -> None:
    refused(as_maya, 400, "currency_not_offered", service_id=str(session.pk), currency="jpy")
    refused(as_maya, 400, "invalid_request", service_id=str(session.pk), currency="dollars")
    refused(as_maya, 400, "invalid_request", is_credit_purchase=True, amount="5.00", currency="eur")


@pytest.mark.parametrize("service_id", ["999999", "0"])
def test_an_unknown_service_is_not_found(as_maya: APIClient, service_id: str) -> None:
    refused(as_maya, 404, "not_found", service_id=service_id)


@pytest.mark.parametrize("service_id", ["abc", "-1", "1.5", "9" * 30, "٣", "", [1], {"a": 1}, True])
def test_what_is_no_id_is_refused(as_maya: APIClient, service_id: Any) -> None:
    refused(as_maya, 400, "invalid_request", service_id=service_id)


def test_nothing_to_buy_is_refused(as_maya: APIClient) -> None:
    refused(as_maya, 400, "invalid_request")
    refused(as_maya, 400, "invalid_request", is_credit_purchase=True)
    refused(as_maya, 400, "invalid_request", is_credit_purchase=True, amount="5.00", use_credits=True)
    refused(as_maya, 400, "invalid_request", service_id="1", payment_type="cash")


def test_what_is_not_on_sale_is_refused(as_maya: APIClient, session: Service) -> None:
    hour = timedelta(hours=1)
    for change in (
        {"active": False},
        {"active": True, "sale_ends_at": clock.now() - hour},
        {"sale_ends_at": None, "sale_starts_at": clock.now() + hour},
    ):
        Service.objects.filter(pk=session.pk).update(**change)
        refused(as_maya, 409, "not_on_sale", service_id=str(session.pk))


def test_a_sold_out_workshop_is_refused(as_maya: APIClient, workshop: Service) -> None:
    [seat] = make_sessions(workshop, capacity=1)
    buy(make_user("Tom Achterberg"), workshop, wish=ScheduleRequest(session_id=seat.pk))
    wish = {"service_session_id": str(seat.pk)}
    problem = refused(as_maya, 409, "sold_out", service_id=str(workshop.pk), scheduling_data=wish)
    assert problem["sessions"] == [str(seat.pk)]


def test_a_course_with_one_full_session_is_refused_as_a_whole(as_maya: APIClient, ana: Practitioner) -> None:
    course = make_service(ServiceType.COURSE, ana)
    sessions = make_sessions(course, 3)
    ServiceSession.objects.filter(pk=sessions[1].pk).update(capacity=1)
    buy(make_user("Tom Achterberg"), course)
    refused(as_maya, 409, "sold_out", service_id=str(course.pk))
    assert set(ServiceSession.objects.values_list("taken", flat=True)) == {1}


def test_a_course_that_has_begun_or_has_no_dates_is_refused(as_maya: APIClient, ana: Practitioner) -> None:
    course = make_service(ServiceType.COURSE, ana)
    refused(as_maya, 400, "session_not_offered", service_id=str(course.pk))
    make_sessions(course, 3, in_days=-7)
    refused(as_maya, 409, "session_started", service_id=str(course.pk))


def test_a_workshop_needs_a_session_of_its_own(
    as_maya: APIClient, workshop: Service, ana: Practitioner
) -> None:
    foreign = make_sessions(make_service(ServiceType.WORKSHOP, make_practitioner()))[0]
    past = make_sessions(workshop, in_days=-3)[0]
    for wish, status, code in (
        (None, 400, "scheduling_required"),
        ({}, 400, "scheduling_required"),
        ({"service_session_id": str(foreign.pk)}, 400, "session_not_offered"),
        ({"service_session_id": "999999"}, 400, "session_not_offered"),
        ({"service_session_id": "x"}, 400, "invalid_request"),
        ({"service_session_id": str(past.pk)}, 409, "session_started"),
    ):
        refused(as_maya, status, code, service_id=str(workshop.pk), scheduling_data=wish)


def test_a_session_needs_a_time_that_is_offered_and_free(as_maya: APIClient, session: Service) -> None:
    taken = a_free_slot(session)
    place(make_user("Tom Achterberg"), session, wish=ScheduleRequest(starts_at=taken))
    night = taken.replace(hour=2, minute=0)
    for start, status, code in (
        (None, 400, "scheduling_required"),
        ((clock.now() - timedelta(days=1)).isoformat(), 400, "slot_in_past"),
        (taken.isoformat(), 409, "slot_taken"),
        ((taken + timedelta(minutes=30)).isoformat(), 409, "slot_taken"),
        (night.isoformat(), 400, "outside_availability"),
        ((taken + timedelta(minutes=7)).isoformat(), 400, "outside_availability"),
        ((taken + timedelta(days=5000)).isoformat(), 400, "outside_availability"),
        (taken.replace(tzinfo=None).isoformat(), 400, "invalid_request"),
        ("tomorrow", 400, "invalid_request"),
        ("2026-02-30T10:00:00Z", 400, "invalid_request"),
        ("9999-12-31T23:59:59-23:59", 400, "invalid_request"),
        (1790000000, 400, "invalid_request"),
    ):
        wish = {} if start is None else {"start_datetime": start}
        refused(as_maya, status, code, service_id=str(session.pk), scheduling_data=wish)
    assert Order.objects.count() == 1


def test_a_package_takes_only_what_is_in_it(as_maya: APIClient, session: Service, workshop: Service) -> None:
    package = make_service(ServiceType.PACKAGE, session.practitioner, holds=[session])
    seat = make_sessions(workshop)[0]
    item = {"service_id": str(workshop.pk), "service_session_id": str(seat.pk)}
    body = {"service_id": str(package.pk), "scheduling_data": {"items": [item]}}
    refused(as_maya, 400, "session_not_offered", **body)
    refused(as_maya, 400, "invalid_request", **body | {"scheduling_data": {"items": [item] * 61}})
    refused(as_maya, 400, "invalid_request", **body | {"scheduling_data": {"items": "all"}})
    refused(as_maya, 400, "invalid_request", **body | {"scheduling_data": []})
    blank = {"scheduling_data": {"items": [item | {"service_session_id": ""}]}}
    refused(as_maya, 400, "invalid_request", **body | blank)


@pytest.mark.parametrize(
    "address",
    [
        "https://evil.example/done",
        "//evil.example",
        "/\\evil.example",
        "http://localhost:8000@evil.example/",
        "http://localhost:8000.evil.example/",
        "javascript:alert(1)",
        "data:text/html,x",
        "http://localhost:8001/",
        "https://localhost:8000/",
        "http://localhost:8000\\@evil.example",
        "http://locаlhost:8000/",
        "http://[::1",
        "http://localhost:8000:x/",
        "http://localhost:99999999/",
        "http://user@localhost:8000/",
        "http://user:word@localhost:8000@evil.example/",
        "ftp://localhost:8000/",
        "http:/localhost:8000/",
        "http:localhost:8000/",
        "http:///localhost:8000/",
        "///evil.example",
        "/\\/evil.example",
        "\\\\evil.example",
        "/\tevil.example",
        "http://localhost:8000/\r\nSet-Cookie: a=b",
        "http://localhost:8000\t.evil.example/",
        "http://localhost:8000\n.evil.example/",
        "java\nscript:alert(1)",
        "http://localhost:8000.",
        "http://localhost%2eevil.example:8000/",
        "http://localhost:8000#@evil.example/ x",
        "http://localhost:8000?@evil.example/",
    ],
)
def test_a_return_address_elsewhere_is_refused(as_maya: APIClient, session: Service, address: str) -> None:
    for field in ("success_url", "cancel_url"):
        body = {"is_credit_purchase": True, "amount": "5.00", field: address}
        problem = dict(as_maya.post(CREATE, body).json())
        assert (problem["status"], problem["code"]) == (400, "unsafe_return_url"), problem


def test_a_refused_return_address_names_the_setting_that_would_allow_it(as_maya: APIClient) -> None:
    body = {"is_credit_purchase": True, "amount": "5.00", "success_url": "https://app.example/thanks/"}
    assert "ESTUARY_RETURN_ORIGINS" in as_maya.post(CREATE, body).json()["detail"]


def test_a_return_address_that_is_too_long_once_it_is_encoded_is_refused(as_maya: APIClient) -> None:
    long = f"http://localhost:8000/{'ü' * 90}"
    body = {"is_credit_purchase": True, "amount": "5.00", "success_url": long}
    problem = dict(as_maya.post(CREATE, body).json())
    assert (problem["status"], problem["code"]) == (400, "unsafe_return_url")
    assert "at most 500 characters" in problem["detail"]


def test_a_body_of_two_megabytes_is_refused(as_maya: APIClient) -> None:
    problem_of(raw(as_maya, json.dumps({"service_data": {"x": "y" * 2_000_000}})), 413, "body_too_large")


def test_a_client_that_lies_about_its_length_is_refused(as_maya: APIClient) -> None:
    body = json.dumps({"is_credit_purchase": True, "amount": "5.00"})
    answer = as_maya.generic("POST", CREATE, body, content_type="application/json", CONTENT_LENGTH="10")
    problem_of(answer, 400, "malformed_json")


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"not json",
        b"",
        b'{"amount": "5.00", "amount": "6.00"}',
        b"[" * 60_000,
        b'{"service_data": ' + b'{"a":' * 50 + b"1" + b"}" * 50 + b"}",
        b'{"service_data": {"x": "\\u0000"}}',
        b"\xff\xfe",
        b'{"service_id": "1"} x',
        b"\xef\xbb\xbf{}",
    ],
)
def test_malformed_json_is_refused(as_maya: APIClient, body: bytes) -> None:
    answer = raw(as_maya, body)
    assert answer.status_code == 400, answer.content
    assert answer.json()["code"] in {"malformed_json", "invalid_request"}


@pytest.mark.parametrize("body", [b"[]", b'"x"', b"null", b"7", b"true"])
def test_what_is_no_object_is_refused(as_maya: APIClient, body: bytes) -> None:
    problem_of(raw(as_maya, body), 400, "invalid_request")


@pytest.mark.parametrize(
    "service_data",
    ["text", [1], {"x": "y" * 5000}, {"x": "\ud800"}],
    ids=["text", "list", "long", "half a character"],
)
def test_service_data_that_cannot_be_kept_is_refused(as_maya: APIClient, service_data: Any) -> None:
    body = json.dumps({"is_credit_purchase": True, "amount": "5.00", "service_data": service_data})
    answer = raw(as_maya, body)
    assert answer.status_code == 400, answer.content


def test_other_media_types_and_methods_are_refused(as_maya: APIClient) -> None:
    problem_of(
        as_maya.generic("POST", CREATE, "a=1", content_type="text/plain"), 415, "unsupported_media_type"
    )
    problem_of(as_maya.get(CREATE), 405, "method_not_allowed")


def test_nobody_pays_without_signing_in(public: APIClient) -> None:
    refused(public, 401, "not_authenticated", is_credit_purchase=True, amount="5.00")
    public.credentials(HTTP_AUTHORIZATION="Bearer nonsense")
    refused(public, 401, "not_authenticated", is_credit_purchase=True, amount="5.00")


def test_an_unknown_card_is_not_found(as_maya: APIClient) -> None:
    for ref in ("1", "pm_unknown", "pm_card_visa", "-1", "9" * 40, "x'; --"):
        refused(as_maya, 404, "not_found", is_credit_purchase=True, amount="5.00", payment_method_id=ref)
    problem_of(as_maya.delete("/api/v1/payments/methods/pm_card_visa/"), 404, "not_found")
    problem_of(as_maya.post("/api/v1/payments/methods/default/", {}), 400, "invalid_request")


def test_what_belongs_to_another_is_not_found(as_tom: APIClient, maya: User, session: Service) -> None:
    booking = buy(maya, session, wish=ScheduleRequest(starts_at=a_free_slot(session)))
    order = booking.order.public_id
    for answer in (
        as_tom.get(f"/api/v1/orders/{order}/"),
        as_tom.post(f"/api/v1/orders/{order}/cancel/"),
        as_tom.post(f"/api/v1/orders/{order}/sync/"),
        as_tom.get(f"/api/v1/bookings/{booking.pk}/"),
        as_tom.post(f"/api/v1/bookings/{booking.pk}/cancel/"),
        as_tom.post(f"/api/v1/bookings/{booking.pk}/schedule/", {}),
        as_tom.post(f"/api/v1/bookings/{booking.pk}/move/", {}),
        as_tom.get(f"/api/v1/bookings/{booking.pk}/slots/"),
        as_tom.get(f"/api/v1/bookings/{booking.pk}/sessions/"),
    ):
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    for answer in (
        as_tom.get(f"/api/v1/orders/{order}/refunds/"),
        as_tom.post(f"/api/v1/orders/{order}/refunds/"),
    ):
        assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")


def test_what_is_injected_is_ignored_or_refused(as_maya: APIClient, session: Service) -> None:
    body = {"service_id": str(session.pk), "amount": "0.01"}
    injected = {"status": "completed", "user": 1, "user_id": 1, "total_minor": 1, "price": "0.01"}
    problem_of(as_maya.post(CREATE, body | injected), 409, "price_changed")


def test_a_body_that_is_null_is_told_that_it_says_nothing(as_maya: APIClient) -> None:
    answer = raw(as_maya, b"null")
    assert answer.json()["errors"] == {"non_field_errors": [{"message": "No data provided", "code": "null"}]}
