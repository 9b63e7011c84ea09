"""News of disputes in any order, doubled, one alone, or none: the end is the same, here and at Stripe."""

from collections.abc import Callable
from datetime import timedelta
from itertools import permutations
from typing import Any

import pytest
import time_machine
from rest_framework.test import APIClient

from estuary.accounts.models import Practitioner
from estuary.bookings.models import Booking
from estuary.catalog.models import ServiceType
from estuary.common import clock
from estuary.credits.models import CreditAccount
from estuary.payments.inbox import processor
from estuary.payments.models import Dispute, Refund, WebhookEvent
from estuary.payments.reconciliation import disputes, overdue, stripe_lists
from estuary.payments.refunds.request_refund import send_refund
from stripe_sandbox import Delivery, Sandbox
from stripe_sandbox.inprocess import client as stripe_of
from tests.factories import a_free_slot, make_service, make_user, signed_in
from tests.flows import buying
from tests.flows.buying import Json, order_of, status_of
from tests.flows.disputing import a_session, close, dispute, money_of, purse, shares
from tests.sandbox_bridge import post_event, run_jobs, settle_everything

pytestmark = pytest.mark.django_db(transaction=True)

DISPUTED_AT_ONCE = "4000000000000259"

type Scenario = Callable[[Sandbox, APIClient, Practitioner], Json]


def credits_lost(stripe: Sandbox, buyer: APIClient, ana: Practitioner) -> Json:
    order = buying.buy_credits(stripe, buyer, "50.00")
    stripe.control.close_dispute(stripe.control.dispute(order["payment_intent_id"])["id"], "lost")
    return order


def credits_won(stripe: Sandbox, buyer: APIClient, ana: Practitioner) -> Json:
    order = buying.buy_credits(stripe, buyer, "50.00")
    stripe.control.close_dispute(stripe.control.dispute(order["payment_intent_id"])["id"], "won")
    return order


def half_refunded_credits_lost(stripe: Sandbox, buyer: APIClient, ana: Practitioner) -> Json:
    order = buying.buy_credits(stripe, buyer, "50.00")
    stripe.control.refund(order["payment_intent_id"], 1111)
    stripe.control.close_dispute(stripe.control.dispute(order["payment_intent_id"])["id"], "lost")
    return order


def inquiry_that_becomes_a_lost_dispute(stripe: Sandbox, buyer: APIClient, ana: Practitioner) -> Json:
    order = buying.buy_credits(stripe, buyer, "50.00")
    inquiry = stripe.control.dispute(order["payment_intent_id"], inquiry=True)
    stripe.control.escalate_dispute(inquiry["id"])
    stripe.control.close_dispute(inquiry["id"], "lost")
    return order


def session_lost(stripe: Sandbox, buyer: APIClient, ana: Practitioner) -> Json:
    order = a_session(stripe, buyer, ana)
    stripe.control.close_dispute(stripe.control.dispute(order["payment_intent_id"])["id"], "lost")
    return order


def two_parts_one_lost(stripe: Sandbox, buyer: APIClient, ana: Practitioner) -> Json:
    order = buying.buy_credits(stripe, buyer, "50.00")
    first, second = (stripe.control.dispute(order["payment_intent_id"], amount=part) for part in (1000, 4000))
    stripe.control.close_dispute(second["id"], "lost")
    stripe.control.close_dispute(first["id"], "won")
    return order


# What was captured, refunded and lost; the balance and what is frozen of it; the bookings.
ENDS: dict[str, dict[str, Any]] = {
    "credits_lost": {"order": ("completed", 5000, 0, 5000), "disputed": True, "credits": (0, 0)},
    "credits_won": {"order": ("completed", 5000, 0, 0), "disputed": False, "credits": (5000, 0)},
    "half_refunded_credits_lost": {
        "order": ("partially_refunded", 5000, 1111, 3889),
        "disputed": True,
        "credits": (0, 0),
    },
    "inquiry_that_becomes_a_lost_dispute": {
        "order": ("completed", 5000, 0, 5000),
        "disputed": True,
        "credits": (0, 0),
    },
    "session_lost": {
        "order": ("completed", 10000, 0, 10000),
        "disputed": True,
        "credits": (0, 0),
        "bookings": ["canceled"],
    },
    "two_parts_one_lost": {"order": ("completed", 5000, 0, 4000), "disputed": True, "credits": (1000, 0)},
}
SCENARIOS: list[Scenario] = [
    credits_lost,
    credits_won,
    half_refunded_credits_lost,
    inquiry_that_becomes_a_lost_dispute,
    session_lost,
    two_parts_one_lost,
]


def the_end(purchase: Json) -> dict[str, Any]:
    order = order_of(purchase)
    account = CreditAccount.objects.filter(user=order.user).first()
    end: dict[str, Any] = {
        "order": money_of(purchase),
        "disputed": order.disputed,
        "credits": (account.balance_minor, account.frozen_minor) if account else (0, 0),
    }
    if booked := sorted(order.bookings.values_list("status", flat=True)):
        end["bookings"] = booked
    return end


def arrangements(waiting: list[Delivery]) -> list[list[Delivery]]:
    """Every order of up to four events, and for more of them a few that differ much; each event comes twice."""
    if len(waiting) <= 4:
        orders = [list(order) for order in permutations(waiting)]
    else:
        turned = [waiting[start:] + waiting[:start] for start in range(len(waiting))]
        orders = [*turned, *(order[::-1] for order in turned)]
    return [[event for event in order for _ in range(2)] for order in orders]


@pytest.mark.exhaustive(one_in=8)
@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.__name__)
@pytest.mark.parametrize("version", ["ours", "an older one"])
def test_every_order_of_the_events_comes_to_the_same_end(
    stripe: Sandbox, ana: Practitioner, scenario: Scenario, version: str
) -> None:
    if version == "an older one":  # such an event is only a hint, and its object is fetched
        for endpoint in stripe.state.store.webhook_endpoints:
            endpoint["api_version"] = "2026-05-27.dahlia"
    tried, number = 1, 0
    while number < tried:
        order = scenario(stripe, signed_in(make_user()), ana)
        ways = arrangements(_of_money(stripe.take_deliveries()))
        tried = len(ways) if version == "ours" else 4
        for delivery in ways[number]:
            assert post_event(delivery) == 200
            processor.drain()
        settle_everything(stripe)
        assert the_end(order) == ENDS[scenario.__name__], [event.type for event in ways[number]]
        number += 1
    assert not WebhookEvent.objects.filter(status__in=["pending", "dead"]).exists()


def _of_money(waiting: list[Delivery]) -> list[Delivery]:
    """The events that we listen to."""
    return [one for one in waiting if one.type.startswith(("charge.dispute.", "refund.", "charge.refunded"))]


@pytest.mark.parametrize(
    "scenario", [credits_lost, credits_won, session_lost], ids=lambda scenario: scenario.__name__
)
def test_all_events_in_one_batch_come_to_the_same_end(
    stripe: Sandbox, buyer: APIClient, ana: Practitioner, scenario: Scenario
) -> None:
    order = scenario(stripe, buyer, ana)
    for delivery in reversed(stripe.take_deliveries()):
        post_event(delivery)
    processor.drain()
    settle_everything(stripe)
    assert the_end(order) == ENDS[scenario.__name__]


@pytest.mark.exhaustive(one_in=2)
@pytest.mark.parametrize("only", ["created", "funds_withdrawn", "updated", "closed"])
@pytest.mark.parametrize("scenario", [credits_lost, session_lost], ids=lambda scenario: scenario.__name__)
def test_one_event_alone_is_enough_with_what_the_sweep_asks(
    stripe: Sandbox, buyer: APIClient, ana: Practitioner, scenario: Scenario, only: str
) -> None:
    order = scenario(stripe, buyer, ana)
    for delivery in stripe.take_deliveries():
        if delivery.type == f"charge.dispute.{only}":
            post_event(delivery)
    processor.drain()
    heard = Dispute.objects.get()
    assert heard.status == ("lost" if only in {"updated", "closed"} else "needs_response")
    with time_machine.travel(clock.now() + timedelta(minutes=15), tick=True):
        disputes.sync_open_disputes()
        run_jobs()
    assert the_end(order) == ENDS[scenario.__name__]


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.__name__)
def test_disputes_of_which_no_event_came_are_found(
    stripe: Sandbox, buyer: APIClient, ana: Practitioner, scenario: Scenario
) -> None:
    order = scenario(stripe, buyer, ana)
    stripe.control.lose_events()
    stripe_lists.sync_new_refunds()
    assert disputes.sync_new_disputes() == len(list(stripe.state.store.disputes))
    run_jobs()
    assert the_end(order) == ENDS[scenario.__name__]
    calls_before = len(stripe.requests)
    assert disputes.sync_new_disputes() == disputes.sync_changed_disputes() == 0
    assert len(stripe.requests) == calls_before + 2


def test_a_dispute_overtakes_the_event_of_its_payment(stripe: Sandbox, buyer: APIClient) -> None:
    order = buying.credits(buyer, "50.00")
    stripe.control.confirm(order["payment_intent_id"], card=DISPUTED_AT_ONCE)
    waiting = stripe.take_deliveries()
    for delivery in sorted(waiting, key=lambda one: not one.type.startswith("charge.dispute")):
        post_event(delivery)
        processor.drain()
    settle_everything(stripe)
    assert (purse(buyer), money_of(order)) == (("50.00", "50.00", "0.00"), ("completed", 5000, 0, 0))


def test_a_dispute_of_a_payment_that_is_not_ours_is_told_once_and_not_recorded(
    stripe: Sandbox, buyer: APIClient, settings: Any, mailoutbox: list[Any]
) -> None:
    settings.STAFF_MAIL = "staff@estuary.example"
    buying.buy_credits(stripe, buyer, "50.00")
    opened = stripe.control.dispute(paid_past_us(stripe, 700))
    stripe.control.close_dispute(opened["id"], "lost")
    for delivery in stripe.take_deliveries():
        for _ in range(2):
            post_event(delivery)
        processor.drain()
    run_jobs()
    alerts = [mail for mail in mailoutbox if "dispute_of_unknown_payment" in mail.subject]
    assert (len(alerts), Dispute.objects.count()) == (1, 0)
    assert opened["id"] in alerts[0].body
    assert disputes.sync_new_disputes() == 0


def paid_past_us(stripe: Sandbox, amount: int, *, customer: str = "", **metadata: str) -> str:
    """Somebody with the key takes a payment that we did not ask for."""
    params: Any = {
        "amount": amount,
        "currency": "usd",
        "payment_method": "pm_card_visa",
        "confirm": True,
        "automatic_payment_methods": {"enabled": True, "allow_redirects": "never"},
        "metadata": metadata,
    }
    whose = {"customer": customer} if customer else {}
    intent = stripe_of(stripe).v1.payment_intents.create(params | whose)
    return intent.id


# --- Refunds meanwhile --------------------------------------------------------------------------------------


def test_a_refund_of_a_disputed_payment_is_refused_before_stripe_is_asked(
    stripe: Sandbox, buyer: APIClient, staff: APIClient
) -> None:
    order = buying.buy_credits(stripe, buyer, "50.00")
    dispute(stripe, order)
    before = len(stripe.requests)
    answer = staff.post(f"/api/v1/orders/{order['order_id']}/refunds/", {})
    assert (answer.status_code, answer.json()["code"]) == (409, "charge_disputed")
    assert (len(stripe.requests), Refund.objects.count()) == (before, 0)


@pytest.mark.parametrize("outcome", ["won", "lost"])
def test_a_refund_that_meets_a_dispute_nobody_told_of_waits_for_its_end(
    stripe: Sandbox, buyer: APIClient, staff: APIClient, outcome: str, mailoutbox: list[Any]
) -> None:
    order = buying.buy_credits(stripe, buyer, "50.00")
    opened = stripe.control.dispute(order["payment_intent_id"])
    stripe.control.lose_events()
    buying.refund(staff, order, amount="20.00")  # Stripe refuses, and says why
    settle_everything(stripe)
    refund = Refund.objects.get()
    assert (refund.status, purse(buyer)) == ("requested", ("50.00", "50.00", "0.00"))
    posts_before = len(buying.posts(stripe, "/v1/refunds"))
    send_refund(refund.pk)
    assert len(buying.posts(stripe, "/v1/refunds")) == posts_before  # it waits without asking
    close(stripe, opened, outcome)
    send_refund(refund.pk)
    settle_everything(stripe)
    refund.refresh_from_db()
    if outcome == "won":
        assert (refund.status, purse(buyer)) == ("succeeded", ("30.00", "0.00", "30.00"))
    else:
        assert (refund.status, refund.failure_reason) == ("failed", "charge_disputed")
        assert purse(buyer) == ("0.00", "0.00", "0.00")
        # The bank has paid all of it back: nobody is told that money is still owed.
        assert not [mail for mail in mailoutbox if "refund" in mail.subject.lower()]


@pytest.mark.parametrize("outcome", ["won", "lost"])
def test_late_money_that_is_disputed_is_sent_back_only_when_the_bank_left_it_with_us(
    stripe: Sandbox, buyer: APIClient, ana: Practitioner, outcome: str
) -> None:
    session = make_service(ServiceType.SESSION, ana)
    order = buying.service(buyer, session, start_datetime=a_free_slot(session).isoformat())
    buyer.post(f"/api/v1/orders/{order['order_id']}/cancel/")
    intent = stripe.state.store.payment_intents.get(order["payment_intent_id"])
    assert intent is not None
    intent["status"] = "requires_payment_method"  # Stripe answered that it was canceled, and was mistaken
    buying.pay(stripe, order, DISPUTED_AT_ONCE)
    [refund] = Refund.objects.all()
    assert (status_of(order), refund.status) == ("paid", "requested")
    opened = next(iter(stripe.state.store.disputes))
    close(stripe, opened, outcome)
    with time_machine.travel(clock.now() + timedelta(minutes=15), tick=True):
        overdue.send_unsent_refunds()
        settle_everything(stripe)
    refund.refresh_from_db()
    if outcome == "won":
        assert (status_of(order), refund.status) == ("refunded", "succeeded")
    else:
        assert (status_of(order), refund.status) == ("paid", "failed")
        assert money_of(order) == ("paid", 10000, 0, 10000)
    assert not Booking.objects.exists()


def test_a_refund_in_the_dashboard_and_a_dispute_at_once_never_take_more_than_there_was(
    stripe: Sandbox, buyer: APIClient
) -> None:
    order = buying.buy_credits(stripe, buyer, "50.00")
    stripe.control.refund(order["payment_intent_id"], 2000)
    opened = stripe.control.dispute(order["payment_intent_id"])
    for delivery in reversed(stripe.take_deliveries()):
        post_event(delivery)
        processor.drain()
    assert (purse(buyer), shares()) == (("30.00", "30.00", "0.00"), [("needs_response", 3000, 0, 0)])
    close(stripe, opened, "won")
    assert purse(buyer) == ("30.00", "0.00", "30.00")


def test_a_refund_that_arrives_after_the_dispute_was_lost_takes_no_credits_twice(
    stripe: Sandbox, buyer: APIClient, staff: APIClient
) -> None:
    order = buying.buy_credits(stripe, buyer, "50.00", card=buying.REFUND_PENDS)
    buying.refund(staff, order, amount="20.00")
    settle_everything(stripe)
    close(stripe, dispute(stripe, order), "lost")
    assert (purse(buyer), money_of(order)) == (("0.00", "0.00", "0.00"), ("completed", 5000, 0, 5000))
    stripe.control.succeed_refund(Refund.objects.get().stripe_refund_id)
    settle_everything(stripe)
    assert (purse(buyer), money_of(order)) == (
        ("0.00", "0.00", "0.00"),
        ("partially_refunded", 5000, 2000, 3000),
    )
    assert shares() == [("lost", 0, 3000, 3000)]


def test_a_refund_in_the_dashboard_that_meets_a_partial_loss_ends_what_is_ahead(
    stripe: Sandbox, buyer: APIClient, ana: Practitioner
) -> None:
    buying.buy_credits(stripe, buyer, "40.00")
    order = a_session(stripe, buyer, ana, use_credits=True)
    stripe.control.refund(order["payment_intent_id"], 2000)
    opened = stripe.control.dispute(order["payment_intent_id"], amount=4000)
    stripe.control.close_dispute(opened["id"], "lost")
    waiting = stripe.take_deliveries()  # what the bank took is told first, and ends nothing yet
    for delivery in sorted(waiting, key=lambda one: not one.type.startswith("charge.dispute")):
        post_event(delivery)
        processor.drain()
    settle_everything(stripe)
    assert money_of(order) == ("partially_refunded", 6000, 6000, 4000)
    assert (Booking.objects.get().status, purse(buyer)[0]) == ("canceled", "40.00")


def test_the_dispute_of_a_second_payment_leaves_the_order_as_it_is(
    stripe: Sandbox, buyer: APIClient, ana: Practitioner
) -> None:
    purchase = a_session(stripe, buyer, ana)
    opened = stripe.control.dispute(
        paid_past_us(
            stripe, 10_000, customer=order_of(purchase).stripe_customer_id, order_id=purchase["order_id"]
        )
    )
    settle_everything(stripe)
    row, order = Dispute.objects.get(), order_of(purchase)
    assert (row.is_unmatched, row.order, order.disputed) == (True, order, False)
    close(stripe, opened, "lost")
    assert (money_of(purchase), Booking.objects.get().status) == (("completed", 10000, 0, 0), "confirmed")
    assert buying.detail(buyer, purchase)["dispute"] is None
