"""The rules of giving money back. Every figure is derived from the sum of the refunds, never from a delta."""

import math
from dataclasses import replace

from estuary.bookings.models import ACTIVE, Booking
from estuary.common.money import proportion
from estuary.credits.ledger import Kind
from estuary.orders.states import Status
from estuary.payments.models import Dispute, Refund
from estuary.payments.settlement.effects import (
    AlertStaff,
    CancelBookings,
    ChangeStatus,
    Effect,
    NotifyBuyer,
    OpenRefund,
    PostCredits,
    RecordRefunded,
    SetBookingStatus,
    SetRefundCredits,
    UpdateRefund,
)
from estuary.payments.settlement.state import BookingState, DisputeState, OrderState, RefundState
from estuary.payments.stripe_objects import StripeRefund

State = Refund.Status
RANK = {State.REQUESTED: 0, State.PENDING: 1, State.SUCCEEDED: 2, State.FAILED: 3, State.CANCELED: 3}
STATUS_FROM_STRIPE = {
    "pending": State.PENDING,
    "requires_action": State.PENDING,
    "succeeded": State.SUCCEEDED,
    "failed": State.FAILED,
    "canceled": State.CANCELED,
}
OPEN_OR_SUCCEEDED = frozenset({State.REQUESTED, State.PENDING, State.SUCCEEDED})
KNOWN_TO_STRIPE = frozenset({State.PENDING, State.SUCCEEDED})  # Stripe knows of it: only these empty a charge


def decide_refund(order: OrderState, refund: StripeRefund, cause: str) -> list[Effect]:
    """Return what Stripe's refund means: ours moves on, or one that was started elsewhere is taken over."""
    status = STATUS_FROM_STRIPE.get(refund.status, State.PENDING)
    known = find_refund(order, refund)
    if known is None:
        return _adopt_from_stripe(order, refund, status, cause)
    if known.stripe_refund_id and not refund.id:
        return []  # one try was refused after another had been heard
    if RANK[status] <= RANK[known.status]:
        if known.stripe_refund_id:
            return []
        return [UpdateRefund(known.id, known.status, refund.id)]
    advance = UpdateRefund(known.id, status, refund.id, refund.failure_reason)
    after = replace(known, status=status, stripe_refund_id=refund.id)
    return [advance, *follow_up_effects(order, before=known, after=after, cause=cause)]


def find_refund(order: OrderState, refund: StripeRefund) -> RefundState | None:
    """Return the refund we know that Stripe's is: by Stripe's id, or by our own in its metadata.

    Metadata can be copied, so a refund that only carries our id must also be of the payment that ours is of.
    """
    for known in order.refunds:
        labeled = refund.refund_ref and known.public_id == refund.refund_ref
        if (refund.id and known.stripe_refund_id == refund.id) or (
            labeled and known.intent_id == refund.intent_id
        ):
            return known
    return None


def exceeds_captured(order: OrderState, refund: StripeRefund) -> bool:
    """Whether more would have gone back than was captured. Stripe makes no such refund: an earlier one has failed."""
    known = find_refund(order, refund)
    if (
        STATUS_FROM_STRIPE.get(refund.status, State.PENDING) not in KNOWN_TO_STRIPE
        or refund.intent_id != order.intent_id
    ):
        return False
    others = [r for r in order.refunds if r.status in KNOWN_TO_STRIPE and not r.stray and r is not known]
    return _stripe_minor(others) + refund.amount_minor > order.captured_minor > 0


def _adopt_from_stripe(
    order: OrderState, refund: StripeRefund, status: Refund.Status, cause: str
) -> list[Effect]:
    """Take over a refund from the dashboard. When all of the card went back there, the spent credits go back too."""
    stray = any(known.stray and known.intent_id == refund.intent_id for known in order.refunds)
    if not stray and (order.intent_id != refund.intent_id or not order.captured_minor):
        return [
            AlertStaff(
                "refund_of_unknown_payment", f"{order.public_id}: {refund.id} refunds {refund.intent_id}"
            )
        ]
    after = RefundState(
        id=0,
        public_id=refund.id,
        stripe_refund_id=refund.id,
        intent_id=refund.intent_id,
        card_minor=refund.amount_minor,
        credits_minor=0,
        status=status,
        booking_id=None,
        cancels=False,
        stray=stray,
        from_dashboard=True,
    )
    if not stray:
        after = next(
            known
            for known in _with_dashboard_credits(order, _own_refunds_with(order, after))
            if known.id == 0
        )
    opened = OpenRefund(
        card_minor=after.card_minor,
        credits_minor=after.credits_minor,
        origin=Refund.Origin.DASHBOARD,
        status=status,
        reason="Refunded in the Stripe dashboard",
        intent_id=refund.intent_id,
        stripe_refund_id=refund.id,
        failure_reason=refund.failure_reason,
        stray=stray,
        cause=cause,
        currency=refund.currency,
    )
    return [opened, *follow_up_effects(order, before=None, after=after, cause=cause)]


def _own_refunds_with(order: OrderState, after: RefundState) -> list[RefundState]:
    """Return the order's own refunds, oldest first, with ``after`` in its place or as the newest."""
    known = [after if refund.id == after.id else refund for refund in order.refunds]
    known += [] if after.id else [after]
    return [refund for refund in known if not refund.stray]


def _with_dashboard_credits(order: OrderState, known: list[RefundState]) -> list[RefundState]:
    """Return the refunds with the credits that those of the dashboard take along: all that is owed with one, or none.

    The dashboard knows no credits. So only when all that was captured went back there do the spent ones follow; what
    we refunded ourselves counts for nothing in this, since whoever asked for it said how much of the credits goes
    along. They follow what has succeeded, and until that is all of the card, what is still pending. Asked anew of all
    the refunds, never of the last one, so no order of the news and no later failure comes to anything else.
    """
    there = [refund for refund in known if refund.from_dashboard and refund.status in KNOWN_TO_STRIPE]
    done = [refund for refund in there if refund.status == State.SUCCEEDED]
    whole = order.handed_over and 0 < order.captured_minor <= _stripe_minor(there)
    ours_minor = sum(r.credits_minor for r in known if r.status in KNOWN_TO_STRIPE and not r.from_dashboard)
    owed_minor = max(order.credits_applied_minor - ours_minor, 0) if whole else 0
    able = done if _stripe_minor(done) >= order.captured_minor else [r for r in there if r not in done]
    # The one that takes them already keeps them, or else the newest: which one makes no difference to any sum.
    carrier = max(able, key=lambda r: (r.credits_minor, r.id or math.inf), default=None)
    return [replace(r, credits_minor=owed_minor if r is carrier else 0) if r in there else r for r in known]


def _stripe_minor(refunds: list[RefundState]) -> int:
    return sum(refund.card_minor for refund in refunds)


def _is_charge_emptied(order: OrderState, known: list[RefundState]) -> bool:
    """Whether all of the card's money is back or on its way, as Stripe itself has said: refunded, or lost."""
    heard_minor = _stripe_minor([r for r in known if r.status in KNOWN_TO_STRIPE])
    return 0 < order.captured_minor <= heard_minor + order.lost_minor


def follow_up_effects(
    order: OrderState, *, before: RefundState | None, after: RefundState, cause: str
) -> list[Effect]:
    """Return what follows when one refund of the order goes from ``before`` to ``after``."""
    effects = _failure_notices(order, after)
    if after.stray:
        return effects
    was, now = before is not None and before.status == State.SUCCEEDED, after.status == State.SUCCEEDED
    known = _own_refunds_with(order, after)
    settled = _with_dashboard_credits(order, known)
    after = next(refund for refund in settled if refund.id == after.id)
    if was != now:
        effects += _credit_movements(order, settled, after, now)
    effects += [
        SetRefundCredits(r.id, r.credits_minor)
        for r, k in zip(settled, known, strict=True)
        if r.id and r != k
    ]
    followed_minor, follower = _find_moved_credits(known, settled, after)
    if followed_minor:
        effects.append(_post_moved_credits(order, after, followed_minor))
    if was == now and not followed_minor:
        return effects
    refunded_minor = sum(r.card_minor + r.credits_minor for r in settled if r.status == State.SUCCEEDED)
    effects.append(RecordRefunded(refunded_minor))
    target = _status_for(order, refunded_minor)
    if target != order.status:
        effects.append(ChangeStatus(target, cause))
    gives = now if was != now else followed_minor > 0
    effects += _booking_effects(order, after if was != now or not follower else follower, target, gives)
    return [*effects, NotifyBuyer("refunded")] if gives else effects


def _find_moved_credits(
    known: list[RefundState], settled: list[RefundState], after: RefundState
) -> tuple[int, RefundState | None]:
    """Return the credits that follow, or leave again, with other refunds that had succeeded, and with which one."""
    moved = [
        (mine.credits_minor - old.credits_minor, mine)
        for mine, old in zip(settled, known, strict=True)
        if mine.id != after.id and mine.status == State.SUCCEEDED and mine != old
    ]
    return sum(minor for minor, _ in moved), moved[-1][1] if moved else None


def _post_moved_credits(order: OrderState, after: RefundState, amount_minor: int) -> PostCredits:
    """Move the credits of a refund that had succeeded; named after what set it off, since it can happen again."""
    note = f"Refund of {order.title}" if amount_minor > 0 else f"The refund of {order.title} failed"
    return PostCredits(Kind.REFUND, amount_minor, f"refund_follows:{after.public_id}:{after.status}", note)


def _failure_notices(order: OrderState, after: RefundState) -> list[Effect]:
    """A refund that failed is told; to staff alone when Stripe never made it because all went back another way."""
    if after.status not in {State.FAILED, State.CANCELED}:
        return []
    if not after.stripe_refund_id and _is_compensated(order, after):
        text = f"{order.public_id}: refund {after.public_id} was not made; the money had gone back another way already"
        return [AlertStaff("refund_overtaken", text)]
    if not after.stripe_refund_id and (rest_minor := _remaining_to_return(order, after)):
        return [_refund_remaining(after, rest_minor)]
    text = f"{order.public_id}: refund {after.public_id} failed; the buyer must be paid back"
    return [AlertStaff("refund_failed", text), NotifyBuyer("refund_failed")]


def _is_compensated(order: OrderState, after: RefundState) -> bool:
    """Whether the card is emptied, and the credits that were to go along are back or on their way too."""
    if after.stray:
        others = [r for r in order.refunds if r.intent_id == after.intent_id and r.status in KNOWN_TO_STRIPE]
        lost_minor = sum(d.amount_minor for d in order.disputes if _is_lost_dispute_of(d, after.intent_id))
        return _stripe_minor(others) + lost_minor >= after.card_minor
    known = _with_dashboard_credits(order, _own_refunds_with(order, after))
    credits_minor = sum(refund.credits_minor for refund in known if refund.status in KNOWN_TO_STRIPE)
    return _is_charge_emptied(order, known) and (
        not after.credits_minor or credits_minor >= order.credits_applied_minor
    )


def _remaining_to_return(order: OrderState, after: RefundState) -> int:
    """Return what is left to send back of money that nothing was given for, when a part of it went back elsewhere.

    In minor units; 0 when the refund that failed asked for no more than that, so that another would fail too.
    """
    if after.from_dashboard or (order.handed_over and not after.stray):
        return 0
    of_payment = [r for r in order.refunds if r.intent_id == after.intent_id and r.stray == after.stray]
    asked_minor = max(r.card_minor for r in [after, *of_payment] if not r.from_dashboard)
    received_minor = asked_minor if after.stray else order.captured_minor
    lost_minor = sum(d.amount_minor for d in order.disputes if _is_lost_dispute_of(d, after.intent_id))
    gone_minor = (
        _stripe_minor([r for r in of_payment if r.status in OPEN_OR_SUCCEEDED and r.id != after.id])
        + lost_minor
    )
    rest_minor = received_minor - gone_minor
    return rest_minor if 0 < rest_minor < after.card_minor else 0


def _refund_remaining(after: RefundState, rest_minor: int) -> OpenRefund:
    return OpenRefund(
        card_minor=rest_minor,
        credits_minor=0,
        origin=Refund.Origin.AUTOMATIC,
        status=State.REQUESTED,
        reason=f"The rest of {after.public_id}: a part of it went back another way.",
        intent_id=after.intent_id,
        stray=after.stray,
        currency=after.currency,
    )


def _is_lost_dispute_of(dispute: DisputeState, intent_id: str) -> bool:
    return dispute.intent_id == intent_id and dispute.status == Dispute.Status.LOST


def _status_for(order: OrderState, refunded_minor: int) -> Status:
    if order.status in {Status.PAID, Status.CANCELED} or (
        order.status == Status.REFUNDED and not order.handed_over
    ):
        # Never handed over: only the card's money is to go back, since spent credits went back when it was canceled.
        return Status.REFUNDED if refunded_minor >= order.captured_minor else Status.PAID
    if refunded_minor == 0:
        return Status.COMPLETED
    return Status.REFUNDED if refunded_minor >= order.total_minor else Status.PARTIALLY_REFUNDED


def _credit_movements(
    order: OrderState, known: list[RefundState], after: RefundState, now: bool
) -> list[Effect]:
    """Spent credits return with the refund; bought credits are clawed back in proportion to all refunds so far."""
    verb, sign = ("refund", 1) if now else ("refund_undone", -1)
    effect = f"{verb}:{after.public_id}"
    if order.is_credit:
        others = [refund for refund in known if refund.id != after.id and refund.status == State.SUCCEEDED]
        settled = sum(refund.card_minor for refund in others)
        upto = proportion(settled + after.card_minor, order.captured_minor, order.credit_amount_minor)
        amount = upto - proportion(settled, order.captured_minor, order.credit_amount_minor)
        note = "Refunded to your card" if now else "The refund to your card failed"
        return [PostCredits(Kind.REFUND, -sign * amount, effect, note)] if amount else []
    if not after.credits_minor:
        return []
    note = f"Refund of {order.title}" if now else f"The refund of {order.title} failed"
    return [PostCredits(Kind.REFUND, sign * after.credits_minor, effect, note)]


def _booking_effects(order: OrderState, after: RefundState, target: Status, now: bool) -> list[Effect]:
    """A full refund cancels, a partial one marks; a refund that failed later leaves what is canceled canceled.

    Only what is active is felt: what took place or lapsed is neither marked nor canceled any more.
    """
    active = [booking for booking in order.bookings if booking.status in ACTIVE]
    if not active:
        return []
    if not now:
        back = [booking.id for booking in active if target == Status.COMPLETED]
        return [SetBookingStatus(tuple(back), Booking.Status.CONFIRMED)] if back else []
    if target == Status.REFUNDED:
        return [CancelBookings(tuple(booking.id for booking in active))]
    if after.booking_id:
        return _one_booking_effects(order, active, after)
    if after.cancels:
        # The one at the top alone is named: inside it only what has not begun goes with it.
        return [CancelBookings(tuple(booking.id for booking in order.bookings if booking.parent_id is None))]
    return [SetBookingStatus(tuple(booking.id for booking in active), Booking.Status.PARTIALLY_REFUNDED)]


def _one_booking_effects(order: OrderState, active: list[BookingState], after: RefundState) -> list[Effect]:
    """A part of a package: canceled when all of its share went back or when asked for, else marked, with its parent."""
    effects: list[Effect] = []
    mine = [booking for booking in active if booking.id == after.booking_id]
    for booking in mine:
        earlier = sum(
            known.card_minor + known.credits_minor
            for known in order.refunds
            if known.booking_id == booking.id and known.status == State.SUCCEEDED and known.id != after.id
        )
        whole = earlier + after.card_minor + after.credits_minor >= booking.amount_minor
        if whole or after.cancels:
            effects.append(CancelBookings((booking.id,)))
        else:
            effects.append(SetBookingStatus((booking.id,), Booking.Status.PARTIALLY_REFUNDED))
    parents = tuple(booking.id for booking in active if booking.parent_id is None and booking not in mine)
    if parents:
        effects.append(SetBookingStatus(parents, Booking.Status.PARTIALLY_REFUNDED))
    return effects
