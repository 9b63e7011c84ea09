"""Whatever order the events of one order come in, doubled or late, the end is the same."""

from collections.abc import Callable
from random import Random
from typing import Any

import pytest
from rest_framework.test import APIClient

from estuary.bookings.models import Booking, Participant
from estuary.catalog.models import ServiceSession, ServiceType
from estuary.credits.models import CreditAccount, CreditTransaction
from estuary.orders.models import Order
from estuary.payments.inbox import processor
from estuary.payments.models import PaymentMethod, WebhookEvent
from stripe_sandbox import Delivery, Sandbox
from tests.factories import (
    a_free_slot,
    make_practitioner,
    make_service,
    make_sessions,
    make_user,
    signed_in,
)
from tests.sandbox_bridge import post_event, run_jobs

pytestmark = pytest.mark.django_db(transaction=True)

CREATE = "/api/v1/payments/create/"
FINE, DECLINED = "4242424242424242", "4000000000000002"

type Scenario = Callable[[Sandbox, APIClient], None]


def create(buyer: APIClient, **body: Any) -> dict[str, Any]:
    answer = buyer.post(CREATE, body)
    assert answer.status_code == 201, answer.json()
    return dict(answer.json())


def credits_paid(stripe: Sandbox, buyer: APIClient) -> None:
    order = create(buyer, is_credit_purchase=True, amount="33.33")
    stripe.control.confirm(order["payment_intent_id"], card=FINE)


def credits_declined_then_paid(stripe: Sandbox, buyer: APIClient) -> None:
    order = create(buyer, is_credit_purchase=True, amount="33.33")
    stripe.control.confirm(order["payment_intent_id"], card=DECLINED)
    stripe.control.confirm(order["payment_intent_id"], card=FINE)


def credits_refunded_in_parts(stripe: Sandbox, buyer: APIClient) -> None:
    order = create(buyer, is_credit_purchase=True, amount="33.33")
    stripe.control.confirm(order["payment_intent_id"], card=FINE)
    for part in (1, 1111, 2221):
        stripe.control.refund(order["payment_intent_id"], amount=part)


def workshop_paid_on_a_page(stripe: Sandbox, buyer: APIClient) -> None:
    workshop = make_service(ServiceType.WORKSHOP, make_practitioner())
    seat = make_sessions(workshop, capacity=3)[0]
    purchase = create(
        buyer,
        service_id=str(workshop.pk),
        payment_type="checkout",
        scheduling_data={"service_session_id": str(seat.pk)},
    )
    order = Order.objects.get(public_id=purchase["order_id"])
    stripe.control.pay_checkout(order.stripe_checkout_session_id, card=FINE)


def session_refunded_from_the_dashboard(stripe: Sandbox, buyer: APIClient) -> None:
    session = make_service(ServiceType.SESSION, make_practitioner())
    order = create(
        buyer,
        service_id=str(session.pk),
        scheduling_data={"start_datetime": a_free_slot(session).isoformat()},
    )
    stripe.control.confirm(order["payment_intent_id"], card=FINE)
    stripe.control.refund(order["payment_intent_id"])


def course_paid_by_bank_which_fails(stripe: Sandbox, buyer: APIClient) -> None:
    course = make_service(ServiceType.COURSE, make_practitioner())
    make_sessions(course, 3, capacity=2)
    purchase = create(buyer, service_id=str(course.pk), payment_type="checkout")
    order = Order.objects.get(public_id=purchase["order_id"])
    paid = stripe.control.pay_checkout(order.stripe_checkout_session_id, method="us_bank_account")
    stripe.control.fail_settlement(paid["payment_intent"])


def card_saved_and_removed(stripe: Sandbox, buyer: APIClient) -> None:
    order = create(buyer, is_credit_purchase=True, amount="20.00")
    paid = stripe.control.confirm(order["payment_intent_id"], card=FINE)
    stripe.control.update_card(paid["payment_method"], exp_month=7, exp_year=2039)
    stripe.control.detach(paid["payment_method"])


def session_moved_before_its_events_come(stripe: Sandbox, buyer: APIClient) -> None:
    """The return page settles the payment, the buyer moves the session, and a part of the price is refunded."""
    session = make_service(ServiceType.SESSION, make_practitioner())
    starts = [a_free_slot(session, nth=nth).isoformat() for nth in (0, 9)]
    order = create(buyer, service_id=str(session.pk), scheduling_data={"start_datetime": starts[0]})
    stripe.control.confirm(order["payment_intent_id"], card=FINE)
    assert buyer.post(f"/api/v1/orders/{order['order_id']}/sync/").status_code == 200
    url = f"/api/v1/bookings/{Booking.objects.get().pk}/move/"
    assert buyer.post(url, {"start_datetime": starts[1]}).status_code == 200
    stripe.control.refund(order["payment_intent_id"], amount=1000)


SCENARIOS: list[Scenario] = [
    credits_paid,
    credits_declined_then_paid,
    credits_refunded_in_parts,
    workshop_paid_on_a_page,
    session_refunded_from_the_dashboard,
    session_moved_before_its_events_come,
    course_paid_by_bank_which_fails,
    card_saved_and_removed,
]


def shuffled(seed: int) -> Callable[[list[Delivery]], list[Delivery]]:
    def arrange(waiting: list[Delivery]) -> list[Delivery]:
        arranged = [*waiting, *waiting]
        Random(seed).shuffle(arranged)
        return arranged

    arrange.__name__ = f"doubled_and_shuffled_{seed}"
    return arrange


def reversed_(waiting: list[Delivery]) -> list[Delivery]:
    return waiting[::-1]


def doubled(waiting: list[Delivery]) -> list[Delivery]:
    return [delivery for delivery in waiting for _ in range(2)]


ARRANGEMENTS = [list, doubled, reversed_, *(shuffled(seed) for seed in range(5))]


@pytest.mark.exhaustive(one_in=14)
@pytest.mark.parametrize("manner", ["one by one", "in one batch", "in an older version"])
@pytest.mark.parametrize("arrange", ARRANGEMENTS, ids=lambda arrange: arrange.__name__)
@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.__name__)
def test_the_end_is_the_same(
    stripe: Sandbox, scenario: Scenario, arrange: Callable[[list[Delivery]], list[Delivery]], manner: str
) -> None:
    if manner == "in an older version":  # such an event is only a hint, and its object is fetched
        for endpoint in stripe.state.store.webhook_endpoints:
            endpoint["api_version"] = "2026-05-27.dahlia"
    scenario(stripe, signed_in(make_user()))
    for _ in range(4):  # what our own calls to Stripe bring about arrives late, after everything else
        for delivery in arrange(stripe.take_deliveries()):
            assert post_event(delivery) == 200
            if manner == "one by one":
                processor.drain()
        processor.drain()
        run_jobs()
    if manner == "in an older version":
        assert set(WebhookEvent.objects.values_list("api_version", flat=True)) == {"2026-05-27.dahlia"}
    assert the_end() == EXPECTED[scenario.__name__]
    assert not WebhookEvent.objects.filter(status__in=["pending", "dead"]).exists()


def the_end() -> dict[str, Any]:
    """Everything that a buyer, a practitioner and an auditor would look at."""
    order = Order.objects.get()
    return {
        "order": (order.status, order.captured_minor, order.refunded_minor),
        "refunds": sorted(order.refunds.values_list("status", "card_minor", "credits_minor")),
        "balance": sum(CreditAccount.objects.values_list("balance_minor", flat=True)),
        "ledger": sum(CreditTransaction.objects.values_list("amount_minor", flat=True)),
        "bookings": sorted(Booking.objects.values_list("service_type", "status")),
        "moves": sorted(
            Booking.objects.filter(times_moved__gt=0).values_list("times_moved", "calendar_sequence")
        ),
        "seats": sorted(ServiceSession.objects.values_list("taken", flat=True)),
        "participants": Participant.objects.filter(active=True).count(),
        "cards": sorted(PaymentMethod.objects.filter(detached_at=None).values_list("last4", "is_default")),
    }


NOTHING: dict[str, Any] = {
    "refunds": [],
    "balance": 0,
    "ledger": 0,
    "bookings": [],
    "moves": [],
    "seats": [],
    "participants": 0,
    "cards": [("4242", True)],
}
EXPECTED: dict[str, dict[str, Any]] = {
    "credits_paid": NOTHING | {"order": ("completed", 3333, 0), "balance": 3333, "ledger": 3333},
    "credits_declined_then_paid": NOTHING
    | {"order": ("completed", 3333, 0), "balance": 3333, "ledger": 3333},
    "credits_refunded_in_parts": NOTHING
    | {
        "order": ("refunded", 3333, 3333),
        "refunds": [("succeeded", 1, 0), ("succeeded", 1111, 0), ("succeeded", 2221, 0)],
    },
    "workshop_paid_on_a_page": NOTHING
    | {
        "order": ("completed", 10000, 0),
        "bookings": [("workshop", "confirmed")],
        "seats": [1],
        "participants": 1,
    },
    "session_refunded_from_the_dashboard": NOTHING
    | {
        "order": ("refunded", 10000, 10000),
        "refunds": [("succeeded", 10000, 0)],
        "bookings": [("session", "canceled")],
    },
    "session_moved_before_its_events_come": NOTHING
    | {
        "order": ("partially_refunded", 10000, 1000),
        "refunds": [("succeeded", 1000, 0)],
        "bookings": [("session", "partially_refunded")],
        "moves": [(1, 1)],
    },
    "course_paid_by_bank_which_fails": NOTHING
    | {"order": ("canceled", 0, 0), "seats": [0, 0, 0], "cards": []},
    "card_saved_and_removed": NOTHING
    | {"order": ("completed", 2000, 0), "balance": 2000, "ledger": 2000, "cards": []},
}
