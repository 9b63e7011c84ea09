"""The order as one timeline: sentences in order of time, with the ids beside them, built from the rows that exist."""

from datetime import timedelta

import pytest
from django.urls import reverse

from estuary.accounts.staff import audit
from estuary.catalog.models import ServiceSession, ServiceType
from estuary.common import clock
from estuary.documents.issuing import issue_due_documents
from estuary.documents.models import CreditNote
from estuary.orders.models import Order
from estuary.payments.admin import timeline
from estuary.payments.admin.timeline import Entry, Source
from estuary.payments.customers.consents import SAVE_CARD
from estuary.payments.models import DateChange, FraudNotice, PaymentMethod, Refund, SentMail
from estuary.payments.refunds.cancellation import cancel_without_refund
from stripe_sandbox import Sandbox
from tests.api.staff import admin_client, give_credits
from tests.factories import (
    REFUNDING,
    a_free_slot,
    make_practitioner,
    make_service,
    make_sessions,
    make_staff,
    make_user,
    signed_in,
)
from tests.flows import buying, disputing
from tests.flows.payments.dates.acting import act, buy_seat, call_off_url, host
from tests.flows.payments.reconciliation.test_expiry import late_payment, let_holds_end
from tests.sandbox_bridge import settle_everything

pytestmark = pytest.mark.django_db(transaction=True)

AUDIT = "accounts.view_auditlogentry"


def sentences_of(order: Order, *permissions: str) -> list[str]:
    """The sentences on the page of the order."""
    page = admin_client(*permissions).get(reverse("admin:orders_order_change", args=[order.pk]))
    return [entry.sentence for entry in page.context["timeline"]]


def a_session(stripe: Sandbox, **body: object) -> tuple[dict[str, str], Order]:
    buyer = make_user("Maya Lindqvist")
    if body.get("use_credits"):
        give_credits(buyer, 2_000)
    yoga = make_service(ServiceType.SESSION, make_practitioner(), usd=8000, name="Private yoga")
    start = a_free_slot(yoga).isoformat()
    order = buying.create(
        signed_in(buyer), service_id=str(yoga.pk), scheduling_data={"start_datetime": start}, **body
    )
    return order, buying.order_of(order)


def test_a_paid_refunded_and_disputed_order_is_told_in_sentences(stripe: Sandbox) -> None:
    purchase, order = a_session(stripe, use_credits=True)
    buying.pay(stripe, purchase, buying.DECLINED)
    buying.pay(stripe, purchase)
    staff = make_staff("Sam Okafor", *REFUNDING)
    buying.refund(signed_in(staff), purchase, amount="10.00", reason="The room was cold.")
    opened = disputing.dispute(stripe, purchase)
    disputing.close(stripe, opened, "lost")
    order.refresh_from_db()
    start = f"{order.lines.get().starts_at:%a %d %b %Y, %H:%M} UTC"
    sentences = sentences_of(order)
    assert sentences[:2] == [
        "The buyer ordered Private yoga: 60.00 USD by card and 20.00 USD in credits.",
        f"Held until {order.expires_at:%H:%M} UTC: Private yoga, {start}.",
    ]
    for sentence in (
        "20.00 USD of credits were taken from the buyer’s account, which then had 0.00 USD.",
        "Visa •••• 0002 was declined: Your card was declined.",
        "The payment failed. The buyer may try again.",
        "Paid 60.00 USD with Visa •••• 4242.",
        "Fulfilled: Private yoga is booked.",
        "Sam Okafor refunded 10.00 USD. Why: The room was cold.",
        "10.00 USD by card went back to the buyer.",
        "The buyer’s bank disputes 60.00 USD: fraudulent.",
        f"The booking of Private yoga, {start} was canceled.",
    ):
        assert any(entry.startswith(sentence.rstrip(".")) for entry in sentences), (sentence, sentences)
    positions = [
        next(place for place, entry in enumerate(sentences) if entry.startswith(begins))
        for begins in (
            "Visa •••• 0002",
            "The payment failed",
            "Paid 60",
            "Fulfilled",
            "The buyer’s bank",
            "The dispute was lost",
        )
    ]
    assert positions == sorted(positions)


def test_a_full_refund_that_the_bank_returns_does_not_book_the_order_again(stripe: Sandbox) -> None:
    purchase, order = a_session(stripe)
    buying.pay(stripe, purchase)
    stripe.control.refund(purchase["payment_intent_id"])
    settle_everything(stripe)
    stripe.control.fail_refund(Refund.objects.get().stripe_refund_id)
    settle_everything(stripe)
    sentences = sentences_of(order)
    assert sentences.count("Fulfilled: Private yoga is booked.") == 1
    assert any(sentence.startswith("The refund of 80.00 USD failed") for sentence in sentences)


def test_a_late_payment_whose_refund_the_bank_returns_is_told_once(stripe: Sandbox) -> None:
    purchase, order = a_session(stripe)
    let_holds_end()
    late_payment(stripe, purchase)
    settle_everything(stripe)
    stripe.control.fail_refund(Refund.objects.get().stripe_refund_id)
    settle_everything(stripe)
    assert sentences_of(order).count("Paid, and not fulfilled.") == 1


def test_a_debit_is_not_told_as_a_card(stripe: Sandbox) -> None:
    purchase, order = a_session(stripe)
    paid = buying.pay(stripe, purchase, method="us_bank_account")
    stripe.control.settle(paid["id"])
    settle_everything(stripe)
    assert "Paid 80.00 USD by card or bank account." in sentences_of(order)


def test_a_move_is_told_with_both_times(stripe: Sandbox) -> None:
    purchase, order = a_session(stripe)
    buying.pay(stripe, purchase)
    booking = order.bookings.get()
    before, after = booking.starts_at, a_free_slot(order.lines.get().service, nth=9)  # type: ignore[arg-type]
    url = f"/api/v1/bookings/{booking.pk}/move/"
    assert signed_in(order.user).post(url, {"start_datetime": after.isoformat()}).status_code == 200
    times = [f"{moment:%a %d %b %Y, %H:%M} UTC" for moment in (before, after)]
    assert f"The buyer moved Private yoga from {times[0]} to {times[1]}." in sentences_of(order)


def test_the_ids_stand_beside_the_sentences(stripe: Sandbox) -> None:
    purchase, order = a_session(stripe)
    buying.pay(stripe, purchase)
    buying.refund(signed_in(make_staff("Sam Okafor", *REFUNDING)), purchase)
    page = admin_client().get(reverse("admin:orders_order_change", args=[order.pk]))
    by_sentence = {entry.sentence: entry.ids for entry in page.context["timeline"]}
    paid = by_sentence["Paid 80.00 USD with Visa •••• 4242."]
    assert paid[0] == purchase["payment_intent_id"] and paid[1].startswith("ch_")
    [fulfilled] = by_sentence["Fulfilled: Private yoga is booked."]
    assert fulfilled.startswith("evt_")
    refund = Refund.objects.get()
    assert by_sentence["80.00 USD by card went back to the buyer."] == (
        refund.public_id, refund.stripe_refund_id,
    )  # fmt: skip
    content = page.content.decode()
    assert all(stripe_id in content for ids in by_sentence.values() for stripe_id in ids)


def test_what_was_canceled_says_by_whom_and_why(stripe: Sandbox) -> None:
    _, order = a_session(stripe)
    url = reverse("admin:orders_order_cancel_unpaid", args=[order.pk])
    admin_client("orders.view_order", "orders.change_order").post(url)
    [canceled] = [entry for entry in sentences_of(order, "orders.view_order") if "was canceled" in entry]
    assert canceled == "The order was canceled: by Sam Okafor."
    purchase, order = a_session(stripe)
    buying.pay(stripe, purchase)
    cancel_without_refund(booking=order.bookings.get())
    [kept] = [entry for entry in sentences_of(order, "orders.view_order") if entry.startswith("The booking")]
    assert kept.endswith(" was canceled. Its price was kept: 80.00 USD.")


def test_fraud_notices_and_a_failed_refund_are_told(stripe: Sandbox) -> None:
    purchase, order = a_session(stripe)
    buying.pay(stripe, purchase)
    at = clock.now()
    FraudNotice.objects.create(
        order=order, stripe_notice_id="issfr_1", kind="early_fraud_warning", reason="made_with_stolen_card",
        stripe_payment_intent_id=order.stripe_payment_intent_id, opened_at=at, closed_at=at, closed_reason="refunded",
    )  # fmt: skip
    Refund.objects.create(
        order=order, currency="usd", card_minor=500, credits_minor=0, origin="dashboard", status="failed",
        failure_reason="expired_or_canceled_card", settled_at=at,
    )  # fmt: skip
    sentences = sentences_of(order)
    assert "The card’s issuer warned of fraud: made with stolen card." in sentences
    assert "That notice ended: refunded." in sentences
    assert "Somebody refunded in Stripe’s dashboard 5.00 USD." in sentences
    assert "The refund of 5.00 USD failed: expired or canceled card." in sentences


def test_acts_of_staff_are_shown_to_those_who_may_see_the_audit_trail(stripe: Sandbox) -> None:
    _, order = a_session(stripe)
    admin_client().post(reverse("admin:orders_order_ask_stripe", args=[order.pk]))
    act = "Sam Okafor of staff asked Stripe: the order is pending, as before."
    assert not any("of staff" in entry for entry in sentences_of(order, "orders.view_order"))
    acts = [entry for entry in sentences_of(order, "orders.view_order", AUDIT) if "of staff" in entry]
    # The start of a call to Stripe is told only where no outcome followed.
    assert acts == [act]
    audit.record(make_staff("Ada Byron"), order, "Started “Ask Stripe now”")
    assert sentences_of(order, "orders.view_order", AUDIT)[-1] == (
        "Ada Byron of staff started “Ask Stripe now”; no outcome was recorded."
    )


def test_what_staff_cancel_is_told_in_one_sentence_with_the_reason(stripe: Sandbox) -> None:
    made, order = a_session(stripe)
    buying.pay(stripe, made)
    booking = order.bookings.get()
    url = reverse("admin:orders_order_cancel_booking", args=[order.pk, booking.pk])
    answer = admin_client().post(url, {"reason": "Did not come."}, follow=True)
    what = f"Private yoga, {booking.starts_at:%a %d %b %Y, %H:%M} UTC, without a refund"
    [message] = answer.context["messages"]
    assert str(message) == f"Canceled {what}; the buyer gets a mail that says so."
    [act] = [entry for entry in sentences_of(order, "orders.view_order", AUDIT) if "of staff" in entry]
    assert (
        act == f"Sam Okafor of staff canceled {what}; the buyer gets a mail that says so. Why: Did not come."
    )


def test_what_other_rows_tell_of_is_told_once_with_the_reason(stripe: Sandbox) -> None:
    made, order = a_session(stripe)
    buying.pay(stripe, made)
    booking, client = order.bookings.get(), admin_client()
    mail = SentMail.objects.get(order=order, kind="completed")
    client.post(reverse("admin:orders_order_resend_mail", args=[order.pk, mail.pk]), {"copy": 1})
    time = a_free_slot(order.lines.get().service, nth=9).isoformat()  # type: ignore[arg-type]
    url = reverse("admin:payments_datechange_booking_move", args=[booking.pk])
    client.post(url, {"time": time, "reason": "Her train was canceled."})
    acts = [entry for entry in sentences_of(order, "orders.view_order", AUDIT) if "of staff" in entry]
    assert [entry.partition(" from ")[0] for entry in acts] == [
        "Sam Okafor of staff had the mail “Completed” sent again.",
        "Sam Okafor of staff moved Private yoga",
        "Sam Okafor of staff gave the reason: Her train was canceled.",
    ]


def a_called_off_date(stripe: Sandbox) -> tuple[dict[str, str], Order, ServiceSession]:
    """A seat that was bought with consent to save the card, on a date that its practitioner called off."""
    ana = make_practitioner()
    session = make_sessions(make_service(ServiceType.WORKSHOP, ana, name="Sauna evening"))[0]
    buyer = signed_in(make_user("Maya Lindqvist"))
    order = buying.create(
        buyer,
        service_id=str(session.service_id),
        scheduling_data={"service_session_id": str(session.pk)},
        save_payment_method=True,
        consent_wording=SAVE_CARD.id,
    )
    buying.pay(stripe, order)
    act(host(ana), call_off_url(session), message="The sauna is being repaired.")
    settle_everything(stripe)
    issue_due_documents()
    return order, buying.order_of(order), session


def test_mails_receipts_consent_and_a_called_off_date_are_told_with_their_ids(stripe: Sandbox) -> None:
    _, order, _ = a_called_off_date(stripe)
    page = admin_client().get(reverse("admin:orders_order_change", args=[order.pk]))
    by_sentence = {entry.sentence: entry.ids for entry in page.context["timeline"]}
    change, card = DateChange.objects.get(), PaymentMethod.objects.get()
    ids = {
        f"The mail “Completed” was sent to {order.user.email}.": "mail_",
        f"The buyer agreed that {card} is saved: “{SAVE_CARD.text}”": card.stripe_payment_method_id,
        f"{change.practitioner} called off {change.title}. To the guests: “{change.message}”": change.public_id,
        "The receipt over 100.00 USD was issued.": order.receipt.number,
        "A credit note over 100.00 USD was issued for what went back.": CreditNote.objects.get().number,
    }
    for sentence, stripe_id in ids.items():
        assert sentence in by_sentence, (sentence, list(by_sentence))
        assert any(stripe_id in shown for shown in by_sentence[sentence]), by_sentence[sentence]
    assert any("called it off, which returns 100.00 USD" in entry for entry in by_sentence), list(by_sentence)


def test_a_mail_that_failed_and_one_that_is_sent_again_are_told(stripe: Sandbox) -> None:
    purchase, order = a_session(stripe)
    buying.pay(stripe, purchase)
    SentMail.objects.filter(order=order, kind="completed").update(
        status="failed", error="Mailbox full.", sent_at=None
    )
    sentence = f"The mail “Completed” to {order.user.email} could not be sent: Mailbox full."
    assert sentence in sentences_of(order)
    mail = SentMail.objects.get(order=order, kind="completed")
    admin_client().post(reverse("admin:orders_order_resend_mail", args=[order.pk, mail.pk]), {"copy": 1})
    sentences = sentences_of(order)
    assert "Sam Okafor of staff had the mail “Completed” sent again." in sentences
    assert f"The mail “Completed” to {order.user.email} waits to be sent." in sentences


def test_what_is_held_back_of_a_called_off_date_is_told_as_an_alarm(stripe: Sandbox) -> None:
    ana = make_practitioner()
    session = make_sessions(make_service(ServiceType.WORKSHOP, ana, name="Sauna evening"))[0]
    purchase = buy_seat(stripe, signed_in(make_user("Maya Lindqvist")), session)
    disputing.dispute(stripe, purchase)
    act(host(ana), call_off_url(session))
    settle_everything(stripe)
    order = buying.order_of(purchase)
    page = admin_client().get(reverse("admin:orders_order_change", args=[order.pk]))
    [held_back] = [entry for entry in page.context["timeline"] if "is held back" in entry.sentence]
    assert held_back.is_alarm and "100.00 USD is held back. The guest has disputed" in held_back.sentence


def test_a_source_that_is_added_is_told_in_its_place(
    stripe: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    purchase, order = a_session(stripe)
    buying.pay(stripe, purchase)
    order.refresh_from_db()
    assert order.paid_at is not None
    entry = Entry(order.created_at + timedelta(milliseconds=1), "A parcel was sent.", ("parcel_1",))
    parcels = Source(
        "parcels", lambda of: [of.public_id], lambda of, rows: [entry] if rows == [of.public_id] else []
    )
    monkeypatch.setattr(timeline, "SOURCES", [parcels, *timeline.SOURCES])
    sentences = sentences_of(order)
    assert sentences.index("A parcel was sent.") == 2
