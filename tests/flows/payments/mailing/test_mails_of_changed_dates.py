"""Mails about dates that were called off or moved: each names its own change, what it changed, and in which zone."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.core.mail import EmailMessage
from rest_framework.test import APIClient

from estuary.accounts.models import Practitioner, User
from estuary.bookings.models import Booking
from estuary.catalog.models import Service, ServiceSession, ServiceType
from estuary.catalog.venues import Venue
from estuary.payments.models import SentMail
from stripe_sandbox import Sandbox
from tests.factories import a_free_slot, make_service, make_sessions
from tests.flows import buying
from tests.flows.payments.dates.acting import act, buy_seat, call_off_url, host, move_url
from tests.flows.payments.mailing.reading import calendar_entries, words_of_html
from tests.sandbox_bridge import run_jobs, settle_everything

pytestmark = pytest.mark.django_db(transaction=True)

LISBON, BERLIN, TOKYO = ZoneInfo("Europe/Lisbon"), ZoneInfo("Europe/Berlin"), ZoneInfo("Asia/Tokyo")


@pytest.fixture
def workshop(ana: Practitioner) -> ServiceSession:
    """A workshop in ten days, online."""
    [session] = make_sessions(make_service(ServiceType.WORKSHOP, ana, name="Breathwork"))
    return session


@pytest.fixture
def course(ana: Practitioner) -> Service:
    service = make_service(ServiceType.COURSE, ana, name="Six evenings")
    make_sessions(service, 6)
    return service


def read(mailoutbox: list[EmailMessage], user: User) -> list[EmailMessage]:
    """Return what was written to somebody since the last look."""
    mails = [mail for mail in mailoutbox if mail.to == [user.email]]
    mailoutbox.clear()
    return mails


def hour(moment: datetime, zone: ZoneInfo) -> str:
    """Return the day and the hour as mails write them: ``Dec 4, 2026, 2:00 PM``."""
    at = moment.astimezone(zone)
    return f"{at:%b} {at.day}, {at.year}, {at.hour % 12 or 12}:{at:%M} {'AM' if at.hour < 12 else 'PM'}"


def long_hour(moment: datetime, zone: ZoneInfo) -> str:
    return hour(moment, zone).replace(f"{moment.astimezone(zone):%b}", f"{moment.astimezone(zone):%B}", 1)


def book_two(stripe: Sandbox, buyer: APIClient, ana: Practitioner) -> list[Booking]:
    """Buy a bundle of two talks, both with a time, and return the talks."""
    talk = make_service(ServiceType.SESSION, ana, name="A talk")
    bundle = make_service(ServiceType.BUNDLE, ana, name="Two talks", bundle_of=talk, bundle_quantity=2)
    items = [{"start_datetime": a_free_slot(talk, nth=nth).isoformat()} for nth in (0, 6)]
    buying.pay(stripe, buying.service(buyer, bundle, items=items))
    return list(Booking.objects.filter(position__gt=0).order_by("position"))


def test_of_two_dates_that_are_called_off_one_after_the_other_each_mail_names_its_own(
    stripe: Sandbox, ana: Practitioner, buyer: APIClient, maya: User, mailoutbox: list[EmailMessage]
) -> None:
    first, second = book_two(stripe, buyer, ana)
    mailoutbox.clear()
    for talk in (first, second):
        act(host(ana), f"/api/v1/roster/bookings/{talk.pk}/call-off/")
    settle_everything(stripe)
    texts = [str(mail.body) for mail in read(mailoutbox, maya) if "not take place" in mail.subject]
    assert first.starts_at and second.starts_at
    named = [[hour(talk.starts_at, LISBON) in text for talk in (first, second)] for text in texts]  # type: ignore[arg-type]
    assert named == [[True, False], [False, True]]
    assert all("50.00 USD" in text for text in texts)


def test_of_two_moves_of_one_date_each_mail_names_its_own_and_the_first_says_that_it_changed_again(
    stripe: Sandbox, ana: Practitioner, workshop: ServiceSession, buyer: APIClient, maya: User,
    mailoutbox: list[EmailMessage],
) -> None:  # fmt: skip
    buy_seat(stripe, buyer, workshop)
    mailoutbox.clear()
    times = [workshop.starts_at + timedelta(hours=hours) for hours in (0, 24, 48)]
    for time in times[1:]:
        act(host(ana), move_url(workshop), start_datetime=time.isoformat())
    settle_everything(stripe)
    first, second = [str(mail.body) for mail in read(mailoutbox, maya)]
    assert f"{hour(times[0], LISBON)} (Europe/Lisbon) has been moved" in first
    assert long_hour(times[1], LISBON) in first
    assert "has changed again since" in first
    assert f"{hour(times[1], LISBON)} (Europe/Lisbon) has been moved" in second
    assert f"It begins on {times[2].astimezone(LISBON):%A}, {long_hour(times[2], LISBON)}" in second
    assert "again since" not in second


def test_of_two_parts_that_a_guest_moves_quickly_each_mail_names_its_own(
    stripe: Sandbox, ana: Practitioner, buyer: APIClient, maya: User, mailoutbox: list[EmailMessage]
) -> None:
    talks = book_two(stripe, buyer, ana)
    mailoutbox.clear()
    for talk, nth in zip(talks, (12, 18), strict=True):
        later = {"start_datetime": a_free_slot(talk.service, nth=nth).isoformat()}  # type: ignore[arg-type]
        assert buyer.post(f"/api/v1/bookings/{talk.pk}/move/", later).status_code == 200
    settle_everything(stripe)
    mails = read(mailoutbox, maya)
    assert {mail.subject for mail in mails} == {"A talk has a new time"}
    was = [f"A talk was {talk.starts_at:%A}, {long_hour(talk.starts_at, LISBON)}" for talk in talks]  # type: ignore[arg-type]
    named = [[before in str(mail.body) for before in was] for mail in mails]
    assert named == [[True, False], [False, True]]


def test_of_two_parts_that_a_guest_cancels_quickly_each_mail_names_its_own_and_its_own_sum(
    stripe: Sandbox, ana: Practitioner, buyer: APIClient, maya: User, mailoutbox: list[EmailMessage]
) -> None:
    talks = book_two(stripe, buyer, ana)
    mailoutbox.clear()
    for talk in talks:
        assert buyer.post(f"/api/v1/bookings/{talk.pk}/cancel/").status_code == 200
    settle_everything(stripe)
    mails = [mail for mail in read(mailoutbox, maya) if "is canceled" in mail.subject]
    assert {mail.subject for mail in mails} == {"Your booking of A talk is canceled"}
    times = [long_hour(talk.starts_at, LISBON) for talk in talks]  # type: ignore[arg-type]
    named = [[time in str(mail.body) for time in times] for mail in mails]
    assert named == [[True, False], [False, True]]
    assert all("50.00 USD goes back to you" in str(mail.body) for mail in mails)


def test_what_is_on_its_way_back_already_is_not_called_too_late_to_cancel(
    stripe: Sandbox, buyer: APIClient, staff: APIClient, maya: User, workshop: ServiceSession,
    mailoutbox: list[EmailMessage],
) -> None:  # fmt: skip
    refund_in_advance(stripe, buyer, staff, workshop)
    mailoutbox.clear()
    [booking] = buying.bookings(buyer)
    assert buyer.post(f"/api/v1/bookings/{booking['id']}/cancel/").status_code == 200
    run_jobs()
    [mail] = read(mailoutbox, maya)
    assert "Nothing more is returned for it" in str(mail.body)
    assert "was over" not in str(mail.body)


def refund_in_advance(stripe: Sandbox, buyer: APIClient, staff: APIClient, session: ServiceSession) -> None:
    """Buy a seat and have all of it refunded, which the bank takes its time over."""
    order = buying.service(buyer, session.service, service_session_id=str(session.pk))
    buying.pay(stripe, order, buying.REFUND_PENDS)
    buying.refund(staff, order, amount="100.00")
    settle_everything(stripe)


def test_a_subject_says_that_one_date_does_not_take_place_and_not_the_whole_course(
    stripe: Sandbox, ana: Practitioner, buyer: APIClient, maya: User, course: Service,
    mailoutbox: list[EmailMessage],
) -> None:  # fmt: skip
    buying.pay(stripe, buying.service(buyer, course))
    mailoutbox.clear()
    first, second, *_ = course.sessions.order_by("starts_at")
    act(host(ana), move_url(first), start_datetime=(first.starts_at + timedelta(hours=1)).isoformat())
    act(host(ana), call_off_url(second))
    settle_everything(stripe)
    subjects = {mail.subject for mail in read(mailoutbox, maya)}
    assert "A date of Six evenings has been moved to a new time" in subjects
    assert "A date of Six evenings does not take place" in subjects
    assert not {subject for subject in subjects if subject.startswith("Six evenings")}


def test_several_dates_of_a_course_that_are_called_off_at_once_are_several_in_the_subject(
    stripe: Sandbox, ana: Practitioner, buyer: APIClient, maya: User, course: Service,
    mailoutbox: list[EmailMessage],
) -> None:  # fmt: skip
    buying.pay(stripe, buying.service(buyer, course))
    mailoutbox.clear()
    first, second, *_ = [
        session.starts_at.date().isoformat() for session in course.sessions.order_by("starts_at")
    ]
    act(host(ana), "/api/v1/roster/days/call-off/", first_day=first, last_day=second)
    settle_everything(stripe)
    assert "Dates of Six evenings do not take place" in [mail.subject for mail in read(mailoutbox, maya)]


def test_who_pays_while_the_date_moves_reads_the_old_time_and_the_new_one(
    stripe: Sandbox, ana: Practitioner, workshop: ServiceSession, buyer: APIClient, maya: User,
    mailoutbox: list[EmailMessage],
) -> None:  # fmt: skip
    order = buying.service(buyer, workshop.service, service_session_id=str(workshop.pk))
    new = workshop.starts_at + timedelta(hours=3)
    act(host(ana), move_url(workshop), start_datetime=new.isoformat())
    buying.pay(stripe, order)
    [mail] = [mail for mail in read(mailoutbox, maya) if "moved" in mail.subject]
    assert (
        f"Breathwork, {workshop.starts_at:%a}, {hour(workshop.starts_at, LISBON)} (Europe/Lisbon) has been moved"
        in (str(mail.body))
    )
    assert long_hour(new, LISBON) in str(mail.body)
    [told] = buying.detail(buyer, order)["date_changes"]
    assert hour(workshop.starts_at, LISBON) in told["line"]


def test_who_waits_for_the_bank_is_promised_no_click_that_is_not_there(
    stripe: Sandbox, ana: Practitioner, workshop: ServiceSession, buyer: APIClient, maya: User,
    mailoutbox: list[EmailMessage],
) -> None:  # fmt: skip
    purchase = buying.service(buyer, workshop.service, service_session_id=str(workshop.pk))
    stripe.control.confirm(purchase["payment_intent_id"], method="us_bank_account")
    settle_everything(stripe)
    mailoutbox.clear()
    new = workshop.starts_at + timedelta(hours=3)
    act(host(ana), move_url(workshop), start_datetime=new.isoformat())
    settle_everything(stripe)
    [mail] = read(mailoutbox, maya)
    assert "Your bank is still working on your payment" in str(mail.body)
    assert "Once it is through" in str(mail.body)
    stripe.control.settle(purchase["payment_intent_id"])
    settle_everything(stripe)


@pytest.mark.parametrize(("at_venue", "zone"), [(True, BERLIN), (False, TOKYO)])
def test_times_of_changed_dates_are_in_the_zone_that_the_rest_of_the_mail_has(
    stripe: Sandbox, ana: Practitioner, workshop: ServiceSession, buyer: APIClient, maya: User,
    mailoutbox: list[EmailMessage], at_venue: bool, zone: ZoneInfo,
) -> None:  # fmt: skip
    if at_venue:
        room = Venue.objects.create(
            practitioner=ana,
            name="Studio",
            address="Oranienstraße 25\n10999 Berlin",
            time_zone="Europe/Berlin",
        )
        Service.objects.update(venue=room)
    seat = {"service_session_id": str(workshop.pk)}
    order = buying.create(
        buyer, service_id=str(workshop.service_id), scheduling_data=seat, time_zone="Asia/Tokyo"
    )
    buying.pay(stripe, order)
    mailoutbox.clear()
    old, new = workshop.starts_at, workshop.starts_at + timedelta(hours=3)
    act(host(ana), move_url(workshop), start_datetime=new.isoformat())
    settle_everything(stripe)
    [moved] = read(mailoutbox, maya)
    assert f"{hour(old, zone)} ({zone.key})" in str(moved.body)
    assert long_hour(new, zone) in str(moved.body)
    act(host(ana), call_off_url(workshop))
    settle_everything(stripe)
    [called_off, _] = read(mailoutbox, maya)
    assert f"{hour(new, zone)} ({zone.key}) does not take place" in str(called_off.body)
    shown = buying.detail(buyer, order)["date_changes"]
    assert [zone.key in one["line"] for one in shown] == [True, True]
    assert "Lisbon" not in f"{moved.body} {called_off.body} {shown}"


def test_who_declines_and_has_nothing_left_to_get_is_written_to_and_the_practitioner_too(
    stripe: Sandbox, ana: Practitioner, workshop: ServiceSession, buyer: APIClient, staff: APIClient, maya: User,
    mailoutbox: list[EmailMessage],
) -> None:  # fmt: skip
    refund_in_advance(stripe, buyer, staff, workshop)
    new = workshop.starts_at + timedelta(hours=3)
    act(host(ana), move_url(workshop), start_datetime=new.isoformat())
    settle_everything(stripe)
    mailoutbox.clear()
    [booking] = buying.bookings(buyer)
    answer = buyer.post(f"/api/v1/bookings/{booking['id']}/decline/")
    assert (answer.status_code, answer.json()["refund"]) == (200, None)
    run_jobs()
    run_jobs()
    to_ana = [mail.subject.partition(":")[0] for mail in mailoutbox if mail.to == [ana.user.email]]
    [mail] = read(mailoutbox, maya)
    assert mail.subject == "You have given back your place: Breathwork"
    assert "Nothing more is returned for it" in str(mail.body)
    [entry] = calendar_entries(mail)
    assert (entry.method, entry.starts_at) == ("CANCEL", new)
    assert to_ana == ["Canceled"]


def test_who_declines_is_told_at_once_what_goes_back(
    stripe: Sandbox, ana: Practitioner, workshop: ServiceSession, buyer: APIClient, maya: User,
    mailoutbox: list[EmailMessage],
) -> None:  # fmt: skip
    buy_seat(stripe, buyer, workshop)
    new = workshop.starts_at + timedelta(hours=3)
    act(host(ana), move_url(workshop), start_datetime=new.isoformat())
    settle_everything(stripe)
    mailoutbox.clear()
    [booking] = buying.bookings(buyer)
    assert buyer.post(f"/api/v1/bookings/{booking['id']}/decline/").status_code == 200
    run_jobs()
    [mail] = [mail for mail in read(mailoutbox, maya) if "given back" in mail.subject]
    assert "100.00 USD goes back to you, to the card or account" in words_of_html(mail)
    settle_everything(stripe)
    assert set(SentMail.objects.values_list("status", flat=True)) == {"sent"}
