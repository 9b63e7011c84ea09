"""The rules of orders: the effects that fulfil one, hold it for a bank, end it unpaid or return its money."""

from estuary.credits.ledger import Kind
from estuary.notifications.order_mail_texts import OrderMail
from estuary.orders.models import OrderType
from estuary.orders.states import Status
from estuary.payments.models import Refund
from estuary.payments.settlement.effects import (
    BindIntent,
    ChangeStatus,
    Fulfil,
    HoldForBank,
    NotifyBuyer,
    OpenRefund,
    PostCredits,
    RecordCapture,
    ReleaseReservations,
    WatchPayment,
)
from estuary.payments.settlement.state import Effect, OrderState
from estuary.payments.stripe_objects import Intent

# Why an order ended: its bank had not confirmed the payment before its date.
BANK_TOO_LATE = "bank_too_late"
# Why an order ended: its date was called off. Whoever called it off writes to the buyer.
CALLED_OFF = "called_off"


def fulfil(order: OrderState, cause: str) -> list[Effect]:
    """Return the effects that complete an order that is paid, by card, with credits or both."""
    return [ChangeStatus(Status.COMPLETED, cause), _deliver(order), NotifyBuyer(OrderMail.COMPLETED)]


def _deliver(order: OrderState) -> Effect:
    match order.kind:
        case OrderType.CREDIT:
            return PostCredits(Kind.PURCHASE, order.credit_amount_minor, "purchase", "Credits bought")
        case OrderType.DIRECT:
            return Fulfil()


def refund_late_payment(intent_id: str, amount_minor: int) -> OpenRefund:
    """Return the refund of money, in minor units, that came after its order had ended."""
    return open_automatic_refund(
        intent_id, amount_minor, reason="The payment arrived after the order had ended."
    )


def open_automatic_refund(
    intent_id: str, amount_minor: int, *, reason: str, unmatched: bool = False, currency: str = ""
) -> OpenRefund:
    return OpenRefund(
        card_minor=amount_minor,
        origin=Refund.Origin.AUTOMATIC,
        status=Refund.Status.REQUESTED,
        reason=reason,
        intent_id=intent_id,
        unmatched=unmatched,
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


def hold_for_bank(order: OrderState) -> HoldForBank:
    """Return until when reservations are held for a payment at its bank: until they begin, or for BANK_HOLD at most.

    With 7 days allowed, a workshop in 3 days is held for 3, one in a month for 7. Orders of credits hold nothing.
    """
    return HoldForBank(min(order.starts_at, order.may_keep_until) if order.starts_at else None)


def end_unpaid(order: OrderState, cause: str, reason: str, *, was_at_bank: bool = False) -> list[Effect]:
    """Return the effects that end an unpaid order: its reservations are released, and its spent credits go back.

    A buyer who left the payment to a bank has gone away, so notify the buyer by mail. The payment at Stripe may still
    succeed, so it is watched.
    """
    effects: list[Effect] = [
        ChangeStatus(Status.CANCELED, cause, reason),
        *release_and_return_credits(order),
    ]
    if was_at_bank or order.status == Status.PROCESSING:
        effects.append(WatchPayment())
        if reason != CALLED_OFF:
            mail = OrderMail.BANK_TOO_LATE if reason == BANK_TOO_LATE else OrderMail.PAYMENT_FAILED
            effects.append(NotifyBuyer(mail))
    return effects


def release_and_return_credits(order: OrderState) -> list[Effect]:
    effects: list[Effect] = [ReleaseReservations()]
    if order.credits_applied_minor:
        effects.append(
            PostCredits(
                Kind.REFUND, order.credits_applied_minor, "spend_returned", "Returned: the order was not paid"
            )
        )
    return effects
