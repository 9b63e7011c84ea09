"""Mails in staff's hands: seen on their order, sent again with one click, each shown as a sample."""

import re
from html import unescape
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.core.mail import EmailMessage
from django.urls import reverse

from estuary.accounts import account_mails
from estuary.accounts.models import Practitioner, User
from estuary.catalog.models import ServiceType
from estuary.common.money import display
from estuary.notifications.booking_mail_texts import BookingMail
from estuary.notifications.layout import greet, render_text
from estuary.notifications.order_mail_texts import OrderMail
from estuary.orders.models import Order
from estuary.payments.mailing.order_contents import Related, compose
from estuary.payments.mailing.samples import SAMPLES
from estuary.payments.models import SentMail
from estuary.privacy.export import export_person
from stripe_sandbox import Sandbox
from tests.api.staff import admin_client, messages_on
from tests.factories import REFUNDING, a_free_slot, make_service, make_staff, signed_in
from tests.flows import buying
from tests.sandbox_bridge import run_jobs, settle_everything

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def order(stripe: Sandbox, maya: User, ana: Practitioner) -> Order:
    talk = make_service(ServiceType.SESSION, ana, name="A talk")
    purchase = buying.service(signed_in(maya), talk, start_datetime=a_free_slot(talk).isoformat())
    buying.pay(stripe, purchase)
    return buying.order_of(purchase)


def page_of(order: Order, client: Any = None) -> str:
    client = client or admin_client()
    return str(client.get(reverse("admin:orders_order_change", args=[order.pk])).content.decode())


def resend_url(mail: SentMail) -> str:
    return reverse("admin:orders_order_resend_mail", args=[mail.order_id, mail.pk])


def test_an_orders_page_names_each_mail_to_whom_and_with_which_result(
    order: Order, maya: User, ana: Practitioner
) -> None:
    page = page_of(order)
    for text in ("Completed", "Practitioner booked", maya.email, ana.user.email, "Send again"):
        assert text in page
    SentMail.objects.update(status="failed", error="SMTPServerDisconnected: The server is down.")
    assert "The server is down." in page_of(order)
    assert "Send again" not in page_of(order, admin_client("orders.view_order"))


def send_again(client: Any, mail: SentMail, copy: int | str = 1) -> Any:
    """Press the button of a mail, as it is on the page that was loaded when the mail had fewer copies than this."""
    return client.post(resend_url(mail), {"copy": copy}, follow=True)


def copies() -> list[SentMail]:
    return list(SentMail.objects.exclude(requested_by=None).order_by("pk"))


@pytest.mark.parametrize("kind", ["completed", "practitioner_booked"])
def test_a_mail_is_sent_again_with_one_click_and_the_audit_trail_says_who_did(
    order: Order, mailoutbox: list[EmailMessage], kind: str
) -> None:
    mail = SentMail.objects.get(kind=kind)
    mailoutbox.clear()
    client = admin_client()
    assert client.get(resend_url(mail)).status_code == 405
    answer = send_again(client, mail)
    assert "will be sent again" in messages_on(answer)
    run_jobs()
    [again] = mailoutbox
    assert again.to == [mail.address]
    copy = SentMail.objects.exclude(requested_by=None).get()
    assert (copy.kind, copy.status, copy.order) == (kind, "sent", order)
    assert copy.key != mail.key
    entries = LogEntry.objects.filter(object_id=str(order.pk)).values_list("change_message", flat=True)
    assert [entry for entry in entries if "Send mail again" in entry]


def test_who_may_only_look_sends_nothing_again_and_a_mail_of_another_order_is_not_found(
    order: Order, mailoutbox: list[EmailMessage]
) -> None:
    mail = SentMail.objects.get(kind="completed")
    mailoutbox.clear()
    assert admin_client("orders.view_order").post(resend_url(mail), {"copy": 1}).status_code == 403
    elsewhere = reverse("admin:orders_order_resend_mail", args=[order.pk + 1, mail.pk])
    assert admin_client().post(elsewhere, {"copy": 1}).status_code == 404
    run_jobs()
    assert mailoutbox == []


def test_two_clicks_send_one_mail_and_a_page_that_is_loaded_again_offers_the_next(
    order: Order, mailoutbox: list[EmailMessage]
) -> None:
    mail = SentMail.objects.get(kind="completed")
    mailoutbox.clear()
    client = admin_client()
    for _ in range(2):
        send_again(client, mail)
    run_jobs()
    assert len(mailoutbox) == len(copies()) == 1
    assert "was sent again already" in messages_on(send_again(client, mail))
    page = page_of(order)
    assert page.count('name="copy" value="2"') == 2  # the mail, and its copy
    send_again(client, copies()[0], 2)
    run_jobs()
    assert len(mailoutbox) == len(copies()) == 2
    for nonsense in ("", "x", "-1", "0", "9" * 30):
        assert "Load this page again" in messages_on(send_again(client, mail, nonsense))
    assert len(copies()) == 2


def test_what_a_practitioner_wrote_is_sent_again_word_for_word(
    order: Order, ana: Practitioner, mailoutbox: list[EmailMessage]
) -> None:
    booking = order.bookings.get()
    body = {"text": "Please bring a towel."}
    assert signed_in(ana.user).post(f"/api/v1/roster/bookings/{booking.pk}/message/", body).status_code == 202
    run_jobs()
    mailoutbox.clear()
    mail = SentMail.objects.get(kind="message_from_practitioner")
    assert "will be sent again" in messages_on(send_again(admin_client(), mail))
    run_jobs()
    [again] = mailoutbox
    assert "> Please bring a towel." in str(again.body)


def test_what_would_say_nothing_true_any_more_is_not_sent_again(
    order: Order, ana: Practitioner, mailoutbox: list[EmailMessage]
) -> None:
    booking = order.bookings.get()
    row = {"kind": "reminder", "order": order, "booking": booking, "user": order.user, "status": "sent"}
    mail = SentMail.objects.create(key="reminder-1", starts_at=booking.created_at, **row)
    mailoutbox.clear()
    assert "would say nothing that is still true" in messages_on(send_again(admin_client(), mail))
    User.objects.filter(pk=order.user_id).update(email="")
    mail = SentMail.objects.get(kind="completed")
    assert "nobody to write to" in messages_on(send_again(admin_client(), mail))
    run_jobs()
    assert mailoutbox == []
    assert copies() == []


def test_a_copy_names_the_same_times_and_is_nothing_that_a_practitioner_was_told_anew(
    stripe: Sandbox, order: Order, ana: Practitioner, mailoutbox: list[EmailMessage]
) -> None:
    booking = order.bookings.get()
    buyer = signed_in(order.user)
    later = {"start_datetime": a_free_slot(booking.service, nth=6).isoformat()}  # type: ignore[arg-type]
    assert buyer.post(f"/api/v1/bookings/{booking.pk}/move/", later).status_code == 200
    settle_everything(stripe)
    [first] = [str(mail.body) for mail in mailoutbox if mail.subject.startswith("Moved")]
    mailoutbox.clear()
    client = admin_client()
    for kind in ("practitioner_moved", "moved", "practitioner_booked"):
        assert "will be sent again" in messages_on(send_again(client, SentMail.objects.get(kind=kind)))
    run_jobs()
    assert [str(mail.body) for mail in mailoutbox if mail.subject.startswith("Moved")] == [first]
    mailoutbox.clear()
    buying.refund(signed_in(make_staff("Rui", *REFUNDING)), {"order_id": order.public_id}, amount="10.00")
    settle_everything(stripe)
    assert [mail.subject for mail in mailoutbox if mail.to == [ana.user.email]] == []


def test_of_two_changes_of_one_order_the_first_is_sent_again_as_the_first(
    stripe: Sandbox, order: Order, ana: Practitioner, mailoutbox: list[EmailMessage]
) -> None:
    buyer, booking = signed_in(order.user), order.bookings.get()
    for nth in (6, 12):
        later = {"start_datetime": a_free_slot(booking.service, nth=nth).isoformat()}  # type: ignore[arg-type]
        assert buyer.post(f"/api/v1/bookings/{booking.pk}/move/", later).status_code == 200
        settle_everything(stripe)
    first = SentMail.objects.filter(kind="moved").order_by("pk")[0]
    was = [str(mail.body) for mail in mailoutbox if mail.subject == "A talk has a new time"]
    mailoutbox.clear()
    send_again(admin_client(), first)
    run_jobs()
    [again] = mailoutbox
    sentence = was[0].partition("It was ")[2].partition(".")[0]
    assert sentence and f"It was {sentence}." in str(again.body)


def test_every_kind_of_mail_has_a_sample_as_html_and_text() -> None:
    assert set(OrderMail) | set(BookingMail) <= set(SAMPLES)
    account = {
        template.rpartition("/")[2] for template in (account_mails.SIGN_IN_CODE, *account_mails.NOTICES)
    }
    assert account | {"email_confirmation_signup", "email_confirmation", "password_reset_key"} <= set(SAMPLES)
    client = admin_client()
    for kind in SAMPLES:
        page = client.get(reverse("admin-mails"), {"kind": kind}).content.decode()
        assert "Hello " in page
        html = client.get(reverse("admin-mail-html"), {"kind": kind})
        assert html["X-Frame-Options"] == "SAMEORIGIN"
        assert "default-src 'none'" in html["Content-Security-Policy"]
        assert not re.search(
            r"<style|\bclass=\"[^\"]*\"(?![^>]*style=)", html.content.decode().partition("<body")[2]
        )
    assert client.get(reverse("admin-mails"), {"kind": "voyage"}).status_code == 404
    assert client.get(reverse("admin-mail-html")).status_code == 404
    assert admin_client("catalog.view_service").get(reverse("admin-mails")).status_code == 403
    assert not SentMail.objects.exists() and not User.objects.filter(email="maya@estuary.example").exists()


@pytest.mark.parametrize("template", sorted(account_mails.TEMPLATES.keys() - account_mails.OBSOLETE))
def test_each_mail_about_an_account_that_is_sent_has_a_sample(template: str) -> None:
    assert template in SAMPLES


def test_a_sample_of_an_account_s_mail_has_a_link_that_opens_nothing() -> None:
    page = unescape(
        admin_client().get(reverse("admin-mails"), {"kind": "password_reset_key"}).content.decode()
    )
    [link] = set(re.findall(r"https?://\S+key=\S+", page.partition("As text")[2]))
    assert link.endswith("a-sample-that-opens-nothing")
    code = admin_client().get(reverse("admin-mails"), {"kind": "sign_in_code"}).content.decode()
    assert "1234 5678" in code


def test_a_mail_about_refunds_says_whether_all_is_back(order: Order) -> None:
    total = display(order.total_minor, order.currency)
    order.refunded_minor = order.total_minor
    assert f"We have sent back all of the {total} for A talk." in text_of_refund(order)
    order.refunded_minor = 100
    assert f"So far we have sent back 1.00 USD of the {total} for A talk." in text_of_refund(order)


def text_of_refund(order: Order) -> str:
    content = compose(order, OrderMail.REFUNDED, Related())
    return render_text(content, greet(content))


def test_the_export_of_a_person_has_the_mails_to_that_person_alone(
    order: Order, maya: User, ana: Practitioner
) -> None:
    own, anas_mails = export_person(maya)["payments_sentmail"], export_person(ana.user)["payments_sentmail"]
    assert [row["address"] for row in own] == [maya.email]
    assert [row["address"] for row in anas_mails] == [ana.user.email]
