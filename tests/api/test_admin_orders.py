"""What staff do to an order: refund it, once however often they press; cancel it or a booking; ask Stripe."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.contrib.admin.models import LogEntry
from django.core.mail import EmailMessage
from django.db import connection
from django.test import Client
from django.urls import reverse

from estuary.accounts.models import User
from estuary.bookings.models import Booking
from estuary.catalog.models import ServiceType
from estuary.orders.models import Order
from estuary.payments.models import Refund
from stripe_sandbox import Sandbox
from tests.api.staff import admin_client, balance_of, created, give_credits, messages_on
from tests.factories import make_practitioner, make_service, make_user
from tests.sandbox_bridge import run_jobs, settle_everything

pytestmark = pytest.mark.django_db(transaction=True)


def a_package(buyer: User, **body: object) -> Order:
    """An order of a package of two sessions of 100 dollars each, for 100 dollars, as ``create`` leaves it."""
    ana = make_practitioner()
    items = [make_service(ServiceType.SESSION, ana), make_service(ServiceType.SESSION, ana)]
    package = make_service(ServiceType.PACKAGE, ana, holds=items)
    order = created(buyer, service_id=str(package.pk), payment_type="intent", **body)
    return Order.objects.get(public_id=order["order_id"])


@pytest.fixture
def by_credits() -> Order:
    """Paid by credits alone: 100 dollars, in two bookings of 50."""
    buyer = make_user()
    give_credits(buyer, 10_000)
    order = a_package(buyer, use_credits=True)
    assert order.status == "completed"
    return order


@pytest.fixture
def by_card(stripe: Sandbox) -> Order:
    order = a_package(make_user())
    stripe.control.confirm(order.stripe_payment_intent_id, card="4242424242424242")
    settle_everything(stripe)
    order.refresh_from_db()
    assert order.status == "completed"
    return order


def refund_url(order: Order) -> str:
    return reverse("admin:orders_order_refund", args=[order.pk])


def filled(client: Client, order: Order, **fields: str) -> dict[str, str]:
    """The form as it is shown now, with these fields filled in, and the sum that its button then names."""
    form = client.get(refund_url(order)).context["form"]
    extent = "part" if fields.get("amount") else "everything"
    filled_in = {"booking": "", "extent": extent, "amount": "", "reason": "", **fields}
    filled_in["as_shown"] = form["as_shown"].value()
    preview = client.get(refund_url(order), {**filled_in, "preview": "1"})
    return {**filled_in, "total": str(preview.context.get("total", ""))}


def test_a_full_refund_returns_the_credits_and_cancels(by_credits: Order) -> None:
    client = admin_client()
    answer = client.post(refund_url(by_credits), filled(client, by_credits, reason="ill"), follow=True)
    assert "Refunded 100.00 USD." in messages_on(answer)
    by_credits.refresh_from_db()
    assert by_credits.status == "refunded"
    assert balance_of(by_credits.user, "usd") == 10_000
    assert set(by_credits.bookings.values_list("status", flat=True)) == {"canceled"}
    refund = Refund.objects.get()
    assert (refund.reason, refund.origin, refund.requested_by is not None) == ("ill", "staff", True)
    assert refund.public_id in LogEntry.objects.get().change_message


def test_a_partial_refund_by_card_reaches_stripe_and_marks(by_card: Order, stripe: Sandbox) -> None:
    client = admin_client()
    answer = client.post(refund_url(by_card), filled(client, by_card, amount="12.50"), follow=True)
    assert "Refunded 12.50 USD." in messages_on(answer)
    settle_everything(stripe)
    by_card.refresh_from_db()
    assert (by_card.status, by_card.refunded_minor) == ("partially_refunded", 1_250)
    assert set(by_card.bookings.values_list("status", flat=True)) == {"partially_refunded"}
    page = client.get(refund_url(by_card)).content.decode()
    assert "87.50 USD" in page


def test_one_child_is_refunded_and_canceled_alone(by_card: Order, stripe: Sandbox) -> None:
    client = admin_client()
    child = by_card.bookings.get(position=1)
    client.post(refund_url(by_card), filled(client, by_card, booking=str(child.pk)), follow=True)
    settle_everything(stripe)
    assert Refund.objects.get().card_minor == child.amount_minor
    statuses = dict(by_card.bookings.values_list("position", "status"))
    assert statuses == {0: "partially_refunded", 1: "canceled", 2: "confirmed"}


def test_nothing_filled_in_refunds_nothing(by_credits: Order) -> None:
    client = admin_client()
    answer = client.post(refund_url(by_credits), filled(client, by_credits, extent=""))
    assert "Choose how much: everything that is left, or a part." in answer.content.decode()
    answer = client.post(refund_url(by_credits), filled(client, by_credits, extent="part"))
    assert "Write how much is refunded" in answer.content.decode()
    answer = client.post(
        refund_url(by_credits), filled(client, by_credits, extent="everything", amount="5.00")
    )
    assert "A sum is written below" in answer.content.decode()
    assert not Refund.objects.exists()


def test_the_button_names_the_sum_and_the_page_what_will_happen(by_card: Order, stripe: Sandbox) -> None:
    client = admin_client()
    page = client.get(refund_url(by_card), {**filled(client, by_card), "preview": "1"})
    assert "Refund 100.00 USD" in page.content.decode()
    everything, child = page.context["consequences"], by_card.bookings.get(position=1)
    assert everything[0] == "100.00 USD goes back to the card."
    assert everything[1].startswith("Canceled, and on sale again: ")
    assert everything[2:] == ["The buyer gets a mail about it.", "A refund can’t be taken back."]
    part = {**filled(client, by_card, booking=str(child.pk), amount="30"), "preview": "1"}
    page = client.get(refund_url(by_card), part)
    assert "Refund 30.00 USD" in page.content.decode() and "50.00 USD" in page.content.decode()
    assert page.context["consequences"][1] == (
        f"Stays booked, marked as partially refunded: {child.service_name}."
    )
    assert not Refund.objects.exists()


def test_a_comma_is_a_decimal_point_and_never_lost(by_card: Order, stripe: Sandbox) -> None:
    client = admin_client()
    page = client.get(refund_url(by_card)).content.decode()
    assert 'inputmode="decimal"' in page and 'type="number"' not in page
    preview = client.get(refund_url(by_card), {**filled(client, by_card, amount="30,5"), "preview": "1"})
    assert "Refund 30.50 USD" in preview.content.decode()


def test_what_the_page_says_of_a_refund_is_what_it_does(by_credits: Order) -> None:
    client, child = admin_client(), by_credits.bookings.get(position=2)
    form = filled(client, by_credits, booking=str(child.pk))
    consequences = client.get(refund_url(by_credits), {**form, "preview": "1"}).context["consequences"]
    assert consequences[0] == "50.00 USD of credits goes back to the buyer’s account."
    assert consequences[1] == f"Canceled, and on sale again: {child.service_name}."
    client.post(refund_url(by_credits), form)
    assert balance_of(by_credits.user, "usd") == 5_000
    statuses = dict(by_credits.bookings.values_list("position", "status"))
    assert statuses == {0: "partially_refunded", 1: "confirmed", 2: "canceled"}


@pytest.mark.parametrize("total", ["", "1000", "10000", "x"])
def test_a_button_with_another_sum_refunds_nothing_and_is_shown_with_the_right_one(
    by_credits: Order, total: str
) -> None:
    client = admin_client()
    form = filled(client, by_credits, amount="30.00")
    page = client.post(refund_url(by_credits), {**form, "total": total}).content.decode()
    assert "press the button with the sum on it" in page
    assert "Refund 30.00 USD" in page
    assert not Refund.objects.exists()
    client.post(refund_url(by_credits), form)
    assert Refund.objects.get().amount_minor == 3_000


def test_a_form_that_is_sent_twice_refunds_once(by_credits: Order) -> None:
    client = admin_client()
    form = filled(client, by_credits, amount="10.00", reason="The room was cold")
    client.post(refund_url(by_credits), form)
    answer = client.post(refund_url(by_credits), form, follow=True)
    assert "has changed since you opened the form" in messages_on(answer)
    # The reason is kept; the sum is not, or a third press would refund it again.
    again = answer.context["form"]
    assert (again["reason"].value(), again["amount"].value()) == ("The room was cold", None)
    assert "10.00 USD" in answer.content.decode()
    assert Refund.objects.count() == 1
    assert balance_of(by_credits.user, "usd") == 1_000


def test_two_presses_at_the_same_moment_refund_once(by_credits: Order) -> None:
    client = admin_client()
    form = filled(client, by_credits, amount="10.00")

    def press(_: int) -> str:
        browser = Client()
        browser.cookies["sessionid"] = client.cookies["sessionid"].value
        try:
            return browser.post(refund_url(by_credits), form).headers.get("Location", "")
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as hands:
        answers = list(hands.map(press, range(4)))
    done = reverse("admin:orders_order_change", args=[by_credits.pk])
    assert sorted(answers) == ["", "", "", done]
    assert Refund.objects.count() == 1


@pytest.mark.parametrize(
    ("amount", "words"),
    [
        ("100.01", "At most 100.00 USD"),
        ("0", "greater than zero"),
        ("-1", "greater"),
        ("1.234", "decimal places"),
        ("x", "Write an amount such as 30.00 or 30,00."),
        ("1,000", "Write an amount such as 30.00 or 30,00."),
        ("1.000,50", "Write an amount such as 30.00 or 30,00."),
        ("1,00.50", "Write an amount such as 30.00 or 30,00."),
        # As the page itself writes it.
        ("1,000.50", "At most 100.00 USD"),
    ],
)
def test_an_amount_that_cannot_be_is_refused_in_words(by_credits: Order, amount: str, words: str) -> None:
    client = admin_client()
    answer = client.post(refund_url(by_credits), filled(client, by_credits, amount=amount))
    assert answer.status_code == 200
    assert words in answer.content.decode()
    assert not Refund.objects.exists()


def test_an_order_that_was_never_paid_is_not_refunded(stripe: Sandbox) -> None:
    order = a_package(make_user())
    client = admin_client()
    answer = client.post(refund_url(order), filled(client, order))
    assert "nothing to refund" in answer.content.decode()


def test_when_stripe_does_not_answer_the_refund_is_kept_and_sent_later(
    by_card: Order, stripe: Sandbox
) -> None:
    client = admin_client()
    form = filled(client, by_card)
    stripe.faults.add("timeout_before", "POST /v1/refunds", times=20)
    answer = client.post(refund_url(by_card), form, follow=True)
    assert answer.status_code == 200
    assert "is pending" in messages_on(answer)
    assert Refund.objects.get().status == "requested"


def test_only_those_with_the_permission_refund(by_credits: Order) -> None:
    client = admin_client("orders.view_order", "orders.change_order", "payments.view_refund")
    page = client.get(reverse("admin:orders_order_change", args=[by_credits.pk]))
    assert refund_url(by_credits) not in page.content.decode()
    assert client.get(refund_url(by_credits)).status_code == 403
    assert client.post(refund_url(by_credits), {"as_shown": "x"}).status_code == 403
    assert not Refund.objects.exists()
    allowed = admin_client("orders.view_order", "payments.add_refund")
    assert allowed.get(refund_url(by_credits)).status_code == 200


def test_an_unpaid_order_is_canceled_at_stripe_and_here(stripe: Sandbox) -> None:
    order = a_package(make_user())
    client = admin_client()
    url = reverse("admin:orders_order_cancel_unpaid", args=[order.pk])
    assert client.get(url).status_code == 200
    order.refresh_from_db()
    assert order.status == "pending"  # asking changes nothing
    answer = client.post(url, {"reason": "Asked by phone."}, follow=True)
    assert "Canceled the order; its seats and slots are free again." in messages_on(answer)
    order.refresh_from_db()
    assert order.status == "canceled"
    assert "canceled by staff" in order.transitions.last().cause  # type: ignore[union-attr]
    start_entry, done = LogEntry.objects.order_by("id")
    assert start_entry.change_message == "Started “Cancel order”"
    assert (
        done.change_message == "Canceled the order; its seats and slots are free again. Why: Asked by phone."
    )


def test_a_paid_order_is_not_canceled_as_unpaid(by_credits: Order) -> None:
    url = reverse("admin:orders_order_cancel_unpaid", args=[by_credits.pk])
    answer = admin_client().post(url, follow=True)
    assert "can't be canceled as unpaid" in messages_on(answer)
    assert "refused" in LogEntry.objects.latest("id").change_message


def test_asking_stripe_settles_what_no_event_told(stripe: Sandbox) -> None:
    order = a_package(make_user())
    stripe.control.confirm(order.stripe_payment_intent_id, card="4242424242424242")
    stripe.take_deliveries()  # lost
    answer = admin_client().post(reverse("admin:orders_order_ask_stripe", args=[order.pk]), follow=True)
    assert "Asked Stripe: the order was pending and is completed now." in messages_on(answer)


def test_a_booking_is_canceled_and_the_money_kept(by_credits: Order) -> None:
    child = by_credits.bookings.get(position=2)
    url = reverse("admin:orders_order_cancel_booking", args=[by_credits.pk, child.pk])
    client = admin_client()
    assert "For the audit trail and the order’s timeline." in client.get(url).content.decode()
    assert client.post(url, {"reason": "x" * 201}).context["form"].errors.keys() == {"reason"}
    assert Booking.objects.get(pk=child.pk).status == "confirmed"
    message = messages_on(client.post(url, {"reason": "Did not come."}, follow=True))
    sentence = f"Canceled {child.service_name} (no. 2) without a refund; the buyer gets a mail that says so."
    assert sentence in message
    assert LogEntry.objects.get().change_message == f"{sentence} Why: Did not come."
    assert Booking.objects.get(pk=child.pk).status == "canceled"
    assert "already" in messages_on(client.post(url, follow=True))
    refused = client.post(url, {"reason": "Did not come, and did not call."})
    assert "already" in messages_on(refused) and "did not call" in refused.content.decode()
    assert not Refund.objects.exists()
    assert admin_client("orders.view_order").post(url).status_code == 403


def test_who_loses_a_booking_without_a_refund_is_told(
    by_credits: Order, mailoutbox: list[EmailMessage]
) -> None:
    child = by_credits.bookings.get(position=2)
    client = admin_client()
    url = reverse("admin:orders_order_cancel_booking", args=[by_credits.pk, child.pk])
    page = client.get(url).content.decode()
    assert "a mail that says so" in page and "50.00 USD" in page
    client.post(url)
    client.post(url)  # again: refused, and nothing is written
    run_jobs()
    [mail] = [mail for mail in mailoutbox if "is canceled" in mail.subject]
    assert mail.to == [by_credits.user.email]
    assert f"without a refund: {child.service_name}." in str(mail.body)
    assert by_credits.public_id in str(mail.body)
