"""No event ever comes, or comes only when nobody hears: the worker's clock alone makes everything true again."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from rest_framework.test import APIClient

from estuary.accounts.models import Practitioner, User
from estuary.bookings.models import Booking
from estuary.catalog.models import ServiceType
from estuary.orders.models import Order
from estuary.payments import tasks
from estuary.payments.models import WebhookEvent
from stripe_sandbox import Sandbox
from tests.factories import a_free_slot, make_service, signed_in
from tests.flows import buying
from tests.flows.buying import order_of, pay_only
from tests.flows.payments.reconciliation.test_orphans import all_is_well, later, sweep_for

pytestmark = pytest.mark.django_db(transaction=True)

WORST = {"dropped for ever": "drop", "never generated": "never_generate"}
RETRIES_END = timedelta(hours=73)  # Stripe retries a delivery for three days
EVENTS_END = timedelta(days=31)  # and lists its events for thirty


type Scenario = Callable[[Sandbox, APIClient, Practitioner], str]


def intent_paid(stripe: Sandbox, buyer: APIClient, ana: Practitioner) -> str:
    order = buying.credits(buyer, "50.00")
    pay_only(stripe, order)
    return "completed"


def page_paid(stripe: Sandbox, buyer: APIClient, ana: Practitioner) -> str:
    session = make_service(ServiceType.SESSION, ana)
    slot = {"start_datetime": a_free_slot(session).isoformat()}
    order = buying.create(buyer, service_id=str(session.pk), payment_type="checkout", scheduling_data=slot)
    pay_only(stripe, order)
    return "completed"


def page_refused_by_its_bank(stripe: Sandbox, buyer: APIClient, ana: Practitioner) -> str:
    order = buying.credits(buyer, "50.00", payment_type="checkout")
    paid = pay_only(stripe, order, method="us_bank_account")
    stripe.control.fail_settlement(paid["payment_intent"])
    return "canceled"


def paid_and_refunded_in_part(stripe: Sandbox, buyer: APIClient, ana: Practitioner) -> str:
    intent_paid(stripe, buyer, ana)
    stripe.control.refund(order_intent(stripe), 2_000)
    return "partially_refunded"


def paid_and_refunded_by_a_slow_bank(stripe: Sandbox, buyer: APIClient, ana: Practitioner) -> str:
    order = buying.credits(buyer, "50.00")
    pay_only(stripe, order, buying.REFUND_PENDS)
    refund = stripe.control.refund(order["payment_intent_id"])
    stripe.control.succeed_refund(refund["id"])
    return "refunded"


def paid_and_lost_to_a_dispute(stripe: Sandbox, buyer: APIClient, ana: Practitioner) -> str:
    intent_paid(stripe, buyer, ana)
    stripe.control.close_dispute(stripe.control.dispute(order_intent(stripe))["id"], "lost")
    return "completed"


def canceled_in_the_dashboard(stripe: Sandbox, buyer: APIClient, ana: Practitioner) -> str:
    order = buying.credits(buyer, "50.00")
    stripe.control.cancel(order["payment_intent_id"])
    return "canceled"


def order_intent(stripe: Sandbox) -> str:
    [intent] = stripe.state.store.payment_intents
    return str(intent["id"])


SCENARIOS: list[Scenario] = [
    intent_paid,
    page_paid,
    page_refused_by_its_bank,
    paid_and_refunded_in_part,
    paid_and_refunded_by_a_slow_bank,
    paid_and_lost_to_a_dispute,
    canceled_in_the_dashboard,
]


@pytest.mark.exhaustive(one_in=3)
@pytest.mark.parametrize("worst", WORST)
@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.__name__)
def test_what_no_event_tells_is_healed_within_fifteen_minutes(
    stripe: Sandbox, buyer: APIClient, ana: Practitioner, scenario: Scenario, worst: str
) -> None:
    sweep_for(0)
    stripe.faults.add(WORST[worst], "*", times=None)
    expected = scenario(stripe, buyer, ana)
    assert stripe.take_deliveries() == []
    sweep_for(15)
    assert Order.objects.get().status == expected
    assert order_of({"order_id": Order.objects.get().public_id}).lost_minor == (
        5_000 if "dispute" in scenario.__name__ else 0
    )
    assert Booking.objects.count() == (scenario is page_paid)
    if worst == "never generated":
        assert not WebhookEvent.objects.exists()
    all_is_well()


@pytest.mark.exhaustive(one_in=4)
@pytest.mark.parametrize("down", [RETRIES_END, EVENTS_END], ids=["73 hours", "31 days"])
@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.__name__)
def test_after_we_were_down_for_long_all_of_it_is_healed_within_fifteen_minutes(
    stripe: Sandbox, buyer: APIClient, ana: Practitioner, scenario: Scenario, down: timedelta
) -> None:
    """Everything happened at Stripe in the first minutes, and every delivery failed until Stripe gave up."""
    sweep_for(0)
    expected = scenario(stripe, buyer, ana)
    stripe.control.lose_events()
    with later(down):
        sweep_for(15)
        tasks.close_past_bookings(0)
        assert Order.objects.get().status == expected
        all_is_well()


@pytest.mark.parametrize("down", [RETRIES_END, EVENTS_END], ids=["73 hours", "31 days"])
def test_cards_saved_and_removed_while_we_were_down_are_listed_and_are_not(
    stripe: Sandbox, buyer: APIClient, maya: User, down: timedelta
) -> None:
    buying.buy_credits(stripe, buyer, "10.00")
    [removed] = buying.cards(buyer)
    sweep_for(0)
    with later(timedelta(minutes=5)):
        pay_only(stripe, buying.credits(signed_in(maya), "20.00"), "5555555555554444")
        stripe.control.detach(removed["stripe_payment_method_id"])
        stripe.control.lose_events()
    with later(down):
        sweep_for(15)
        assert [card["last4"] for card in buying.cards(signed_in(maya))] == ["4444"]
        all_is_well()
