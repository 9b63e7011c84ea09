"""The confirmation names what paid: never a card that was declined, and a debit by its bank account."""

import pytest
from django.core.mail import EmailMessage
from rest_framework.test import APIClient

from estuary.accounts.models import User
from stripe_sandbox import Sandbox
from tests.flows import buying
from tests.flows.buying import Json
from tests.flows.payments.mailing.reading import words_of_html
from tests.sandbox_bridge import run_jobs, settle_everything

pytestmark = pytest.mark.django_db(transaction=True)

DIGITS_DECLINED, DIGITS_FINE = "0341", "4242"


def save_card(stripe: Sandbox, buyer: APIClient, card: str) -> Json:
    setup = buyer.post(f"{buying.METHODS}setup/").json()["setup_intent_id"]
    stripe.control.confirm_setup(setup, card=card)
    settle_everything(stripe)
    [saved] = buying.cards(buyer)
    return saved


def decline_saved_card(stripe: Sandbox, buyer: APIClient) -> Json:
    """Try to pay with a saved card that is declined; returns the order, which can still be paid another way."""
    saved = save_card(stripe, buyer, buying.ATTACHES_THEN_DECLINES)
    problem = buying.refused(
        buyer, 402, "card_declined", is_credit_purchase=True, amount="100.00", payment_method_id=saved["id"]
    )
    intent_id = buying.order_of(problem).stripe_payment_intent_id
    return {"order_id": problem["order_id"], "payment_intent_id": intent_id}


def sync(buyer: APIClient, order: Json) -> None:
    """Look at the order as the page does to which the buyer returns."""
    assert buyer.post(f"/api/v1/orders/{order['order_id']}/sync/").status_code == 200


def confirmation(mailoutbox: list[EmailMessage], user: User) -> str:
    [mail] = [mail for mail in mailoutbox if mail.to == [user.email] and "Thank you" in mail.subject]
    return words_of_html(mail)


def test_a_debit_after_a_declined_card_is_named_as_a_debit(
    stripe: Sandbox, buyer: APIClient, maya: User, mailoutbox: list[EmailMessage]
) -> None:
    order = decline_saved_card(stripe, buyer)
    buying.pay(stripe, order, method="us_bank_account")
    stripe.control.settle(order["payment_intent_id"])
    settle_everything(stripe)
    text = confirmation(mailoutbox, maya)
    assert "100.00 USD by US bank account •••• 6789" in text
    assert DIGITS_DECLINED not in text


def test_a_debit_alone_is_not_named_as_a_card(
    stripe: Sandbox, buyer: APIClient, maya: User, mailoutbox: list[EmailMessage]
) -> None:
    order = buying.credits(buyer)
    buying.pay(stripe, order, method="us_bank_account")
    stripe.control.settle(order["payment_intent_id"])
    settle_everything(stripe)
    assert "100.00 USD by US bank account •••• 6789" in confirmation(mailoutbox, maya)


def test_a_debit_whose_events_are_lost_names_no_card_that_was_declined(
    stripe: Sandbox, buyer: APIClient, maya: User, mailoutbox: list[EmailMessage]
) -> None:
    order = decline_saved_card(stripe, buyer)
    buying.pay(stripe, order, method="us_bank_account")
    stripe.control.settle(order["payment_intent_id"])
    stripe.control.lose_events()
    sync(buyer, order)
    run_jobs()
    assert "100.00 USD by card or bank account" in confirmation(mailoutbox, maya)


def test_a_new_card_after_a_declined_one_is_not_taken_for_it_when_events_are_late(
    stripe: Sandbox, buyer: APIClient, maya: User, mailoutbox: list[EmailMessage]
) -> None:
    order = decline_saved_card(stripe, buyer)
    stripe.control.lose_events()
    buying.pay_only(stripe, order, card=buying.FINE)
    sync(buyer, order)
    run_jobs()
    assert "100.00 USD by card or bank account" in confirmation(mailoutbox, maya)


def test_a_declined_attempt_is_not_named_when_every_event_is_sent(
    stripe: Sandbox, buyer: APIClient, maya: User, mailoutbox: list[EmailMessage]
) -> None:
    order = decline_saved_card(stripe, buyer)
    settle_everything(stripe)
    buying.pay_only(stripe, order, card=buying.FINE)
    sync(buyer, order)
    run_jobs()
    assert DIGITS_DECLINED not in confirmation(mailoutbox, maya)


def test_a_card_that_waits_for_its_owner_is_not_named_when_another_pays(
    stripe: Sandbox, buyer: APIClient, maya: User, mailoutbox: list[EmailMessage]
) -> None:
    setup = buyer.post(f"{buying.METHODS}setup/").json()["setup_intent_id"]
    stripe.control.confirm_setup(setup, payment_method="pm_card_authenticationRequired")
    stripe.control.complete_challenge(setup)
    settle_everything(stripe)
    [saved] = buying.cards(buyer)
    order = buying.credits(buyer, payment_method_id=saved["id"])
    assert order["payment_status"] == "requires_action"
    stripe.control.lose_events()
    buying.pay_only(stripe, order, card=buying.FINE)
    sync(buyer, order)
    run_jobs()
    assert "100.00 USD by card or bank account" in confirmation(mailoutbox, maya)


def test_a_saved_card_that_the_server_charged_is_named_before_any_event_comes(
    stripe: Sandbox, buyer: APIClient, maya: User, mailoutbox: list[EmailMessage]
) -> None:
    saved = save_card(stripe, buyer, buying.FINE)
    buying.credits(buyer, payment_method_id=saved["id"])
    stripe.control.lose_events()
    run_jobs()
    assert f"100.00 USD by Visa •••• {DIGITS_FINE}" in confirmation(mailoutbox, maya)


def test_the_hosted_page_names_its_card(
    stripe: Sandbox, buyer: APIClient, maya: User, mailoutbox: list[EmailMessage]
) -> None:
    buying.pay(stripe, buying.credits(buyer, payment_type="checkout"))
    assert f"100.00 USD by Visa •••• {DIGITS_FINE}" in confirmation(mailoutbox, maya)
