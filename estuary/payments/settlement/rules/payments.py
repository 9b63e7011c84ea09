"""The rules of payments: what a fact about a payment means for its order.

Pure functions from the order's state and one fact to effects: no database, no clock, no network. A fact that comes
twice, late or out of order has no effect.
"""

from estuary.common import clock
from estuary.credits.ledger import Kind
from estuary.notifications.order_mails import OrderMail
from estuary.orders.models import OrderType
from estuary.orders.states import LIVE, UNPAID, Status
from estuary.payments.models import Refund
from estuary.payments.settlement.effects import (
    AlertStaff,
    BindIntent,
    ChangeStatus,
    Effect,
    Fulfil,
    HoldForBank,
    NotifyBuyer,
    OpenRefund,
    PostCredits,
    RecordCapture,
    RecordUnmatchedPayment,
    ReleaseReservations,
    WatchPayment,
    WatchUnmatchedPayment,
)
from estuary.payments.settlement.facts import FetchRequired, ObjectKind, StripeObservation
from estuary.payments.settlement.rules import disputes as dispute_rules
from estuary.payments.settlement.rules import refunds as refund_rules
from estuary.payments.settlement.state import OrderState, RecordDecline
from estuary.payments.stripe_objects import Charge, CheckoutSession, Intent, StripeDispute, StripeRefund

# Why an order ended: its bank had not confirmed the payment before its date.
BANK_TOO_LATE = "bank_too_late"


type Decision = list[Effect] | FetchRequired

ALREADY_BEING_PAID = "This order was already being paid by another payment."
DISPUTE_OPENED = "charge.dispute.created"


def decide(order: OrderState, fact: StripeObservation) -> Decision:
    """Return what a fact changes about its order; often nothing."""
    match fact.object:
        case Intent() as intent:
            return _decide_intent(order, intent, fact)
        case CheckoutSession() as session:
            return _decide_session(order, session, fact)
        case StripeRefund() | StripeDispute() as unmatched if not _is_own_payment(order, unmatched.intent_id):
            return _decide_of_unmatched_payment(order, unmatched, fact)
        case StripeRefund() as refund:
            is_early = not order.captured_minor and refund_rules.find_refund(order, refund) is None
            if (is_early and not fact.fetched) or refund_rules.exceeds_captured(order, refund):
                return FetchRequired(ObjectKind.PAYMENT, refund.intent_id)
            effects = refund_rules.decide_refund(order, refund, fact.cause)
            return [*effects, *dispute_rules.apply_refund_to_disputes(order, effects, fact.cause)]
        case StripeDispute() as dispute:
            return dispute_rules.decide_dispute(order, dispute, fact.cause, fetched=fact.fetched)
        case Charge() as charge:
            return _decide_charge(order, charge)


def _decide_intent(order: OrderState, intent: Intent, fact: StripeObservation) -> Decision:
    if order.intent_id != intent.id:
        return _decide_unmatched_with_label(order, intent, fact)
    return _decide_own(order, intent, fact)


def _decide_own(order: OrderState, intent: Intent, fact: StripeObservation) -> Decision:
    match intent.status:
        case "succeeded":
            return _decide_paid(order, intent, fact.cause)
        case "canceled":
            return _decide_canceled(order, intent, fact.cause)
        case "processing":
            return _decide_processing(order, intent, fact)
        case "requires_payment_method" if intent.decline:
            return _decide_declined(order, intent, fact)
    # requires_action, requires_confirmation …: the buyer is still paying.
    return []


def _decide_unmatched_with_label(order: OrderState, intent: Intent, fact: StripeObservation) -> Decision:
    """Decide about a payment that only a label connects with the order, and anyone can copy a label.

    It is asked of Stripe with our own key, and is the order's when it has the order's customer, amount and currency.
    Other money of that customer goes back: 42.00 by hand for an order of 50.00. Anybody else's is left alone.
    """
    paid, processing = intent.status == "succeeded", intent.status == "processing"
    watch: list[Effect] = [WatchUnmatchedPayment(intent.id, intent.currency)] if processing else []
    undecided = intent.status == "requires_payment_method" and not intent.decline
    if not paid and (
        order.intent_id or undecided or intent.status in {"requires_action", "requires_confirmation"}
    ):
        return watch
    if paid and any(refund.unmatched and refund.intent_id == intent.id for refund in order.refunds):
        return []
    if not fact.fetched:
        # A page's own word comes first: its intent is not known before it is complete. A decline leaves it open, and
        # an intent at its bank may be another one, of which the page knows nothing.
        by_page = order.session_id and not order.intent_id and not intent.decline and not processing
        return (
            FetchRequired(ObjectKind.SESSION, order.session_id)
            if by_page
            else FetchRequired(ObjectKind.INTENT, intent.id)
        )
    problem = _find_mismatch(order, intent)
    if not order.intent_id and order.customer_id and not problem:
        return _decide_own(order, intent, fact)
    if not paid:
        return watch
    return _return_unwanted_payment(order, intent, fact.cause, problem or ALREADY_BEING_PAID)


def _return_unwanted_payment(order: OrderState, intent: Intent, cause: str, problem: str) -> list[Effect]:
    """Refund an unwanted payment of the order's own customer; leave a payment of anybody else alone."""
    if order.customer_id and intent.customer_id == order.customer_id:
        return _return_unmatched_payment(order, intent, cause, problem)
    return [
        RecordUnmatchedPayment(intent.id, intent.customer_id, intent.received_minor, intent.currency),
    ]


def _is_own_payment(order: OrderState, intent_id: str) -> bool:
    """Whether a payment is the order's own, or an unmatched one that the order refunds."""
    unmatched_intents = {refund.intent_id for refund in order.refunds if refund.unmatched}
    return not intent_id or intent_id == order.intent_id or intent_id in unmatched_intents


def _decide_of_unmatched_payment(
    order: OrderState, other: StripeRefund | StripeDispute, fact: StripeObservation
) -> Decision:
    """Ignore refunds and disputes of a payment that was left alone; alert staff, who must answer a dispute."""
    if not fact.fetched:
        if isinstance(other, StripeDispute):
            return FetchRequired(ObjectKind.DISPUTE, other.id)
        return FetchRequired(ObjectKind.PAYMENT, other.intent_id)
    if isinstance(other, StripeRefund) or DISPUTE_OPENED not in fact.cause:
        return []
    text = f"{other.id} disputes {other.intent_id}, which names {order.public_id} and is not its payment"
    return [AlertStaff("dispute_of_unknown_payment", text)]


def _decide_paid(order: OrderState, intent: Intent, cause: str) -> list[Effect]:
    if intent.livemode != order.livemode:
        return [
            AlertStaff(
                "wrong_mode", f"{order.public_id}, {intent.id}: a payment of another mode (test or live)"
            )
        ]
    if order.intent_id not in ("", intent.id):
        return _return_unmatched_payment(order, intent, cause, ALREADY_BEING_PAID)
    bind: list[Effect] = [BindIntent(intent.id)] if not order.intent_id else []
    if order.captured_minor:
        return bind
    if problem := _find_mismatch(order, intent):
        ended = end_unpaid(order, cause, "payment_quarantined") if order.status in LIVE else []
        return bind + _return_unmatched_payment(order, intent, cause, problem) + ended
    capture: list[Effect] = [*bind, RecordCapture(intent.received_minor)]
    match order.kind:
        case OrderType.CREDIT:
            return capture + fulfil(order, cause)
        case OrderType.DIRECT if order.status not in LIVE:
            return capture + _return_late_payment(order, intent, cause)
        case OrderType.DIRECT if _is_paid_after_start(order, intent):
            return capture + _refund_paid_after_start(order, intent, cause)
        case OrderType.DIRECT:
            return capture + fulfil(order, cause)


def _is_paid_after_start(order: OrderState, intent: Intent) -> bool:
    """Whether the first reserved time had begun when the money came, however late we settle it.

    A workshop begins at 18:00. Paid at 17:55 and settled at 19:00, it is fulfilled. Paid at 18:05, it is refunded.
    """
    captured_at = clock.from_timestamp(intent.captured_at) if intent.captured_at else order.at
    return order.starts_at is not None and order.starts_at <= captured_at


def _refund_paid_after_start(order: OrderState, intent: Intent, cause: str) -> list[Effect]:
    """Refund all of the money and return the credits: the date had begun. Notify the buyer."""
    return [
        ChangeStatus(Status.PAID, cause),
        *_release_and_return_credits(order),
        _open_automatic_refund(
            intent.id, intent.received_minor, cause, reason="It arrived after the date had begun."
        ),
        NotifyBuyer(OrderMail.DATE_BEGUN),
    ]


def fulfil(order: OrderState, cause: str) -> list[Effect]:
    """Return the effects that complete an order that is paid, by card, with credits or both."""
    return [ChangeStatus(Status.COMPLETED, cause), _deliver(order), NotifyBuyer(OrderMail.COMPLETED)]


def _deliver(order: OrderState) -> Effect:
    match order.kind:
        case OrderType.CREDIT:
            return PostCredits(Kind.PURCHASE, order.credit_amount_minor, "purchase", "Credits bought")
        case OrderType.DIRECT:
            return Fulfil()


def _find_mismatch(order: OrderState, intent: Intent) -> str:
    """Return how a payment differs from what its order asked for; such money is never taken as its payment."""
    amount_minor = intent.received_minor if intent.status == "succeeded" else intent.amount_minor
    if (amount_minor, intent.currency) != (order.amount_due_minor, order.currency):
        return (
            f"{amount_minor} {intent.currency} arrived where "
            f"{order.amount_due_minor} {order.currency} was due (minor units)."
        )
    if order.customer_id and intent.customer_id != order.customer_id:
        return "The payment is of another customer than the order."
    return ""


def _return_unmatched_payment(order: OrderState, intent: Intent, cause: str, problem: str) -> list[Effect]:
    """Refund, once, a payment that no order asked for; the order that it names does not change."""
    if any(refund.unmatched and refund.intent_id == intent.id for refund in order.refunds):
        return []
    return [
        AlertStaff("payment_quarantined", f"{order.public_id}, {intent.id}: {problem}"),
        _open_automatic_refund(
            intent.id,
            intent.received_minor,
            cause,
            reason=problem[:200],
            unmatched=True,
            currency=intent.currency,
        ),
    ]


def _return_late_payment(order: OrderState, intent: Intent, cause: str) -> list[Effect]:
    """Record money that came after its order had ended, refund all of it, and notify the buyer."""
    return [
        ChangeStatus(Status.PAID, cause),
        refund_late_payment(intent.id, intent.received_minor, cause),
        NotifyBuyer(OrderMail.LATE_PAYMENT),
    ]


def refund_late_payment(intent_id: str, amount_minor: int, cause: str) -> OpenRefund:
    """Return the refund of money, in minor units, that came after its order had ended."""
    return _open_automatic_refund(
        intent_id, amount_minor, cause, reason="The payment arrived after the order had ended."
    )


def _open_automatic_refund(
    intent_id: str, amount_minor: int, cause: str, *, reason: str, unmatched: bool = False, currency: str = ""
) -> OpenRefund:
    return OpenRefund(
        card_minor=amount_minor,
        credits_minor=0,
        origin=Refund.Origin.AUTOMATIC,
        status=Refund.Status.REQUESTED,
        reason=reason,
        intent_id=intent_id,
        unmatched=unmatched,
        cause=cause,
        currency=currency,
    )


def record_recovered_payment(intent: Intent, cause: str) -> list[Effect]:
    """Record the payment of an order that was restored from Stripe.

    What is left of the money is refunded next.
    """
    return [
        BindIntent(intent.id),
        RecordCapture(intent.received_minor),
        ChangeStatus(Status.PAID, cause),
        NotifyBuyer(OrderMail.RECOVERED),
    ]


def _decide_processing(order: OrderState, intent: Intent, fact: StripeObservation) -> Decision:
    if order.status not in UNPAID or order.intent_id not in ("", intent.id):
        return []
    if order.status == Status.FAILED and not fact.fetched:
        # The events of the failure and of the processing may have arrived in the wrong order.
        return FetchRequired(ObjectKind.INTENT, intent.id)
    bind: list[Effect] = [] if order.intent_id else [BindIntent(intent.id)]
    return bind + _wait_for_bank(order, fact.cause)


def _wait_for_bank(order: OrderState, cause: str) -> list[Effect]:
    """Wait for the bank, perhaps for days: hold the reservations until a date, and notify the buyer of that date."""
    hold = hold_for_bank(order)
    is_over = hold.moment is not None and hold.moment <= order.at
    return [
        ChangeStatus(Status.PROCESSING, cause),
        hold,
        *([] if is_over else [NotifyBuyer(OrderMail.PROCESSING)]),
    ]


def hold_for_bank(order: OrderState) -> HoldForBank:
    """Return until when reservations are held for a payment at its bank: until they begin, or for BANK_HOLD at most.

    With 7 days allowed, a workshop in 3 days is held for 3, one in a month for 7. Orders of credits hold nothing.
    """
    return HoldForBank(min(order.starts_at, order.may_keep_until) if order.starts_at else None)


def _decide_declined(order: OrderState, intent: Intent, fact: StripeObservation) -> Decision:
    if order.status not in LIVE or order.intent_id not in ("", intent.id):
        return []
    # Matched by the caller.
    assert intent.decline is not None
    is_late = order.status == Status.PROCESSING or intent.decline.by_bank
    if is_late and not fact.fetched:
        return FetchRequired(ObjectKind.INTENT, intent.id)
    decline = RecordDecline(intent.decline.code, intent.decline.decline_code, intent.decline.message)
    bind: list[Effect] = [] if order.intent_id else [BindIntent(intent.id)]
    if is_late:
        return [*bind, decline, *end_unpaid(order, fact.cause, "payment_failed", was_at_bank=True)]
    if order.status == Status.FAILED:
        return [*bind, decline] if decline != order.decline else bind
    return [*bind, ChangeStatus(Status.FAILED, fact.cause), decline]


def _decide_canceled(order: OrderState, intent: Intent, cause: str) -> list[Effect]:
    if order.status not in LIVE or order.intent_id not in ("", intent.id):
        return []
    return end_unpaid(order, cause, intent.cancellation_reason or "canceled")


def end_unpaid(order: OrderState, cause: str, reason: str, *, was_at_bank: bool = False) -> list[Effect]:
    """Return the effects that end an unpaid order: its reservations are released, and its spent credits go back.

    A buyer who left the payment to a bank has gone away, so notify the buyer by mail. The payment at Stripe may still
    succeed, so it is watched.
    """
    effects: list[Effect] = [
        ChangeStatus(Status.CANCELED, cause, reason),
        *_release_and_return_credits(order),
    ]
    if was_at_bank or order.status == Status.PROCESSING:
        effects += [
            WatchPayment(),
            NotifyBuyer(OrderMail.BANK_TOO_LATE if reason == BANK_TOO_LATE else OrderMail.PAYMENT_FAILED),
        ]
    return effects


def _release_and_return_credits(order: OrderState) -> list[Effect]:
    effects: list[Effect] = [ReleaseReservations()]
    if order.credits_applied_minor:
        effects.append(
            PostCredits(
                Kind.REFUND, order.credits_applied_minor, "spend_returned", "Returned: the order was not paid"
            )
        )
    return effects


def _decide_session(order: OrderState, session: CheckoutSession, fact: StripeObservation) -> Decision:
    if order.session_id not in ("", session.id):
        return []
    if not order.session_id and (other := _decide_labeled_session(order, session, fact)) is not None:
        return other
    if session.status == "expired":
        return end_unpaid(order, fact.cause, "expired") if order.status in LIVE else []
    bind: list[Effect] = [BindIntent(session.intent_id)] if session.intent_id and not order.intent_id else []
    if session.failed_later:
        # A completed page can't be paid again, so a late failure ends the order and frees its hold.
        if order.status not in LIVE:
            return []
        return bind + end_unpaid(order, fact.cause, "payment_failed", was_at_bank=True)
    if session.status != "complete":
        return []
    if session.payment_status == "paid":
        return _decide_paid(order, _intent_from_session(session), fact.cause)
    if order.status in UNPAID:
        if order.status == Status.FAILED and not fact.fetched:
            return FetchRequired(ObjectKind.SESSION, session.id)
        return bind + _wait_for_bank(order, fact.cause)
    return []


def _decide_labeled_session(
    order: OrderState, session: CheckoutSession, fact: StripeObservation
) -> Decision | None:
    """Decide about a Checkout page that only a label connects with the order; None when the page is the order's."""
    if session.status not in {"expired", "complete"} and not session.failed_later:
        return []
    if not fact.fetched:
        return FetchRequired(ObjectKind.SESSION, session.id)
    intent = _intent_from_session(session)
    if order.is_checkout and order.customer_id and not _find_mismatch(order, intent):
        return None
    paid = session.payment_status == "paid" and session.intent_id
    return (
        _decide_unmatched_with_label(order, intent, fact)
        if paid and session.intent_id != order.intent_id
        else []
    )


def _intent_from_session(session: CheckoutSession) -> Intent:
    """Return the intent of a paid Checkout page: the page says as much about the money."""
    return Intent(
        id=session.intent_id,
        status="succeeded",
        amount_minor=session.amount_minor,
        received_minor=session.amount_minor,
        currency=session.currency,
        customer_id=session.customer_id,
        livemode=session.livemode,
        order_ref=session.order_ref,
        payment_method_id="",
        decline=None,
        cancellation_reason="",
        captured_at=session.captured_at,
    )


def _decide_charge(order: OrderState, charge: Charge) -> Decision:
    """Fetch the refunds of a charge when the charge's cumulative sum is not the sum of ours."""
    refunded_minor = sum(
        refund.card_minor
        for refund in order.refunds
        if refund.intent_id == charge.intent_id and refund.status == Refund.Status.SUCCEEDED
    )
    return (
        []
        if refunded_minor == charge.amount_refunded_minor
        else FetchRequired(ObjectKind.PAYMENT, charge.intent_id)
    )
