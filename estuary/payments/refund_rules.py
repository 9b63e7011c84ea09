"""The rules of giving money back. Every figure is derived from the sum of the refunds, never from a delta."""

from dataclasses import replace

from estuary.bookings.models import Booking
from estuary.common.money import proportion
from estuary.credits.ledger import Kind
from estuary.orders.states import Status
from estuary.payments.effects import (
    AdvanceRefund,
    Alert,
    Become,
    BookingView,
    CancelBookings,
    Effect,
    MarkBookings,
    OpenRefund,
    OrderView,
    PostCredits,
    RecordRefunded,
    RefundView,
    Tell,
)
from estuary.payments.models import Refund
from estuary.payments.objects import StripeRefund

State = Refund.Status
RANK = {State.REQUESTED: 0, State.PENDING: 1, State.SUCCEEDED: 2, State.FAILED: 3, State.CANCELED: 3}
AT_STRIPE = {
    "pending": State.PENDING,
    "requires_action": State.PENDING,
    "succeeded": State.SUCCEEDED,
    "failed": State.FAILED,
    "canceled": State.CANCELED,
}
COUNTS = frozenset({State.REQUESTED, State.PENDING, State.SUCCEEDED})


def decide_refund(order: OrderView, refund: StripeRefund, cause: str) -> list[Effect]:
    """Return what Stripe's refund means: ours moves on, or one that was started elsewhere is taken over."""
    status = AT_STRIPE.get(refund.status, State.PENDING)
    known = find(order, refund)
    if known is None:
        return _adopt(order, refund, status, cause)
    if RANK[status] <= RANK[known.status]:
        if known.stripe_refund_id:
            return []
        return [AdvanceRefund(known.id, known.status, refund.id)]
    advance = AdvanceRefund(known.id, status, refund.id, refund.failure_reason)
    after = replace(known, status=status, stripe_refund_id=refund.id)
    return [advance, *consequences(order, before=known, after=after, cause=cause)]


def find(order: OrderView, refund: StripeRefund) -> RefundView | None:
    """Return the refund we know that Stripe's is: by Stripe's id, or by our own in its metadata."""
    for known in order.refunds:
        if (refund.id and known.stripe_refund_id == refund.id) or (
            refund.refund_ref and known.public_id == refund.refund_ref
        ):
            return known
    return None


def _adopt(order: OrderView, refund: StripeRefund, status: Refund.Status, cause: str) -> list[Effect]:
    """Take over a refund from the dashboard. When it empties the charge, the credits that were spent go back too."""
    if order.intent_id != refund.intent_id or not order.captured_minor:
        return [
            Alert("refund_of_unknown_payment", f"{order.public_id}: {refund.id} refunds {refund.intent_id}")
        ]
    mine = [known for known in order.refunds if not known.stray and known.status in COUNTS]
    card_so_far = sum(known.card_minor for known in mine)
    credits_left = order.credits_applied_minor - sum(known.credits_minor for known in mine)
    empties = status in COUNTS and card_so_far + refund.amount_minor >= order.captured_minor
    opened = OpenRefund(
        card_minor=refund.amount_minor,
        credits_minor=credits_left if empties else 0,
        origin=Refund.Origin.DASHBOARD,
        status=status,
        reason="Refunded in the Stripe dashboard",
        intent_id=refund.intent_id,
        stripe_refund_id=refund.id,
        failure_reason=refund.failure_reason,
        cause=cause,
    )
    after = RefundView(
        id=0,
        public_id=refund.id,
        stripe_refund_id=refund.id,
        intent_id=refund.intent_id,
        card_minor=opened.card_minor,
        credits_minor=opened.credits_minor,
        status=status,
        booking_id=None,
        cancels=False,
        stray=False,
    )
    return [opened, *consequences(order, before=None, after=after, cause=cause)]


def consequences(
    order: OrderView, *, before: RefundView | None, after: RefundView, cause: str
) -> list[Effect]:
    """Return what follows when one refund of the order goes from ``before`` to ``after``."""
    was, now = before is not None and before.status == State.SUCCEEDED, after.status == State.SUCCEEDED
    failed = after.status in {State.FAILED, State.CANCELED}
    effects: list[Effect] = []
    if failed:
        effects += [
            Alert(
                "refund_failed",
                f"{order.public_id}: refund {after.public_id} failed; the buyer must be paid back",
            ),
            Tell("refund_failed"),
        ]
    if after.stray or was == now:
        return effects
    others = [known for known in order.refunds if known.id != after.id and not known.stray]
    succeeded = [known for known in others if known.status == State.SUCCEEDED] + ([after] if now else [])
    refunded_minor = sum(known.card_minor + known.credits_minor for known in succeeded)
    effects.append(RecordRefunded(refunded_minor))
    target = _status_for(order, refunded_minor)
    if target != order.status:
        effects.append(Become(target, cause))
    effects += _credit_movements(order, others, after, now)
    effects += _on_bookings(order, after, target, now)
    return [*effects, Tell("refunded")] if now else effects


def _status_for(order: OrderView, refunded_minor: int) -> Status:
    if order.status in {Status.PAID, Status.CANCELED} or (
        order.status == Status.REFUNDED and not order.handed_over
    ):
        # Never handed over: only the card's money is to go back, since spent credits went back when it was canceled.
        return Status.REFUNDED if refunded_minor >= order.captured_minor else Status.PAID
    if refunded_minor == 0:
        return Status.COMPLETED
    return Status.REFUNDED if refunded_minor >= order.total_minor else Status.PARTIALLY_REFUNDED


def _credit_movements(
    order: OrderView, others: list[RefundView], after: RefundView, now: bool
) -> list[Effect]:
    """Spent credits return with the refund; bought credits are clawed back in proportion to all refunds so far."""
    verb, sign = ("refund", 1) if now else ("refund_undone", -1)
    effect = f"{verb}:{after.public_id}"
    if order.is_credit:
        settled = sum(known.card_minor for known in others if known.status == State.SUCCEEDED)
        upto = proportion(settled + after.card_minor, order.captured_minor, order.credit_amount_minor)
        amount = upto - proportion(settled, order.captured_minor, order.credit_amount_minor)
        note = "Refunded to your card" if now else "The refund to your card failed"
        return [PostCredits(Kind.REFUND, -sign * amount, effect, note)] if amount else []
    if not after.credits_minor:
        return []
    note = f"Refund of {order.title}" if now else f"The refund of {order.title} failed"
    return [PostCredits(Kind.REFUND, sign * after.credits_minor, effect, note)]


def _on_bookings(order: OrderView, after: RefundView, target: Status, now: bool) -> list[Effect]:
    """A full refund cancels, a partial one marks; a refund that failed later leaves what is canceled canceled."""
    active = [booking for booking in order.bookings if booking.status != Booking.Status.CANCELED]
    if not active:
        return []
    if not now:
        back = [booking.id for booking in active if target == Status.COMPLETED]
        return [MarkBookings(tuple(back), Booking.Status.CONFIRMED)] if back else []
    if target == Status.REFUNDED:
        return [CancelBookings(tuple(booking.id for booking in active))]
    if after.booking_id:
        return _on_one_booking(order, active, after)
    if after.cancels:
        return [CancelBookings(tuple(booking.id for booking in active))]
    return [MarkBookings(tuple(booking.id for booking in active), Booking.Status.PARTIALLY_REFUNDED)]


def _on_one_booking(order: OrderView, active: list[BookingView], after: RefundView) -> list[Effect]:
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
            effects.append(MarkBookings((booking.id,), Booking.Status.PARTIALLY_REFUNDED))
    parents = tuple(booking.id for booking in active if booking.parent_id is None and booking not in mine)
    if parents:
        effects.append(MarkBookings(parents, Booking.Status.PARTIALLY_REFUNDED))
    return effects
