"""The balance and how it came about."""

from dataclasses import replace

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction
from pytest_django import DjangoAssertNumQueries
from rest_framework.test import APIClient

from estuary.accounts.models import Practitioner, User
from estuary.bookings.order_lines import ScheduleRequest
from estuary.catalog.models import ServiceType
from estuary.common import clock
from estuary.credits.ledger import Freeze, NotEnoughCredits, Posting, post
from estuary.credits.models import CreditTransaction
from tests.factories import a_free_slot, make_service, make_user, place

pytestmark = pytest.mark.django_db
Kind = CreditTransaction.Kind


def move(
    user: User, kind: Kind, amount_minor: int, *, currency: str = "usd", order_id: int | None = None
) -> None:
    with transaction.atomic():
        effect = f"test:{CreditTransaction.objects.count()}"
        post(
            [Posting(user.pk, currency, kind, amount_minor, effect, order_id, note=f"{kind}!")],
            at=clock.now(),
        )


def test_nobody_sees_credits_without_signing_in(public: APIClient) -> None:
    assert public.get("/api/v1/credits/").status_code == 401


def test_without_any_credits_the_balance_is_nought(as_maya: APIClient) -> None:
    assert as_maya.get("/api/v1/credits/").json() == {
        "balance": "0.00",
        "frozen": "0.00",
        "spendable": "0.00",
        "currency": "usd",
        "balances": [],
        "next": None,
        "previous": None,
        "results": [],
    }


def test_the_history_is_signed_and_newest_first(as_maya: APIClient, maya: User, ana: Practitioner) -> None:
    yoga = make_service(ServiceType.SESSION, ana)
    order = place(maya, yoga, wish=ScheduleRequest(starts_at=a_free_slot(yoga)))
    move(maya, Kind.PURCHASE, 10_000)
    move(maya, Kind.SPEND, -2_550, order_id=order.pk)
    move(maya, Kind.PURCHASE, 4_000, currency="eur")
    move(make_user("Tom Achterberg"), Kind.PURCHASE, 99_900)
    shown = as_maya.get("/api/v1/credits/").json()
    assert (shown["balance"], shown["currency"]) == ("74.50", "usd")
    assert shown["balances"] == [
        {"currency": "eur", "balance": "40.00", "frozen": "0.00", "spendable": "40.00"},
        {"currency": "usd", "balance": "74.50", "frozen": "0.00", "spendable": "74.50"},
    ]
    rows = [(row["kind"], row["amount"], row["balance_after"], row["currency"]) for row in shown["results"]]
    assert rows == [
        ("purchase", "40.00", "40.00", "eur"),
        ("spend", "-25.50", "74.50", "usd"),
        ("purchase", "100.00", "100.00", "usd"),
    ]
    assert [row["order_id"] for row in shown["results"]] == [None, order.public_id, None]
    assert shown["results"][1]["note"] == "spend!"


def test_a_debt_is_shown_as_one(as_maya: APIClient, maya: User) -> None:
    move(maya, Kind.REFUND, -1_234)
    assert as_maya.get("/api/v1/credits/").json()["balance"] == "-12.34"


def test_the_history_pages_by_cursor_in_a_constant_number_of_queries(
    as_maya: APIClient, maya: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for amount_minor in range(1, 8):
        move(maya, Kind.PURCHASE, amount_minor * 100)
    seen, address = [], "/api/v1/credits/?page_size=3"
    while address:
        with django_assert_num_queries(4):  # the token's two, the accounts, a page with its orders
            page = as_maya.get(address).json()
        assert page["balance"] == "28.00"
        seen += [row["amount"] for row in page["results"]]
        address = page["next"]
    assert seen == [f"{amount}.00" for amount in range(7, 0, -1)]


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE credits_credittransaction SET amount_minor = 1",
        "UPDATE credits_credittransaction SET note = 'something else'",
        "DELETE FROM credits_credittransaction",
    ],
)
def test_the_database_lets_nobody_rewrite_the_history(maya: User, statement: str) -> None:
    move(maya, Kind.PURCHASE, 5_000)
    with pytest.raises(DatabaseError, match="Cannot update or delete"), transaction.atomic():
        connection.cursor().execute(statement)
    assert list(CreditTransaction.objects.values_list("amount_minor", "note")) == [(5_000, "purchase!")]


def test_what_is_frozen_is_in_the_balance_and_can_not_be_spent(as_maya: APIClient, maya: User) -> None:
    move(maya, Kind.PURCHASE, 10_000)
    with transaction.atomic():
        post([], at=clock.now(), freezes=[Freeze(maya.pk, "usd", 7_000)])
    shown = as_maya.get("/api/v1/credits/").json()
    assert (shown["balance"], shown["frozen"], shown["spendable"]) == ("100.00", "70.00", "30.00")
    spending = Posting(maya.pk, "usd", Kind.SPEND, -3_001, "too much")
    with pytest.raises(NotEnoughCredits, match=r"You can spend 30\.00 USD"), transaction.atomic():
        post([spending], at=clock.now(), allow_debt=False)
    with transaction.atomic():
        post([replace(spending, amount_minor=-3_000)], at=clock.now(), allow_debt=False)
    assert as_maya.get("/api/v1/credits/").json()["spendable"] == "0.00"
    with pytest.raises(IntegrityError, match="credit_frozen_not_negative"), transaction.atomic():
        post([], at=clock.now(), freezes=[Freeze(maya.pk, "usd", -7_001)])
