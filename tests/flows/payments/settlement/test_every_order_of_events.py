"""Every permutation of one order's events, and refunds in many parts told three times over: one end, to the cent."""

import json
from itertools import islice, permutations
from random import Random

import pytest
from rest_framework.test import APIClient

from estuary.accounts.models import Practitioner
from estuary.bookings.models import Booking
from estuary.catalog.models import ServiceType
from estuary.payments.inbox import processor
from estuary.payments.models import Refund, WebhookEvent
from stripe_sandbox import Delivery, Sandbox
from tests.database_state import contents, put_back
from tests.factories import a_free_slot, make_service
from tests.flows import buying
from tests.flows.buying import DECLINED, Json, order_of, pay, pay_only, status_of
from tests.flows.invariants import assert_invariants
from tests.sandbox_bridge import post_event, run_jobs, settle_everything

pytestmark = pytest.mark.django_db(transaction=True)

OF_MONEY = (
    "payment_intent.payment_failed",
    "payment_intent.succeeded",
    "checkout.session.completed",
    "charge.refunded",
    "refund.created",
)


def a_session(buyer: APIClient, ana: Practitioner, payment_type: str) -> Json:
    session = make_service(ServiceType.SESSION, ana)
    slot = {"start_datetime": a_free_slot(session).isoformat()}
    return buying.create(buyer, service_id=str(session.pk), payment_type=payment_type, scheduling_data=slot)


def of_money(waiting: list[Delivery]) -> list[Delivery]:
    return [one for one in waiting if one.type in OF_MONEY]


@pytest.mark.parametrize(
    ("payment_type", "step"),
    [("intent", 1), ("checkout", 7), pytest.param("checkout", 1, marks=pytest.mark.exhaustive)],
)
def test_every_permutation_of_one_orders_events_comes_to_the_same_end(
    stripe: Sandbox, buyer: APIClient, ana: Practitioner, payment_type: str, step: int
) -> None:
    """Declined, paid, refunded in part; the failure may come last and the refund first.

    Of the 120 permutations of a hosted page's five events, ``make test`` plays each seventh.
    """
    purchase = a_session(buyer, ana, payment_type)
    settle_everything(stripe)
    before = contents()
    pay_only(stripe, purchase, DECLINED)
    pay_only(stripe, purchase)
    intents = list(stripe.state.store.payment_intents)
    stripe.control.refund(intents[-1]["id"], 2_500)
    deliveries = of_money(stripe.take_deliveries())
    assert len(deliveries) == (4 if payment_type == "intent" else 5)
    for number, order in enumerate(islice(permutations(deliveries), 0, None, step)):
        if number:
            put_back(before)
        for delivery in order:
            assert post_event(delivery) == 200
            processor.drain()
        run_jobs()
        kinds = [one.type for one in order]
        assert (status_of(purchase), order_of(purchase).refunded_minor) == ("partially_refunded", 2_500), (
            kinds
        )
        assert Booking.objects.get().status == "partially_refunded", kinds
        assert not WebhookEvent.objects.filter(status__in=["pending", "dead"]).exists(), kinds
        if number % 20 == 0:
            assert_invariants(stripe)


def test_a_failure_that_is_told_after_the_success_leaves_the_order_completed(
    stripe: Sandbox, buyer: APIClient
) -> None:
    order = buying.credits(buyer, "20.00")
    pay_only(stripe, order, DECLINED)
    [failure] = [one for one in stripe.take_deliveries() if one.type == "payment_intent.payment_failed"]
    pay(stripe, order)
    for _ in range(2):
        assert post_event(failure) == 200
        processor.drain()
    settle_everything(stripe)
    shown = buying.detail(buyer, order)
    assert (shown["status"], shown["failure"], buying.balance(buyer)) == ("completed", None, "20.00")


@pytest.mark.exhaustive(one_in=5)
@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("thing", ["credits", "session"])
def test_refunds_in_parts_up_to_all_of_it_are_exact_though_each_event_comes_three_times_in_any_order(
    stripe: Sandbox, buyer: APIClient, staff: APIClient, ana: Practitioner, thing: str, seed: int
) -> None:
    chance = Random(seed)
    order = buying.credits(buyer, "100.00") if thing == "credits" else a_session(buyer, ana, "intent")
    pay(stripe, order)
    cuts = sorted(chance.sample(range(1, 10_000), 5))
    parts = [after - before for before, after in zip([0, *cuts], [*cuts, 10_000], strict=True)]
    for number, part in enumerate(parts):
        if chance.random() < 0.5:
            stripe.control.refund(order["payment_intent_id"], part)
        else:
            buying.refund(staff, order, amount=f"{part // 100}.{part % 100:02}", reason=f"part {number}")
    deliveries = stripe.take_deliveries() * 3
    chance.shuffle(deliveries)
    for delivery in deliveries:
        assert post_event(delivery) == 200
        if chance.random() < 0.4:
            processor.drain()
    processor.drain()
    settle_everything(stripe)
    assert (status_of(order), order_of(order).refunded_minor) == ("refunded", 10_000)
    assert sorted(Refund.objects.values_list("card_minor", flat=True)) == sorted(parts)
    if thing == "credits":
        assert buying.balance(buyer) == "0.00"
    else:
        assert Booking.objects.get().status == "canceled"


def test_only_the_cumulative_sum_of_a_charge_is_told_and_it_is_never_added_up(
    stripe: Sandbox, buyer: APIClient
) -> None:
    order = buying.buy_credits(stripe, buyer, "60.00")
    sums = []
    for part in (1_000, 1_500, 2_000):
        stripe.control.refund(order["payment_intent_id"], part)
        sums += [one for one in stripe.take_deliveries() if one.type == "charge.refunded"]
    amounts = [json.loads(one.body)["data"]["object"]["amount_refunded"] for one in sums]
    assert amounts == [1_000, 2_500, 4_500]
    for delivery in [*sums[::-1], *sums]:
        assert post_event(delivery) == 200
        processor.drain()
    assert (order_of(order).refunded_minor, buying.balance(buyer)) == (4_500, "15.00")
    assert sorted(Refund.objects.values_list("card_minor", flat=True)) == [1_000, 1_500, 2_000]
