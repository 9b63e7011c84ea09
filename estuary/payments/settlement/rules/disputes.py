"""The rules of disputes: what a dispute (a chargeback) of the payment means for the order. Pure functions.

- Opened: the order is flagged, and the credits that it bought are frozen.
- Won, or an inquiry closed: everything is as before.
- Lost: these credits are taken back. Once all of the card's money is gone, future bookings are canceled.

See docs/decisions/0011-disputes.md.
"""

from dataclasses import asdict, replace

from estuary.bookings.models import ACTIVE
from estuary.common.money import display
from estuary.credits.ledger import Kind
from estuary.notifications.order_mail_texts import OrderMail
from estuary.payments.models import Dispute, Refund
from estuary.payments.settlement.effects import (
    AlertStaff,
    CancelBookings,
    ChangeStatus,
    FreezeCredits,
    MarkDisputed,
    NotifyBuyer,
    OpenRefund,
    PostCredits,
    RecordDispute,
    SetRefundCredits,
    UpdateRefund,
)
from estuary.payments.settlement.facts import FetchRequired, ObjectKind
from estuary.payments.settlement.rules.dispute_amounts import (
    CLOSED,
    card_refunded_minor,
    with_dispute_amounts,
)
from estuary.payments.settlement.rules.refund_credits import return_credits
from estuary.payments.settlement.state import BookingState, DisputeState, Effect, OrderState
from estuary.payments.stripe_objects import StripeDispute

State = Dispute.Status
# Of two events the status of higher rank wins, in whichever order they arrive. An inquiry may become a dispute; a
# closed dispute never opens again.
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


def decide_dispute(
    order: OrderState, dispute: StripeDispute, cause: str, *, fetched: bool
) -> list[Effect] | FetchRequired:
    """Return what Stripe's dispute changes.

    A later status replaces an earlier one. When two statuses are of one rank, such as won and lost, fetch the dispute.
    """
    if not order.captured_minor and not fetched:
        return FetchRequired(ObjectKind.DISPUTE, dispute.id)
    old = next((other for other in order.disputes if other.id == dispute.id), None)
    new = _state_from_stripe(order, dispute, old)
    if old is not None:
        if new == old or RANK[new.status] < RANK[old.status]:
            return []
        if RANK[new.status] == RANK[old.status] and not fetched:
            return FetchRequired(ObjectKind.DISPUTE, dispute.id)
        new = replace(new, revision=old.revision + 1)
    others = tuple(other for other in order.disputes if other.id != new.id)
    after = with_dispute_amounts(replace(order, disputes=(*others, new)))
    effects = _change_effects(order, after, cause, f"dispute:{new.id}:{new.revision}")
    return [*effects, *_notices(order, after, old, new)]


def apply_refund_to_disputes(order: OrderState, effects: list[Effect], cause: str) -> list[Effect]:
    """Return what the effects of a refund change about the disputes of the order: refunded money is no longer at stake.

    Captured 100.00, disputed 100.00: 100.00 is at stake. After a refund of 30.00 it is 70.00.
    """
    if not order.disputes or not effects:
        return []
    status, refunds, name = order.status, {refund.id: refund for refund in order.refunds}, ""
    for effect in effects:
        match effect:
            case ChangeStatus():
                status = effect.status
            case UpdateRefund():
                refund = refunds[effect.refund_id]
                refunds[refund.id] = replace(refund, status=effect.status)
                name = f"dispute_beside:{refund.public_id}:{effect.status}"
            case SetRefundCredits():
                refunds[effect.refund_id] = replace(
                    refunds[effect.refund_id], credits_minor=effect.credits_minor
                )
            case OpenRefund():
                refunds[0] = effect
                name = f"dispute_beside:{effect.stripe_refund_id}:{effect.status}"
    after = with_dispute_amounts(replace(order, refunds=tuple(refunds.values()), status=status))
    return _change_effects(order, after, cause, name)


def _state_from_stripe(order: OrderState, dispute: StripeDispute, old: DisputeState | None) -> DisputeState:
    """Return the dispute as Stripe shows it; what we computed for it before stays as in ``old``."""
    # A status that Stripe added later is taken for an open dispute.
    status = State(dispute.status) if dispute.status in State.values else State.UNDER_REVIEW
    shown = asdict(dispute) | {"status": status}
    if old:
        return replace(old, **shown)
    is_unmatched = order.intent_id != dispute.intent_id or not order.captured_minor
    return DisputeState(**shown, unmatched=is_unmatched)


def _change_effects(before: OrderState, after: OrderState, cause: str, name: str) -> list[Effect]:
    """Return the effects that lead from one state of an order to another; ``name`` is unique to this step."""
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
            *([NotifyBuyer(OrderMail.DISPUTE_LOST)] if after.is_fulfilled else []),
            *_cancel_future_bookings(after, cause, name),
        ]
    return effects


def _frozen_minor(order: OrderState) -> int:
    return sum(dispute.frozen_minor for dispute in order.disputes)


def _clawed_minor(order: OrderState) -> int:
    return sum(dispute.clawed_minor for dispute in order.disputes)


def is_wholly_lost(order: OrderState) -> bool:
    """Whether nothing is left of the card's money, and a dispute took some of it."""
    return order.lost_minor > 0 and card_refunded_minor(order) + order.lost_minor >= order.captured_minor


def _cancel_future_bookings(order: OrderState, cause: str, name: str) -> list[Effect]:
    """Cancel future bookings, and return the credits that paid for more than what was used."""
    upcoming = [booking for booking in order.bookings if booking.is_upcoming]
    root = next((booking for booking in order.bookings if booking.parent_id is None), None)
    parts = [booking for booking in upcoming if booking.parent_id]
    if root is None or not upcoming or (len(order.bookings) > 1 and not parts):
        return []
    booking_ids = (root.id,) if root.status in ACTIVE else tuple(booking.id for booking in parts)
    credits_minor = _unused_credits_minor(order, parts or [root])
    return [
        CancelBookings(booking_ids),
        *(return_credits(order, credits_minor, cause=cause, name=name) if credits_minor else []),
    ]


def _unused_credits_minor(order: OrderState, ending: list[BookingState]) -> int:
    """Return the credits that go back when the bookings ``ending`` are canceled, in minor units.

    The spent credits first pay for what was used; the rest goes back. A package of 4 sessions costs 100.00: 60.00 was
    paid by card and 40.00 with credits. After one session the 60.00 is lost to a dispute. The credits pay 25.00 for
    that session, so 15.00 goes back. What was called off, and is held back for the dispute, was not used either.
    """
    refunds = [r for r in order.refunds if r.status in Refund.OPEN_OR_SUCCEEDED and not r.unmatched]
    returned_minor = sum(refund.amount_minor for refund in refunds)
    held_back_minor = sum(booking.held_back_minor for booking in order.bookings)
    refunded_minor = {
        booking.id: sum(r.amount_minor for r in refunds if r.booking_id == booking.id) for booking in ending
    }
    ending_minor = sum(
        max(booking.amount_minor - refunded_minor[booking.id] - booking.held_back_minor, 0)
        for booking in ending
    )
    unused_minor = ending_minor + held_back_minor
    used_minor = max(order.total_minor - returned_minor - unused_minor, 0)
    credits_left = order.credits_applied_minor - sum(refund.credits_minor for refund in refunds)
    return min(max(credits_left - used_minor, 0), unused_minor)


def _notices(
    before: OrderState, after: OrderState, old: DisputeState | None, new: DisputeState
) -> list[Effect]:
    """Alert staff when a dispute opens and when it is decided, once each."""
    alerts: list[Effect] = []
    amount = display(new.amount_minor, new.currency)
    if old is None:
        until = f" by {new.due_by:%d %b %Y, %H:%M} UTC" if new.due_by else ""
        text = f"{before.public_id}: {new.id} disputes {amount} as {new.reason.replace('_', ' ')}."
        action = "" if new.status in CLOSED else f" Answer it in Stripe's dashboard{until}."
        alerts.append(AlertStaff("dispute_opened", text + action))
    if new.status in CLOSED and (old is None or old.status != new.status):
        text = f"{before.public_id}: {new.id} over {amount} is {new.status.label}. "
        alerts.append(AlertStaff("dispute_closed", text + _describe_result(after, old, new)))
    return alerts


def _describe_result(after: OrderState, old: DisputeState | None, new: DisputeState) -> str:
    if old is not None and old.status == State.LOST:
        return "It had been lost before: bookings canceled then stay canceled; contact the buyer."
    if new.status != State.LOST or new.unmatched:
        return "Nothing was taken."
    if is_wholly_lost(after):
        return "The payment is gone; bookings that lay ahead are canceled, and credits bought are taken back."
    return "Only a part of the payment is gone: the bookings stand until you decide."
