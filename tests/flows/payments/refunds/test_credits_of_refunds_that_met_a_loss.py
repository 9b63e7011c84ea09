"""A refund by card and credits meets a dispute that is lost: the bank returns the card's money, we the credits."""

import pytest
from django.core.mail import EmailMessage
from pytest_django import Settings
from rest_framework.test import APIClient

from estuary.accounts.models import Practitioner, User
from estuary.catalog.models import ServiceSession, ServiceType
from estuary.payments.models import Refund
from estuary.payments.refunds.request_refund import send_refund
from stripe_sandbox import Sandbox
from tests.factories import make_service, make_sessions
from tests.flows import buying
from tests.flows.buying import Json
from tests.flows.disputing import a_session, close, dispute, money_of, purse
from tests.flows.payments.dates.acting import MIXED, act, buy_seat, call_off_url, host
from tests.flows.payments.mailing.reading import words_of_html
from tests.sandbox_bridge import settle_everything

pytestmark = pytest.mark.django_db(transaction=True)

# 60.00 of each 100.00 is paid by card, 40.00 with credits.


@pytest.fixture
def mixed(stripe: Sandbox, buyer: APIClient, ana: Practitioner) -> Json:
    buying.buy_credits(stripe, buyer, "40.00")
    return a_session(stripe, buyer, ana, use_credits=True)


@pytest.fixture
def workshop(ana: Practitioner) -> ServiceSession:
    [session] = make_sessions(make_service(ServiceType.WORKSHOP, ana), capacity=5, in_days=10)
    return session


def dispute_unheard(stripe: Sandbox, order: Json, amount: int | None = None) -> str:
    """Dispute a payment while no event of it comes."""
    opened = stripe.control.dispute(order["payment_intent_id"], amount=amount)
    stripe.control.lose_events()
    return str(opened["id"])


def lose(stripe: Sandbox, dispute_id: str) -> None:
    settle_everything(stripe)
    stripe.control.close_dispute(dispute_id, "lost")
    settle_everything(stripe)
    for refund in Refund.objects.filter(status="requested"):
        send_refund(refund.pk)
    settle_everything(stripe)


def credits_back() -> list[tuple[int, int, str]]:
    rows = Refund.objects.order_by("pk")
    return list(rows.values_list("card_minor", "credits_minor", "status"))


def mails_to(mailoutbox: list[EmailMessage], user: User, word: str) -> list[str]:
    return [
        words_of_html(mail) for mail in mailoutbox if mail.to == [user.email] and word in str(mail.subject)
    ]


def test_credits_of_a_refund_by_staff_go_back_when_the_card_is_lost(
    stripe: Sandbox, buyer: APIClient, staff: APIClient, mixed: Json
) -> None:
    opened = dispute_unheard(stripe, mixed)
    buying.refund(staff, mixed)
    lose(stripe, opened)
    assert credits_back() == [(6_000, 0, "failed"), (0, 4_000, "succeeded")]
    assert (purse(buyer)[0], money_of(mixed)) == ("40.00", ("partially_refunded", 6_000, 4_000, 6_000))


def test_credits_of_a_cancellation_in_time_go_back_when_the_card_is_lost(
    stripe: Sandbox, buyer: APIClient, maya: User, mixed: Json, mailoutbox: list[EmailMessage]
) -> None:
    opened = dispute_unheard(stripe, mixed)
    [booking] = buying.bookings(buyer)
    assert buyer.post(f"/api/v1/bookings/{booking['id']}/cancel/").status_code == 200
    lose(stripe, opened)
    assert purse(buyer)[0] == "40.00"
    [text] = mails_to(mailoutbox, maya, "Your refund")
    assert "So far we have sent back 40.00 USD of the 100.00 USD" in text
    assert "40.00 USD to your credits" in text
    assert not mails_to(mailoutbox, maya, "did not go through")


def test_who_loses_a_booking_with_its_payment_reads_of_the_credits_that_come_back(
    stripe: Sandbox, buyer: APIClient, maya: User, mixed: Json, mailoutbox: list[EmailMessage]
) -> None:
    close(stripe, dispute(stripe, mixed), "lost")
    assert purse(buyer)[0] == "40.00"
    [lost] = mails_to(mailoutbox, maya, "bank has returned")
    assert "Your bank has returned 60.00 USD to you" in lost
    assert "credits that it bought" not in lost
    [text] = mails_to(mailoutbox, maya, "Your refund")
    assert "40.00 USD to your credits" in text


def test_who_loses_bought_credits_reads_that_they_are_taken_back(
    stripe: Sandbox, buyer: APIClient, maya: User, mailoutbox: list[EmailMessage]
) -> None:
    close(stripe, dispute(stripe, buying.buy_credits(stripe, buyer, "40.00")), "lost")
    [lost] = mails_to(mailoutbox, maya, "bank has returned")
    assert "The credits that it bought are taken back" in lost


def test_credits_of_a_date_that_was_called_off_before_the_dispute_was_heard_of_go_back(
    stripe: Sandbox, ana: Practitioner, workshop: ServiceSession, buyer: APIClient
) -> None:
    order = buy_seat(stripe, buyer, workshop, MIXED)
    opened = dispute_unheard(stripe, order)
    act(host(ana), call_off_url(workshop))
    lose(stripe, opened)
    assert purse(buyer)[0] == "30.00"


def test_of_a_loss_in_part_the_credits_go_back_and_staff_hear_of_the_rest(
    stripe: Sandbox,
    buyer: APIClient,
    staff: APIClient,
    maya: User,
    mixed: Json,
    mailoutbox: list[EmailMessage],
    settings: Settings,
) -> None:
    settings.STAFF_MAIL = "desk@estuary.example"
    opened = dispute_unheard(stripe, mixed, amount=2_000)
    buying.refund(staff, mixed)
    lose(stripe, opened)
    assert purse(buyer)[0] == "40.00"
    [alert] = [mail for mail in mailoutbox if "refund_failed" in mail.subject]
    assert "40.00 USD must be paid back" in alert.body
    [failed] = mails_to(mailoutbox, maya, "did not go through")
    assert "Our refund of 40.00 USD" in failed
    texts = mails_to(mailoutbox, maya, "Your refund for")
    assert sum("So far we have sent back 40.00 USD of the 100.00 USD" in text for text in texts) == 1
