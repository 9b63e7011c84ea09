"""A second payment for an order whose bank takes days: what it comes to is found, though no event ever says so."""

from datetime import timedelta
from typing import Any

import pytest
from rest_framework.test import APIClient

from estuary.accounts.models import Practitioner
from estuary.catalog.models import ServiceType
from estuary.credits.models import CreditAccount
from estuary.orders.models import Order
from estuary.payments import client
from estuary.payments.models import Orphan, Refund
from stripe_sandbox import Sandbox
from tests.factories import make_service, make_sessions
from tests.flows import buying
from tests.flows.payments.reconciliation.test_orphans import all_is_well, later, sweep_for
from tests.sandbox_bridge import settle_everything

pytestmark = pytest.mark.django_db(transaction=True)

BANK: dict[str, Any] = {"method": "us_bank_account"}
A_DAY = timedelta(days=1)


def second_payment(order: Order, *, customer: str = "") -> str:
    """Create a payment by hand that carries the order's label."""
    params = {
        "amount": order.amount_due_minor,
        "currency": order.currency,
        "customer": customer or order.stripe_customer_id,
        "metadata": {"order_id": order.public_id},
    }
    return client.create_intent(params, key=f"by hand for {order.public_id}").id


def second_debit(stripe: Sandbox, order: Order, *, customer: str = "") -> str:
    intent_id = second_payment(order, customer=customer)
    stripe.control.confirm(intent_id, **BANK)
    return intent_id


def hear(stripe: Sandbox, *, lost: bool) -> None:
    stripe.control.lose_events() if lost else settle_everything(stripe)


def settle_unheard(stripe: Sandbox, intent_id: str) -> None:
    """Let a debit arrive of which no event tells: the worker finds it."""
    stripe.control.settle(intent_id)
    stripe.control.lose_events()
    sweep_for()


@pytest.mark.parametrize("lost", [True, False], ids=["no event comes", "events come until the bank answers"])
def test_a_second_debit_that_arrives_days_later_goes_back(
    stripe: Sandbox, buyer: APIClient, lost: bool
) -> None:
    created = buying.buy_credits(stripe, buyer, "50.00")
    intent_id = second_debit(stripe, buying.order_of(created))
    hear(stripe, lost=lost)
    sweep_for()
    with later(A_DAY):
        settle_unheard(stripe, intent_id)
        refund = Refund.objects.get()
        assert (refund.stripe_payment_intent_id, refund.card_minor, refund.status) == (
            intent_id,
            5000,
            "succeeded",
        )
        assert Orphan.objects.get().status == "returned"
        assert CreditAccount.objects.get().balance_minor == 5000
        all_is_well()


def test_a_second_debit_that_fails_changes_nothing_and_can_not_be_paid_any_more(
    stripe: Sandbox, buyer: APIClient
) -> None:
    created = buying.buy_credits(stripe, buyer, "50.00")
    intent_id = second_debit(stripe, buying.order_of(created))
    stripe.control.lose_events()
    sweep_for()
    with later(A_DAY):
        stripe.control.fail_settlement(intent_id)
        stripe.control.lose_events()
        sweep_for()
        assert client.retrieve_intent(intent_id).status == "canceled"
        assert not Refund.objects.exists() and buying.status_of(created) == "completed"
        all_is_well()


def test_the_debit_of_a_page_whose_order_staff_took_by_hand_meanwhile_goes_back(
    stripe: Sandbox, buyer: APIClient, ana: Practitioner
) -> None:
    """No event comes: the payment by hand is on the list, and is the order's; the page's debit arrives a day later."""
    workshop = make_service(ServiceType.WORKSHOP, ana)
    seat = make_sessions(workshop, in_days=5)[0]
    wish = {"service_session_id": str(seat.pk)}
    created = buying.create(buyer, service_id=str(workshop.pk), payment_type="checkout", scheduling_data=wish)
    order = buying.order_of(created)
    stripe.control.pay_checkout(order.stripe_checkout_session_id, **BANK)
    by_hand = second_payment(order)
    stripe.control.confirm(by_hand)
    stripe.control.lose_events()
    sweep_for()
    order.refresh_from_db()
    debit_id = next(one["id"] for one in stripe.state.store.payment_intents if one["id"] != by_hand)
    with later(A_DAY):
        settle_unheard(stripe, debit_id)
        paid = {order.stripe_payment_intent_id} if order.captured_minor else {debit_id}
        assert buying.status_of(created) == "completed"
        assert (
            set(Refund.objects.values_list("stripe_payment_intent_id", flat=True))
            == {by_hand, debit_id} - paid
        )
        all_is_well()


def test_a_debit_of_another_customer_is_left_alone_and_told_once(
    stripe: Sandbox, buyer: APIClient, settings: Any, mailoutbox: list[Any]
) -> None:
    settings.STAFF_MAIL = "payments@estuary.example"
    created = buying.buy_credits(stripe, buyer, "50.00")
    somebody = client._client().v1.customers.create({"email": "somebody@shop.example"})
    intent_id = second_debit(stripe, buying.order_of(created), customer=somebody.id)
    stripe.control.lose_events()
    sweep_for()
    with later(A_DAY):
        settle_unheard(stripe, intent_id)
        sweep_for()
        alerts = [mail.subject for mail in mailoutbox if "alert" in mail.subject]
        assert alerts == ["[Estuary alert] payment_names_our_order"]
        assert Orphan.objects.get().status == "foreign"
        assert not Refund.objects.exists()
        all_is_well()


def test_a_payment_that_can_not_be_asked_about_stops_no_other(stripe: Sandbox, buyer: APIClient) -> None:
    created = buying.buy_credits(stripe, buyer, "50.00")
    Orphan.objects.create(
        stripe_payment_intent_id="pi_gone",
        order_ref=created["order_id"],
        currency="usd",
        amount_minor=0,
        status="waiting",
    )
    intent_id = second_debit(stripe, buying.order_of(created))
    stripe.control.lose_events()
    sweep_for()
    with later(A_DAY):
        settle_unheard(stripe, intent_id)
        assert Refund.objects.get().stripe_payment_intent_id == intent_id


def test_a_payment_by_hand_that_is_begun_while_the_order_is_open_goes_back_when_it_arrives_last(
    stripe: Sandbox, buyer: APIClient
) -> None:
    """Created before the look at Stripe's list, a debit after it: no list shows it again, and no event comes."""
    created = buying.credits(buyer, "50.00", payment_type="checkout")
    order = buying.order_of(created)
    by_hand = second_payment(order)
    sweep_for(5)
    stripe.control.confirm(by_hand, **BANK)
    stripe.control.pay_checkout(order.stripe_checkout_session_id)
    stripe.control.lose_events()
    with later(timedelta(hours=1)):
        sweep_for()
        assert buying.status_of(created) == "completed"
    with later(A_DAY):
        settle_unheard(stripe, by_hand)
        assert [refund.stripe_payment_intent_id for refund in Refund.objects.all()] == [by_hand]
        assert CreditAccount.objects.get().balance_minor == 5000
        all_is_well()


def test_a_debit_by_hand_that_is_refused_while_another_is_at_its_bank_can_not_be_paid_any_more(
    stripe: Sandbox, buyer: APIClient
) -> None:
    created = buying.credits(buyer, "50.00", payment_type="checkout")
    order = buying.order_of(created)
    stripe.control.pay_checkout(order.stripe_checkout_session_id, **BANK)
    settle_everything(stripe)
    by_hand = second_debit(stripe, order)
    stripe.control.fail_settlement(by_hand)
    stripe.control.lose_events()
    with later(timedelta(minutes=3)):
        sweep_for()
        assert buying.status_of(created) == "processing"
        assert client.retrieve_intent(by_hand).status == "canceled"


def test_a_payment_that_is_begun_by_hand_while_a_page_is_open_can_not_be_paid_after_it(
    stripe: Sandbox, buyer: APIClient, settings: Any
) -> None:
    """Which of the two will pay is open; when the page is paid, no list shows the payment by hand any more."""
    settings.HOLD = timedelta(hours=6)
    created = buying.credits(buyer, "50.00", payment_type="checkout")
    order = buying.order_of(created)
    by_hand = second_payment(order)
    with later(timedelta(minutes=3)):
        sweep_for(120)
        assert client.retrieve_intent(by_hand).status == "requires_payment_method"
    with later(timedelta(hours=5)):
        stripe.control.pay_checkout(order.stripe_checkout_session_id)
        settle_everything(stripe)
        sweep_for()
        assert buying.status_of(created) == "completed"
        assert client.retrieve_intent(by_hand).status == "canceled"
        assert not Orphan.objects.exists()
        all_is_well()


@pytest.mark.parametrize("arrives", [True, False], ids=["the bank pays", "the bank refuses"])
@pytest.mark.parametrize("lost", [True, False], ids=["no event comes", "events come until the bank answers"])
@pytest.mark.parametrize("payment_type", ["checkout", "intent"])
def test_a_debit_for_an_order_that_has_ended_is_watched_until_its_bank_answers(
    stripe: Sandbox, buyer: APIClient, ana: Practitioner, payment_type: str, lost: bool, arrives: bool
) -> None:
    """Staff take the amount by hand after the buyer has left; a page that has expired had no payment of its own."""
    workshop = make_service(ServiceType.WORKSHOP, ana)
    seat = make_sessions(workshop, in_days=5)[0]
    created = buying.create(
        buyer,
        service_id=str(workshop.pk),
        payment_type=payment_type,
        scheduling_data={"service_session_id": str(seat.pk)},
    )
    order = buying.order_of(created)
    assert buyer.post(f"/api/v1/orders/{order.public_id}/cancel/").status_code == 200
    with later(timedelta(hours=2)):
        by_hand = second_debit(stripe, order)
        hear(stripe, lost=lost)
        sweep_for()
    with later(timedelta(hours=6)):
        # The list of new payments is read past it.
        sweep_for()
    with later(A_DAY):
        (stripe.control.settle if arrives else stripe.control.fail_settlement)(by_hand)
        stripe.control.lose_events()
        sweep_for()
        if arrives:
            assert Refund.objects.get().stripe_payment_intent_id == by_hand
        else:
            assert client.retrieve_intent(by_hand).status == "canceled"
        assert not Orphan.objects.filter(status="waiting").exists()
        all_is_well()
