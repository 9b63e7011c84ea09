"""Mails whose time has come: reminders, packages about to lapse, cards about to expire; each once."""

from datetime import datetime, timedelta

import pytest
import time_machine
from django.core.mail import EmailMessage
from rest_framework.test import APIClient

from estuary.accounts.models import Practitioner, User
from estuary.catalog.models import Service, ServiceType
from estuary.common import clock
from estuary.payments import tasks
from estuary.payments.models import PaymentMethod, SentMail
from stripe_sandbox import Sandbox
from tests.factories import a_free_slot, make_practitioner, make_service, make_sessions, make_user, signed_in
from tests.flows import buying
from tests.flows.payments.dates.acting import act, host, move_url
from tests.flows.payments.mailing.reading import calendar_entries
from tests.sandbox_bridge import run_jobs, settle_everything

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def workshop(ana: Practitioner) -> Service:
    service = make_service(ServiceType.WORKSHOP, ana, name="Sound bath")
    make_sessions(service)
    return service


def buy_seat(stripe: Sandbox, buyer: APIClient, workshop: Service) -> datetime:
    session = workshop.sessions.get()
    buying.pay(stripe, buying.service(buyer, workshop, service_session_id=str(session.pk)))
    return session.starts_at


def run_at(moment: datetime, *, times: int = 2) -> None:
    """Let the worker look, more than once, and send."""
    with time_machine.travel(moment):
        for _ in range(times):
            tasks.enqueue_due_mails(timestamp=0)
            tasks.warn_of_expiring_cards(timestamp=0)
            run_jobs()


def about(mailoutbox: list[EmailMessage], word: str) -> list[EmailMessage]:
    return [mail for mail in mailoutbox if word in mail.subject]


def test_a_guest_is_reminded_a_day_before_and_once(
    stripe: Sandbox, buyer: APIClient, maya: User, workshop: Service, mailoutbox: list[EmailMessage]
) -> None:
    begins = buy_seat(stripe, buyer, workshop)
    run_at(begins - timedelta(hours=25))
    assert about(mailoutbox, "Soon") == []
    run_at(begins - timedelta(hours=23))
    run_at(begins - timedelta(hours=1))
    [mail] = about(mailoutbox, "Soon: Sound bath")
    assert mail.to == [maya.email]
    assert calendar_entries(mail)[0].starts_at == begins


def test_a_date_that_is_moved_by_less_than_a_second_holds_up_no_reminder(
    stripe: Sandbox,
    buyer: APIClient,
    ana: Practitioner,
    maya: User,
    workshop: Service,
    mailoutbox: list[EmailMessage],
) -> None:
    begins = buy_seat(stripe, buyer, workshop)
    run_at(begins - timedelta(hours=23))
    later = (begins + timedelta(milliseconds=500)).isoformat()
    with time_machine.travel(begins - timedelta(hours=22), tick=True):
        act(host(ana), move_url(workshop.sessions.get()), start_datetime=later)
        settle_everything(stripe)
    mailoutbox.clear()
    other = make_service(ServiceType.WORKSHOP, make_practitioner("Bela Novak"), name="Yoga")
    [session] = make_sessions(other)
    buying.pay(stripe, buying.service(buyer, other, service_session_id=str(session.pk)))
    run_at(session.starts_at - timedelta(hours=5))
    assert len(about(mailoutbox, "Soon: Yoga")) == 1


@pytest.mark.parametrize(("hours", "reminders"), [(0, 0), (48, 1)])
def test_a_service_says_when_it_reminds(
    stripe: Sandbox, buyer: APIClient, workshop: Service, mailoutbox: list[EmailMessage], hours: int, reminders: int
) -> None:  # fmt: skip
    Service.objects.filter(pk=workshop.pk).update(reminder_hours=hours)
    begins = buy_seat(stripe, buyer, workshop)
    run_at(begins - timedelta(hours=40))
    assert len(about(mailoutbox, "Soon")) == reminders


def test_nobody_is_reminded_of_what_was_canceled_has_begun_or_was_booked_just_before(
    stripe: Sandbox,
    buyer: APIClient,
    workshop: Service,
    mailoutbox: list[EmailMessage],
) -> None:
    begins = buy_seat(stripe, buyer, workshop)
    [booking] = buying.bookings(buyer)
    buyer.post(f"/api/v1/bookings/{booking['id']}/cancel/")
    settle_everything(stripe)
    run_at(begins - timedelta(hours=23))
    with time_machine.travel(begins - timedelta(hours=3)):
        buy_seat(stripe, signed_in(make_user("Tom")), workshop)
    run_at(begins - timedelta(hours=2))
    run_at(begins + timedelta(minutes=1))
    assert about(mailoutbox, "Soon") == []


def test_a_reminder_that_waits_while_its_booking_is_canceled_is_not_sent(
    stripe: Sandbox, buyer: APIClient, maya: User, workshop: Service, mailoutbox: list[EmailMessage]
) -> None:
    begins = buy_seat(stripe, buyer, workshop)
    [booking] = buying.bookings(buyer)
    with time_machine.travel(begins - timedelta(hours=23)):
        tasks.enqueue_due_mails(timestamp=0)
        canceled = signed_in(maya).post(f"/api/v1/bookings/{booking['id']}/cancel/")
        assert canceled.status_code == 200
        run_jobs()
    assert about(mailoutbox, "Soon") == []
    assert SentMail.objects.get(kind="reminder").status == "obsolete"


def test_each_meeting_of_a_course_is_reminded_of(
    stripe: Sandbox, buyer: APIClient, ana: Practitioner, mailoutbox: list[EmailMessage]
) -> None:
    course = make_service(ServiceType.COURSE, ana, name="Three evenings")
    sessions = make_sessions(course, 3)
    buying.pay(stripe, buying.service(buyer, course))
    for session in sessions:
        run_at(session.starts_at - timedelta(hours=20))
    assert len(about(mailoutbox, "Soon: Three evenings")) == 3


def test_who_has_unscheduled_parts_is_warned_before_they_lapse_and_once(
    stripe: Sandbox, buyer: APIClient, ana: Practitioner, mailoutbox: list[EmailMessage]
) -> None:
    talk = make_service(ServiceType.SESSION, ana)
    bundle = make_service(
        ServiceType.BUNDLE, ana, name="Ten talks", bundle_of=talk, bundle_quantity=3, validity_days=90
    )
    start = a_free_slot(talk).isoformat()
    buying.pay(stripe, buying.service(buyer, bundle, items=[{"start_datetime": start}]))
    run_at(clock.now() + timedelta(days=70))
    assert about(mailoutbox, "choose your times") == []
    run_at(clock.now() + timedelta(days=80))
    run_at(clock.now() + timedelta(days=85))
    [mail] = about(mailoutbox, "Ten talks: choose your times")
    assert "2 parts left without a time" in str(mail.body)


def test_an_owner_is_told_of_a_card_that_is_about_to_expire_and_once(
    stripe: Sandbox, buyer: APIClient, maya: User, mailoutbox: list[EmailMessage]
) -> None:
    buying.buy_credits(stripe, buyer)
    card = PaymentMethod.objects.get()
    PaymentMethod.objects.update(exp_year=2031, exp_month=2)
    run_at(datetime(2030, 12, 20, 12, tzinfo=clock.now().tzinfo))
    assert about(mailoutbox, "expire") == []
    run_at(datetime(2031, 1, 10, 12, tzinfo=clock.now().tzinfo))
    run_at(datetime(2031, 2, 10, 12, tzinfo=clock.now().tzinfo))
    [mail] = about(mailoutbox, f"Your card ending in {card.last4} is about to expire")
    assert mail.to == [maya.email]
    assert "at the end of 02/2031" in str(mail.body)


def test_who_leaves_a_payment_that_the_bank_wants_confirmed_is_asked_once(
    stripe: Sandbox, buyer: APIClient, maya: User, workshop: Service, mailoutbox: list[EmailMessage]
) -> None:
    setup = buyer.post(f"{buying.METHODS}setup/").json()["setup_intent_id"]
    stripe.control.confirm_setup(setup, payment_method="pm_card_authenticationRequired")
    stripe.control.complete_challenge(setup)
    settle_everything(stripe)
    [card] = buying.cards(buyer)
    session = workshop.sessions.get()
    body = {"service_id": str(workshop.pk), "scheduling_data": {"service_session_id": str(session.pk)}}
    order = buying.create(buyer, **body, payment_method_id=card["id"])
    assert order["payment_status"] == "requires_action"
    run_at(clock.now() + timedelta(minutes=1))
    assert about(mailoutbox, "Confirm your payment") == []
    run_at(clock.now() + timedelta(minutes=4))
    run_at(clock.now() + timedelta(minutes=6))
    [mail] = about(mailoutbox, "Confirm your payment for Sound bath")
    assert mail.to == [maya.email]
    assert order["order_id"] in str(mail.body)
