"""The rules of disputes: what a bank's asking for a payment back means for the order. Pure functions.

Opened, the order is flagged and the credits it bought are frozen. Won, or an inquiry closed: all as before. Lost: the
credits are taken back, and what lies ahead is canceled once the whole of the card's money is gone. See
docs/decisions/0011-disputes.md.
"""

from dataclasses import replace

from estuary.bookings.models import ACTIVE
from estuary.common.money import display
from estuary.credits.ledger import Kind
from estuary.orders.states import Status
from estuary.payments.models import Dispute, Refund
from estuary.payments.settlement.effects import (
    AlertStaff,
    CancelBookings,
    ChangeStatus,
    Effect,
    FreezeCredits,
    MarkDisputed,
    NotifyBuyer,
    OpenRefund,
    PostCredits,
    RecordDispute,
    RecordRefunded,
    SetRefundCredits,
    UpdateRefund,
)
from estuary.payments.settlement.facts import FetchRequired
from estuary.payments.settlement.rules.dispute_amounts import (
    CLOSED,
    card_refunded_minor,
    with_dispute_amounts,
)
from estuary.payments.settlement.state import BookingState, DisputeState, OrderState, RefundState
from estuary.payments.stripe_objects import StripeDispute

State = Dispute.Status
# Between late events the further one stands: an inquiry may become a dispute, and a closed one never opens again.
RANK = {
    State.WARNING_NEEDS_RESPONSE: 0,
    State.WARNING_UNDER_REVIEW: 1,
    State.NEEDS_RESPONSE: 2,
    State.UNDER_REVIEW: 3,
    State.APPEAL_NEEDS_RESPONSE: 4,
    State.APPEAL_UNDER_REVIEW: 5,
    State.WARNING_CLOSED: 6,
    State.PREVENTED: 6,
    State.WON: 7,
    State.LOST: 7,
}
LIVE_REFUNDS = frozenset({Refund.Status.REQUESTED, Refund.Status.PENDING, Refund.Status.SUCCEEDED})


def decide_dispute(
    order: OrderState, dispute: StripeDispute, cause: str, *, fetched: bool
) -> list[Effect] | FetchRequired:
    """Return what Stripe's dispute changes. Two stories of one rank, such as won and lost: Stripe is asked."""
    if not order.captured_minor and not fetched:
        return FetchRequired("dispute", dispute.id)
    told, known = _state_from_stripe(order, dispute), _find_dispute(order, dispute.id)
    if known is not None:
        told = replace(
            told,
            stray=known.stray,
            frozen_minor=known.frozen_minor,
            clawed_minor=known.clawed_minor,
            lost_minor=known.lost_minor,
            revision=known.revision,
        )
        if told == known or RANK[told.status] < RANK[known.status]:
            return []
        if RANK[told.status] == RANK[known.status] and not fetched:
            return FetchRequired("dispute", dispute.id)
        told = replace(told, revision=known.revision + 1)
    others = tuple(other for other in order.disputes if other.id != told.id)
    after = with_dispute_amounts(replace(order, disputes=(*others, told)))
    effects = _change_effects(order, after, cause, f"dispute:{told.id}:{told.revision}")
    return [*effects, *_notices(order, after, known, told)]


def apply_refund_to_disputes(order: OrderState, effects: list[Effect], cause: str) -> list[Effect]:
    """Return what a refund changes about the disputes beside it: what went back is no longer at stake."""
    if not order.disputes or not effects:
        return []
    status, refunds, name = order.status, {known.id: known for known in order.refunds}, ""
    for effect in effects:
        match effect:
            case ChangeStatus():
                status = effect.status
            case UpdateRefund():
                known = refunds[effect.refund_id]
                refunds[known.id] = replace(known, status=effect.status)
                name = f"dispute_beside:{known.public_id}:{effect.status}"
            case SetRefundCredits():
                refunds[effect.refund_id] = replace(
                    refunds[effect.refund_id], credits_minor=effect.credits_minor
                )
            case OpenRefund():
                refunds[0] = _state_from_effect(effect)
                name = f"dispute_beside:{effect.stripe_refund_id}:{effect.status}"
    after = with_dispute_amounts(replace(order, refunds=tuple(refunds.values()), status=status))
    return _change_effects(order, after, cause, name)


def _state_from_effect(effect: OpenRefund) -> RefundState:
    return RefundState(
        id=0,
        public_id=effect.stripe_refund_id,
        stripe_refund_id=effect.stripe_refund_id,
        intent_id=effect.intent_id,
        card_minor=effect.card_minor,
        credits_minor=effect.credits_minor,
        status=effect.status,
        booking_id=None,
        cancels=False,
        stray=effect.stray,
    )


def _state_from_stripe(order: OrderState, dispute: StripeDispute) -> DisputeState:
    known_status = dispute.status in State.values
    return DisputeState(
        id=dispute.id,
        charge_id=dispute.charge_id,
        intent_id=dispute.intent_id,
        # A status that is new at Stripe is none of those that end a dispute, as far as we know.
        status=State(dispute.status) if known_status else State.UNDER_REVIEW,
        reason=dispute.reason,
        amount_minor=dispute.amount_minor,
        currency=dispute.currency,
        refundable=dispute.refundable,
        due_by=dispute.due_by,
        opened_at=dispute.opened_at,
        stray=order.intent_id != dispute.intent_id or not order.captured_minor,
    )


def _find_dispute(order: OrderState, dispute_id: str) -> DisputeState | None:
    return next((known for known in order.disputes if known.id == dispute_id), None)


def _change_effects(before: OrderState, after: OrderState, cause: str, name: str) -> list[Effect]:
    """Return the effects that lead from one standing of an order to the next; ``name`` is unique to this step."""
    effects: list[Effect] = [
        RecordDispute(dispute) for dispute in after.disputes if dispute not in before.disputes
    ]
    if (before.disputed, before.lost_minor) != (after.disputed, after.lost_minor):
        effects.append(MarkDisputed(after.disputed, after.lost_minor))
    if frozen := _frozen_minor(after) - _frozen_minor(before):
        effects.append(FreezeCredits(frozen))
    if clawed := _clawed_minor(after) - _clawed_minor(before):
        note = (
            "Taken back: your bank returned the payment" if clawed > 0 else "Given back: a dispute takes less"
        )
        effects.append(PostCredits(Kind.ADJUSTMENT, -clawed, name, note))
    if is_wholly_lost(after) and not is_wholly_lost(before):
        effects += [
            *_cancel_future_bookings(after, cause, name),
            *([NotifyBuyer("dispute_lost")] if after.handed_over else []),
        ]
    return effects


def _frozen_minor(order: OrderState) -> int:
    return sum(dispute.frozen_minor for dispute in order.disputes)


def _clawed_minor(order: OrderState) -> int:
    return sum(dispute.clawed_minor for dispute in order.disputes)


def is_wholly_lost(order: OrderState) -> bool:
    """Whether nothing is left of the card's money, and some of it went to a dispute."""
    return order.lost_minor > 0 and card_refunded_minor(order) + order.lost_minor >= order.captured_minor


def _cancel_future_bookings(order: OrderState, cause: str, name: str) -> list[Effect]:
    """Cancel what lies ahead, and return the credits that paid for more than what was used."""
    ahead = [booking for booking in order.bookings if booking.ahead]
    root = next((booking for booking in order.bookings if booking.parent_id is None), None)
    inside = [booking for booking in ahead if booking.parent_id]
    if root is None or not ahead or (len(order.bookings) > 1 and not inside):
        return []
    named = (root.id,) if root.status in ACTIVE else tuple(booking.id for booking in inside)
    returned = _unused_credits_minor(order, inside or [root])
    return [CancelBookings(named), *(_return_credits(order, returned, cause, name) if returned else [])]


def _unused_credits_minor(order: OrderState, ending: list[BookingState]) -> int:
    """What was used is valued first: the credits that were spent pay for it, and what they did not pay for returns."""
    live = [known for known in order.refunds if known.status in LIVE_REFUNDS and not known.stray]
    returned = sum(known.card_minor + known.credits_minor for known in live)
    by_name = {
        booking.id: sum(r.card_minor + r.credits_minor for r in live if r.booking_id == booking.id)
        for booking in ending
    }
    ends_minor = sum(max(booking.amount_minor - by_name[booking.id], 0) for booking in ending)
    used_minor = max(order.total_minor - returned - ends_minor, 0)
    credits_left = order.credits_applied_minor - sum(known.credits_minor for known in live)
    return min(max(credits_left - used_minor, 0), ends_minor)


def _return_credits(order: OrderState, credits_minor: int, cause: str, name: str) -> list[Effect]:
    done = sum(
        known.card_minor + known.credits_minor
        for known in order.refunds
        if known.status == Refund.Status.SUCCEEDED and not known.stray
    )
    effects: list[Effect] = [
        OpenRefund(
            card_minor=0,
            credits_minor=credits_minor,
            origin=Refund.Origin.AUTOMATIC,
            status=Refund.Status.SUCCEEDED,
            reason="The card's part was lost to a dispute; what lay ahead is canceled",
            intent_id=order.intent_id,
            cause=cause,
        ),
        PostCredits(
            Kind.REFUND, credits_minor, f"return:{name}"[:64], f"Returned: {order.title} was canceled"
        ),
        RecordRefunded(done + credits_minor),
    ]
    return [
        *effects,
        *([ChangeStatus(Status.PARTIALLY_REFUNDED, cause)] if order.status == Status.COMPLETED else []),
    ]


def _notices(
    before: OrderState, after: OrderState, known: DisputeState | None, told: DisputeState
) -> list[Effect]:
    """Staff hear of a dispute when it opens and when it is decided, once each."""
    alerts: list[Effect] = []
    asked = display(told.amount_minor, told.currency)
    if known is None:
        until = f" by {told.due_by:%d %b %Y, %H:%M} UTC" if told.due_by else ""
        text = f"{before.public_id}: {told.id} disputes {asked} as {told.reason.replace('_', ' ')}."
        answer = "" if told.status in CLOSED else f" Answer it in Stripe's dashboard{until}."
        alerts.append(AlertStaff("dispute_opened", text + answer))
    if told.status in CLOSED and (known is None or known.status != told.status):
        text = f"{before.public_id}: {told.id} over {asked} is {told.status.label}. "
        alerts.append(AlertStaff("dispute_closed", text + _describe_result(after, known, told)))
    return alerts


def _describe_result(after: OrderState, known: DisputeState | None, told: DisputeState) -> str:
    if known is not None and known.status == State.LOST:
        return "It had been lost before: what was canceled then stays canceled; see to the buyer."
    if told.status != State.LOST or told.stray:
        return "Nothing was taken."
    if is_wholly_lost(after):
        return "The payment is gone; bookings that lay ahead are canceled, and credits bought are taken back."
    return "Only a part of the payment is gone: the bookings stand until you decide."
