"""Refunds: each row is committed, then sent to Stripe, then Stripe's refund is settled like any event."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

import structlog
from django.db import transaction

from estuary.accounts.models import User
from estuary.accounts.staff import audit
from estuary.bookings.models import Booking
from estuary.common import clock
from estuary.common.db.transactions import retry_transaction
from estuary.common.money import display, floor_to_step
from estuary.common.observability.redaction import redact
from estuary.orders.models import Order
from estuary.orders.states import REFUNDABLE
from estuary.payments import client, observability, outbox
from estuary.payments.errors import (
    ChargeDisputed,
    NotAtStripe,
    NotRefundable,
    RefundTooLarge,
    StripeRefused,
    UnexpectedState,
)
from estuary.payments.gateway.idempotency_keys import (
    KEY_LIFE,
    end_failed_request,
    if_unchanged,
    rotate_key,
)
from estuary.payments.models import Dispute, Refund
from estuary.payments.models.disputes import is_awaiting_bank, is_blocked_by_dispute
from estuary.payments.refunds.call_offs_under_way import is_being_called_off
from estuary.payments.refunds.repeats import RefundRepeatGuard
from estuary.payments.settlement import load, settle
from estuary.payments.settlement.apply import apply_effects
from estuary.payments.settlement.effects import UpdateRefund
from estuary.payments.settlement.facts import StripeObservation
from estuary.payments.settlement.fetch import fetch_observations
from estuary.payments.settlement.rules.refunds import follow_up_effects
from estuary.payments.settlement.state import state_of
from estuary.payments.stripe_objects import StripeRefund

log = structlog.get_logger(__name__)


@retry_transaction
def request_refund(
    *,
    order: Order,
    amount_minor: int | None = None,
    booking: Booking | None = None,
    credits_only: bool = False,
    cancels: bool = False,
    reason: str = "",
    origin: Refund.Origin = Refund.Origin.STAFF,
    requested_by: User | None = None,
    request_key: str = "",
    guard: RefundRepeatGuard | None = None,
    refuses_called_off: bool = False,
) -> Refund:
    """Record a refund of an order, or of one booking in it, and queue it for Stripe; return its row.

    ``amount_minor=None`` refunds all that is left. The card is refunded first, then credits. Example: an order is paid
    70.00 by card and 30.00 with credits; a refund of 80.00 is 70.00 to the card and 10.00 of credits. A refund of
    credits alone succeeds at once; one with a card part follows Stripe. ``credits_only``: even while the card's payment
    is disputed. ``refuses_called_off``: do not cancel for a part of the price what its practitioner has called off.
    Raises NotRefundable, ChargeDisputed, RefundTooLarge or RefundedJustNow, and then writes nothing.
    """
    with transaction.atomic():
        [locked] = load([order.pk])
        if guard:
            guard.refuse_repeat(locked)
        refund = build_refund(locked, booking, amount_minor, origin, credits_only=credits_only)
        if refuses_called_off and cancels:
            _refuse_called_off(locked, refund)
        refund.reason, refund.cancels = redact(reason)[:200], cancels
        refund.requested_by, refund.request_key = requested_by, request_key
        refund.save()
        observability.count_refunds([refund])
        if requested_by and origin == Refund.Origin.STAFF:
            _record_act(refund, requested_by, reason)
        if refund.card_minor:
            outbox.send_refunds([refund])
        else:
            _complete_without_stripe(order, refund, refund.created_at)
    return refund


def _record_act(refund: Refund, staff: User, reason: str) -> None:
    amount = display(refund.amount_minor, refund.currency)
    why = f": {reason[:200]}" if reason else ""
    audit.record(staff, refund.order, f"Refunded {amount} ({refund.public_id}){why}")


def _refuse_called_off(order: Order, refund: Refund) -> None:
    """Raise NotRefundable while a call-off waits that would return more than this refund, of what ends with it."""
    ending = [refund.booking] if refund.booking else list(order.bookings.all())
    is_part = refund.amount_minor < refundable_minor(order, refund.booking)
    if is_part and is_being_called_off(order.pk, ending):
        raise NotRefundable(
            "This was called off by its practitioner, and all of its price goes back within minutes. Wait for that, "
            "or refund without canceling."
        )


def build_refund(
    order: Order,
    booking: Booking | None,
    amount_minor: int | None,
    origin: Refund.Origin,
    *,
    credits_only: bool = False,
) -> Refund:
    """Return an unsaved refund of an order that ``load`` has read; raises as ``request_refund`` does.

    What a buyer cancels in time is due whether the bank was asked before or after: it waits for the bank's decision.
    """
    if booking and booking.position == 0:
        # The booking at the top stands for the whole order: its refund affects every booking in it.
        booking = None
    waits = origin == Refund.Origin.BUYER and is_awaiting_bank(order)
    _refuse_unless_refundable(order, in_dispute=credits_only or waits)
    left_minor = credits_left_minor(order, booking) if credits_only else returnable_minor(order, booking)
    requested_minor = left_minor if amount_minor is None else amount_minor
    if left_minor <= 0:
        raise NotRefundable("Everything has been refunded already, or is on its way.")
    if requested_minor <= 0 or requested_minor > left_minor:
        raise RefundTooLarge(f"At most {display(left_minor, order.currency)} can be refunded.")
    card_minor = 0 if credits_only else min(requested_minor, card_left_minor(order))
    # Orders of before have shares that Stripe can't refund, such as 33.333 kwd.
    rest_minor = card_minor - floor_to_step(card_minor, order.currency)
    if requested_minor == rest_minor:
        raise NotRefundable(
            f"{display(rest_minor, order.currency)} is less than can be refunded in {order.currency.upper()}."
        )
    return Refund(
        order=order,
        booking=booking,
        stripe_payment_intent_id=order.stripe_payment_intent_id,
        currency=order.currency,
        card_minor=card_minor - rest_minor,
        credits_minor=requested_minor - card_minor,
        origin=origin,
        created_at=clock.now(),
    )


def _refuse_unless_refundable(order: Order, *, in_dispute: bool) -> None:
    if order.status not in REFUNDABLE:
        raise NotRefundable(f"This order is {order.status.replace('_', ' ')}; there is nothing to refund.")
    if is_blocked_by_dispute(order) and not in_dispute:
        raise ChargeDisputed("The buyer has disputed this payment with the bank; answer the dispute instead.")


def refundable_minor(order: Order, booking: Booking | None = None) -> int:
    """Return what can be refunded now of an order or of one booking in it, in minor units."""
    return 0 if is_blocked_by_dispute(order) else returnable_minor(order, booking)


def returnable_minor(order: Order, booking: Booking | None = None) -> int:
    """Return what can still go back, now or once a dispute is won, of an order or of one booking in it, in minor units.

    Refunds on their way count. An order of 100.00, refunded 20.00, lost 10.00 to a dispute: 70.00 is left.
    Of an order that was never fulfilled only the captured money is left: its credits went back when it ended.
    """
    if order.status not in REFUNDABLE or (is_blocked_by_dispute(order) and not is_awaiting_bank(order)):
        return 0
    paid_minor = order.captured_minor if order.completed_at is None else order.total_minor
    left_minor = (
        paid_minor
        - order.lost_minor
        - sum(refund.amount_minor for refund in open_or_succeeded_refunds(order))
    )
    if booking is None or booking.position == 0:
        return left_minor
    return min(left_minor, share_left_minor(order, booking))


def card_left_minor(order: Order) -> int:
    """Return what is left of the captured money, in minor units; refunds on their way and lost disputes count."""
    refunded_minor = sum(refund.card_minor for refund in open_or_succeeded_refunds(order))
    return order.captured_minor - order.lost_minor - refunded_minor


def credits_left_minor(order: Order, booking: Booking | None = None) -> int:
    """Return what is left of the credits that paid for an order or a booking in it, in minor units."""
    left_minor = order.credits_applied_minor - sum(
        refund.credits_minor for refund in open_or_succeeded_refunds(order)
    )
    return left_minor if booking is None else min(left_minor, share_left_minor(order, booking))


def share_left_minor(order: Order, booking: Booking) -> int:
    """Return a booking's share of the price, less what was refunded for that booking by name, in minor units."""
    return booking.amount_minor - refunded_of_booking_minor(order, booking)


def refunded_of_booking_minor(order: Order, booking: Booking) -> int:
    """Return what was refunded for this booking by name, in minor units; refunds on their way count."""
    return sum(
        refund.amount_minor for refund in open_or_succeeded_refunds(order) if refund.booking_id == booking.pk
    )


def open_or_succeeded_refunds(order: Order) -> list[Refund]:
    return [
        refund
        for refund in order.refunds.all()
        if refund.status in Refund.OPEN_OR_SUCCEEDED and not refund.is_unmatched
    ]


def _complete_without_stripe(order: Order, refund: Refund, at: datetime) -> None:
    """Complete a refund that has no card part: all of it goes back to the buyer's credits."""
    [locked] = load([order.pk])
    state = state_of(locked)
    before = next(existing for existing in state.refunds if existing.id == refund.pk)
    update = UpdateRefund(refund.pk, Refund.Status.SUCCEEDED, "")
    cause = f"refund {refund.public_id}"
    after = replace(before, status=update.status)
    apply_effects(
        [(locked, [update, *follow_up_effects(state, before=before, after=after, cause=cause)])], at=at
    )
    refund.refresh_from_db()


def send_refund(refund_id: int) -> Refund:
    """Send one requested refund to Stripe and settle Stripe's refund; sending twice is safe (same key, same body).

    While a dispute of the payment is open, the refund waits. It is sent once the dispute is won, and fails once lost.
    Raises StripeUnavailable when Stripe's answer is lost: the row stays ``requested`` and is sent again later.
    """
    refund = Refund.objects.select_related("order").get(pk=refund_id)
    if refund.status != Refund.Status.REQUESTED or not refund.card_minor or _has_open_dispute(refund):
        return refund
    previous_requested_at = refund.requested_at
    if not _record_request(refund):
        # Another worker is sending it.
        return refund
    params = {
        "payment_intent": refund.stripe_payment_intent_id,
        "amount": refund.card_minor,
        "metadata": {"refund_id": refund.public_id, "order_id": refund.order.public_id},
    }
    try:
        stripe_refund = _find_created(refund) if refund.created_at < clock.now() - KEY_LIFE else None
        stripe_refund = stripe_refund or client.create_refund(
            params, key=f"{refund.public_id}-{refund.attempt}"
        )
    except StripeRefused:
        if (stripe_refund := _find_created(refund)) is None:
            end_failed_request(refund, previous_requested_at)
            raise
    except (UnexpectedState, NotAtStripe) as error:
        code = getattr(error, "stripe_code", "") or error.code
        return refund if _postpone_if_disputed(refund, code) else _settle_refusal(refund, code)
    return _settle_stripe_refunds(refund, [stripe_refund])


def _has_open_dispute(refund: Refund) -> bool:
    of_payment = Dispute.objects.filter(stripe_payment_intent_id=refund.stripe_payment_intent_id)
    return of_payment.filter(closed_at=None, refundable=False).exists()


def _postpone_if_disputed(refund: Refund, code: str) -> bool:
    """Settle the open dispute for which Stripe refused a refund, and let the refund wait.

    Return False when no open dispute explains the refusal. The dispute may be new to us.
    Stripe stores its refusal under the idempotency key, so the next attempt uses another key.
    """
    if code != "charge_disputed":
        return False
    disputes = client.disputes_of(refund.stripe_payment_intent_id)
    settle(
        [StripeObservation(dispute, f"refund {refund.public_id}", fetched=True) for dispute in disputes],
        at=clock.now(),
    )
    if not _has_open_dispute(refund):
        return False
    rotate_key(refund)
    return True


def _record_request(refund: Refund) -> bool:
    """Commit that the refund is being sent; False when the row has changed since it was read."""
    requested_at = clock.now()
    if not if_unchanged(refund).filter(status=Refund.Status.REQUESTED).update(requested_at=requested_at):
        return False
    refund.requested_at = requested_at
    return True


def _settle_refusal(refund: Refund, code: str) -> Refund:
    """Settle a refund that Stripe refuses to make; most often the money went back another way, so look for that first.

    Refunds from the dashboard are adopted before ours fails, whether or not their events have come.
    """
    log.error("refund_refused", refund=refund.public_id, stripe_code=code)
    at_stripe = _refunds_at_stripe(refund)
    is_created = [existing for existing in at_stripe if existing.refund_ref == refund.public_id]
    failed = StripeRefund(
        id="",
        status="failed",
        amount_minor=refund.card_minor,
        currency=refund.currency,
        intent_id=refund.stripe_payment_intent_id,
        refund_ref=refund.public_id,
        failure_reason=code,
    )
    # Ours exists at Stripe after all: only the answer to an earlier request was lost.
    return _settle_stripe_refunds(refund, at_stripe if is_created else [*at_stripe, failed])


def _settle_stripe_refunds(refund: Refund, stripe_refunds: Sequence[StripeRefund]) -> Refund:
    cause = f"refund {refund.public_id}"
    outcomes = settle(
        [StripeObservation(stripe_refund, cause, fetched=True) for stripe_refund in stripe_refunds],
        at=clock.now(),
    )
    if needs := next((outcome.needs for outcome in outcomes if outcome.needs), None):
        settle(fetch_observations(needs, cause), at=clock.now())
    refund.refresh_from_db()
    return refund


def _refunds_at_stripe(refund: Refund) -> list[StripeRefund]:
    try:
        return client.refunds_of(refund.stripe_payment_intent_id)
    except NotAtStripe:
        return []


def _find_created(refund: Refund) -> StripeRefund | None:
    """Return the refund that Stripe created for ours: its answer was lost, and its key may have expired."""
    return next(
        (existing for existing in _refunds_at_stripe(refund) if existing.refund_ref == refund.public_id), None
    )
