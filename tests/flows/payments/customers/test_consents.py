"""Consent to save a card: the wording that was shown is kept with the card, and nothing else is saved."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from rest_framework.test import APIClient

from estuary.accounts.models import User
from estuary.common import clock
from estuary.payments.customers.consents import SAVE_CARD
from estuary.payments.customers.setup_intents import delete_old_setup_intents
from estuary.payments.models import Consent
from estuary.payments.reconciliation import overdue
from estuary.privacy.export import export_person
from stripe_sandbox import Sandbox
from tests.factories import signed_in
from tests.flows import buying
from tests.flows.buying import DECLINED, METHODS, pay, refused
from tests.sandbox_bridge import settle_everything

pytestmark = pytest.mark.django_db(transaction=True)

CONFIG = "/api/v1/payments/config/"
SETUP = f"{METHODS}setup/"


def wording_shown(buyer: APIClient) -> dict[str, str]:
    return dict(buyer.get(CONFIG).json()["save_card_wording"])


@pytest.mark.parametrize("payment_type", ["intent", "checkout"])
def test_the_wording_that_was_shown_is_kept_with_the_card(
    stripe: Sandbox, buyer: APIClient, payment_type: str
) -> None:
    shown = wording_shown(buyer)
    pay(
        stripe,
        buying.credits(
            buyer, payment_type=payment_type, save_payment_method=True, consent_wording=shown["id"]
        ),
    )
    [card] = buying.cards(buyer)
    assert card["consent"]["wording_id"] == shown["id"]
    assert card["consent"]["text"] == shown["text"]
    assert card["consent"]["given_at"]


def test_a_card_that_is_added_without_a_payment_keeps_its_wording_too(
    stripe: Sandbox, buyer: APIClient
) -> None:
    shown = wording_shown(buyer)
    setup = buyer.post(SETUP, {"consent_wording": shown["id"]}).json()
    stripe.control.confirm_setup(setup["setup_intent_id"], card=buying.FINE)
    settle_everything(stripe)
    [card] = buying.cards(buyer)
    assert card["consent"]["text"] == shown["text"]


def test_without_a_wording_the_card_is_saved_as_ever_and_no_consent_is_made_up(
    stripe: Sandbox, buyer: APIClient
) -> None:
    pay(stripe, buying.credits(buyer))
    [card] = buying.cards(buyer)
    assert card["consent"] is None
    assert not Consent.objects.exists()


def test_a_wording_sent_with_an_unticked_box_is_no_consent(stripe: Sandbox, buyer: APIClient) -> None:
    pay(stripe, buying.credits(buyer, save_payment_method=False, consent_wording=SAVE_CARD.id))
    assert buying.cards(buyer) == []
    assert not Consent.objects.exists()


def test_a_declined_card_tried_again_is_one_consent(stripe: Sandbox, buyer: APIClient) -> None:
    order = buying.credits(buyer, consent_wording=SAVE_CARD.id)
    pay(stripe, order, DECLINED)
    assert buying.cards(buyer) == []
    pay(stripe, buying.credits(buyer, consent_wording=SAVE_CARD.id))
    [card] = buying.cards(buyer)
    assert card["consent"] is not None
    assert Consent.objects.count() == 1


def test_the_consent_of_a_purchase_that_was_given_up_is_not_taken_for_a_later_card(
    stripe: Sandbox, buyer: APIClient
) -> None:
    buying.credits(buyer, "30.00", consent_wording=SAVE_CARD.id)
    pay(stripe, buying.credits(buyer, "40.00"))
    [card] = buying.cards(buyer)
    assert card["consent"] is None


def later(**wait: float) -> Any:
    """Let time pass, here and at Stripe."""
    return time_machine.travel(clock.now() + timedelta(**wait), tick=True)


@pytest.mark.parametrize("days", [0, 1, 45], ids=["soon", "after its end", "when its row is deleted"])
@pytest.mark.parametrize("fault", ["", "timeout_after"], ids=["abandoned", "its answer is lost"])
def test_the_consent_of_a_setup_that_was_given_up_is_not_taken_for_a_later_card(
    stripe: Sandbox, maya: User, days: int, fault: str
) -> None:
    buyer = signed_in(maya)
    if fault:
        stripe.faults.add(fault, "POST /v1/setup_intents")
    buyer.post(SETUP, {"consent_wording": SAVE_CARD.id})
    with later(days=days, minutes=25):
        overdue.end_setup_intents()
        delete_old_setup_intents()
        settle_everything(stripe)
    with later(days=days, minutes=40):
        overdue.end_setup_intents()
    with later(days=2 * days, minutes=50):
        delete_old_setup_intents()
        setup = signed_in(maya).post(SETUP).json()
        stripe.control.confirm_setup(setup["setup_intent_id"], card=buying.FINE)
        settle_everything(stripe)
        [card] = buying.cards(signed_in(maya))
    assert card["consent"] is None


def test_a_card_whose_event_is_late_has_the_consent_of_its_ended_setup(stripe: Sandbox, maya: User) -> None:
    setup = signed_in(maya).post(SETUP, {"consent_wording": SAVE_CARD.id}).json()
    stripe.control.confirm_setup(setup["setup_intent_id"], card=buying.FINE)
    with later(minutes=30):
        overdue.end_setup_intents()
    with later(days=1):
        settle_everything(stripe)
        [card] = buying.cards(signed_in(maya))
    assert card["consent"] is not None


def test_the_consent_of_a_payment_by_bank_debit_is_not_taken_for_a_later_card(
    stripe: Sandbox, maya: User
) -> None:
    order = buying.credits(signed_in(maya), "30.00", consent_wording=SAVE_CARD.id)
    paid = buying.pay_only(stripe, order, method="us_bank_account")
    settle_everything(stripe)
    stripe.control.settle(paid["id"])
    settle_everything(stripe)
    with later(days=1):
        pay(stripe, buying.credits(signed_in(maya), "40.00"))
        [card] = buying.cards(signed_in(maya))
    assert card["consent"] is None


@pytest.mark.parametrize("wording", ["save-card-999", "<b>yes</b>", "x" * 64])
def test_a_wording_of_nobody_is_refused(stripe: Sandbox, buyer: APIClient, wording: str) -> None:
    refused(buyer, 400, "unknown_wording", is_credit_purchase=True, amount="10.00", consent_wording=wording)
    answer = buyer.post(SETUP, {"consent_wording": wording})
    assert (answer.status_code, answer.json()["code"]) == (400, "unknown_wording")
    assert stripe.requests == []


def test_a_wording_that_is_no_text_is_refused(stripe: Sandbox, buyer: APIClient) -> None:
    for wording in (1, True, ["save-card-1"], "x" * 65):
        refused(
            buyer, 400, "invalid_request", is_credit_purchase=True, amount="10.00", consent_wording=wording
        )


def test_the_same_card_saved_again_has_the_newest_consent(stripe: Sandbox, buyer: APIClient) -> None:
    pay(stripe, buying.credits(buyer, "10.00", consent_wording=SAVE_CARD.id))
    pay(stripe, buying.credits(buyer, "20.00", consent_wording=SAVE_CARD.id))
    [card] = buying.cards(buyer)
    newest = Consent.objects.order_by("-id").first()
    assert newest is not None
    assert newest.payment_method_id == int(card["id"])
    assert Consent.objects.filter(payment_method=None).count() == 0


def test_a_persons_export_has_the_wording(stripe: Sandbox, buyer: APIClient, maya: User) -> None:
    pay(stripe, buying.credits(buyer, consent_wording=SAVE_CARD.id))
    [row] = export_person(maya)["payments_consent"]
    assert row["text"] == SAVE_CARD.text
