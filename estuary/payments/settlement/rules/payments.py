"""The rules of payments: what an order's own payment means for it. Pure functions."""

from estuary.common import clock
from estuary.notifications.order_mail_texts import OrderMail
from estuary.orders.models import OrderType
from estuary.orders.states import LIVE, UNPAID, Status
from estuary.payments.settlement.effects import (
    AlertStaff,
    BindIntent,
    ChangeStatus,
    Decision,
    NotifyBuyer,
    RecordCapture,
)
from estuary.payments.settlement.facts import FetchRequired, ObjectKind, StripeObservation
from estuary.payments.settlement.rules.orders import (
    end_unpaid,
    fulfil,
    hold_for_bank,
    open_automatic_refund,
    refund_late_payment,
    release_and_return_credits,
)
from estuary.payments.settlement.state import Effect, OrderState, RecordDecline
from estuary.payments.stripe_objects import Intent

ALREADY_BEING_PAID = "This order was already being paid by another payment."


def decide_own_payment(order: OrderState, intent: Intent, fact: StripeObservation) -> Decision:
    match intent.status:
        case "succeeded":
            return decide_paid(order, intent, fact.cause)
        case "canceled":
            return _decide_canceled(order, intent, fact.cause)
        case "processing":
            return _decide_processing(order, intent, fact)
        case "requires_payment_method" if intent.decline:
            return _decide_declined(order, intent, fact)
    # requires_action, requires_confirmation …: the buyer is still paying.
    return []


def decide_paid(order: OrderState, intent: Intent, cause: str) -> list[Effect]:
    if intent.livemode != order.livemode:
        return [
            AlertStaff(
                "wrong_mode", f"{order.public_id}, {intent.id}: a payment of another mode (test or live)"
            )
        ]
    if not order.may_be_paid_by(intent.id) or order.refunds_unmatched(intent.id):
        return return_unmatched_payment(order, intent, ALREADY_BEING_PAID)
    bind = bind_intent(order, intent.id)
    if order.captured_minor:
        return bind
    if problem := find_mismatch(order, intent):
        ended = end_unpaid(order, cause, "payment_quarantined") if order.status in LIVE else []
        return bind + return_unmatched_payment(order, intent, problem) + ended
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


def bind_intent(order: OrderState, intent_id: str) -> list[Effect]:
    """Return the effect that makes a payment the order's own; none when it is so already."""
    return [BindIntent(intent_id)] if intent_id not in {"", order.intent_id} else []


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
        *release_and_return_credits(order),
        open_automatic_refund(
            intent.id, intent.received_minor, reason="It arrived after the date had begun."
        ),
        NotifyBuyer(OrderMail.DATE_STARTED),
    ]


def find_mismatch(order: OrderState, intent: Intent) -> str:
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


def return_unmatched_payment(order: OrderState, intent: Intent, problem: str) -> list[Effect]:
    """Refund, once, a payment that no order asked for; the order that it names does not change."""
    if order.refunds_unmatched(intent.id):
        return []
    return [
        AlertStaff("payment_quarantined", f"{order.public_id}, {intent.id}: {problem}"),
        open_automatic_refund(
            intent.id,
            intent.received_minor,
            reason=problem[:200],
            unmatched=True,
            currency=intent.currency,
        ),
    ]


def _return_late_payment(order: OrderState, intent: Intent, cause: str) -> list[Effect]:
    """Record money that came after its order had ended, refund all of it, and notify the buyer."""
    return [
        ChangeStatus(Status.PAID, cause),
        refund_late_payment(intent.id, intent.received_minor),
        NotifyBuyer(OrderMail.LATE_PAYMENT),
    ]


def _decide_processing(order: OrderState, intent: Intent, fact: StripeObservation) -> Decision:
    if order.status not in UNPAID or not order.may_be_paid_by(intent.id):
        return []
    if order.status == Status.FAILED and not fact.fetched:
        # The events of the failure and of the processing may have arrived in the wrong order.
        return FetchRequired(ObjectKind.INTENT, intent.id)
    return bind_intent(order, intent.id) + wait_for_bank(order, fact.cause)


def wait_for_bank(order: OrderState, cause: str) -> list[Effect]:
    """Wait for the bank, perhaps for days: hold the reservations until a date, and notify the buyer of that date."""
    hold = hold_for_bank(order)
    is_over = hold.moment is not None and hold.moment <= order.at
    return [
        ChangeStatus(Status.PROCESSING, cause),
        hold,
        *([] if is_over else [NotifyBuyer(OrderMail.PROCESSING)]),
    ]


def _decide_declined(order: OrderState, intent: Intent, fact: StripeObservation) -> Decision:
    if order.status not in LIVE or order.intent_id not in ("", intent.id):
        return []
    # Matched by the caller.
    assert intent.decline is not None
    is_late = order.status == Status.PROCESSING or intent.decline.by_bank
    if is_late and not fact.fetched:
        return FetchRequired(ObjectKind.INTENT, intent.id)
    decline = RecordDecline(intent.decline.code, intent.decline.decline_code, intent.decline.message)
    bind = bind_intent(order, intent.id)
    if is_late:
        return [*bind, decline, *end_unpaid(order, fact.cause, "payment_failed", was_at_bank=True)]
    if order.status == Status.FAILED:
        return [*bind, decline] if decline != order.decline else bind
    return [*bind, ChangeStatus(Status.FAILED, fact.cause), decline]


def _decide_canceled(order: OrderState, intent: Intent, cause: str) -> list[Effect]:
    if order.status not in LIVE or order.intent_id not in ("", intent.id):
        return []
    return end_unpaid(order, cause, intent.cancellation_reason or "canceled")
