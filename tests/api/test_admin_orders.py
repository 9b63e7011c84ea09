"""What staff do to an order: refund it, once however often they press; cancel it or a booking; ask Stripe."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.contrib.admin.models import LogEntry
from django.db import connection
from django.test import Client
from django.urls import reverse

from estuary.accounts.models import User
from estuary.bookings.models import Booking
from estuary.catalog.models import ServiceType
from estuary.orders.models import Order
from estuary.payments.models import Refund
from stripe_sandbox import Sandbox
from tests.api.staff import admin_client, balance_of, created, give_credits, told
from tests.factories import make_practitioner, make_service, make_user
from tests.sandbox_bridge import settle_everything

pytestmark = pytest.mark.django_db(transaction=True)


def a_package(buyer: User, **body: object) -> Order:
    """An order of a package of two sessions of 100 dollars each, for 100 dollars, as ``create`` leaves it."""
    ana = make_practitioner()
    items = [make_service(ServiceType.SESSION, ana), make_service(ServiceType.SESSION, ana)]
    package = make_service(ServiceType.PACKAGE, ana, holds=items)
    made = created(buyer, service_id=str(package.pk), payment_type="intent", **body)
    return Order.objects.get(public_id=made["order_id"])


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
    """The form as it is shown now, with these fields filled in."""
    form = client.get(refund_url(order)).context["form"]
    return {"booking": "", "amount": "", "reason": "", "as_shown": form["as_shown"].value(), **fields}


def test_a_full_refund_returns_the_credits_and_cancels(by_credits: Order) -> None:
    client = admin_client()
    answer = client.post(refund_url(by_credits), filled(client, by_credits, reason="ill"), follow=True)
    assert "Refunded 100.00 USD." in told(answer)
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
    assert "Refunded 12.50 USD." in told(answer)
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


def test_a_form_that_is_sent_twice_refunds_once(by_credits: Order) -> None:
    client = admin_client()
    form = filled(client, by_credits, amount="10.00")
    client.post(refund_url(by_credits), form)
    answer = client.post(refund_url(by_credits), form, follow=True)
    assert "has changed since you opened the form" in told(answer)
    assert Refund.objects.count() == 1
    assert balance_of(by_credits.user, "usd") == 1_000


def test_two_presses_at_the_same_moment_refund_once(by_credits: Order) -> None:
    client = admin_client()
    form = filled(client, by_credits, amount="10.00")

    def press(_: int) -> str:
        browser = Client()
        browser.cookies["sessionid"] = client.cookies["sessionid"].value
        try:
            return browser.post(refund_url(by_credits), form).headers["Location"]
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as hands:
        answers = list(hands.map(press, range(4)))
    done = reverse("admin:orders_order_change", args=[by_credits.pk])
    assert sorted(answers) == sorted([done] + [refund_url(by_credits)] * 3)
    assert Refund.objects.count() == 1


@pytest.mark.parametrize(
    ("amount", "words"),
    [
        ("100.01", "At most 100.00 USD"),
        ("0", "greater than zero"),
        ("-1", "greater"),
        ("1.234", "decimal places"),
        ("x", "number"),
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
    assert "is pending" in told(answer)
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
    answer = client.post(url, follow=True)
    assert "canceled" in told(answer)
    order.refresh_from_db()
    assert order.status == "canceled"
    assert "canceled by staff" in order.transitions.last().cause  # type: ignore[union-attr]
    begun, done = LogEntry.objects.order_by("id")
    assert (begun.change_message, "is canceled" in done.change_message) == ("Cancel order: started", True)


def test_a_paid_order_is_not_canceled_as_unpaid(by_credits: Order) -> None:
    url = reverse("admin:orders_order_cancel_unpaid", args=[by_credits.pk])
    answer = admin_client().post(url, follow=True)
    assert "can't be canceled as unpaid" in told(answer)
    assert "refused" in LogEntry.objects.latest("id").change_message


def test_asking_stripe_settles_what_no_event_told(stripe: Sandbox) -> None:
    order = a_package(make_user())
    stripe.control.confirm(order.stripe_payment_intent_id, card="4242424242424242")
    stripe.take_deliveries()  # lost
    answer = admin_client().post(reverse("admin:orders_order_ask_stripe", args=[order.pk]), follow=True)
    assert "It was pending and is completed now." in told(answer)


def test_a_booking_is_canceled_and_the_money_kept(by_credits: Order) -> None:
    child = by_credits.bookings.get(position=2)
    url = reverse("admin:orders_order_cancel_booking", args=[by_credits.pk, child.pk])
    client = admin_client()
    assert client.get(url).status_code == 200
    assert "nothing was refunded" in told(client.post(url, follow=True))
    assert Booking.objects.get(pk=child.pk).status == "canceled"
    assert "already" in told(client.post(url, follow=True))
    assert not Refund.objects.exists()
    assert admin_client("orders.view_order").post(url).status_code == 403
