"""An order is refunded after its buyer was erased: staff learn that nobody can spend the credits in it."""

import pytest
from django.core.mail import EmailMessage
from django.urls import reverse
from pytest_django import Settings

from estuary.accounts.models import User
from estuary.bookings.models import Booking
from estuary.catalog.models import ServiceType
from estuary.orders.models import Order
from stripe_sandbox import Sandbox
from tests.api.staff import admin_client
from tests.factories import make_practitioner, make_service, make_sessions, signed_in
from tests.flows.buying import order_of
from tests.flows.payments.dates.acting import MIXED, buy_seat
from tests.flows.privacy.erasing import erase
from tests.sandbox_bridge import settle_everything

pytestmark = pytest.mark.django_db(transaction=True)

CODE = "credits_of_erased_buyer"


@pytest.fixture
def attended(stripe: Sandbox, zenobia: User) -> Order:
    """A workshop that took place, for 100.00: 70.00 by card and 30.00 with credits."""
    [session] = make_sessions(make_service(ServiceType.WORKSHOP, make_practitioner()))
    order = buy_seat(stripe, signed_in(zenobia), session, MIXED)
    Booking.objects.update(status="completed")
    return order_of(order)


def consequences(order: Order) -> list[str]:
    client, url = admin_client(), reverse("admin:orders_order_refund", args=[order.pk])
    as_shown = client.get(url).context["form"]["as_shown"].value()
    form = {"booking": "", "extent": "everything", "amount": "", "reason": "", "as_shown": as_shown}
    return list(client.get(url, {**form, "preview": "1"}).context["consequences"])


def test_the_preview_of_a_refund_says_that_credits_reach_nobody_and_no_mail_is_sent(
    attended: Order, zenobia: User
) -> None:
    assert "30.00 USD of credits goes back to the buyer’s account." in consequences(attended)
    erase(zenobia.email)
    assert consequences(attended) == [
        "70.00 USD goes back to the card.",
        "30.00 USD of credits goes back to the buyer’s account, which is erased: nobody can spend it. "
        "Return it another way, and take it from the account.",
        "The buyer’s account is erased, so nobody gets a mail about it.",
        "A refund can’t be taken back.",
    ]


def test_staff_are_alerted_once_of_credits_that_a_refund_gives_to_an_erased_buyer(
    stripe: Sandbox,
    attended: Order,
    zenobia: User,
    mailoutbox: list[EmailMessage],
    settings: Settings,
) -> None:
    settings.STAFF_MAIL = "desk@estuary.example"
    erase(zenobia.email)
    stripe.control.refund(attended.stripe_payment_intent_id)
    settle_everything(stripe)
    settle_everything(stripe)
    [alert] = [mail for mail in mailoutbox if CODE in mail.subject]
    assert attended.public_id in str(alert.body) and "30.00 USD" in str(alert.body)


def test_credits_that_go_back_to_a_buyer_who_is_there_alert_nobody(
    stripe: Sandbox, attended: Order, mailoutbox: list[EmailMessage], settings: Settings
) -> None:
    settings.STAFF_MAIL = "desk@estuary.example"
    stripe.control.refund(attended.stripe_payment_intent_id)
    settle_everything(stripe)
    assert not [mail for mail in mailoutbox if CODE in mail.subject]
