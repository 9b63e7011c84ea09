"""Errors between a buyer, Stripe and us, each with the code that callers may rely on."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import structlog

from estuary.common.errors import Conflict, EstuaryError, InvalidRequest, Unavailable
from estuary.common.process.shutdown import ShuttingDown
from estuary.payments.stripe_objects import Decline, Intent

log = structlog.get_logger(__name__)


class StripeUnavailable(Unavailable):
    code = "payment_service_unavailable"


class WrongAccount(StripeUnavailable):
    """The key is of another account than this database: nothing is sent, and no absence is believed."""

    code = "wrong_account"


class NotOwner(Unavailable):
    """Another database owns this Stripe account: this one is a copy, or was restored, and has not been claimed."""

    code = "not_the_owner"


class StripeUnreachable(StripeUnavailable):
    """Stripe did not answer: nobody knows whether it did what was asked."""


class KeyRefused(StripeUnavailable):
    """Stripe does not accept our key: it is wrong, revoked or expired."""

    def __init__(self, detail: str, *, stripe_code: str = "", **options: Any) -> None:
        super().__init__(detail, **options)
        self.stripe_code = stripe_code


class PermissionMissing(StripeUnavailable):
    """The restricted key lacks the permission for a call."""


# After one of these, every other call to Stripe fails as well. A call without an answer may be the only one.
EVERY_CALL_FAILS = (KeyRefused, WrongAccount)


class StripeBusy(Unavailable):
    code = "payment_service_busy"


class StripeRefused(Unavailable):
    code = "payment_service_failed"


class NotAtStripe(Conflict):
    """The object does not exist at Stripe any more: deleted or detached. Another account is never asked."""

    code = "not_at_stripe"


class UnexpectedState(Conflict):
    """Stripe says that the object is in another state than expected; ``intent`` is that state, where known."""

    code = "payment_changed"

    def __init__(self, stripe_code: str, detail: str, intent: Intent | None) -> None:
        super().__init__(detail)
        self.stripe_code = stripe_code
        self.intent = intent


class CardDeclined(EstuaryError):
    """The bank declined the card. ``intent`` is the payment as it is now; it may be tried again."""

    code, status, title = "card_declined", 402, "The card was declined"

    def __init__(self, decline: Decline, intent: Intent | None = None, **extra: str) -> None:
        super().__init__(decline.message, decline_code=decline.decline_code or decline.code, **extra)
        self.decline = decline
        self.intent = intent


class BadSignature(EstuaryError):
    """The request is not signed by Stripe; ``reason`` says why, in one word for logs and counts."""

    code, status, title = "bad_signature", 400, "The signature is not valid"

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason


class PriceChanged(Conflict):
    code, title = "price_changed", "The price is another one"


class AmountDueChanged(Conflict):
    """The card's share is not what the buyer was shown: the balance has changed. Nothing was spent."""

    code, title = "amount_due_changed", "The amount to pay by card has changed"


class BelowMinimum(Conflict):
    code, title = "below_minimum", "A card can't be charged that little"


class AlreadyPaid(Conflict):
    code, title = "already_paid", "This order is paid"


class BoughtJustNow(Conflict):
    """The same was bought within ten minutes, perhaps by a request whose response was lost.

    Nothing is charged until the buyer confirms a second purchase.
    """

    code, title = "bought_just_now", "You have just bought this"

    def __init__(self, order_id: str, *, bought_at: datetime) -> None:
        super().__init__(
            "You have just bought this: your orders show it. To buy it once more, confirm that you mean it.",
            order_id=order_id,
            bought_at=bought_at.isoformat().replace("+00:00", "Z"),
        )


class RefundedJustNow(Conflict):
    """Staff refunded the same within ten minutes, perhaps by a request whose response was lost. Nothing was sent."""

    code, title = "refunded_just_now", "You have just refunded this"

    def __init__(self, refund_id: str, *, refunded_at: datetime) -> None:
        super().__init__(
            "You have just refunded this: the order shows it. To refund the same once more, send it again with that "
            "refund_id as again.",
            refund_id=refund_id,
            refunded_at=refunded_at.isoformat().replace("+00:00", "Z"),
        )


class PaymentProcessing(Conflict):
    code, title = "payment_processing", "The payment is on its way"


class NotOnSale(Conflict):
    code, title = "not_on_sale", "This is not on sale"


class OrderNotCancelable(Conflict):
    code, title = "order_not_cancelable", "This order can't be canceled"


class NotRefundable(Conflict):
    code, title = "not_refundable", "This can't be refunded"


class ChargeDisputed(NotRefundable):
    """The buyer's bank decides about this payment, or has taken it back: a refund would pay twice."""

    code, title = "charge_disputed", "This payment is disputed"


class RefundTooLarge(Conflict):
    code, title = "refund_too_large", "The refund is larger than what is left"


class NotChargeable(Conflict):
    """Stripe refuses to charge for this, for a reason of its own; staff are alerted."""

    code, title = "not_chargeable", "This can't be paid"


class OrderChanged(Conflict):
    """Another request changed the order first; the same request finds the order as it is now."""

    code, title = "order_changed", "The order has just changed"


class OrderEnded(Conflict):
    """The order ended before its payment could begin: it was canceled, or its hold was over. Nothing was charged."""

    code, title = "order_ended", "The order has ended"


class CardRemoved(Conflict):
    code, title = "card_removed", "This card is no longer saved"


class UnsafeReturnUrl(InvalidRequest):
    code, title = "unsafe_return_url", "The return address is not ours"


def _is_unreachable(error: Exception) -> bool:
    return isinstance(error, StripeUnreachable)


def run_all(*actions: Callable[[], Any]) -> None:
    """Run every action; failures are logged, and the first is raised at the end. Several with a bug are one group.

    Example: of two orders, Stripe is busy for the first. The second is canceled, StripeBusy is raised, and the job is
    retried. What fails for every call to Stripe, and a shutdown, would stop every action, so it is raised at once. So
    is the second call that Stripe does not answer.
    """
    failures: list[Exception] = []
    for action in actions:
        try:
            action()
        except (*EVERY_CALL_FAILS, ShuttingDown):
            raise
        except Exception as failure:
            if _is_unreachable(failure) and any(map(_is_unreachable, failures)):
                raise
            code = failure.code if isinstance(failure, EstuaryError) else ""
            log.warning("one_of_many_failed", error_type=type(failure).__name__, code=code)
            failures.append(failure)
    if len(failures) > 1 and not all(isinstance(failure, EstuaryError) for failure in failures):
        raise ExceptionGroup("several actions failed", failures)
    if failures:
        raise failures[0]
