"""Mails name the sums that were charged, that went back and that are still due, in the currency of their payment."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.core.mail import EmailMessage
from pytest_django import Settings
from rest_framework.test import APIClient

from estuary.accounts.models import Practitioner, User
from estuary.catalog.models import Service, ServiceType
from estuary.payments.models import Refund, SentMail
from stripe_sandbox import Sandbox
from stripe_sandbox.inprocess import client as stripe_of
from tests.factories import make_service, make_sessions
from tests.flows import buying
from tests.flows.buying import Json
from tests.flows.payments.mailing.reading import words_of_html
from tests.flows.payments.reconciliation.test_expiry import late_payment, let_holds_end
from tests.sandbox_bridge import deliver, settle_everything

pytestmark = pytest.mark.django_db(transaction=True)

DESK = "desk@estuary.example"


@pytest.fixture
def workshop(ana: Practitioner) -> Service:
    """A workshop of 100.00."""
    return make_service(ServiceType.WORKSHOP, ana, name="Sound bath")


def order_seat(stripe: Sandbox, buyer: APIClient, workshop: Service) -> Json:
    """Order a seat of which 30.00 is paid with credits and 70.00 is due."""
    buying.buy_credits(stripe, buyer, "30.00")
    [seat] = make_sessions(workshop, capacity=1)
    where = {"service_session_id": str(seat.pk)}
    return buying.create(buyer, service_id=str(workshop.pk), use_credits=True, scheduling_data=where)


def the_mail(mailoutbox: list[EmailMessage], user: User, word: str) -> str:
    [mail] = [mail for mail in mailoutbox if mail.to == [user.email] and word in mail.subject]
    return words_of_html(mail)


def test_a_late_payment_is_named_by_what_was_charged_and_sent_back_in_full(
    stripe: Sandbox, buyer: APIClient, maya: User, workshop: Service, mailoutbox: list[EmailMessage]
) -> None:
    order = order_seat(stripe, buyer, workshop)
    let_holds_end()
    late_payment(stripe, order)
    settle_everything(stripe)
    text = the_mail(mailoutbox, maya, "too late")
    assert "Your payment of 70.00 USD for Sound bath" in text
    assert "the credits that you spent on it are yours again" in text
    assert "100.00" not in text
    assert "We have sent back all of the 70.00 USD for Sound bath" in the_mail(
        mailoutbox, maya, "Your refund"
    )


def test_what_is_paid_after_the_start_is_sent_back_in_full(
    stripe: Sandbox, buyer: APIClient, maya: User, workshop: Service, mailoutbox: list[EmailMessage]
) -> None:
    order = order_seat(stripe, buyer, workshop)
    starts_at = workshop.sessions.get().starts_at
    paid = buying.pay(stripe, order, method="us_bank_account")
    with time_machine.travel(starts_at + timedelta(minutes=5), tick=True):
        stripe.control.settle(paid["id"])
        settle_everything(stripe)
    assert buying.status_of(order) == "refunded"
    assert "We have sent back all of the 70.00 USD for Sound bath" in the_mail(
        mailoutbox, maya, "Your refund"
    )


def pay_again(stripe: Sandbox, purchase: Json, amount: int, currency: str) -> str:
    """Let somebody with the key charge the buyer of a paid order once more."""
    order = buying.order_of(purchase)
    params: Any = {
        "amount": amount,
        "currency": currency,
        "customer": order.stripe_customer_id,
        "payment_method": "pm_card_pendingRefund",
        "confirm": True,
        "automatic_payment_methods": {"enabled": True, "allow_redirects": "never"},
        "metadata": {"order_id": order.public_id},
    }
    return str(stripe_of(stripe).v1.payment_intents.create(params).id)


def test_a_refund_of_another_payment_is_named_in_its_own_currency_until_it_arrives(
    stripe: Sandbox,
    buyer: APIClient,
    maya: User,
    mailoutbox: list[EmailMessage],
    settings: Settings,
) -> None:
    settings.STAFF_MAIL = DESK
    purchase = buying.buy_credits(stripe, buyer, "50.00")
    second = pay_again(stripe, purchase, 5_000, "jpy")
    settle_everything(stripe)
    stripe.control.fail_refund(Refund.objects.get().stripe_refund_id)
    settle_everything(stripe)
    text = the_mail(mailoutbox, maya, "did not go through yet")
    assert "Our refund of 5,000 JPY of another payment for" in text
    [alert] = [mail for mail in mailoutbox if "refund_failed" in mail.subject]
    assert "5,000 JPY" in alert.body
    mailoutbox.clear()
    stripe.control.refund(second)
    settle_everything(stripe)
    for refund in Refund.objects.filter(status="pending"):
        stripe.control.succeed_refund(refund.stripe_refund_id)
    settle_everything(stripe)
    assert "5,000 JPY of another payment" in the_mail(mailoutbox, maya, "on its way after all")


def test_what_another_refund_has_returned_meanwhile_is_not_said_to_be_missing(
    stripe: Sandbox, buyer: APIClient, staff: APIClient, maya: User, mailoutbox: list[EmailMessage]
) -> None:
    purchase = buying.credits(buyer, "50.00")
    buying.pay(stripe, purchase, buying.REFUND_PENDS)
    buying.refund(staff, purchase)
    settle_everything(stripe)
    stripe.control.fail_refund(Refund.objects.get().stripe_refund_id)
    deliver(stripe)
    stripe.control.refund(purchase["payment_intent_id"])
    deliver(stripe)
    settle_everything(stripe)
    assert not [mail for mail in mailoutbox if "did not go through yet" in mail.subject]
    assert SentMail.objects.get(kind="refund_failed").status == SentMail.Status.OBSOLETE
