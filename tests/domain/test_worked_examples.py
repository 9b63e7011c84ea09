"""The worked examples in the docstrings of the money rules, with their figures."""

from dataclasses import replace
from datetime import timedelta

import pytest

from estuary.bookings.models import Booking
from estuary.orders.models import OrderType
from estuary.orders.states import Status
from estuary.payments.models import Dispute, Refund
from estuary.payments.refunds.cancellation_policy import compute_refund
from estuary.payments.settlement.effects import PostCredits
from estuary.payments.settlement.rules import disputes as dispute_rules
from estuary.payments.settlement.rules import refund_credits
from estuary.payments.settlement.rules import refunds as refund_rules
from estuary.payments.settlement.rules.dispute_amounts import with_dispute_amounts
from estuary.payments.settlement.state import BookingState, DisputeState, RefundState
from tests.order_states import AT, a_refund, an_order

NOTICE = timedelta(hours=24)
SUCCEEDED, PENDING, FAILED = Refund.Status.SUCCEEDED, Refund.Status.PENDING, Refund.Status.FAILED


def a_dispute(number: int, amount_minor: int, status: Dispute.Status) -> DisputeState:
    return DisputeState(
        id=f"dp_{number}",
        charge_id="ch_x",
        intent_id="pi_x",
        status=status,
        reason="general",
        amount_minor=amount_minor,
        currency="usd",
        refundable=False,
        due_by=None,
        opened_at=AT,
    )


def a_bundle() -> list[Booking]:
    """Return five paid sessions of 20.00 and a bonus session."""
    return [
        Booking(pk=number, position=number, amount_minor=minor, status=Booking.Status.CONFIRMED)
        for number, minor in enumerate([2000] * 5 + [0], start=1)
    ]


def attend(part: Booking) -> None:
    part.starts_at, part.status = AT - timedelta(days=1), Booking.Status.COMPLETED


@pytest.mark.parametrize(("is_bonus_used", "returned_minor"), [(False, 6000), (True, 4000)])
def test_a_used_bonus_holds_back_one_share(is_bonus_used: bool, returned_minor: int) -> None:
    parts = a_bundle()
    for part in [*parts[:2], *(parts[5:] if is_bonus_used else [])]:
        attend(part)
    breakdown = compute_refund(parts, parts[2:5], refunded={}, bundle=True, notice=NOTICE, at=AT)
    assert sum(part.amount_minor for part in breakdown.returned) == breakdown.max_minor == returned_minor
    assert breakdown.also_canceled == (() if is_bonus_used else (parts[5],))


def test_a_refund_by_name_counts_against_the_shares() -> None:
    parts = a_bundle()
    attend(parts[5])
    breakdown = compute_refund(parts, parts[:5], refunded={1: 2000}, bundle=True, notice=NOTICE, at=AT)
    assert breakdown.max_minor == 6000


def test_disputes_lie_end_to_end_on_the_captured_money() -> None:
    lost, open_ = (
        a_dispute(1, 5000, Dispute.Status.LOST),
        a_dispute(2, 4000, Dispute.Status.NEEDS_RESPONSE),
    )
    order = with_dispute_amounts(
        an_order(
            kind=OrderType.CREDIT,
            credit_amount_minor=12000,
            refunds=(a_refund(1, 3000),),
            disputes=(lost, open_),
        )
    )
    assert order.lost_minor == 5000
    assert [(one.clawed_minor, one.frozen_minor) for one in order.disputes] == [(6000, 0), (0, 2400)]


def test_a_refund_lowers_what_a_dispute_takes() -> None:
    lost = a_dispute(1, 10000, Dispute.Status.LOST)
    assert with_dispute_amounts(an_order(disputes=(lost,))).lost_minor == 10000
    assert with_dispute_amounts(an_order(disputes=(lost,), refunds=(a_refund(1, 3000),))).lost_minor == 7000


@pytest.mark.parametrize(
    ("refunds", "credits"),
    [
        ([a_refund(1, 7000)], [3000]),
        ([a_refund(1, 4000)], [0]),
        ([a_refund(1, 4000), a_refund(2, 3000, PENDING)], [0, 3000]),
        ([a_refund(1, 4000), a_refund(2, 3000, FAILED)], [0, 0]),
        ([a_refund(1, 0, credits_minor=1000, origin=Refund.Origin.STAFF), a_refund(2, 7000)], [1000, 2000]),
    ],
    ids=["all", "a part", "the rest is pending", "the rest failed", "some credits went back before"],
)
def test_credits_follow_when_the_dashboard_refunds_all_of_the_card(
    refunds: list[RefundState], credits: list[int]
) -> None:
    order = an_order(captured_minor=7000, amount_due_minor=7000, credits_applied_minor=3000)
    updated = refund_credits.with_dashboard_credits(order, refunds)
    assert [refund.credits_minor for refund in updated] == credits


def test_bought_credits_are_taken_back_in_proportion() -> None:
    order = an_order(kind=OrderType.CREDIT, credit_amount_minor=12000)
    first, second = a_refund(1, 3000), a_refund(2, 7000)
    effects = [
        *refund_credits.credit_movements(order, [first], first, True),
        *refund_credits.credit_movements(order, [first, second], second, True),
    ]
    assert [effect.amount_minor for effect in effects if isinstance(effect, PostCredits)] == [-3600, -8400]


def test_the_rest_of_a_late_payment_is_refunded() -> None:
    failed = a_refund(2, 5000, FAILED, origin=Refund.Origin.STAFF, stripe_refund_id="")
    order = an_order(
        status=Status.PAID,
        is_fulfilled=False,
        captured_minor=5000,
        refunds=(a_refund(1, 2000), replace(failed, status=Refund.Status.REQUESTED)),
    )
    assert refund_rules._remaining_to_return(order, failed) == 3000


def test_spent_credits_pay_for_what_was_used_before_a_dispute_was_lost() -> None:
    order = an_order(captured_minor=6000, amount_due_minor=6000, credits_applied_minor=4000)
    ending = [BookingState(number, 1, 2500, Booking.Status.CONFIRMED, True) for number in (2, 3, 4)]
    assert dispute_rules._unused_credits_minor(order, ending) == 1500
