"""The rules of giving money back. Every figure is derived from the sum of the refunds, never from a delta."""

from dataclasses import replace

from estuary.bookings.models import ACTIVE, Booking
from estuary.common.money import proportion
from estuary.credits.ledger import Kind
from estuary.orders.states import Status
from estuary.payments.effects import (
    AddCredits,
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
HEARD = frozenset({State.PENDING, State.SUCCEEDED})  # Stripe knows of it: only these empty a charge


def decide_refund(order: OrderView, refund: StripeRefund, cause: str) -> list[Effect]:
    """Return what Stripe's refund means: ours moves on, or one that was started elsewhere is taken over."""
    status = AT_STRIPE.get(refund.status, State.PENDING)
    known = find(order, refund)
    if known is None:
        return _adopt(order, refund, status, cause)
    if known.stripe_refund_id and not refund.id:
        return []  # one try was refused after another had been heard
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
    after = RefundView(
        id=0,
        public_id=refund.id,
        stripe_refund_id=refund.id,
        intent_id=refund.intent_id,
        card_minor=refund.amount_minor,
        credits_minor=0,
        status=status,
        booking_id=None,
        cancels=False,
        stray=False,
        from_dashboard=True,
    )
    emptying, owed_minor = _owed_credits(order, _known(order, after))
    after = replace(after, credits_minor=owed_minor if emptying == after else 0)
    opened = OpenRefund(
        card_minor=after.card_minor,
        credits_minor=after.credits_minor,
        origin=Refund.Origin.DASHBOARD,
        status=status,
        reason="Refunded in the Stripe dashboard",
        intent_id=refund.intent_id,
        stripe_refund_id=refund.id,
        failure_reason=refund.failure_reason,
        cause=cause,
    )
    return [opened, *consequences(order, before=None, after=after, cause=cause)]


def _known(order: OrderView, after: RefundView) -> list[RefundView]:
    """Return the order's own refunds, oldest first, with ``after`` in its place or as the newest."""
    known = [after if refund.id == after.id else refund for refund in order.refunds]
    known += [] if after.id else [after]
    return [refund for refund in known if not refund.stray]


def _owed_credits(order: OrderView, known: list[RefundView]) -> tuple[RefundView | None, int]:
    """Return the refund of the dashboard that emptied the charge and the spent credits still to go with it, if any are.

    Ours that Stripe has not heard of may yet be refused, so it empties nothing. When ours was the last part of the
    card, staff said how much of the credits goes with it. What was never handed over has its credits back already.
    """
    heard = [refund for refund in known if refund.status in HEARD]
    of_card = [refund for refund in heard if refund.card_minor]
    if not order.handed_over or not _is_emptied(order, known) or not of_card[-1].from_dashboard:
        return None, 0
    owed_minor = order.credits_applied_minor - sum(refund.credits_minor for refund in heard)
    return (of_card[-1], owed_minor) if owed_minor > 0 else (None, 0)


def _is_emptied(order: OrderView, known: list[RefundView]) -> bool:
    """Whether all of the card's money is back or on its way, as Stripe itself has said."""
    heard_minor = sum(refund.card_minor for refund in known if refund.status in HEARD)
    return 0 < order.captured_minor <= heard_minor


def consequences(
    order: OrderView, *, before: RefundView | None, after: RefundView, cause: str
) -> list[Effect]:
    """Return what follows when one refund of the order goes from ``before`` to ``after``."""
    effects = _news_of_failure(order, after)
    if after.stray:
        return effects
    was, now = before is not None and before.status == State.SUCCEEDED, after.status == State.SUCCEEDED
    known = _known(order, after)
    if was != now:
        effects += _credit_movements(order, known, after, now)
    late, owed_minor = _owed_credits(order, known)
    if late:
        effects += _give_late(order, late, owed_minor)
        late = replace(late, credits_minor=late.credits_minor + owed_minor)
        known = [late if refund.id == late.id else refund for refund in known]
    gives = now or (late is not None and late.status == State.SUCCEEDED)
    if was == now and not gives:
        return effects
    refunded_minor = sum(r.card_minor + r.credits_minor for r in known if r.status == State.SUCCEEDED)
    effects.append(RecordRefunded(refunded_minor))
    target = _status_for(order, refunded_minor)
    if target != order.status:
        effects.append(Become(target, cause))
    effects += _on_bookings(order, late if late and was == now else after, target, gives)
    return [*effects, Tell("refunded")] if gives else effects


def _news_of_failure(order: OrderView, after: RefundView) -> list[Effect]:
    """A refund that failed is told, unless Stripe never made it because the whole charge went back another way."""
    if after.status not in {State.FAILED, State.CANCELED}:
        return []
    if not after.stripe_refund_id and not after.stray and _is_emptied(order, _known(order, after)):
        return []
    text = f"{order.public_id}: refund {after.public_id} failed; the buyer must be paid back"
    return [Alert("refund_failed", text), Tell("refund_failed")]


def _give_late(order: OrderView, late: RefundView, owed_minor: int) -> list[Effect]:
    """Let credits go with a refund after all: at once when it succeeded, else when it does."""
    added = AddCredits(late.id, late.credits_minor + owed_minor)
    if late.status != State.SUCCEEDED:
        return [added]
    return [added, *_credit_movements(order, [], replace(late, credits_minor=owed_minor), True)]


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
    order: OrderView, known: list[RefundView], after: RefundView, now: bool
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


def _on_bookings(order: OrderView, after: RefundView, target: Status, now: bool) -> list[Effect]:
    """A full refund cancels, a partial one marks; a refund that failed later leaves what is canceled canceled.

    Only what is active is felt: what took place or lapsed is neither marked nor canceled any more.
    """
    active = [booking for booking in order.bookings if booking.status in ACTIVE]
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
        # The one at the top alone is named: inside it only what has not begun goes with it.
        return [CancelBookings(tuple(booking.id for booking in order.bookings if booking.parent_id is None))]
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
