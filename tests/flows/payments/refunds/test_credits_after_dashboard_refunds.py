"""Credits follow the dashboard when the dashboard itself returned all of the card."""

from collections.abc import Callable
from random import Random
from typing import Any

import pytest
from rest_framework.test import APIClient

from estuary.accounts.models import Practitioner
from estuary.bookings.models import Booking
from estuary.catalog.models import ServiceType
from estuary.payments.inbox import processor
from estuary.payments.refunds.cancellation import cancel_booking
from stripe_sandbox import Delivery, Sandbox
from tests.factories import make_practitioner, make_service
from tests.flows import buying
from tests.flows.buying import FINE, REFUND_PENDS, Json, order_of, pay, status_of
from tests.flows.payments.refunds.test_refund_races import (
    EVENTS,
    doubled,
    ours_unheard,
    reversed_,
    shuffled,
    subjects,
)
from tests.sandbox_bridge import deliver, post_event, settle_everything

pytestmark = pytest.mark.django_db(transaction=True)


ARRANGED = pytest.mark.parametrize(
    "arrange", [list, doubled, reversed_, shuffled], ids=["once", "doubled", "reversed", "shuffled"]
)


@pytest.mark.parametrize("order", ["cancel first", "dashboard first", "dashboard first, its news late"])
def test_a_goodwill_in_the_dashboard_beside_a_cancellation_returns_no_credits(
    stripe: Sandbox, buyer: APIClient, ana: Practitioner, order: str
) -> None:
    buying.buy_credits(stripe, buyer, "40.00")
    parts = [make_service(ServiceType.SESSION, who, usd=5000) for who in (ana, make_practitioner("Bruno"))]
    package = make_service(ServiceType.PACKAGE, ana, holds=parts)
    purchase = buying.create(buyer, service_id=str(package.pk), use_credits=True)
    pay(stripe, purchase)
    last = Booking.objects.get(position=2)
    if order == "cancel first":
        cancel_booking(booking=last, by=last.user)
        settle_everything(stripe)
    stripe.control.refund(purchase["payment_intent_id"], 1000)
    if order == "dashboard first":
        settle_everything(stripe)
    late = stripe.take_deliveries()
    if order != "cancel first":
        cancel_booking(booking=last, by=last.user)
    settle_everything(stripe)
    for delivery in late:
        post_event(delivery)
    processor.drain()
    settle_everything(stripe)
    due = 5000 if order == "dashboard first" else 6000  # what is known of is taken off what is canceled
    assert (status_of(purchase), order_of(purchase).refunded_minor) == ("partially_refunded", due)
    assert buying.balance(buyer) == "0.00"


@pytest.mark.exhaustive(one_in=4)
@ARRANGED
@pytest.mark.parametrize("fails", [0, 1, None])
@pytest.mark.parametrize("card", [FINE, REFUND_PENDS], ids=["at once", "pending"])
def test_refunds_of_the_dashboard_take_the_credits_along_together_in_any_order_of_their_events(
    stripe: Sandbox,
    buyer: APIClient,
    purchase: Json,
    card: str,
    fails: int | None,
    arrange: Callable[[list[Delivery]], list[Delivery]],
) -> None:
    pay(stripe, purchase, card)
    there = [stripe.control.refund(purchase["payment_intent_id"], amount) for amount in (5000, 3000)]
    for number, refund in enumerate(there):
        if number == fails:
            stripe.control.fail_refund(refund["id"])
        elif card == REFUND_PENDS:
            stripe.control.succeed_refund(refund["id"])
    deliver(stripe, arrange)
    expected = {0: ("partially_refunded", 3000), 1: ("partially_refunded", 5000), None: ("refunded", 10000)}
    assert (status_of(purchase), order_of(purchase).refunded_minor) == expected[fails]
    assert buying.balance(buyer) == ("0.00" if fails in {0, 1} else "20.00")


@pytest.mark.exhaustive(one_in=3)
@EVENTS
@pytest.mark.parametrize("fails", [0, 1])
def test_credits_that_followed_two_refunds_leave_with_either_and_come_again(
    stripe: Sandbox,
    buyer: APIClient,
    purchase: Json,
    fails: int,
    arrange: Callable[[list[Delivery]], list[Delivery]],
) -> None:
    pay(stripe, purchase)
    there = [stripe.control.refund(purchase["payment_intent_id"], amount) for amount in (5000, 3000)]
    deliver(stripe, arrange)
    assert (status_of(purchase), buying.balance(buyer)) == ("refunded", "20.00")
    for _ in range(2):
        stripe.control.fail_refund(there[fails]["id"])
        deliver(stripe, arrange)
        left = 8000 - there[fails]["amount"]
        assert (status_of(purchase), order_of(purchase).refunded_minor) == ("partially_refunded", left)
        assert buying.balance(buyer) == "0.00"
        there[fails] = stripe.control.refund(purchase["payment_intent_id"])
        deliver(stripe, arrange)
        assert (status_of(purchase), buying.balance(buyer)) == ("refunded", "20.00")


@pytest.mark.exhaustive(one_in=3)
@pytest.mark.parametrize("seed", range(12))
def test_a_refund_of_ours_that_failed_and_the_dashboard_that_made_up_for_it_agree_in_any_order(
    stripe: Sandbox, buyer: APIClient, staff: APIClient, purchase: Json, seed: int
) -> None:
    pay(stripe, purchase, REFUND_PENDS)
    ours_unheard(stripe, staff, purchase, "after")
    [ours] = stripe.state.store.refunds
    stripe.control.succeed_refund(ours["id"])
    stripe.control.fail_refund(ours["id"])
    there = stripe.control.refund(purchase["payment_intent_id"])
    stripe.control.succeed_refund(there["id"])
    deliver(stripe, lambda waiting: Random(seed).sample(waiting, len(waiting)))
    settle_everything(stripe)
    assert (status_of(purchase), order_of(purchase).refunded_minor) == ("refunded", 10000)
    assert buying.balance(buyer) == "20.00"


def test_credits_that_staff_promised_with_a_refund_that_was_overtaken_are_not_forgotten(
    stripe: Sandbox, buyer: APIClient, staff: APIClient, purchase: Json, mailoutbox: list[Any]
) -> None:
    pay(stripe, purchase)
    buying.refund(staff, purchase, amount="50.00")
    settle_everything(stripe)
    ours_unheard(stripe, staff, purchase)  # the rest: 30.00 of the card and 20.00 of credits
    stripe.control.refund(purchase["payment_intent_id"], 3000)
    settle_everything(stripe)
    assert (status_of(purchase), buying.balance(buyer)) == ("partially_refunded", "0.00")
    assert subjects(mailoutbox, "did not go through") == 1
