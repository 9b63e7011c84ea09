"""Mails people keep: what, when, where, with whom, what was paid; and calendars that stay true."""

from datetime import timedelta

import pytest
import time_machine
from django.core.mail import EmailMessage
from rest_framework.test import APIClient

from estuary.accounts.models import ERASED_DOMAIN, Practitioner, User
from estuary.catalog.models import Service, ServiceType
from estuary.catalog.venues import Venue
from estuary.common import clock
from estuary.payments import tasks
from estuary.payments.models import SentMail
from stripe_sandbox import Delivery, Sandbox
from tests.factories import a_free_slot, make_service, make_sessions, signed_in
from tests.flows import buying
from tests.flows.payments.mailing.reading import calendar_entries, html_of, tags_of_html, words_of_html
from tests.sandbox_bridge import deliver, run_jobs, settle_everything

pytestmark = pytest.mark.django_db(transaction=True)

LINK = "https://meet.example/sound-bath"


@pytest.fixture
def workshop(ana: Practitioner) -> Service:
    studio = Venue.objects.create(
        practitioner=ana,
        name="Studio Kreuzberg",
        address="Oranienstraße 25\n10999 Berlin",
        time_zone="Europe/Berlin",
        directions="Bell “Keller”.",
    )
    service = make_service(ServiceType.WORKSHOP, ana, name="Sound bath", venue=studio)
    make_sessions(service, 2)
    return service


def seat(workshop: Service) -> dict[str, str]:
    return {"service_session_id": str(workshop.sessions.all()[0].pk)}


def sent(mailoutbox: list[EmailMessage], user: User, word: str = "") -> list[EmailMessage]:
    return [mail for mail in mailoutbox if mail.to == [user.email] and word in mail.subject]


def test_the_confirmation_tells_what_when_where_with_whom_and_what_was_paid(
    stripe: Sandbox, buyer: APIClient, maya: User, workshop: Service, mailoutbox: list[EmailMessage]
) -> None:
    order = buying.service(buyer, workshop, **seat(workshop))
    buying.pay(stripe, order)
    [mail] = sent(mailoutbox, maya)
    begins = workshop.sessions.all()[0].starts_at
    for text in (str(mail.body), words_of_html(mail)):
        assert "Hello Maya," in text
        assert f"{begins:%A, %B} {begins.day}, {begins.year}" in text
        # 20:00 UTC is 21:00 or 22:00 in Berlin.
        assert "(Europe/Berlin)" in text and ("9:00 PM – " in text or "10:00 PM – " in text)
        for part in ("Studio Kreuzberg", "Oranienstraße 25", "Bell “Keller”.", "Ana Ribeiro", "100.00 USD"):
            assert part in text
        assert "100.00 USD by Visa •••• 4242" in text
        assert "Yours is free to cancel until" in text
        assert order["order_id"] in text
    [entry] = calendar_entries(mail)
    booking = buying.bookings(buyer)[0]
    assert (entry.method, entry.uid) == ("REQUEST", f"booking-{booking['id']}@localhost")
    assert (entry.starts_at, entry.title) == (begins, "Sound bath")
    assert entry.location == "Studio Kreuzberg, Oranienstraße 25, 10999 Berlin"


def test_what_is_online_has_its_link_in_the_mail_and_the_calendar_and_nowhere_after_cancelling(
    stripe: Sandbox, buyer: APIClient, maya: User, ana: Practitioner, mailoutbox: list[EmailMessage]
) -> None:
    talk = make_service(ServiceType.SESSION, ana, name="A talk", join_url=LINK)
    buying.pay(stripe, buying.service(buyer, talk, start_datetime=a_free_slot(talk).isoformat()))
    [mail] = sent(mailoutbox, maya)
    assert ("a", LINK) in [(tag, names.get("href")) for tag, names in tags_of_html(mail)]
    assert LINK in str(mail.body)
    assert "(Europe/Lisbon)" in str(mail.body)
    [booking] = buying.bookings(buyer)
    mailoutbox.clear()
    assert buyer.post(f"/api/v1/bookings/{booking['id']}/cancel/").status_code == 200
    settle_everything(stripe)
    assert len(sent(mailoutbox, maya)) == 2
    assert LINK not in str([mail.message() for mail in mailoutbox])


def test_a_cancellation_reaches_the_calendar_and_the_refund_says_where_the_money_goes(
    stripe: Sandbox, buyer: APIClient, maya: User, workshop: Service, mailoutbox: list[EmailMessage]
) -> None:
    buying.buy_credits(stripe, buyer, "30.00")
    body = {"service_id": str(workshop.pk), "scheduling_data": seat(workshop), "use_credits": True}
    buying.pay(stripe, buying.create(buyer, **body))
    [before] = calendar_entries(sent(mailoutbox, maya, "Sound bath")[0])
    mailoutbox.clear()
    [booking] = buying.bookings(buyer)
    with time_machine.travel(clock.now() + timedelta(minutes=1)):
        assert buyer.post(f"/api/v1/bookings/{booking['id']}/cancel/").status_code == 200
        settle_everything(stripe)
    canceled, refunded = sent(mailoutbox, maya, "canceled"), sent(mailoutbox, maya, "refund")
    assert (len(canceled), len(refunded)) == (1, 1)
    assert "100.00 USD goes back to you" in words_of_html(canceled[0])
    [entry] = calendar_entries(canceled[0])
    assert (entry.method, entry.uid) == ("CANCEL", before.uid)
    assert entry.sequence > before.sequence
    for text in (str(refunded[0].body), words_of_html(refunded[0])):
        assert "70.00 USD to the card or account that you paid with" in text
        assert "30.00 USD to your credits" in text
        assert "business days" in text


def test_a_late_cancellation_says_that_nothing_comes_back(
    stripe: Sandbox, buyer: APIClient, maya: User, workshop: Service, mailoutbox: list[EmailMessage]
) -> None:
    buying.pay(stripe, buying.service(buyer, workshop, **seat(workshop)))
    [booking] = buying.bookings(buyer)
    mailoutbox.clear()
    with time_machine.travel(workshop.sessions.all()[0].starts_at - timedelta(hours=2)):
        late = signed_in(maya).post(f"/api/v1/bookings/{booking['id']}/cancel/")
        assert late.status_code == 200
        settle_everything(stripe)
    [mail] = sent(mailoutbox, maya)
    assert "Nothing is returned for it" in str(mail.body)


def test_a_course_has_a_calendar_file_for_each_meeting(
    stripe: Sandbox, buyer: APIClient, maya: User, ana: Practitioner, mailoutbox: list[EmailMessage]
) -> None:
    course = make_service(ServiceType.COURSE, ana, name="Six evenings")
    sessions = make_sessions(course, 3)
    buying.pay(stripe, buying.service(buyer, course))
    entries = calendar_entries(sent(mailoutbox, maya)[0])
    assert [entry.starts_at for entry in entries] == [session.starts_at for session in sessions]
    assert len({entry.uid for entry in entries}) == 3


def test_a_moved_booking_keeps_its_place_in_the_calendar(
    stripe: Sandbox,
    buyer: APIClient,
    maya: User,
    ana: Practitioner,
    workshop: Service,
    mailoutbox: list[EmailMessage],
) -> None:
    buying.pay(stripe, buying.service(buyer, workshop, **seat(workshop)))
    [before] = calendar_entries(sent(mailoutbox, maya)[0])
    [booking] = buying.bookings(buyer)
    later = workshop.sessions.all()[1]
    with time_machine.travel(clock.now() + timedelta(minutes=1)):
        body = {"service_session_id": str(later.pk)}
        assert buyer.post(f"/api/v1/bookings/{booking['id']}/move/", body).status_code == 200
        run_jobs()
        run_jobs()
    [after] = calendar_entries(sent(mailoutbox, maya, "new time")[0])
    assert (after.uid, after.method) == (before.uid, "REQUEST")
    assert after.starts_at == later.starts_at
    assert after.sequence > before.sequence
    [message] = sent(mailoutbox, ana.user, "Moved: Sound bath")
    was = workshop.sessions.all()[0].starts_at
    assert f"It was {was:%A, %B} {was.day}, {was.year}" in str(message.body)


def twice(waiting: list[Delivery]) -> list[Delivery]:
    return [*waiting, *waiting]


def backwards(waiting: list[Delivery]) -> list[Delivery]:
    return list(reversed(waiting))


@pytest.mark.parametrize("reorder", [twice, backwards])
def test_however_events_come_each_mail_is_sent_once(
    stripe: Sandbox,
    buyer: APIClient,
    maya: User,
    ana: Practitioner,
    workshop: Service,
    mailoutbox: list[EmailMessage],
    reorder: object,
) -> None:
    buying.pay_only(stripe, buying.service(buyer, workshop, **seat(workshop)))
    for _ in range(3):
        deliver(stripe, reorder)  # type: ignore[arg-type]
        run_jobs()
    [booking] = buying.bookings(buyer)
    buyer.post(f"/api/v1/bookings/{booking['id']}/cancel/")
    for _ in range(4):
        run_jobs()
        deliver(stripe, reorder)  # type: ignore[arg-type]
    settle_everything(stripe)
    kinds = list(SentMail.objects.values_list("kind", flat=True))
    guests = ["completed", "canceled", "refunded"]
    assert sorted(kinds) == sorted([*guests, "practitioner_booked", "practitioner_canceled"])
    assert len(sent(mailoutbox, maya)) == 3
    assert len(sent(mailoutbox, ana.user)) == 2
    assert set(SentMail.objects.values_list("status", "attempts")) == {("sent", 1)}


def test_a_job_that_is_run_again_sends_nothing(
    stripe: Sandbox, buyer: APIClient, maya: User, mailoutbox: list[EmailMessage]
) -> None:
    purchase = buying.buy_credits(stripe, buyer)
    [mail] = sent(mailoutbox, maya)
    row = SentMail.objects.get()
    assert mail.extra_headers["Message-ID"] == f"<{row.key}@localhost>"
    order = buying.order_of(purchase)
    tasks.send_mail(order.pk, row.kind, row.key)
    tasks.send_mails([{"order_id": order.pk, "template": row.kind, "key": row.key}])
    assert len(sent(mailoutbox, maya)) == 1
    assert (row.kind, row.address, row.status) == ("completed", maya.email, "sent")
    tasks.send_mail(order.pk, "completed")  # as the release before has enqueued it
    assert len(sent(mailoutbox, maya)) == 2


@pytest.mark.parametrize(
    ("zone", "named"), [("Asia/Tokyo", "JST (Asia/Tokyo)"), ("Mars/Olympus", "(Europe/Lisbon)")]
)
def test_what_is_online_is_told_in_the_buyers_time_and_an_unknown_zone_stops_no_payment(
    stripe: Sandbox,
    buyer: APIClient,
    maya: User,
    ana: Practitioner,
    mailoutbox: list[EmailMessage],
    zone: str,
    named: str,
) -> None:
    talk = make_service(ServiceType.SESSION, ana, name="A talk")
    start = a_free_slot(talk).isoformat()
    body = {"service_id": str(talk.pk), "scheduling_data": {"start_datetime": start}, "time_zone": zone}
    buying.pay(stripe, buying.create(buyer, **body))
    assert named in str(sent(mailoutbox, maya)[0].body)
    assert "(Europe/Lisbon)" in str(sent(mailoutbox, ana.user)[0].body)


EVIL = '<script>alert(1)</script><a href="https://evil.example/">& “here”</a>'


def test_markup_in_titles_and_names_is_text_in_both_forms(
    stripe: Sandbox, buyer: APIClient, maya: User, ana: Practitioner, mailoutbox: list[EmailMessage]
) -> None:
    User.objects.filter(pk=maya.pk).update(first_name="<b>Maya</b>\r\nBcc: all@example.com", last_name="")
    talk = make_service(ServiceType.SESSION, ana, name=EVIL)
    Practitioner.objects.update(display_name="<i>Ana</i> \u202egnp.exe")
    start = a_free_slot(talk).isoformat()
    body = {"service_data": {"<u>Wish</u>": "<img src=x onerror=alert(1)>"}}
    buying.pay(
        stripe,
        buying.create(buyer, service_id=str(talk.pk), scheduling_data={"start_datetime": start}, **body),
    )
    assert len(mailoutbox) == 2
    for mail in mailoutbox:
        assert "\n" not in mail.subject and EVIL in mail.subject
        assert "evil.example" not in str([names.get("href") for _, names in tags_of_html(mail)])
        assert not {"script", "b", "i", "u", "img"} & {tag for tag, _ in tags_of_html(mail)}
        assert EVIL in words_of_html(mail)
        assert "\u202e" not in html_of(mail) + str(mail.body)
        assert mail.message()["Bcc"] is None
        assert mail.recipients() == mail.to
        assert EVIL in str(calendar_entries(mail)) or mail.to == [ana.user.email]


def test_a_title_of_two_hundred_letters_is_written_whole(
    stripe: Sandbox, buyer: APIClient, maya: User, ana: Practitioner, mailoutbox: list[EmailMessage]
) -> None:
    title = "ä" * 200
    talk = make_service(ServiceType.SESSION, ana, name=title)
    buying.pay(stripe, buying.service(buyer, talk, start_datetime=a_free_slot(talk).isoformat()))
    [mail] = sent(mailoutbox, maya)
    assert title in mail.subject and title in str(mail.body) and title in words_of_html(mail)
    assert calendar_entries(mail)[0].title == title
    assert str(mail.message()["Subject"]) == mail.subject
    assert max(map(len, mail.message().as_bytes().splitlines())) < 999


def test_an_address_that_would_add_a_header_is_refused(
    stripe: Sandbox, buyer: APIClient, maya: User, mailoutbox: list[EmailMessage]
) -> None:
    buying.pay_only(stripe, buying.credits(buyer))
    User.objects.filter(pk=maya.pk).update(email="maya@estuary.example\nBcc: all@example.com")
    deliver(stripe)
    with pytest.raises(ValueError, match=r"[Hh]eader|newline"):
        run_jobs()
    assert mailoutbox == []
    assert SentMail.objects.get().status == "failed"
    User.objects.filter(pk=maya.pk).update(email="maya@estuary.example")


def test_practitioners_who_are_erased_or_have_no_address_are_not_written_to(
    stripe: Sandbox, buyer: APIClient, maya: User, workshop: Service, ana: Practitioner,
    mailoutbox: list[EmailMessage],
) -> None:  # fmt: skip
    User.objects.filter(pk=ana.user_id).update(email=f"erased-{ana.user_id}{ERASED_DOMAIN}")
    buying.pay(stripe, buying.service(buyer, workshop, **seat(workshop)))
    assert {tuple(mail.to) for mail in mailoutbox} == {(maya.email,)}
    assert set(SentMail.objects.values_list("kind", "status", "address")) == {
        ("completed", "sent", maya.email),
        ("practitioner_booked", "nobody", ""),
    }


def test_a_practitioner_is_told_who_comes_when_and_with_which_wish(
    stripe: Sandbox, buyer: APIClient, ana: Practitioner, mailoutbox: list[EmailMessage]
) -> None:
    talk = make_service(ServiceType.SESSION, ana, name="A talk")
    start = a_free_slot(talk)
    body = {"scheduling_data": {"start_datetime": start.isoformat()}, "service_data": {"allergies": "nuts"}}
    buying.pay(stripe, buying.create(buyer, service_id=str(talk.pk), **body))
    [mail] = sent(mailoutbox, ana.user)
    for text in (str(mail.body), words_of_html(mail)):
        assert "Maya Lindqvist has booked A talk." in text
        assert "nuts" in text and "(Europe/Lisbon)" in text
        assert "@estuary.example" not in text


def test_a_part_that_is_given_its_time_is_told_to_both(
    stripe: Sandbox, buyer: APIClient, maya: User, ana: Practitioner, mailoutbox: list[EmailMessage]
) -> None:
    talk = make_service(ServiceType.SESSION, ana, name="A talk")
    bundle = make_service(ServiceType.BUNDLE, ana, name="Ten", bundle_of=talk, bundle_quantity=2)
    buying.pay(stripe, buying.service(buyer, bundle))
    assert sent(mailoutbox, ana.user) == []
    part = buying.bookings(buyer)[0]["children"][0]["id"]
    start = a_free_slot(talk)
    url = f"/api/v1/bookings/{part}/schedule/"
    assert buyer.post(url, {"start_datetime": start.isoformat()}).status_code == 200
    run_jobs()
    run_jobs()
    [mail] = sent(mailoutbox, maya, "has its time")
    assert calendar_entries(mail)[0].starts_at == start
    assert len(sent(mailoutbox, ana.user, "New booking")) == 1
