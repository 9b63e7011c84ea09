"""Staff take an order's amount by hand while its hosted page is open: one pays, and what fails ends nothing."""

from contextlib import AbstractContextManager
from datetime import timedelta
from typing import Any

import pytest
from rest_framework.test import APIClient

from estuary.accounts.models import Practitioner
from estuary.bookings.models import Booking
from estuary.catalog.models import ServiceType
from estuary.common import clock
from estuary.credits.models import CreditAccount
from estuary.orders.models import Order
from estuary.payments import client
from estuary.payments.checkout.cancel_order import end_called_off_order
from estuary.payments.models import Refund
from estuary.payments.reconciliation import overdue
from stripe_sandbox import Delivery, Sandbox
from tests.factories import make_service, make_sessions
from tests.flows import buying
from tests.flows.buying import DECLINED, Json, order_of, status_of
from tests.flows.payments.reconciliation.test_orphans import all_is_well, later, sweep_for
from tests.flows.payments.settlement.test_any_order import doubled, reversed_
from tests.flows.payments.settlement.test_late_second_payments import (
    A_DAY,
    BANK,
    second_debit,
    second_payment,
    settle_unheard,
)
from tests.sandbox_bridge import deliver, settle_everything

pytestmark = pytest.mark.django_db(transaction=True)

WHAT = pytest.mark.parametrize("what", ["workshop", "credits"])
ARRANGED = pytest.mark.parametrize(
    "arrange", [list, doubled, reversed_], ids=["in order", "doubled", "reversed"]
)
HEARD = pytest.mark.parametrize("heard", [True, False], ids=["events come", "no event comes"])
AN_HOUR = timedelta(hours=1)


def open_page(buyer: APIClient, ana: Practitioner, what: str = "workshop") -> Json:
    """Ask for a hosted page for 100.00."""
    if what == "credits":
        return buying.credits(buyer, payment_type="checkout")
    workshop = make_service(ServiceType.WORKSHOP, ana)
    seat = make_sessions(workshop, in_days=5)[0]
    wish = {"service_session_id": str(seat.pk)}
    return buying.create(buyer, service_id=str(workshop.pk), payment_type="checkout", scheduling_data=wish)


def page_of(created: Json) -> str:
    return order_of(created).stripe_checkout_session_id


def hear(stripe: Sandbox, *, heard: bool) -> None:
    """Let the events of what happened come, or have it found without them."""
    settle_everything(stripe) if heard else stripe.control.lose_events()
    sweep_for()


def read_lists_past() -> None:
    """Let Stripe's lists be read until they begin after what is there now."""
    with later(timedelta(hours=6)):
        sweep_for(5)


def later_than_kept(created: Json) -> AbstractContextManager[None]:
    """Let time pass until the seat is kept for the bank no longer."""
    kept_until = order_of(created).kept_until
    assert kept_until
    return later(kept_until - clock.now() + timedelta(minutes=1))


def assert_bought_once(created: Json) -> None:
    """100.00 was taken, nothing went back, and what was bought is there."""
    order = order_of(created)
    assert (order.status, order.captured_minor, Refund.objects.count()) == ("completed", 10_000, 0)
    if order.type == "direct":
        assert Booking.objects.get().status == "confirmed"
    else:
        assert CreditAccount.objects.get().balance_minor == 10_000


def fail_by_hand(stripe: Sandbox, order: Order, way: str) -> str:
    """Take a payment by hand that fails: its card is declined, or its bank refuses the debit."""
    if way == "card":
        intent_id = second_payment(order)
        stripe.control.confirm(intent_id, card=DECLINED)
    else:
        intent_id = second_debit(stripe, order)
        stripe.control.fail_settlement(intent_id)
        if way == "canceled debit":
            stripe.control.cancel(intent_id)
    return intent_id


def late_processing(waiting: list[Delivery]) -> list[Delivery]:
    """Let the event that a bank works on a payment come after all others."""
    return sorted(waiting, key=lambda one: one.type == "payment_intent.processing")


@pytest.mark.exhaustive(one_in=3)
@WHAT
@ARRANGED
def test_a_card_that_is_declined_by_hand_leaves_the_order_to_its_page(
    stripe: Sandbox, buyer: APIClient, ana: Practitioner, what: str, arrange: Any
) -> None:
    created = open_page(buyer, ana, what)
    by_hand = fail_by_hand(stripe, order_of(created), "card")
    deliver(stripe, arrange)
    assert (status_of(created), order_of(created).stripe_payment_intent_id) == ("pending", "")
    stripe.control.pay_checkout(page_of(created))
    deliver(stripe, arrange)
    settle_everything(stripe)
    assert_bought_once(created)
    with later(AN_HOUR):
        sweep_for()
        overdue.expire_orders()
        assert client.retrieve_intent(by_hand).status == "canceled"
        assert_bought_once(created)
        all_is_well()


def test_events_in_an_older_version_tell_a_decline_on_the_page_from_one_by_hand(
    stripe: Sandbox, buyer: APIClient, ana: Practitioner
) -> None:
    """Such an event is only a hint: the payment is fetched, before anybody knows which order it names."""
    for endpoint in stripe.state.store.webhook_endpoints:
        endpoint["api_version"] = "2026-05-27.dahlia"
    created = open_page(buyer, ana)
    fail_by_hand(stripe, order_of(created), "card")
    settle_everything(stripe)
    assert (status_of(created), order_of(created).stripe_payment_intent_id) == ("pending", "")
    stripe.control.pay_checkout(page_of(created), card=DECLINED)
    settle_everything(stripe)
    assert status_of(created) == "failed"
    stripe.control.pay_checkout(page_of(created))
    settle_everything(stripe)
    assert_bought_once(created)


@pytest.mark.parametrize("way", ["debit", "canceled debit"])
def test_a_debit_that_is_refused_by_hand_before_it_was_heard_of_ends_no_order_with_a_page(
    stripe: Sandbox, buyer: APIClient, ana: Practitioner, way: str
) -> None:
    created = open_page(buyer, ana)
    fail_by_hand(stripe, order_of(created), way)
    deliver(stripe, late_processing)
    assert (status_of(created), order_of(created).stripe_payment_intent_id) == ("pending", "")
    stripe.control.pay_checkout(page_of(created))
    settle_everything(stripe)
    assert_bought_once(created)


@HEARD
def test_a_card_that_is_declined_by_hand_lets_the_page_be_paid_by_debit(
    stripe: Sandbox, buyer: APIClient, ana: Practitioner, heard: bool
) -> None:
    created = open_page(buyer, ana)
    fail_by_hand(stripe, order_of(created), "card")
    settle_everything(stripe)
    stripe.control.pay_checkout(page_of(created), **BANK)
    with later(timedelta(minutes=6)):
        hear(stripe, heard=heard)
    order = order_of(created)
    assert (order.status, Refund.objects.count()) == ("processing", 0)
    with later(A_DAY):
        stripe.control.settle(order.stripe_payment_intent_id)
        hear(stripe, heard=heard)
        assert_bought_once(created)


@pytest.mark.exhaustive(one_in=3)
@ARRANGED
@HEARD
def test_a_payment_by_hand_after_a_decline_on_the_page_pays_the_order(
    stripe: Sandbox, buyer: APIClient, ana: Practitioner, arrange: Any, heard: bool
) -> None:
    """The buyer's card was declined on the page; at the phone another one pays."""
    created = open_page(buyer, ana)
    stripe.control.pay_checkout(page_of(created), card=DECLINED)
    deliver(stripe, arrange)
    assert status_of(created) == "failed"
    stripe.control.confirm(second_payment(order_of(created)))
    deliver(stripe, arrange) if heard else stripe.control.lose_events()
    with later(timedelta(minutes=3)):
        hear(stripe, heard=heard)
        assert_bought_once(created)
    with later(AN_HOUR):
        sweep_for()
        assert client.retrieve_session(page_of(created)).status == "expired"
        all_is_well()


@pytest.mark.exhaustive(one_in=3)
@WHAT
@HEARD
@pytest.mark.parametrize("declined", [False, True], ids=["untouched page", "declined on the page"])
def test_a_page_that_expires_leaves_the_order_to_the_debit_at_its_bank(
    stripe: Sandbox,
    buyer: APIClient,
    ana: Practitioner,
    mailoutbox: list[Any],
    what: str,
    heard: bool,
    declined: bool,
) -> None:
    created = open_page(buyer, ana, what)
    if declined:
        stripe.control.pay_checkout(page_of(created), card=DECLINED)
        settle_everything(stripe)
    by_hand = second_debit(stripe, order_of(created))
    settle_everything(stripe)
    assert (status_of(created), order_of(created).stripe_payment_intent_id) == ("processing", by_hand)
    with later(AN_HOUR):
        if client.retrieve_session(page_of(created)).status == "open":
            stripe.control.expire_checkout(page_of(created))
        hear(stripe, heard=heard)
        assert status_of(created) == "processing"
    with later(A_DAY):
        if heard:
            stripe.control.settle(by_hand)
            settle_everything(stripe)
        else:
            settle_unheard(stripe, by_hand)
        assert_bought_once(created)
        assert not any("payment failed" in mail.subject.lower() for mail in mailoutbox)
        all_is_well()


def test_a_page_that_expires_before_a_debit_was_heard_of_ends_the_order_once(
    stripe: Sandbox, buyer: APIClient, ana: Practitioner
) -> None:
    created = open_page(buyer, ana)
    by_hand = second_debit(stripe, order_of(created))
    stripe.control.expire_checkout(page_of(created))
    deliver(stripe, late_processing)
    assert status_of(created) == "canceled"
    with later(A_DAY):
        stripe.control.settle(by_hand)
        settle_everything(stripe)
        sweep_for()
        assert Refund.objects.get().card_minor == 10_000
        all_is_well()


@HEARD
def test_a_debit_on_the_page_that_is_refused_leaves_the_order_to_the_debit_by_hand(
    stripe: Sandbox, buyer: APIClient, ana: Practitioner, heard: bool
) -> None:
    created = open_page(buyer, ana)
    by_hand = second_debit(stripe, order_of(created))
    settle_everything(stripe)
    paid = stripe.control.pay_checkout(page_of(created), **BANK)
    settle_everything(stripe)
    with later(AN_HOUR):
        stripe.control.fail_settlement(paid["payment_intent"])
        hear(stripe, heard=heard)
        assert (status_of(created), order_of(created).stripe_payment_intent_id) == ("processing", by_hand)
    with later(A_DAY):
        stripe.control.settle(by_hand)
        hear(stripe, heard=heard)
        assert_bought_once(created)


def test_the_page_of_an_order_whose_debit_is_at_its_bank_is_closed(
    stripe: Sandbox, buyer: APIClient, ana: Practitioner
) -> None:
    created = open_page(buyer, ana)
    second_debit(stripe, order_of(created))
    settle_everything(stripe)
    with later(timedelta(minutes=3)):
        sweep_for()
        assert client.retrieve_session(page_of(created)).status == "expired"
        settle_everything(stripe)
        assert status_of(created) == "processing"


def test_a_debit_by_hand_that_arrived_in_time_is_found_before_its_order_ends(
    stripe: Sandbox, buyer: APIClient, ana: Practitioner
) -> None:
    """No event says so, and the order is looked at only when its seat is kept no longer."""
    created = open_page(buyer, ana)
    by_hand = second_debit(stripe, order_of(created))
    settle_everything(stripe)
    with later(A_DAY):
        stripe.control.settle(by_hand)
        stripe.control.lose_events()
    with later_than_kept(created):
        assert overdue.end_unanswered_orders() == 1
        assert_bought_once(created)


@pytest.mark.exhaustive(one_in=3)
@WHAT
@HEARD
def test_a_debit_by_hand_that_is_refused_can_not_be_paid_any_more(
    stripe: Sandbox, buyer: APIClient, ana: Practitioner, what: str, heard: bool
) -> None:
    created = open_page(buyer, ana, what)
    by_hand = second_debit(stripe, order_of(created))
    settle_everything(stripe)
    read_lists_past()
    with later(A_DAY):
        stripe.control.fail_settlement(by_hand)
        hear(stripe, heard=heard)
        assert status_of(created) == "canceled"
        assert client.retrieve_intent(by_hand).status == "canceled"
        assert not Order.objects.filter(payment_open=True).exists()
        all_is_well()


@pytest.mark.parametrize("ended_by", ["the date until which the seat is kept", "the date that is called off"])
def test_a_debit_by_hand_that_is_refused_after_its_order_has_ended_can_not_be_paid_any_more(
    stripe: Sandbox, buyer: APIClient, ana: Practitioner, ended_by: str
) -> None:
    created = open_page(buyer, ana)
    by_hand = second_debit(stripe, order_of(created))
    settle_everything(stripe)
    read_lists_past()
    with later_than_kept(created):
        if "kept" in ended_by:
            overdue.end_unanswered_orders()
        else:
            end_called_off_order(order_of(created), cause="called off")
        assert status_of(created) == "canceled"
        stripe.control.fail_settlement(by_hand)
        stripe.control.lose_events()
        sweep_for()
        assert client.retrieve_intent(by_hand).status == "canceled"
        all_is_well()


def test_the_intent_of_a_page_whose_debit_was_refused_is_left_alone(
    stripe: Sandbox, buyer: APIClient, ana: Practitioner
) -> None:
    """Stripe cancels no payment of a page; a page that is complete takes no other."""
    created = open_page(buyer, ana)
    paid = stripe.control.pay_checkout(page_of(created), **BANK)
    settle_everything(stripe)
    with later(A_DAY):
        stripe.control.fail_settlement(paid["payment_intent"])
        settle_everything(stripe)
        sent = len(stripe.requests)
        overdue.close_open_payments()
        assert not Order.objects.filter(payment_open=True).exists()
        assert not [one for one in stripe.requests[sent:] if one.method == "POST"]
        all_is_well()
