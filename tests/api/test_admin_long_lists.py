"""How staff find rows where there are millions: by whom they belong to, by their ids, and by what is recent."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client

from estuary.accounts.models import User
from estuary.accounts.staff import search
from estuary.accounts.staff.search import find_people
from estuary.bookings.models import Booking
from estuary.bookings.order_lines import ScheduleRequest
from estuary.catalog.models import ServiceSession, ServiceType
from estuary.common import clock
from estuary.common.admin import pagination
from estuary.orders.models import Order
from estuary.payments.models import PaymentMethod, Refund, StripeCustomer
from tests.api.staff import admin_client, give_credits, messages_on
from tests.factories import buy, make_practitioner, make_service, make_sessions, make_user
from tests.query_plans import as_if_large

LISTS = {
    "accounts/user": "email",
    "orders/order": "user__email",
    "bookings/booking": "user__email",
    "credits/creditaccount": "user__email",
    "credits/credittransaction": "account__user__email",
    "payments/paymentmethod": "user__email",
    "payments/stripecustomer": "user__email",
}


@pytest.fixture
def two(db: None) -> tuple[User, User]:
    """Two buyers of the same workshop, with everything that a buyer has."""
    workshop = make_service(ServiceType.WORKSHOP, make_practitioner("Rui Alves"))
    [seat] = make_sessions(workshop)
    at = clock.now()
    maya, tom = make_user("Maya Lindqvist"), make_user("Tom Achterberg")
    for number, user in enumerate((maya, tom)):
        give_credits(user, 1_000)
        buy(user, workshop, wish=ScheduleRequest(session_id=seat.pk))
        StripeCustomer.objects.create(user=user, email=user.email, stripe_customer_id=f"cus_{number}")
        PaymentMethod.objects.create(
            user=user, stripe_payment_method_id=f"pm_{number}", brand=("visa", "amex")[number], last4="4242",
            exp_month=4, exp_year=2030, added_at=at, synced_at=at,
        )  # fmt: skip
    return maya, tom


def listed_values(client: Client, path: str, field: str = "pk", **query: str) -> list[Any]:
    rows = client.get(f"/admin/{path}/", query).context["cl"].result_list
    matches = rows.model.objects.filter(pk__in=[row.pk for row in rows])
    return sorted(matches.values_list(field, flat=True))


@pytest.mark.exhaustive(one_in=4)
@pytest.mark.parametrize(("path", "email"), LISTS.items())
@pytest.mark.parametrize("term", ["maya", "MAYA", "lindq", " Lindqvist ", "maya Lindq"])
def test_what_is_somebodys_is_found_by_address_or_last_name_in_any_case(
    two: tuple[User, User], path: str, email: str, term: str
) -> None:
    assert listed_values(admin_client(), path, email, q=term) == [two[0].email]


@pytest.mark.parametrize("path", [*LISTS, "payments/refund", "bookings/reservation", "payments/dispute"])
def test_what_nobody_has_is_not_found(two: tuple[User, User], path: str) -> None:
    client = admin_client()
    for term in ("nobody", "qvist", "Tom Lindqvist", "ord_of_nobody", "100%", "_"):
        assert listed_values(client, path, q=term) == []


@pytest.mark.parametrize(
    ("path", "term"), [("payments/paymentmethod", "pm_1"), ("payments/stripecustomer", "cus_1")]
)
def test_an_id_of_stripe_s_is_found_exactly(two: tuple[User, User], path: str, term: str) -> None:
    assert listed_values(admin_client(), path, "user__email", q=term) == [two[1].email]


def test_bookings_refunds_and_seats_are_found_by_their_order(two: tuple[User, User]) -> None:
    order = Order.objects.get(user=two[1])
    refund = Refund.objects.create(
        order=order, currency="usd", card_minor=100, credits_minor=0, origin="staff"
    )
    client = admin_client()
    for path in ("bookings/booking", "bookings/reservation", "payments/refund"):
        assert listed_values(client, path, "order", q=order.public_id) == [order.pk]
    assert listed_values(client, "payments/refund", q=refund.public_id) == [refund.pk]


def test_a_filter_that_no_index_answers_looks_among_the_newest_and_says_so(
    two: tuple[User, User], monkeypatch: pytest.MonkeyPatch
) -> None:
    first, last = Order.objects.order_by("pk")
    client = admin_client()
    note = ", among the newest"
    assert listed_values(client, "orders/order", status__exact="completed") == [first.pk, last.pk]
    assert note not in client.get("/admin/orders/order/?status__exact=completed").content.decode()
    monkeypatch.setattr(pagination, "NEWEST", last.pk - first.pk)
    assert listed_values(client, "orders/order", status__exact="completed") == [last.pk]
    assert note in client.get("/admin/orders/order/?status__exact=completed").content.decode()
    Order.objects.update(status="paid")
    for whole in ({"status__exact": "paid"}, {"q": "maya", "type__exact": "direct"}, {}):
        assert first.pk in listed_values(client, "orders/order", **whole)
        assert note not in client.get("/admin/orders/order/", whole).content.decode()


def test_bookings_are_found_by_when_they_end(two: tuple[User, User]) -> None:
    client = admin_client()
    starts_at = ServiceSession.objects.get().starts_at
    assert listed_values(client, "bookings/booking", ends="week") == []
    with time_machine.travel(starts_at - timedelta(days=5)):
        client = admin_client()
        assert len(listed_values(client, "bookings/booking", ends="week")) == 2
        assert listed_values(client, "bookings/booking", ends="today") == []
        Booking.objects.filter(user=two[0]).update(status="canceled")
        assert len(listed_values(client, "bookings/booking", ends="week")) == 1


def test_cards_are_found_by_brand_and_bookings_by_what_they_are_of(two: tuple[User, User]) -> None:
    client = admin_client()
    assert listed_values(client, "payments/paymentmethod", "user__email", brand="amex") == [two[1].email]
    assert len(listed_values(client, "bookings/booking", service_type="workshop")) == 2
    assert listed_values(client, "bookings/booking", service_type="course") == []


def test_too_many_of_one_name_are_said_to_be_too_many(
    two: tuple[User, User], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "MAX_PEOPLE", 1)
    page = admin_client().get("/admin/orders/order/", {"q": "Achterberg"})
    assert "people are called so" not in messages_on(page)
    make_user("Tim Achterberg")
    page = admin_client().get("/admin/orders/order/", {"q": "Achterberg"})
    assert "More than 1 people are called so. Type more of the name or address." in messages_on(page)


def test_a_practitioner_s_person_is_found_as_one_types(two: tuple[User, User]) -> None:
    query = {"app_label": "accounts", "model_name": "practitioner", "field_name": "user", "term": "lind"}
    answer = admin_client().get("/admin/autocomplete/", query)
    assert [row["id"] for row in answer.json()["results"]] == [str(two[0].pk)]


def test_people_are_looked_for_by_index(two: tuple[User, User]) -> None:
    with as_if_large() as plans:
        assert find_people("lindq") == [two[0].pk]
    [plan] = plans
    assert "user_by_email" in plan
    assert "user_by_last_name" in plan
    assert "Seq Scan" not in plan
