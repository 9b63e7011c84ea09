"""A bonus session is called off or declined, and scheduled again: calendars follow, and everybody is told each time."""

from datetime import datetime, timedelta

import pytest
import time_machine
from django.core.mail import EmailMessage
from rest_framework.test import APIClient

from estuary.accounts.models import Practitioner, User
from estuary.bookings.models import Booking, BookingMove
from estuary.catalog.models import Service, ServiceSession, ServiceType
from estuary.common import clock
from estuary.payments.models import SentMail
from estuary.payments.tasks import close_past_bookings
from stripe_sandbox import Sandbox
from tests.factories import a_free_slot, make_service, make_sessions, signed_in
from tests.flows import buying
from tests.flows.payments.dates.acting import act, call_off_url, host, move_url
from tests.flows.payments.mailing.reading import Entry, calendar_entries
from tests.sandbox_bridge import run_jobs, settle_everything

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def lesson(ana: Practitioner) -> Service:
    return make_service(ServiceType.SESSION, ana, name="A lesson", usd=5_000)


def buy_bonus(stripe: Sandbox, buyer: APIClient, of: Service) -> Booking:
    """Buy one session with one as a bonus, and return the bonus."""
    bundle = make_service(
        ServiceType.BUNDLE,
        of.practitioner,
        name="One and one",
        bundle_of=of,
        bundle_quantity=1,
        bundle_bonus=1,
        usd=5_000,
    )
    buying.pay(stripe, buying.service(buyer, bundle))
    return Booking.objects.get(amount_minor=0)


def schedule(buyer: APIClient, bonus: Booking, time: datetime | ServiceSession) -> None:
    body = (
        {"start_datetime": time.isoformat()}
        if isinstance(time, datetime)
        else {"service_session_id": str(time.pk)}
    )
    answer = buyer.post(f"/api/v1/bookings/{bonus.pk}/schedule/", body)
    assert answer.status_code == 200, answer.json()
    run_jobs()
    run_jobs()


def call_off(stripe: Sandbox, practitioner: Practitioner, bonus: Booking) -> None:
    act(host(practitioner), f"/api/v1/roster/bookings/{bonus.pk}/call-off/")
    settle_everything(stripe)


def read(mailoutbox: list[EmailMessage], user: User) -> list[EmailMessage]:
    """Return what was written to somebody since the last look at anybody's."""
    mails = [mail for mail in mailoutbox if mail.to == [user.email]]
    mailoutbox.clear()
    return mails


def entry_of(mail: EmailMessage) -> Entry:
    [entry] = calendar_entries(mail)
    return entry


@pytest.mark.parametrize("again_at", [0, 6])
def test_a_bonus_that_was_called_off_leaves_the_calendar_and_comes_back_when_it_is_scheduled_again(
    stripe: Sandbox, ana: Practitioner, lesson: Service, buyer: APIClient, maya: User,
    mailoutbox: list[EmailMessage], again_at: int,
) -> None:  # fmt: skip
    first, again = a_free_slot(lesson), a_free_slot(lesson, nth=again_at)
    bonus = buy_bonus(stripe, buyer, lesson)
    mailoutbox.clear()
    schedule(buyer, bonus, first)
    entries = [entry_of(read(mailoutbox, maya)[0])]
    start = clock.now()
    with time_machine.travel(start + timedelta(minutes=1)):
        call_off(stripe, ana, bonus)
        [mail] = read(mailoutbox, maya)
        entries.append(entry_of(mail))
    with time_machine.travel(start + timedelta(minutes=2)):
        schedule(buyer, bonus, again)
        to_ana = [mail for mail in mailoutbox if mail.to == [ana.user.email]]
        [mail] = read(mailoutbox, maya)
        entries.append(entry_of(mail))
    assert [(entry.method, entry.starts_at) for entry in entries] == [
        ("REQUEST", first),
        ("CANCEL", first),
        ("REQUEST", again),
    ]
    assert {entry.uid for entry in entries} == {f"booking-{bonus.pk}@localhost"}
    assert entries[0].sequence < entries[1].sequence < entries[2].sequence
    assert [mail.subject.partition(":")[0] for mail in to_ana] == ["New booking"]


def test_a_bonus_in_a_workshop_that_was_called_off_leaves_the_calendar(
    stripe: Sandbox, ana: Practitioner, buyer: APIClient, maya: User, mailoutbox: list[EmailMessage]
) -> None:
    workshop = make_service(ServiceType.WORKSHOP, ana, name="Sound bath")
    first, second = make_sessions(workshop, 2)
    bonus = buy_bonus(stripe, buyer, workshop)
    schedule(buyer, bonus, first)
    mailoutbox.clear()
    act(host(ana), call_off_url(first))
    settle_everything(stripe)
    entry = entry_of(read(mailoutbox, maya)[0])
    assert (entry.method, entry.starts_at) == ("CANCEL", first.starts_at)
    schedule(buyer, bonus, second)
    assert entry_of(read(mailoutbox, maya)[0]).starts_at == second.starts_at


def test_a_late_mail_takes_no_time_out_of_the_calendar_that_was_chosen_meanwhile(
    stripe: Sandbox, ana: Practitioner, lesson: Service, buyer: APIClient, maya: User,
    mailoutbox: list[EmailMessage],
) -> None:  # fmt: skip
    bonus = buy_bonus(stripe, buyer, lesson)
    schedule(buyer, bonus, a_free_slot(lesson))
    act(host(ana), f"/api/v1/roster/bookings/{bonus.pk}/call-off/")
    run_jobs()
    # The mail about that is not sent yet.
    mailoutbox.clear()
    again = a_free_slot(lesson, nth=6)
    schedule(buyer, bonus, again)
    settle_everything(stripe)
    entries = [entry for mail in read(mailoutbox, maya) for entry in calendar_entries(mail)]
    assert {(entry.method, entry.starts_at) for entry in entries} == {("REQUEST", again)}


def test_what_a_guest_did_with_the_old_time_does_not_count_for_the_new_one(
    stripe: Sandbox, ana: Practitioner, lesson: Service, buyer: APIClient, maya: User
) -> None:
    bonus = buy_bonus(stripe, buyer, lesson)
    schedule(buyer, bonus, a_free_slot(lesson, nth=40))
    for nth in (44, 48):
        later = {"start_datetime": a_free_slot(lesson, nth=nth).isoformat()}
        assert buyer.post(f"/api/v1/bookings/{bonus.pk}/move/", later).status_code == 200
    settle_everything(stripe)
    call_off(stripe, ana, bonus)
    # The old start has come by now.
    with time_machine.travel(clock.now() + timedelta(days=14)):
        buyer = signed_in(maya)
        schedule(buyer, bonus, a_free_slot(lesson))
        shown = buyer.get(f"/api/v1/bookings/{bonus.pk}/").json()
        assert (shown["can_move"], shown["moves_left"], shown["former_start_datetime"]) == (True, 2, None)
        later = {"start_datetime": a_free_slot(lesson, nth=6).isoformat()}
        assert buyer.post(f"/api/v1/bookings/{bonus.pk}/move/", later).status_code == 200
        assert list(BookingMove.objects.values_list("number", flat=True)) == [1, 2, 3]


def test_a_bonus_whose_time_is_over_when_the_worker_comes_can_be_scheduled_again(
    stripe: Sandbox, ana: Practitioner, lesson: Service, buyer: APIClient, maya: User
) -> None:
    bonus = buy_bonus(stripe, buyer, lesson)
    schedule(buyer, bonus, a_free_slot(lesson))
    act(host(ana), f"/api/v1/roster/bookings/{bonus.pk}/call-off/")
    with time_machine.travel(clock.now() + timedelta(days=5)):
        close_past_bookings(0)
        settle_everything(stripe)
        bonus.refresh_from_db()
        assert bonus.needs_scheduling
        schedule(signed_in(maya), bonus, a_free_slot(lesson))


def test_a_declined_bonus_leaves_the_calendar_and_its_practitioner_hears_of_the_next_time(
    stripe: Sandbox, ana: Practitioner, buyer: APIClient, maya: User, mailoutbox: list[EmailMessage]
) -> None:
    workshop = make_service(ServiceType.WORKSHOP, ana, name="Sound bath")
    first, second = make_sessions(workshop, 2)
    bonus = buy_bonus(stripe, buyer, workshop)
    schedule(buyer, bonus, first)
    new = first.starts_at + timedelta(hours=1)
    act(host(ana), move_url(first), start_datetime=new.isoformat())
    settle_everything(stripe)
    mailoutbox.clear()
    assert buyer.post(f"/api/v1/bookings/{bonus.pk}/decline/").status_code == 200
    settle_everything(stripe)
    [to_ana] = [mail for mail in mailoutbox if mail.to == [ana.user.email]]
    assert to_ana.subject == f"Canceled: Sound bath, {new:%A, %B} {new.day}, {new.year}"
    [mail] = read(mailoutbox, maya)
    assert mail.subject == "You have given back your place: Sound bath"
    assert "yours to schedule again" in str(mail.body)
    entry = entry_of(mail)
    assert (entry.method, entry.starts_at) == ("CANCEL", new)
    schedule(buyer, bonus, second)
    assert [one.subject.partition(":")[0] for one in read(mailoutbox, ana.user)] == ["New booking"]


def test_a_time_that_was_called_off_was_not_taken_by_others(
    stripe: Sandbox, ana: Practitioner, lesson: Service, buyer: APIClient
) -> None:
    bundle = make_service(
        ServiceType.BUNDLE, ana, bundle_of=lesson, bundle_quantity=4, bundle_bonus=1, usd=20_000
    )
    # An unpaid order holds the first three alone.
    items = [{"start_datetime": a_free_slot(lesson, nth=nth).isoformat()} for nth in range(0, 30, 6)]
    order = buying.service(buyer, bundle, items=items)
    buying.pay(stripe, order)
    bonus = Booking.objects.get(amount_minor=0)
    call_off(stripe, ana, bonus)
    shown = [part for part in buying.detail(buyer, order)["bookings"] if part["needs_scheduling"]]
    assert [part["missed_start_datetime"] for part in shown] == [None]
    assert SentMail.objects.filter(kind="called_off").count() == 1


def test_who_cancels_the_paid_session_and_keeps_the_bonus_reads_why_nothing_comes_back(
    stripe: Sandbox, lesson: Service, buyer: APIClient, maya: User, mailoutbox: list[EmailMessage]
) -> None:
    bonus = buy_bonus(stripe, buyer, lesson)
    schedule(buyer, bonus, a_free_slot(lesson))
    paid = Booking.objects.exclude(pk=bonus.pk).get(position__gt=0)
    mailoutbox.clear()
    answer = buyer.post(f"/api/v1/bookings/{paid.pk}/cancel/")
    assert (answer.status_code, answer.json()["refund"]) == (200, None)
    run_jobs()
    [mail] = read(mailoutbox, maya)
    assert mail.subject == "Your booking of A lesson is canceled"
    assert "a bonus session that you keep counts in its place" in str(mail.body)
