"""Credit notes: one for each refund that succeeded, in a series of their own, and they add up."""

from datetime import timedelta
from decimal import Decimal

import pytest
from pytest_django import Settings
from rest_framework.test import APIClient

from estuary.accounts.models import Practitioner, User
from estuary.catalog.models import ServiceType
from estuary.common import clock
from estuary.documents.issuing import issue_due_documents
from estuary.documents.models import CreditNote
from estuary.documents.seller import Tax
from estuary.payments.doctor import LIVENESS, run_checks
from estuary.payments.models import Refund
from stripe_sandbox import Sandbox
from tests.factories import make_service
from tests.flows import buying
from tests.flows.buying import REFUND_PENDS, Json, pay
from tests.flows.documents.conftest import receipt
from tests.sandbox_bridge import settle_everything

pytestmark = pytest.mark.django_db(transaction=True)


def refund(stripe: Sandbox, staff: APIClient, order: Json, **body: str) -> None:
    buying.refund(staff, order, **body)
    settle_everything(stripe)


def notes(buyer: APIClient, order: Json) -> list[tuple[str, str, str, str]]:
    """Return the end of the number, and what each note says."""
    listed = receipt(buyer, order)["credit_notes"]
    return [(n["number"][-2:], n["amount"], n["to_card"], n["to_credits"]) for n in listed]


def doctor_is_content() -> bool:
    """Whether a quarter of an hour later everything that is due was issued."""
    documents = [rule for rule in LIVENESS if rule.code in {"receipt_missing", "credit_note_off"}]
    assert len(documents) == 2
    return not run_checks(documents, at=clock.now() + timedelta(hours=1)).violations


def test_each_refund_has_a_note_of_its_own_series(
    stripe: Sandbox, buyer: APIClient, staff: APIClient
) -> None:
    first, second = buying.buy_credits(stripe, buyer, "40.00"), buying.buy_credits(stripe, buyer, "60.00")
    refund(stripe, staff, second, amount="15.00")
    refund(stripe, staff, first)
    refund(stripe, staff, second, amount="5.00")
    assert not doctor_is_content()
    assert issue_due_documents() == 5
    assert doctor_is_content()
    assert notes(buyer, first) == [("02", "40.00", "40.00", "0.00")]
    assert notes(buyer, second) == [("01", "15.00", "15.00", "0.00"), ("03", "5.00", "5.00", "0.00")]
    year = receipt(buyer, first)["number"][2:6]
    assert receipt(buyer, first)["credit_notes"][0]["number"] == f"CN-{year}-000002"
    assert issue_due_documents() == 0


def test_a_note_names_whom_its_receipt_names(
    stripe: Sandbox, buyer: APIClient, staff: APIClient, maya: User
) -> None:
    User.objects.filter(pk=maya.pk).update(billing_name="Acme Ltd", billing_address="First Street 1")
    order = buying.buy_credits(stripe, buyer, "40.00")
    issue_due_documents()
    User.objects.filter(pk=maya.pk).update(billing_name="Beta Ltd", billing_address="Last Street 9")
    refund(stripe, staff, order)
    issue_due_documents()
    [note] = CreditNote.objects.all()
    assert (note.buyer_name, note.buyer_address) == ("Acme Ltd", "First Street 1")
    assert note.buyer_email == note.receipt.buyer_email == maya.email


def test_tax_in_a_currency_without_hundredths_has_none_on_receipts_and_notes(
    stripe: Sandbox, buyer: APIClient, staff: APIClient, settings: Settings
) -> None:
    settings.CURRENCY, settings.TAX = "isk", Tax(rate=Decimal(23), credits_taxed_when_sold=True)
    order = buying.buy_credits(stripe, buyer, "1500.00")
    for amount in ("500.00", "333.00", "667.00"):
        refund(stripe, staff, order, amount=amount)
    issue_due_documents()
    # 1,500 is 1,220 and 23 % of it.
    assert receipt(buyer, order)["tax"]["amount"] == "280.00"
    taxes = list(CreditNote.objects.order_by("pk").values_list("tax_minor", flat=True))
    assert [tax % 100 for tax in taxes] == [0, 0, 0]
    assert sum(taxes) == 28_000


def test_a_note_says_what_went_to_the_card_and_what_to_credits(
    stripe: Sandbox, buyer: APIClient, staff: APIClient, ana: Practitioner
) -> None:
    buying.buy_credits(stripe, buyer, "40.00")
    half = buying.with_credits(buyer, make_service(ServiceType.SESSION, ana))
    pay(stripe, half)
    refund(stripe, staff, half)
    issue_due_documents()
    assert notes(buyer, half) == [("01", "100.00", "60.00", "40.00")]


def test_a_refund_that_is_on_its_way_has_no_note_yet(
    stripe: Sandbox, buyer: APIClient, staff: APIClient
) -> None:
    order = buying.buy_credits(stripe, buyer, "40.00", card=REFUND_PENDS)
    refund(stripe, staff, order)
    assert (Refund.objects.get().status, issue_due_documents()) == ("pending", 1)
    stripe.control.succeed_refund(Refund.objects.get().stripe_refund_id)
    settle_everything(stripe)
    assert issue_due_documents() == 1
    assert notes(buyer, order) == [("01", "40.00", "40.00", "0.00")]


def test_a_refund_that_the_bank_returns_is_taken_back_by_a_second_note(
    stripe: Sandbox, buyer: APIClient, staff: APIClient
) -> None:
    order = buying.buy_credits(stripe, buyer, "40.00")
    refund(stripe, staff, order, amount="10.00")
    issue_due_documents()
    stripe.control.fail_refund(Refund.objects.get().stripe_refund_id)
    settle_everything(stripe)
    assert not doctor_is_content()
    assert issue_due_documents() == 1
    assert doctor_is_content()
    assert notes(buyer, order) == [
        ("01", "10.00", "10.00", "0.00"),
        ("02", "-10.00", "-10.00", "0.00"),
    ]


def test_a_refund_in_the_dashboard_has_its_note_too(
    stripe: Sandbox, buyer: APIClient, ana: Practitioner
) -> None:
    buying.buy_credits(stripe, buyer, "40.00")
    half = buying.with_credits(buyer, make_service(ServiceType.SESSION, ana))
    pay(stripe, half)
    intent = buying.order_of(half).stripe_payment_intent_id
    for amount in (2_000, 4_000):
        stripe.control.refund(intent, amount=amount)
        settle_everything(stripe)
        issue_due_documents()
    # The last of the card's money takes the credits along.
    total = sum(note.total_minor for note in CreditNote.objects.all())
    assert total == buying.order_of(half).refunded_minor == 10_000
    assert doctor_is_content()


def test_the_tax_of_the_notes_adds_up_to_the_tax_of_the_receipt(
    stripe: Sandbox, buyer: APIClient, staff: APIClient, ana: Practitioner, settings: Settings
) -> None:
    settings.TAX = Tax(rate=Decimal("23"), label="IVA")
    buying.buy_credits(stripe, buyer, "40.00")
    half = buying.with_credits(buyer, make_service(ServiceType.SESSION, ana))
    pay(stripe, half)
    for amount in ("33.32", "33.33", "33.35"):
        refund(stripe, staff, half, amount=amount)
        issue_due_documents()
    body = receipt(buyer, half)
    taxes = [note["tax_amount"] for note in body["credit_notes"]]
    assert taxes == ["6.23", "6.23", "6.24"]
    assert body["tax"]["amount"] == "18.70"


def test_a_lost_dispute_is_no_credit_note(stripe: Sandbox, buyer: APIClient) -> None:
    order = buying.buy_credits(stripe, buyer, "40.00")
    dispute = stripe.control.dispute(buying.order_of(order).stripe_payment_intent_id)
    stripe.control.close_dispute(dispute["id"])
    settle_everything(stripe)
    assert buying.order_of(order).lost_minor == 4_000
    assert issue_due_documents() == 1
    assert notes(buyer, order) == []
    assert doctor_is_content()


def test_a_note_that_was_passed_by_is_issued_at_night(
    stripe: Sandbox, buyer: APIClient, staff: APIClient
) -> None:
    first, second = buying.buy_credits(stripe, buyer, "40.00"), buying.buy_credits(stripe, buyer, "60.00")
    refund(stripe, staff, first)
    refund(stripe, staff, second)
    # It became visible days after it was settled, when a later one had its note.
    late = Refund.objects.filter(order__public_id=first["order_id"])
    late.update(is_unmatched=True, settled_at=clock.now() - timedelta(days=2))
    assert issue_due_documents() == 3
    late.update(is_unmatched=False)
    assert issue_due_documents() == 0
    assert issue_due_documents(everything=True) == 1
    assert notes(buyer, first) == [("02", "40.00", "40.00", "0.00")]
