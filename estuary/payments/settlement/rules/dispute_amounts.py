"""Dispute amounts: the part of the card's money that each dispute takes, and the credits that this money had bought.

The amounts are placed end to end on the captured money:

1. refunds that succeeded,
2. disputes that were lost, the oldest first,
3. disputes that are open, the oldest first.

Whatever reaches beyond the captured money is cut off. Captured 100.00, refunded 30.00; dispute A over 50.00 is lost,
dispute B over 40.00 is open:

    0          30               80          100
    │ refunded │ A: 50.00 lost  │ B: 20.00  │  (the other 20.00 of B is cut off)

If these 100.00 bought 120.00 of credits, A takes back 60.00 of them and B freezes 24.00.

All figures follow from the sums of captured, refunded and disputed money. So the order of events does not matter,
and nothing is taken twice.
"""

from dataclasses import replace

from estuary.common.money import proportion
from estuary.orders.models import OrderType
from estuary.payments.models import Dispute, Refund
from estuary.payments.settlement.state import DisputeState, OrderState, RefundState

State = Dispute.Status
CLOSED = frozenset({State.WARNING_CLOSED, State.PREVENTED, State.WON, State.LOST})


def with_dispute_amounts(order: OrderState) -> OrderState:
    """Return the order with its dispute flag, its lost money and each dispute's amounts computed afresh."""
    end, shares = card_refunded_minor(order), {}
    for dispute in sorted(_effective(order), key=_sort_key):
        start, end = end, min(end + _disputed_minor(order, dispute), order.captured_minor)
        shares[dispute.id] = (end - start, _credits_for(order, end) - _credits_for(order, start))
    disputes = tuple(_with_amounts(dispute, *shares.get(dispute.id, (0, 0))) for dispute in order.disputes)
    return replace(
        order,
        disputes=disputes,
        disputed=bool(shares),
        lost_minor=sum(dispute.lost_minor for dispute in disputes),
    )


def card_refunded_minor(order: OrderState) -> int:
    """Return what was refunded of the order's own payment to the card, in minor units."""
    return sum(refund.card_minor for refund in succeeded_refunds(order))


def succeeded_refunds(order: OrderState) -> list[RefundState]:
    """Return the refunds of the order's own payment that have succeeded."""
    return [r for r in order.refunds if r.status == Refund.Status.SUCCEEDED and not r.unmatched]


def _effective(order: OrderState) -> list[DisputeState]:
    """Return the disputes of the order's own payment that are open or were lost."""
    return [
        d for d in order.disputes if not d.unmatched and (d.status == State.LOST or d.status not in CLOSED)
    ]


def _sort_key(dispute: DisputeState) -> tuple[object, ...]:
    return (dispute.status != State.LOST, dispute.opened_at, dispute.id)


def _disputed_minor(order: OrderState, dispute: DisputeState) -> int:
    """Return the disputed amount; the whole payment when the bank disputes it in another currency."""
    return dispute.amount_minor if dispute.currency == order.currency else order.captured_minor


def _credits_for(order: OrderState, card_minor: int) -> int:
    """Return the credits that so much of the card's money bought; 0 unless it is a fulfilled order of credits."""
    if not (order.kind == OrderType.CREDIT and order.is_fulfilled and order.captured_minor):
        return 0
    return proportion(card_minor, order.captured_minor, order.credit_amount_minor)


def _with_amounts(dispute: DisputeState, card_minor: int, credits_minor: int) -> DisputeState:
    lost = dispute.status == State.LOST
    return replace(
        dispute,
        lost_minor=card_minor if lost else 0,
        clawed_minor=credits_minor if lost else 0,
        frozen_minor=0 if lost else credits_minor,
    )
