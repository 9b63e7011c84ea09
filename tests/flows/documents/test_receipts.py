"""Receipts: numbered by the worker in order of payment, and frozen from then on."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.db import DatabaseError, connection
from django.db.models.deletion import ProtectedError
from pytest_django import Settings
from rest_framework.test import APIClient

from estuary.accounts.models import Practitioner, User
from estuary.catalog.models import ServiceType
from estuary.common import clock
from estuary.documents.issuing import issue_due_documents
from estuary.documents.models import NumberCounter, Receipt
from estuary.documents.render import print_money
from estuary.documents.seller import Seller, Tax
from stripe_sandbox import Sandbox
from tests.factories import REFUNDING, a_free_slot, make_service, make_sessions, make_staff, signed_in
from tests.flows import buying
from tests.flows.buying import Json, pay
from tests.flows.documents.conftest import SELLER, receipt
from tests.sandbox_bridge import settle_everything

pytestmark = pytest.mark.django_db(transaction=True)


def sessions(buyer: APIClient, ana: Practitioner, how_many: int) -> list[Json]:
    services = [make_service(ServiceType.SESSION, ana, name="Deep tissue massage") for _ in range(how_many)]
    starts = [a_free_slot(services[0], nth=3 * nth).isoformat() for nth in range(how_many)]
    return [buying.service(buyer, one, start_datetime=at) for one, at in zip(services, starts, strict=True)]


# --- What it says -------------------------------------------------------------------------------------------


def test_a_receipt_names_seller_buyer_lines_and_card(
    stripe: Sandbox, buyer: APIClient, maya: User, ana: Practitioner
) -> None:
    [order] = sessions(buyer, ana, 1)
    pay(stripe, order)
    assert issue_due_documents() == 1
    year = clock.now().astimezone(SELLER.zone).year
    body = receipt(buyer, order)

    assert body["number"] == f"R-{year}-000001"
    assert body["order_id"] == order["order_id"]
    assert body["seller"] == {
        "name": "Riverside Yoga Lda",
        "address": "12 Riverside Walk\n1200-109 Lisbon",
        "country": "PT",
        "tax_id": "PT501234567",
        "email": "books@riverside.example",
    }
    assert body["buyer"] == {"name": "Maya Lindqvist", "address": "", "email": maya.email}
    [line] = body["lines"]
    assert (line["description"], line["details"]) == ("Deep tissue massage", "with Ana Ribeiro")
    assert (line["quantity"], line["amount"], len(line["dates"])) == (1, "100.00", 1)
    assert (body["amount"], body["credits_applied"], body["charged"]) == ("100.00", "0.00", "100.00")
    assert body["payment_method"] == "Visa •••• 4242"
    assert body["tax"] == {"rate": "0.000", "label": "VAT", "amount": "0.00", "note": "VAT exempt."}
    assert body["credit_notes"] == []


def test_the_name_and_address_for_receipts_are_used_where_a_person_has_given_them(
    stripe: Sandbox, buyer: APIClient, maya: User
) -> None:
    User.objects.filter(pk=maya.pk).update(
        billing_name="Lindqvist AB", billing_address="Storgatan 1\nUppsala"
    )
    order = buying.buy_credits(stripe, buyer, "40.00")
    issue_due_documents()
    company = {"name": "Lindqvist AB", "address": "Storgatan 1\nUppsala", "email": maya.email}
    assert receipt(buyer, order)["buyer"] == company


def test_each_tender_is_named_with_its_share(stripe: Sandbox, buyer: APIClient, ana: Practitioner) -> None:
    buying.buy_credits(stripe, buyer, "40.00", card="5555555555554444")
    session = make_service(ServiceType.SESSION, ana)
    half = buying.with_credits(buyer, session)
    pay(stripe, half)
    assert issue_due_documents() == 2
    body = receipt(buyer, half)
    assert (body["amount"], body["credits_applied"], body["charged"]) == ("100.00", "40.00", "60.00")
    assert body["payment_method"] == "Visa •••• 4242"


def test_an_order_paid_with_credits_alone_has_a_receipt(
    stripe: Sandbox, buyer: APIClient, ana: Practitioner
) -> None:
    bought = buying.buy_credits(stripe, buyer, "100.00", card="5555555555554444")
    whole = buying.with_credits(buyer, make_service(ServiceType.SESSION, ana))
    assert issue_due_documents() == 2
    body = receipt(buyer, bought)
    assert (body["lines"][0]["description"], body["payment_method"]) == (
        "Credits worth 100.00 USD",
        "Mastercard •••• 4444",
    )
    body = receipt(buyer, whole)
    assert (body["credits_applied"], body["charged"], body["payment_method"]) == ("100.00", "0.00", "")


def test_a_bank_debit_is_named_as_the_bank_account_that_it_is(stripe: Sandbox, buyer: APIClient) -> None:
    order = buying.credits(buyer, "40.00")
    paid = pay(stripe, order, method="us_bank_account")
    stripe.control.settle(paid["id"])
    settle_everything(stripe)
    issue_due_documents()
    assert receipt(buyer, order)["payment_method"].startswith("US bank account •••• ")


@pytest.mark.parametrize(
    ("currency", "amount"), [("jpy", "5000"), ("kwd", "12.500"), ("isk", "1500.00"), ("eur", "40.00")]
)
def test_amounts_have_the_decimals_of_their_currency(
    stripe: Sandbox, buyer: APIClient, settings: Settings, currency: str, amount: str
) -> None:
    settings.CURRENCY = currency
    order = buying.credits(buyer, amount)
    pay(stripe, order)
    issue_due_documents()
    body = receipt(buyer, order)
    assert (body["currency"], body["amount"], body["charged"]) == (currency, amount, amount)
    # The line is worded as the PDF prints its amount: "1,500 ISK".
    assert (
        body["lines"][0]["description"]
        == f"Credits worth {print_money(Receipt.objects.get().total_minor, currency)}"
    )


def test_a_name_with_line_breaks_and_marks_is_printed_on_one_line(
    stripe: Sandbox, buyer: APIClient, maya: User
) -> None:
    User.objects.filter(pk=maya.pk).update(first_name="Ma\u202eya\n", last_name="<b>L</b>\t" + "x" * 140)
    order = buying.buy_credits(stripe, buyer, "40.00")
    issue_due_documents()
    assert receipt(buyer, order)["buyer"]["name"] == "Ma ya <b>L</b> " + "x" * 140


# --- Tax ----------------------------------------------------------------------------------------------------

TAX = Tax(rate=Decimal("23"), label="IVA")


def test_the_tax_in_the_price_is_shown_with_its_rate(
    stripe: Sandbox, buyer: APIClient, ana: Practitioner, settings: Settings
) -> None:
    settings.TAX = TAX
    [order] = sessions(buyer, ana, 1)
    pay(stripe, order)
    issue_due_documents()
    # 100.00 is 81.30 and 23 % of it.
    assert receipt(buyer, order)["tax"] == {"rate": "23.000", "label": "IVA", "amount": "18.70", "note": ""}


def taxes(stripe: Sandbox, buyer: APIClient, ana: Practitioner) -> tuple[str, str]:
    """Buy 40.00 in credits and a session with them; return the tax of each."""
    bought = buying.buy_credits(stripe, buyer, "40.00")
    half = buying.with_credits(buyer, make_service(ServiceType.SESSION, ana))
    pay(stripe, half)
    issue_due_documents()
    return receipt(buyer, bought)["tax"]["amount"], receipt(buyer, half)["tax"]["amount"]


def test_credits_are_taxed_when_they_are_spent(
    stripe: Sandbox, buyer: APIClient, ana: Practitioner, settings: Settings
) -> None:
    settings.TAX = TAX
    assert taxes(stripe, buyer, ana) == ("0.00", "18.70")


def test_credits_that_are_taxed_when_sold_are_not_taxed_again(
    stripe: Sandbox, buyer: APIClient, ana: Practitioner, settings: Settings
) -> None:
    settings.TAX = Tax(rate=Decimal("23"), label="IVA", credits_taxed_when_sold=True)
    # Of 40.00, and of the 60.00 that were charged.
    assert taxes(stripe, buyer, ana) == ("7.48", "11.22")


# --- Numbers ------------------------------------------------------------------------------------------------


def test_numbers_follow_the_order_of_payment(stripe: Sandbox, buyer: APIClient, ana: Practitioner) -> None:
    first, second, third = sessions(buyer, ana, 3)
    for order in (third, first, second):
        pay(stripe, order)
    assert issue_due_documents() == 3
    assert [receipt(buyer, order)["number"][-1] for order in (third, first, second)] == ["1", "2", "3"]
    assert issue_due_documents() == 0
    fourth = buying.buy_credits(stripe, buyer, "40.00")
    issue_due_documents()
    assert receipt(buyer, fourth)["number"][-1] == "4"


def test_each_year_begins_with_one_where_the_seller_is(
    stripe: Sandbox, maya: User, settings: Settings
) -> None:
    settings.SELLER = Seller(name="Pacific Yoga", zone=ZoneInfo("Pacific/Auckland"))
    orders = []
    # In Auckland the year begins at 11 o'clock UTC.
    for hour in (10, 11):
        with time_machine.travel(datetime(2026, 12, 31, hour, 30, tzinfo=UTC), tick=False):
            orders.append(buying.buy_credits(stripe, signed_in(maya), "40.00"))
            issue_due_documents()
    bodies = [receipt(signed_in(maya), each) for each in orders]
    assert [each["number"] for each in bodies] == ["R-2026-000001", "R-2027-000001"]
    assert [each["issued_on"] for each in bodies] == ["2026-12-31", "2027-01-01"]


@pytest.mark.parametrize("days", [3, 40])
def test_a_clock_that_ran_ahead_holds_up_no_receipt_and_no_credit_note(
    stripe: Sandbox, maya: User, staff: APIClient, ana: Practitioner, days: int
) -> None:
    buying.buy_credits(stripe, signed_in(maya), "250.00")
    with time_machine.travel(clock.now() + timedelta(days=days)):
        # With credits alone: a web server completes the order, and refunds it, by its own clock.
        ahead = buying.with_credits(signed_in(maya), make_service(ServiceType.SESSION, ana))
        buying.refund(signed_in(make_staff("Sam Ahead", *REFUNDING)), ahead)
    assert issue_due_documents() == 3
    for amount in ("40.00", "60.00"):
        order = buying.buy_credits(stripe, signed_in(maya), amount)
        buying.refund(staff, order)
        settle_everything(stripe)
        assert issue_due_documents() == 2
        assert len(receipt(signed_in(maya), order)["credit_notes"]) == 1


def test_a_paid_order_of_long_ago_gets_its_receipt_without_a_call_to_stripe(
    stripe: Sandbox, buyer: APIClient
) -> None:
    order = buying.buy_credits(stripe, buyer, "40.00")
    calls_before = len(stripe.requests)
    with time_machine.travel(clock.now() + timedelta(days=40)):
        assert issue_due_documents(everything=True) == 1
        assert len(stripe.requests) == calls_before
        assert Receipt.objects.get().method == "Card or bank"
    assert receipt(buyer, order)["payment_method"] == "Card or bank"


def test_money_for_which_nothing_was_handed_over_has_no_receipt(
    stripe: Sandbox, buyer: APIClient, ana: Practitioner
) -> None:
    workshop = make_service(ServiceType.WORKSHOP, ana)
    [seat] = make_sessions(workshop)
    order = buying.service(buyer, workshop, service_session_id=str(seat.pk))
    assert receipt(buyer, order, 409)["code"] == "no_receipt"
    assert issue_due_documents() == 0


def test_without_a_seller_nothing_is_numbered(stripe: Sandbox, buyer: APIClient, settings: Settings) -> None:
    order = buying.buy_credits(stripe, buyer, "40.00")
    settings.SELLER = Seller()
    assert issue_due_documents() == 0
    problem = receipt(buyer, order, 409)
    assert (problem["code"], "ask again" in problem["detail"]) == ("receipt_not_ready", True)
    settings.SELLER = SELLER
    assert issue_due_documents() == 1
    assert receipt(buyer, order)["seller"]["name"] == SELLER.name


def test_while_stripe_is_silent_a_receipt_waits_ten_minutes_for_its_card(
    stripe: Sandbox, buyer: APIClient
) -> None:
    order = buying.buy_credits(stripe, buyer, "40.00")
    stripe.faults.add("timeout_before", "*", times=None)
    assert issue_due_documents() == 0
    with time_machine.travel(clock.now() + timedelta(minutes=11)):
        assert issue_due_documents() == 1
    assert receipt(buyer, order)["payment_method"] == "Card or bank"


# --- Frozen -------------------------------------------------------------------------------------------------


def test_what_changes_later_changes_no_receipt(
    stripe: Sandbox, buyer: APIClient, maya: User, settings: Settings
) -> None:
    order = buying.buy_credits(stripe, buyer, "40.00")
    issue_due_documents()
    before = receipt(buyer, order)
    User.objects.filter(pk=maya.pk).update(first_name="Somebody", last_name="Else")
    settings.SELLER, settings.TAX = Seller(name="Another"), TAX
    assert issue_due_documents() == 0
    assert receipt(buyer, order) == before


@pytest.mark.parametrize(
    "damage",
    [
        "DELETE FROM documents_receipt",
        "UPDATE documents_receipt SET number = 'R-1999-000001'",
        "UPDATE documents_receipt SET buyer_name = 'Somebody Else'",
        "DELETE FROM documents_numbercounter",
        "UPDATE documents_numbercounter SET last_sequence = 0",
    ],
)
def test_the_database_refuses_to_lose_or_change_a_number(
    stripe: Sandbox, buyer: APIClient, damage: str
) -> None:
    buying.buy_credits(stripe, buyer, "40.00")
    issue_due_documents()
    with connection.cursor() as cursor, pytest.raises(DatabaseError, match="Cannot"):
        cursor.execute(damage)
    assert NumberCounter.objects.get(series="receipt").last_sequence == Receipt.objects.count() == 1


def test_an_order_with_a_receipt_can_not_be_deleted(stripe: Sandbox, buyer: APIClient) -> None:
    order = buying.buy_credits(stripe, buyer, "40.00")
    issue_due_documents()
    with pytest.raises(ProtectedError):
        buying.order_of(order).delete()
