"""The rules of refunds: what one refund changes about its order. Pure functions.

Every figure is computed from the sum of all refunds, never from the last one. So the order of events does not matter.
"""

from dataclasses import replace

from estuary.bookings.models import ACTIVE, Booking
from estuary.common.money import display
from estuary.notifications.order_mail_texts import OrderMail
from estuary.orders.states import Status
from estuary.payments.models import Dispute, Refund
from estuary.payments.settlement.effects import (
    AlertStaff,
    CancelBookings,
    ChangeStatus,
    NotifyBuyer,
    OpenRefund,
    RecordRefunded,
    SetBookingStatus,
    SetRefundCredits,
    UpdateRefund,
)
from estuary.payments.settlement.rules.dispute_amounts import CLOSED, with_dispute_amounts
from estuary.payments.settlement.rules.orders import open_automatic_refund
from estuary.payments.settlement.rules.refund_credits import (
    State,
    credit_movements,
    find_moved_credits,
    own_refunds_with,
    post_moved_credits,
    return_credits,
    stripe_minor,
    with_dashboard_credits,
)
from estuary.payments.settlement.state import BookingState, Effect, OrderState, RefundState
from estuary.payments.stripe_objects import StripeRefund

RANK = {State.REQUESTED: 0, State.PENDING: 1, State.SUCCEEDED: 2, State.FAILED: 3, State.CANCELED: 3}
STATUS_FROM_STRIPE = {
    "pending": State.PENDING,
    "requires_action": State.PENDING,
    "succeeded": State.SUCCEEDED,
    "failed": State.FAILED,
    "canceled": State.CANCELED,
}


def decide_refund(order: OrderState, refund: StripeRefund, cause: str) -> list[Effect]:
    """Return what Stripe's refund means: ours changes its status, or one that was started elsewhere is adopted."""
    status = STATUS_FROM_STRIPE.get(refund.status, State.PENDING)
    existing = find_refund(order, refund)
    if existing is None:
        return _adopt_from_stripe(order, refund, status, cause)
    if existing.stripe_refund_id and not refund.id:
        # One attempt was refused, but another had created the refund.
        return []
    if RANK[status] <= RANK[existing.status]:
        if existing.stripe_refund_id:
            return []
        return [UpdateRefund(existing.id, existing.status, refund.id)]
    update = UpdateRefund(existing.id, status, refund.id, refund.failure_reason)
    after = replace(existing, status=status, stripe_refund_id=refund.id)
    return [update, *follow_up_effects(order, before=existing, after=after, cause=cause)]


def find_refund(order: OrderState, refund: StripeRefund) -> RefundState | None:
    """Return our refund for Stripe's, by Stripe's id or by our id in its metadata.

    Metadata can be copied. So a refund that only carries our id must also be of the same payment as ours.
    """
    for existing in order.refunds:
        is_labeled = refund.refund_ref and existing.public_id == refund.refund_ref
        if (refund.id and existing.stripe_refund_id == refund.id) or (
            is_labeled and existing.intent_id == refund.intent_id
        ):
            return existing
    return None


def exceeds_captured(order: OrderState, refund: StripeRefund) -> bool:
    """Whether this refund would return more than was captured.

    Stripe makes no such refund, so an earlier one must have failed: captured 50.00, refunded 50.00, and 20.00 arrives.
    """
    existing = find_refund(order, refund)
    if (
        STATUS_FROM_STRIPE.get(refund.status, State.PENDING) not in Refund.KNOWN_TO_STRIPE
        or refund.intent_id != order.intent_id
    ):
        return False
    others = [
        r
        for r in order.refunds
        if r.status in Refund.KNOWN_TO_STRIPE and not r.unmatched and r is not existing
    ]
    return stripe_minor(others) + refund.amount_minor > order.captured_minor > 0


def _adopt_from_stripe(
    order: OrderState, refund: StripeRefund, status: Refund.Status, cause: str
) -> list[Effect]:
    """Adopt a refund from the dashboard; see ``with_dashboard_credits`` for the credits that go back with it."""
    unmatched = order.refunds_unmatched(refund.intent_id)
    if not unmatched and (order.intent_id != refund.intent_id or not order.captured_minor):
        text = f"{order.public_id}: {refund.id} refunds {refund.intent_id}"
        return [AlertStaff("refund_of_unknown_payment", text)]
    opening = OpenRefund(
        public_id=refund.id,
        card_minor=refund.amount_minor,
        origin=Refund.Origin.DASHBOARD,
        status=status,
        reason="Refunded in the Stripe dashboard",
        intent_id=refund.intent_id,
        stripe_refund_id=refund.id,
        failure_reason=refund.failure_reason,
        unmatched=unmatched,
        currency=refund.currency,
    )
    if not unmatched:
        own_refunds = with_dashboard_credits(order, own_refunds_with(order, opening))
        credits_minor = next(other.credits_minor for other in own_refunds if other.id == 0)
        opening = replace(opening, credits_minor=credits_minor)
    return [opening, *follow_up_effects(order, before=None, after=opening, cause=cause)]


def _is_charge_emptied(order: OrderState, refunds: list[RefundState]) -> bool:
    """Whether all of the card's money is gone, as far as Stripe knows: refunded, being refunded, or lost."""
    refunded_minor = stripe_minor([r for r in refunds if r.status in Refund.KNOWN_TO_STRIPE])
    return 0 < order.captured_minor <= refunded_minor + order.lost_minor


def follow_up_effects(
    order: OrderState, *, before: RefundState | None, after: RefundState, cause: str
) -> list[Effect]:
    """Return what follows when one refund of the order goes from ``before`` to ``after``.

    1. A failure is reported.
    2. Credits move with this refund, or with others whose credit part it changes.
    3. The order's refunded sum and status are computed from all refunds that have succeeded.
    4. Bookings are canceled or marked, and the buyer is notified when money went back.

    A refund of an unmatched payment changes nothing of the order: only a failure is reported, and that it is mended.
    """
    effects = _failure_effects(order, after, cause)
    has_succeeded = after.status == State.SUCCEEDED
    if after.unmatched:
        return [*effects, NotifyBuyer(OrderMail.OTHER_REFUNDED)] if _mends_failed(order, after) else effects
    has_changed = has_succeeded != (before is not None and before.status == State.SUCCEEDED)
    refunds = own_refunds_with(order, after)
    updated = with_dashboard_credits(order, refunds)
    after = next(refund for refund in updated if refund.id == after.id)
    if has_changed:
        effects += credit_movements(order, updated, after, has_succeeded)
    changed = [r for r, old in zip(updated, refunds, strict=True) if r.id and r != old]
    effects += [SetRefundCredits(r.id, r.credits_minor) for r in changed]
    moved_minor, moved_refund = find_moved_credits(refunds, updated, after)
    if moved_minor:
        effects.append(post_moved_credits(order, after, moved_minor))
    if not has_changed and not moved_minor:
        return effects
    refunded_minor = sum(r.amount_minor for r in updated if r.status == State.SUCCEEDED)
    target = _status_for(order, refunded_minor)
    is_returned = has_succeeded if has_changed else moved_minor > 0
    returned = after if has_changed or not moved_refund else moved_refund
    return [
        *effects,
        RecordRefunded(refunded_minor),
        *([ChangeStatus(target, cause)] if target != order.status else []),
        *_booking_effects(order, returned, target, is_returned),
        *([NotifyBuyer(OrderMail.REFUNDED)] if is_returned else []),
    ]


def _failure_effects(order: OrderState, after: RefundState, cause: str) -> list[Effect]:
    """Report a refund that failed.

    1. Stripe never made it, because the money had gone back another way: alert staff.
    2. Stripe never made it, because a part had gone back another way: refund the rest.
    3. Otherwise the buyer must be paid back: alert staff, and notify the buyer.

    Stripe never makes it once a dispute is lost. The bank has returned the card's money, so its credits alone go back,
    with a refund of their own.
    """
    if after.status not in {State.FAILED, State.CANCELED}:
        return []
    if _is_lost_with_credits(order, after):
        returned = return_credits(
            order, after.credits_minor, cause=cause, name=after.public_id, booking_id=after.booking_id
        )
        moved = [SetRefundCredits(after.id, 0)] if after.card_minor else []
        return [*returned, *moved, *_failure_effects(order, replace(after, credits_minor=0), cause)]
    if not after.stripe_refund_id and _is_compensated(order, after):
        text = f"{order.public_id}: refund {after.public_id} was not made; the money had gone back another way already"
        return [AlertStaff("refund_overtaken", text)]
    if not after.stripe_refund_id and (rest_minor := _remaining_to_return(order, after)):
        reason = f"The rest of {after.public_id}: a part of it went back another way."
        return [
            open_automatic_refund(
                after.intent_id, rest_minor, reason=reason, unmatched=after.unmatched, currency=after.currency
            )
        ]
    missing_minor = _missing_minor(order, after)
    amount = display(missing_minor, after.currency or order.currency)
    what = (
        f"{amount} must be paid back to the buyer" if missing_minor else "nothing of it is missing any more"
    )
    text = f"{order.public_id}: refund {after.public_id} failed; {what}"
    return [AlertStaff("refund_failed", text), NotifyBuyer(OrderMail.REFUND_FAILED)]


def _mends_failed(order: OrderState, after: RefundState) -> bool:
    """Whether a refund of an unmatched payment arrives of which another had failed, so that the buyer waits for it."""
    others = [r for r in order.refunds if r.intent_id == after.intent_id and r.id != after.id]
    return after.status == State.SUCCEEDED and any(
        r.unmatched and r.status in {State.FAILED, State.CANCELED} for r in others
    )


def _missing_minor(order: OrderState, after: RefundState) -> int:
    """Return what the buyer lacks of a refund that failed, in minor units.

    60.00 was paid by card, and the bank has returned 20.00 of it. A refund of 60.00 fails: 40.00 is missing.
    """
    others = [
        r
        for r in order.refunds
        if (r.intent_id, r.unmatched) == (after.intent_id, after.unmatched) and r.id != after.id
    ]
    gone_minor = stripe_minor([r for r in others if r.status in Refund.KNOWN_TO_STRIPE])
    if after.unmatched:
        received_minor = max(r.card_minor for r in [after, *others])
        lost_minor = _disputed_away_minor(order, after.intent_id)
    else:
        refunds = tuple(own_refunds_with(order, after))
        received_minor = order.captured_minor
        lost_minor = with_dispute_amounts(replace(order, refunds=refunds)).lost_minor
    returned_credits = sum(r.credits_minor for r in others if r.status in Refund.KNOWN_TO_STRIPE)
    credits_minor = min(after.credits_minor, order.credits_applied_minor - returned_credits)
    return max(min(after.card_minor, received_minor - gone_minor - lost_minor), 0) + max(credits_minor, 0)


def _is_lost_with_credits(order: OrderState, after: RefundState) -> bool:
    """Whether a refund with credits can't be made because a dispute of the order's payment was lost."""
    is_lost = order.lost_minor > 0 and all(dispute.status in CLOSED for dispute in order.disputes)
    is_of_order = order.is_fulfilled and not after.unmatched and not after.from_dashboard
    return is_lost and is_of_order and after.credits_minor > 0 and not after.stripe_refund_id


def _is_compensated(order: OrderState, after: RefundState) -> bool:
    """Whether the money of a failed refund, and its credits, have gone back another way or are about to."""
    if after.unmatched:
        others = [
            r for r in order.refunds if r.intent_id == after.intent_id and r.status in Refund.KNOWN_TO_STRIPE
        ]
        return stripe_minor(others) + _disputed_away_minor(order, after.intent_id) >= after.card_minor
    refunds = with_dashboard_credits(order, own_refunds_with(order, after))
    credits_minor = sum(refund.credits_minor for refund in refunds if refund.status in Refund.KNOWN_TO_STRIPE)
    return _is_charge_emptied(order, refunds) and (
        not after.credits_minor or credits_minor >= order.credits_applied_minor
    )


def _remaining_to_return(order: OrderState, after: RefundState) -> int:
    """Return what is still to be refunded, in minor units, when our refund failed because a part went back elsewhere.

    Only for money for which the buyer got nothing. A late payment of 50.00 is to be refunded in full. Meanwhile staff
    refund 20.00 in the dashboard, so Stripe refuses our 50.00. The rest is 30.00.
    0 when the rest is no less than the failed refund: another would fail too.
    """
    if after.from_dashboard or (order.is_fulfilled and not after.unmatched):
        return 0
    of_payment = [
        r for r in order.refunds if r.intent_id == after.intent_id and r.unmatched == after.unmatched
    ]
    requested_minor = max(r.card_minor for r in [after, *of_payment] if not r.from_dashboard)
    received_minor = requested_minor if after.unmatched else order.captured_minor
    others = [r for r in of_payment if r.status in Refund.OPEN_OR_SUCCEEDED and r.id != after.id]
    rest_minor = received_minor - stripe_minor(others) - _disputed_away_minor(order, after.intent_id)
    return rest_minor if 0 < rest_minor < after.card_minor else 0


def _disputed_away_minor(order: OrderState, intent_id: str) -> int:
    """Return what the lost disputes of a payment took."""
    lost = (d for d in order.disputes if d.intent_id == intent_id and d.status == Dispute.Status.LOST)
    return sum(dispute.amount_minor for dispute in lost)


def _status_for(order: OrderState, refunded_minor: int) -> Status:
    if order.status in {Status.PAID, Status.CANCELED} or (
        order.status == Status.REFUNDED and not order.is_fulfilled
    ):
        # Never fulfilled: only the card's money is due. Spent credits went back when the order was canceled.
        return Status.REFUNDED if refunded_minor >= order.captured_minor else Status.PAID
    if refunded_minor == 0:
        return Status.COMPLETED
    return Status.REFUNDED if refunded_minor >= order.total_minor else Status.PARTIALLY_REFUNDED


def _booking_effects(
    order: OrderState, after: RefundState, target: Status, has_succeeded: bool
) -> list[Effect]:
    """Cancel bookings after a full refund, mark them after a partial one, remove the mark when a refund fails later.

    A canceled booking stays canceled. Only active bookings change: not those that took place or lapsed.
    """
    active = [booking for booking in order.bookings if booking.status in ACTIVE]
    if not active:
        return []
    if not has_succeeded:
        restored = [booking.id for booking in active if target == Status.COMPLETED]
        return [SetBookingStatus(tuple(restored), Booking.Status.CONFIRMED)] if restored else []
    if target == Status.REFUNDED:
        return [CancelBookings(tuple(booking.id for booking in active))]
    if after.booking_id:
        return _one_booking_effects(order, active, after)
    if after.cancels:
        # Only the top booking is named: the bookings inside it are canceled if they have not begun.
        return [CancelBookings(tuple(booking.id for booking in order.bookings if booking.parent_id is None))]
    return [SetBookingStatus(tuple(booking.id for booking in active), Booking.Status.PARTIALLY_REFUNDED)]


def _one_booking_effects(order: OrderState, active: list[BookingState], after: RefundState) -> list[Effect]:
    """Cancel a part of a package when its whole share went back or a cancellation was asked for; else mark it.

    The parent is marked too. A share of 25.00: a refund of 10.00 marks the part, another of 15.00 cancels it.
    """
    effects: list[Effect] = []
    named = [booking for booking in active if booking.id == after.booking_id]
    for booking in named:
        earlier_minor = sum(
            refund.amount_minor
            for refund in order.refunds
            if refund.booking_id == booking.id and refund.status == State.SUCCEEDED and refund.id != after.id
        )
        is_whole = earlier_minor + after.amount_minor >= booking.amount_minor
        if is_whole or after.cancels:
            effects.append(CancelBookings((booking.id,)))
        else:
            effects.append(SetBookingStatus((booking.id,), Booking.Status.PARTIALLY_REFUNDED))
    parents = tuple(booking.id for booking in active if booking.parent_id is None and booking not in named)
    if parents:
        effects.append(SetBookingStatus(parents, Booking.Status.PARTIALLY_REFUNDED))
    return effects
