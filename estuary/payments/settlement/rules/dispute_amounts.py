"""What is at stake in disputes: of the card's money, and of the credits that it bought.

Everything is a function of three sums: what was captured, what was refunded of it, and what the disputes ask for. They
are laid end to end, refunds first, then disputes that were lost, then those that are open, and end where the captured
money ends. So no order of the news comes to another figure, and nothing is taken twice.
"""

from dataclasses import replace

from estuary.common.money import proportion
from estuary.payments.models import Dispute, Refund
from estuary.payments.settlement.state import DisputeState, OrderState

State = Dispute.Status
CLOSED = frozenset({State.WARNING_CLOSED, State.PREVENTED, State.WON, State.LOST})


def with_dispute_amounts(order: OrderState) -> OrderState:
    """Return the order with its flag, its lost money and each dispute's share as its sums have them."""
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
    """Return what has gone back of the order's own payment, in minor units."""
    succeeded = (
        refund for refund in order.refunds if refund.status == Refund.Status.SUCCEEDED and not refund.stray
    )
    return sum(refund.card_minor for refund in succeeded)


def _effective(order: OrderState) -> list[DisputeState]:
    """Return the disputes of the order's own payment that are open or were lost."""
    return [d for d in order.disputes if not d.stray and (d.status == State.LOST or d.status not in CLOSED)]


def _sort_key(dispute: DisputeState) -> tuple[object, ...]:
    return (dispute.status != State.LOST, dispute.opened_at, dispute.id)


def _disputed_minor(order: OrderState, dispute: DisputeState) -> int:
    """A bank may ask in a currency of its own; then all of the payment is at stake."""
    return dispute.amount_minor if dispute.currency == order.currency else order.captured_minor


def _credits_for(order: OrderState, card_minor: int) -> int:
    """Return the credits that so much of the card's money bought."""
    if not (order.is_credit and order.is_fulfilled and order.captured_minor):
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
