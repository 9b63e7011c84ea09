"""A practitioner writes to a guest or to all guests of a date: each gets one mail, and nobody is shown an address."""

from datetime import timedelta
from email.message import EmailMessage as ReadMail
from typing import Any

import pytest
import time_machine
from allauth.account.models import EmailAddress
from django.conf import settings
from django.core import mail
from django.core.mail import EmailMessage
from django.urls import reverse
from pytest_django import Settings
from rest_framework.test import APIClient

from estuary.accounts.models import Practitioner, User
from estuary.bookings.models import Booking
from estuary.bookings.order_lines import ScheduleRequest
from estuary.catalog.models import ServiceSession, ServiceType
from estuary.common import clock
from estuary.payments.guest_messages import delete_old_messages
from estuary.payments.models import GuestMessage, IdempotencyKey, SentMail
from estuary.payments.order_api import guest_messages
from estuary.payments.tasks import send_booking_mail
from estuary.privacy.export import export_own_data
from tests.api.staff import admin_client
from tests.factories import (
    a_free_slot,
    buy,
    cancel_booking,
    make_practitioner,
    make_service,
    make_sessions,
    make_user,
    signed_in,
)
from tests.flows.payments.mailing.reading import html_of, tags_of_html, words_of_html
from tests.sandbox_bridge import run_jobs

pytestmark = pytest.mark.django_db(transaction=True)

TEXT = "Please bring a towel.\n\nThe lift is out of order."


def to_booking(booking: Booking) -> str:
    return f"/api/v1/roster/bookings/{booking.pk}/message/"


def to_date(session: ServiceSession) -> str:
    return f"/api/v1/roster/sessions/{session.pk}/message/"


def a_slot(user: User, practitioner: Practitioner) -> Booking:
    yoga = make_service(ServiceType.SESSION, practitioner, name="Yoga for one")
    return buy(user, yoga, wish=ScheduleRequest(starts_at=a_free_slot(yoga)))


def write(client: APIClient, url: str, text: str = TEXT, key: str = "", **body: Any) -> Any:
    headers = {"Idempotency-Key": key} if key else {}
    return client.post(url, {"text": text, **body}, headers=headers)


def mails() -> list[EmailMessage]:
    """Work off the jobs, and return what was mailed since the last time."""
    run_jobs()
    sent = list(mail.outbox)
    mail.outbox.clear()
    return sent


@pytest.fixture
def as_ana(ana: Practitioner) -> APIClient:
    return signed_in(ana.user)


def test_a_guest_gets_one_mail_whose_reply_goes_to_the_shop(
    maya: User, ana: Practitioner, as_ana: APIClient
) -> None:
    booking = a_slot(maya, ana)
    answer = write(as_ana, to_booking(booking))
    assert answer.status_code == 202
    assert (answer.json()["guests"], answer.json()["reply_to_me"]) == (1, False)
    assert maya.email not in answer.content.decode()
    [sent] = mails()
    assert (sent.to, sent.reply_to) == ([maya.email], [settings.CONTACT_EMAIL])
    assert sent.subject == "Ana Ribeiro writes about Yoga for one"
    assert "> Please bring a towel.\n>\n> The lift is out of order." in sent.body
    assert "Please bring a towel. The lift is out of order." in words_of_html(sent)
    assert "it reaches Estuary" in sent.body
    whole = sent.message().as_string()
    assert ana.user.email not in whole
    # The guest recognizes what it is about.
    assert "Yoga for one" in sent.body
    assert "Hello Maya," in sent.body


def test_replies_come_to_a_practitioner_who_says_so_with_the_message(
    maya: User, ana: Practitioner, as_ana: APIClient
) -> None:
    booking = a_slot(maya, ana)
    refused = write(as_ana, to_booking(booking), reply_to_me=True)
    assert (refused.status_code, refused.json()["code"]) == (409, "email_not_verified")
    assert mails() == []
    EmailAddress.objects.create(user=ana.user, email=ana.user.email, verified=True, primary=True)
    assert write(as_ana, to_booking(booking), reply_to_me=True).json()["reply_to_me"] is True
    [sent] = mails()
    assert sent.reply_to == [ana.user.email]
    assert "and Ana Ribeiro gets it" in sent.body


def test_all_guests_of_a_date_get_a_mail_of_their_own(ana: Practitioner, as_ana: APIClient) -> None:
    [session] = make_sessions(make_service(ServiceType.WORKSHOP, ana))
    guests = [make_user(f"Guest{number} Park") for number in range(3)]
    bookings = [buy(one, session.service, wish=ScheduleRequest(session_id=session.pk)) for one in guests]
    cancel_booking(bookings[2])
    answer = write(as_ana, to_date(session))
    assert (answer.status_code, answer.json()["guests"]) == (202, 2)
    sent = mails()
    assert sorted(address for one in sent for address in one.to) == sorted(one.email for one in guests[:2])
    assert all(len(one.recipients()) == 1 for one in sent)


def test_the_same_request_again_sends_nothing_again(maya: User, ana: Practitioner, as_ana: APIClient) -> None:
    booking = a_slot(maya, ana)
    first = write(as_ana, to_booking(booking), key="once")
    again = write(as_ana, to_booking(booking), key="once")
    assert (again.status_code, again.json()) == (202, first.json())
    assert again["Idempotency-Replayed"] == "true"
    assert len(mails()) == 1
    other = write(as_ana, to_booking(booking), text="Something else", key="once")
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    # A job that runs twice sends once, too.
    send_booking_mail(SentMail.objects.get().pk)
    assert mails() == []


def test_a_request_whose_answer_was_lost_finds_its_message(
    maya: User, ana: Practitioner, as_ana: APIClient
) -> None:
    booking = a_slot(maya, ana)
    first = write(as_ana, to_booking(booking), key="lost")
    # As if the server had died between the commit and its answer.
    IdempotencyKey.objects.update(status_code=None, answer=None, leased_until=clock.now())
    again = write(as_ana, to_booking(booking), key="lost")
    assert again.json()["message_id"] == first.json()["message_id"]
    assert GuestMessage.objects.count() == 1
    assert len(mails()) == 1


@pytest.mark.parametrize(
    "text",
    [
        "",
        "   ",
        "\n\n",
        "x" * 2001,
        "a\u202eb",
        "a\u2066b",
        "a\u0007b",
        "a\u200bb",
        5,
        None,
        ["a"],
        {"a": "b"},
    ],
)
def test_what_is_no_message_is_refused(maya: User, ana: Practitioner, as_ana: APIClient, text: Any) -> None:
    answer = write(as_ana, to_booking(a_slot(maya, ana)), text=text)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_request")
    assert "text" in answer.json()["errors"]
    assert mails() == []


def test_markup_stays_text_and_no_link_is_made(maya: User, ana: Practitioner, as_ana: APIClient) -> None:
    evil = (
        f"<script>x</script><a href='https://evil.example'>click</a>\n{settings.FRONTEND_URL}/cards/\nABC123"
    )
    assert write(as_ana, to_booking(a_slot(maya, ana)), text=evil).status_code == 202
    [sent] = mails()
    assert evil.splitlines()[0] in words_of_html(sent)
    assert "&lt;script&gt;" in html_of(sent)
    targets = {attributes.get("href") or "" for tag, attributes in tags_of_html(sent) if tag == "a"}
    assert not any("evil" in target or "/cards/" in target for target in targets)
    assert "script" not in {tag for tag, _ in tags_of_html(sent)}


def test_a_name_with_a_line_break_makes_no_header(maya: User, ana: Practitioner, as_ana: APIClient) -> None:
    booking = a_slot(maya, ana)
    Practitioner.objects.filter(pk=ana.pk).update(display_name="Ana\r\nBcc: all@evil.example")
    assert write(as_ana, to_booking(booking)).status_code == 202
    [sent] = mails()
    message: ReadMail = sent.message()
    assert message["Bcc"] is None
    assert sent.recipients() == [maya.email]


def test_another_practitioners_guest_is_not_there(maya: User, ana: Practitioner, other: APIClient) -> None:
    booking = a_slot(maya, ana)
    [session] = make_sessions(make_service(ServiceType.WORKSHOP, ana))
    bruno = signed_in(make_practitioner("Bruno Costa").user)
    for url in (to_booking(booking), to_date(session), "/api/v1/roster/bookings/999999999/message/"):
        answer = write(bruno, url)
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
        answer = write(other, url)
        assert (answer.status_code, answer.json()["code"]) == (403, "practitioners_only")
        assert write(APIClient(), url).status_code == 401
    assert mails() == []


def test_who_does_not_come_any_more_is_not_written_to(
    maya: User, ana: Practitioner, as_ana: APIClient
) -> None:
    booking = a_slot(maya, ana)
    cancel_booking(booking)
    answer = write(as_ana, to_booking(booking))
    assert (answer.status_code, answer.json()["code"]) == (409, "guest_canceled")
    [session] = make_sessions(make_service(ServiceType.WORKSHOP, ana))
    answer = write(as_ana, to_date(session))
    assert (answer.status_code, answer.json()["code"]) == (409, "nobody_booked")


def test_a_month_after_a_date_nobody_is_written_to_any_more(
    maya: User, ana: Practitioner, as_ana: APIClient
) -> None:
    booking = a_slot(maya, ana)
    [session] = make_sessions(make_service(ServiceType.WORKSHOP, ana))
    buy(maya, session.service, wish=ScheduleRequest(session_id=session.pk))
    Booking.objects.update(status=Booking.Status.COMPLETED)
    ended = max(session.ends_at, booking.ends_at or session.ends_at)
    with time_machine.travel(min(session.ends_at, booking.ends_at or session.ends_at) + timedelta(days=29)):
        again = signed_in(ana.user)
        assert write(again, to_booking(booking)).status_code == 202
        assert write(again, to_date(session)).status_code == 202
    with time_machine.travel(ended + timedelta(days=31)):
        again = signed_in(ana.user)
        for url in (to_booking(booking), to_date(session)):
            answer = write(again, url)
            assert (answer.status_code, answer.json()["code"]) == (409, "date_too_long_ago")


def test_messages_are_not_sent_without_end(
    maya: User, ana: Practitioner, as_ana: APIClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guest_messages, "MESSAGES", "2/h/user")
    booking = a_slot(maya, ana)
    # What is refused for another reason, or was sent before, is not counted.
    write(as_ana, to_booking(booking), text="")
    statuses = [write(as_ana, to_booking(booking), key=key).status_code for key in "aaabc"]
    assert statuses == [202, 202, 202, 202, 429]
    assert len(mails()) == 2


def test_staff_see_the_mail_on_the_order_and_send_it_again(
    maya: User, ana: Practitioner, as_ana: APIClient
) -> None:
    booking = a_slot(maya, ana)
    write(as_ana, to_booking(booking))
    mails()
    staff = admin_client()
    page = f"/admin/orders/order/{booking.order_id}/change/"
    assert "Message from practitioner" in staff.get(page).content.decode()
    row = SentMail.objects.get()
    assert (row.status, row.address) == ("sent", maya.email)
    staff.post(reverse("admin:orders_order_resend_mail", args=[booking.order_id, row.pk]), {"copy": 1})
    [again] = mails()
    assert "Please bring a towel." in again.body
    message = GuestMessage.objects.get()
    listed = staff.get("/admin/payments/guestmessage/").content.decode()
    assert message.public_id in listed
    shown = staff.get(f"/admin/payments/guestmessage/{message.pk}/change/").content.decode()
    assert "Please bring a towel." in shown


def test_messages_end_with_the_records_of_their_mails(
    maya: User, ana: Practitioner, as_ana: APIClient, settings: Settings
) -> None:
    write(as_ana, to_booking(a_slot(maya, ana)))
    mails()
    assert delete_old_messages() == 0
    with time_machine.travel(clock.now() + timedelta(days=settings.MAILS_KEPT_DAYS + 1)):
        assert delete_old_messages() == 1
    row = SentMail.objects.get()
    assert row.message_id is None


def test_a_guest_and_a_practitioner_are_given_what_was_written(
    maya: User, ana: Practitioner, as_ana: APIClient
) -> None:
    write(as_ana, to_booking(a_slot(maya, ana)))
    for user in (maya, ana.user):
        [row] = export_own_data(user)["payments_guestmessage"]
        assert row["text"] == TEXT
        assert "request_key" not in row
