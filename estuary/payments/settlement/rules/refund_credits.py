"""The rules of a refund's credits: spent ones go back with it, bought ones are taken back."""

import math
from dataclasses import replace

from estuary.common.money import proportion
from estuary.credits.ledger import Kind
from estuary.notifications.order_mail_texts import OrderMail
from estuary.orders.models import OrderType
from estuary.orders.states import Status
from estuary.payments.models import Refund
from estuary.payments.settlement.effects import (
    ChangeStatus,
    NotifyBuyer,
    OpenRefund,
    PostCredits,
    RecordRefunded,
)
from estuary.payments.settlement.rules.dispute_amounts import succeeded_refunds
from estuary.payments.settlement.state import Effect, OrderState, RefundState

State = Refund.Status


def own_refunds_with(order: OrderState, after: RefundState) -> list[RefundState]:
    """Return the refunds of the order's own payment, oldest first, with ``after`` in its place or as the newest."""
    refunds = [after if refund.id == after.id else refund for refund in order.refunds]
    refunds += [] if after.id else [after]
    return [refund for refund in refunds if not refund.unmatched]


def with_dashboard_credits(order: OrderState, refunds: list[RefundState]) -> list[RefundState]:
    """Return the refunds with the credits that dashboard refunds take along: all that are due, on one refund, or none.

    Stripe's dashboard knows no credits. They follow only when dashboard refunds return all of the captured money.
    Our own refunds do not count towards that sum: staff or buyer chose the credit part of those.

    70.00 was paid by card and 30.00 with credits:

    - The dashboard refunds 70.00: the credits, 30.00, go back with it.
    - The dashboard refunds 40.00: no credits go back.
    - 40.00 has succeeded and 30.00 is pending: the credits go back with the pending refund, once it succeeds.
      If it fails, no credits go back.
    - We had returned 10.00 of credits ourselves, then the dashboard refunds 70.00: the other 20.00 goes back.
    """
    dashboard = [r for r in refunds if r.from_dashboard and r.status in Refund.KNOWN_TO_STRIPE]
    succeeded = [refund for refund in dashboard if refund.status == State.SUCCEEDED]
    is_all_returned = order.is_fulfilled and 0 < order.captured_minor <= stripe_minor(dashboard)
    other_credits_minor = sum(
        r.credits_minor for r in refunds if r.status in Refund.KNOWN_TO_STRIPE and not r.from_dashboard
    )
    due_minor = max(order.credits_applied_minor - other_credits_minor, 0) if is_all_returned else 0
    eligible = (
        succeeded
        if stripe_minor(succeeded) >= order.captured_minor
        else [r for r in dashboard if r not in succeeded]
    )
    # The refund that has the credits keeps them, otherwise the newest gets them: the sums are the same.
    carrier = max(eligible, key=lambda r: (r.credits_minor, r.id or math.inf), default=None)
    return [
        replace(r, credits_minor=due_minor if r is carrier else 0) if r in dashboard else r for r in refunds
    ]


def stripe_minor(refunds: list[RefundState]) -> int:
    return sum(refund.card_minor for refund in refunds)


def find_moved_credits(
    refunds: list[RefundState], updated: list[RefundState], after: RefundState
) -> tuple[int, RefundState | None]:
    """Return the credits that move with other refunds that had succeeded, and the last of these refunds.

    The sum, in minor units, is negative when credits that had gone back are taken again.
    """
    moved = [
        (new.credits_minor - old.credits_minor, new)
        for new, old in zip(updated, refunds, strict=True)
        if new.id != after.id and new.status == State.SUCCEEDED and new != old
    ]
    return sum(minor for minor, _ in moved), moved[-1][1] if moved else None


def post_moved_credits(order: OrderState, after: RefundState, amount_minor: int) -> PostCredits:
    """Move credits of a refund that had succeeded before.

    This can happen more than once, so the posting is named after the refund that caused it.
    """
    note = f"Refund of {order.title}" if amount_minor > 0 else f"The refund of {order.title} failed"
    return PostCredits(Kind.REFUND, amount_minor, f"refund_follows:{after.public_id}:{after.status}", note)


def credit_movements(
    order: OrderState, refunds: list[RefundState], after: RefundState, has_succeeded: bool
) -> list[Effect]:
    """Return the credits that move with one refund.

    - Spent credits go back with the refund.
    - Bought credits are taken back in proportion to all refunds so far. 100.00 bought 120.00 of credits: a refund of
      30.00 takes 36.00 back, and then one of 70.00 takes the other 84.00.
    """
    verb, sign = ("refund", 1) if has_succeeded else ("refund_undone", -1)
    effect = f"{verb}:{after.public_id}"
    if order.kind == OrderType.CREDIT:
        others = [refund for refund in refunds if refund.id != after.id and refund.status == State.SUCCEEDED]
        earlier_minor = sum(refund.card_minor for refund in others)
        total_minor = proportion(
            earlier_minor + after.card_minor, order.captured_minor, order.credit_amount_minor
        )
        amount_minor = total_minor - proportion(
            earlier_minor, order.captured_minor, order.credit_amount_minor
        )
        note = "Refunded to your card" if has_succeeded else "The refund to your card failed"
        return [PostCredits(Kind.REFUND, -sign * amount_minor, effect, note)] if amount_minor else []
    if not after.credits_minor:
        return []
    note = f"Refund of {order.title}" if has_succeeded else f"The refund of {order.title} failed"
    return [PostCredits(Kind.REFUND, sign * after.credits_minor, effect, note)]


def return_credits(
    order: OrderState, credits_minor: int, *, cause: str, name: str, booking_id: int | None = None
) -> list[Effect]:
    """Return the effects that give back credits beside a card payment that is lost, and that notify the buyer.

    ``name`` is unique to this step.
    """
    refunded_minor = sum(refund.amount_minor for refund in succeeded_refunds(order))
    return [
        OpenRefund(
            card_minor=0,
            credits_minor=credits_minor,
            origin=Refund.Origin.AUTOMATIC,
            status=Refund.Status.SUCCEEDED,
            reason="The card's part was lost to a dispute; the credits go back",
            intent_id=order.intent_id,
            booking_id=booking_id,
        ),
        PostCredits(
            Kind.REFUND, credits_minor, f"return:{name}"[:64], f"Returned: {order.title} was canceled"
        ),
        RecordRefunded(refunded_minor + credits_minor),
        *([ChangeStatus(Status.PARTIALLY_REFUNDED, cause)] if order.status == Status.COMPLETED else []),
        NotifyBuyer(OrderMail.REFUNDED),
    ]
