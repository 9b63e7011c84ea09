"""Our refund and one from the dashboard want the same money: whichever comes first, what is due goes back once."""

from collections.abc import Callable
from dataclasses import replace
from random import Random
from typing import Any

import pytest
from pytest_django import Settings
from rest_framework.test import APIClient

from estuary.bookings.models import Booking
from estuary.common import clock
from estuary.payments import client
from estuary.payments.models import Refund
from estuary.payments.settlement import settle
from estuary.payments.settlement.facts import StripeObservation
from stripe_sandbox import Delivery, Sandbox
from tests.flows import buying
from tests.flows.buying import FINE, REFUND_PENDS, Json, order_of, pay, status_of
from tests.sandbox_bridge import deliver, run_jobs, settle_everything

pytestmark = pytest.mark.django_db(transaction=True)


def shuffled(waiting: list[Delivery]) -> list[Delivery]:
    return Random(7).sample(waiting, len(waiting))


def doubled(waiting: list[Delivery]) -> list[Delivery]:
    return [delivery for delivery in waiting for _ in range(2)]


def reversed_(waiting: list[Delivery]) -> list[Delivery]:
    return waiting[::-1]


EVENTS = pytest.mark.parametrize("arrange", [list, doubled, reversed_], ids=["once", "doubled", "reversed"])
FIRST = pytest.mark.parametrize("first", ["the events", "our job"])


def ours_unheard(
    stripe: Sandbox, staff: APIClient, purchase: Json, fault: str = "before", **body: Any
) -> None:
    """Staff refunds, and the answer is lost: before Stripe has done it, or after."""
    stripe.faults.add(f"timeout_{fault}", "POST /v1/refunds")
    assert buying.refund(staff, purchase, **body)["status"] == "requested"
    stripe.faults.clear()


def all_arrives(stripe: Sandbox, first: str, arrange: Callable[[list[Delivery]], list[Delivery]]) -> None:
    if first == "our job":
        run_jobs()
    deliver(stripe, arrange)
    settle_everything(stripe)


def refunds(status: str = "succeeded") -> list[tuple[str, int, int]]:
    rows = Refund.objects.filter(status=status).order_by("id")
    return list(rows.values_list("origin", "card_minor", "credits_minor"))


def subjects(mailoutbox: list[Any], part: str) -> int:
    return sum(part in mail.subject for mail in mailoutbox)


@FIRST
def test_late_money_refunded_in_the_dashboard_returns_the_spent_credits_no_second_time(
    stripe: Sandbox, buyer: APIClient, purchase: Json, first: str
) -> None:
    intent = client.retrieve_intent(purchase["payment_intent_id"])
    settle([StripeObservation(replace(intent, status="canceled"), "the hold ended")], at=clock.now())
    assert (status_of(purchase), buying.balance(buyer)) == ("canceled", "20.00")
    stripe.control.confirm(purchase["payment_intent_id"], card=FINE)
    deliver(stripe)
    assert status_of(purchase) == "paid"
    stripe.control.refund(purchase["payment_intent_id"])  # staff is faster than our own refund
    all_arrives(stripe, first, list)
    assert (status_of(purchase), order_of(purchase).refunded_minor, buying.balance(buyer)) == (
        "refunded",
        8000,
        "20.00",
    )
    assert refunds() == [("dashboard", 8000, 0)]
    assert refunds("failed") == [("automatic", 8000, 0)]


@pytest.mark.exhaustive(one_in=3)
@EVENTS
@FIRST
def test_late_money_of_which_the_dashboard_refunds_parts_first_goes_back_in_full_all_the_same(
    stripe: Sandbox,
    settings: Settings,
    purchase: Json,
    mailoutbox: list[Any],
    first: str,
    arrange: Callable[[list[Delivery]], list[Delivery]],
) -> None:
    settings.STAFF_MAIL = "staff@estuary.example"
    intent = client.retrieve_intent(purchase["payment_intent_id"])
    settle([StripeObservation(replace(intent, status="canceled"), "the hold ended")], at=clock.now())
    stripe.control.confirm(purchase["payment_intent_id"], card=FINE)
    deliver(stripe)
    for cents in (1, 99):
        stripe.control.refund(purchase["payment_intent_id"], cents)
    all_arrives(stripe, first, arrange)
    assert (status_of(purchase), order_of(purchase).refunded_minor) == ("refunded", 8000)
    assert sorted(refunds()) == [("automatic", 7900, 0), ("dashboard", 1, 0), ("dashboard", 99, 0)]
    assert subjects(mailoutbox, "refund_failed") == 0


@pytest.mark.exhaustive(one_in=3)
@EVENTS
@FIRST
def test_a_full_refund_of_ours_that_the_dashboard_overtakes_still_returns_the_credits(
    stripe: Sandbox,
    buyer: APIClient,
    staff: APIClient,
    purchase: Json,
    mailoutbox: list[Any],
    first: str,
    arrange: Callable[[list[Delivery]], list[Delivery]],
) -> None:
    pay(stripe, purchase)
    ours_unheard(stripe, staff, purchase)
    stripe.control.refund(purchase["payment_intent_id"])
    all_arrives(stripe, first, arrange)
    assert (status_of(purchase), order_of(purchase).refunded_minor, buying.balance(buyer)) == (
        "refunded",
        10000,
        "20.00",
    )
    assert refunds() == [("dashboard", 8000, 2000)]
    assert refunds("failed") == [("staff", 8000, 2000)]
    assert Booking.objects.get().status == "canceled"
    assert subjects(mailoutbox, "did not go through") == 0


@pytest.mark.exhaustive(one_in=3)
@EVENTS
@FIRST
def test_a_partial_refund_of_ours_that_the_dashboard_overtakes_gives_no_credits_unasked(
    stripe: Sandbox,
    buyer: APIClient,
    staff: APIClient,
    purchase: Json,
    mailoutbox: list[Any],
    first: str,
    arrange: Callable[[list[Delivery]], list[Delivery]],
) -> None:
    pay(stripe, purchase)
    ours_unheard(stripe, staff, purchase, amount="50.00")
    stripe.control.refund(purchase["payment_intent_id"], 4000)
    all_arrives(stripe, first, arrange)
    assert (status_of(purchase), order_of(purchase).refunded_minor, buying.balance(buyer)) == (
        "partially_refunded",
        4000,
        "0.00",
    )
    assert refunds() == [("dashboard", 4000, 0)]
    assert subjects(mailoutbox, "did not go through") == 1  # what staff had promised did not go back
    buying.refund(staff, purchase)
    settle_everything(stripe)
    assert (status_of(purchase), buying.balance(buyer)) == ("refunded", "20.00")


@pytest.mark.exhaustive(one_in=3)
@EVENTS
@FIRST
@pytest.mark.parametrize("answer", ["before", "after"])
def test_the_dashboard_that_refunds_what_ours_leaves_of_the_charge_gives_no_credits_in_any_order(
    stripe: Sandbox,
    buyer: APIClient,
    staff: APIClient,
    purchase: Json,
    answer: str,
    first: str,
    arrange: Callable[[list[Delivery]], list[Delivery]],
) -> None:
    pay(stripe, purchase)
    ours_unheard(stripe, staff, purchase, answer, amount="50.00")
    stripe.control.refund(purchase["payment_intent_id"], 3000)
    all_arrives(stripe, first, arrange)
    assert (status_of(purchase), order_of(purchase).refunded_minor, buying.balance(buyer)) == (
        "partially_refunded",
        8000,
        "0.00",
    )
    assert refunds() == [("staff", 5000, 0), ("dashboard", 3000, 0)]
    buying.refund(staff, purchase)
    assert (status_of(purchase), buying.balance(buyer)) == ("refunded", "20.00")


def test_what_staff_refunds_of_the_card_after_the_dashboard_returns_no_credits_unasked(
    stripe: Sandbox, buyer: APIClient, staff: APIClient, purchase: Json
) -> None:
    pay(stripe, purchase)
    stripe.control.refund(purchase["payment_intent_id"], 3000)
    settle_everything(stripe)
    buying.refund(staff, purchase, amount="50.00")
    settle_everything(stripe)
    assert (status_of(purchase), buying.balance(buyer)) == ("partially_refunded", "0.00")
    assert refunds() == [("dashboard", 3000, 0), ("staff", 5000, 0)]


@pytest.mark.exhaustive(one_in=3)
@EVENTS
@FIRST
def test_a_pending_refund_of_the_dashboard_that_overtakes_ours_returns_the_credits_when_it_succeeds(
    stripe: Sandbox,
    buyer: APIClient,
    staff: APIClient,
    purchase: Json,
    mailoutbox: list[Any],
    first: str,
    arrange: Callable[[list[Delivery]], list[Delivery]],
) -> None:
    pay(stripe, purchase, REFUND_PENDS)
    ours_unheard(stripe, staff, purchase)
    there = stripe.control.refund(purchase["payment_intent_id"])
    all_arrives(stripe, first, arrange)
    assert (status_of(purchase), buying.balance(buyer)) == ("completed", "0.00")
    assert subjects(mailoutbox, "did not go through") == 0  # it is on its way
    stripe.control.succeed_refund(there["id"])
    settle_everything(stripe)
    assert (status_of(purchase), buying.balance(buyer)) == ("refunded", "20.00")
    assert refunds() == [("dashboard", 8000, 2000)]


def test_a_refund_that_overtook_ours_and_is_returned_by_its_bank_takes_its_credits_back(
    stripe: Sandbox, buyer: APIClient, staff: APIClient, purchase: Json, mailoutbox: list[Any]
) -> None:
    pay(stripe, purchase)
    ours_unheard(stripe, staff, purchase)
    there = stripe.control.refund(purchase["payment_intent_id"])
    settle_everything(stripe)
    stripe.control.fail_refund(there["id"])
    settle_everything(stripe)
    assert (status_of(purchase), order_of(purchase).refunded_minor, buying.balance(buyer)) == (
        "completed",
        0,
        "0.00",
    )
    assert subjects(mailoutbox, "did not go through") == 1
    buying.refund(staff, purchase)
    settle_everything(stripe)
    assert (status_of(purchase), buying.balance(buyer)) == ("refunded", "20.00")


def test_a_refund_that_stripe_made_unheard_is_found_when_a_later_try_is_refused(
    stripe: Sandbox, buyer: APIClient, staff: APIClient, purchase: Json
) -> None:
    pay(stripe, purchase)
    ours_unheard(stripe, staff, purchase, "after")
    stripe.control.lose_events()
    Refund.objects.update(attempt=2)  # its key is another one now, so Stripe says: refunded already
    settle_everything(stripe)
    assert (status_of(purchase), buying.balance(buyer)) == ("refunded", "20.00")
    assert refunds() == [("staff", 8000, 2000)]


@pytest.mark.exhaustive(one_in=3)
@FIRST
@EVENTS
@pytest.mark.parametrize("answer", ["before", "after"])
def test_a_part_refund_of_ours_not_answered_yet_while_the_dashboard_refunds_all_of_the_payment(
    stripe: Sandbox,
    buyer: APIClient,
    staff: APIClient,
    purchase: Json,
    mailoutbox: list[Any],
    settings: Settings,
    answer: str,
    first: str,
    arrange: Callable[[list[Delivery]], list[Delivery]],
) -> None:
    """Stripe never returns more than it took, our rows end as its own, and staff are told what became of theirs."""
    settings.STAFF_MAIL = "staff@estuary.example"
    pay(stripe, purchase)
    ours_unheard(stripe, staff, purchase, answer, amount="30.00")
    stripe.control.refund(purchase["payment_intent_id"])  # all that is left, as the dashboard offers it
    mailoutbox.clear()
    all_arrives(stripe, first, arrange)
    charged = {one["payment_intent"]: one for one in stripe.state.store.charges}[
        purchase["payment_intent_id"]
    ]
    assert (charged["amount"], charged["amount_refunded"]) == (8000, 8000)
    there = sorted(one["amount"] for one in stripe.state.store.refunds)
    assert sorted(card_minor for _, card_minor, _ in refunds()) == there
    if answer == "after":  # Stripe had made ours, and the dashboard returned the rest
        assert (there, refunds("failed")) == ([3000, 5000], [])
        assert (status_of(purchase), buying.balance(buyer)) == ("partially_refunded", "0.00")
        return
    assert (there, refunds("failed")) == ([8000], [("staff", 3000, 0)])
    assert (status_of(purchase), order_of(purchase).refunded_minor, buying.balance(buyer)) == (
        "refunded",
        10000,
        "20.00",
    )
    assert subjects(mailoutbox, "refund_overtaken") == 1
    assert subjects(mailoutbox, "did not go through") == 0  # the buyer has the money
