"""The payment of an order: an intent or a Checkout Session is created, resumed, or confirmed with a saved card."""

from dataclasses import dataclass
from functools import partial

from estuary.common import clock
from estuary.orders.models import Order
from estuary.orders.states import CONFIRMED_BY_SERVER, FULFILLED, LIVE, Status
from estuary.payments import client
from estuary.payments.checkout import stripe_creation
from estuary.payments.checkout.cancel_order import cancel_locally, close_order
from estuary.payments.checkout.stripe_creation import next_order_key
from estuary.payments.customers import payment_methods
from estuary.payments.customers.customers import call_with_customer
from estuary.payments.errors import (
    AlreadyPaid,
    CardDeclined,
    NotAtStripe,
    NotChargeable,
    OrderChanged,
    OrderEnded,
    PaymentProcessing,
    StripeBusy,
    StripeRefused,
    StripeUnavailable,
    UnexpectedState,
)
from estuary.payments.gateway import account_binding
from estuary.payments.settlement import settle
from estuary.payments.settlement.effects import AlertStaff
from estuary.payments.settlement.facts import StripeObservation
from estuary.payments.settlement.fetch import fetch_intent, fetch_observations
from estuary.payments.settlement.sync import payment_of
from estuary.payments.stripe_objects import CheckoutSession, Intent

UNCONFIRMED_MESSAGE = (
    "The payment service has not said whether this was paid. Send the same request again within ten minutes: it finds "
    "out, and no card is charged twice."
)


@dataclass(frozen=True, slots=True)
class StartedPayment:
    """An order with its intent or Checkout Session; both are None when credits covered the whole price."""

    order: Order
    intent: Intent | None = None
    session: CheckoutSession | None = None

    @property
    def payment_status(self) -> str:
        if self.session:
            return self.session.payment_status
        if self.intent:
            return self.intent.status
        return "processing" if self.order.status == Status.PROCESSING else "succeeded"


def start_payment(order: Order, *, card_id: str) -> StartedPayment:
    """Create the order's intent or Checkout Session; if Stripe refuses it, the order is canceled at once.

    ``card_id`` is the saved card to charge now, or empty.
    """
    try:
        payment = call_with_customer(order.user, partial(stripe_creation.create_payment, order))
    except (UnexpectedState, NotAtStripe) as error:
        alert_text = f"{order.public_id}: Stripe refused to take the payment: {error.detail}"
        cancel_locally(
            order,
            cause="refused by Stripe",
            reason="not_chargeable",
            alert=AlertStaff("not_chargeable", alert_text),
        )
        if order.status != Status.CANCELED:
            raise OrderChanged("This order has just changed. Please try again.") from error
        raise NotChargeable(
            f"The payment service can't take this payment: {error.detail} Nothing was charged, and nothing is held."
        ) from error
    if isinstance(payment, CheckoutSession):
        return StartedPayment(order, session=payment)
    return _confirm_with_card(order, payment, card_id)


def _confirm_with_card(order: Order, intent: Intent, card_id: str) -> StartedPayment:
    """Charge the saved card that the buyer chose; a decline is recorded on the order and raised."""
    if not card_id or (intent.status == "requires_action" and intent.payment_method_id == card_id):
        # The browser finishes this payment.
        return StartedPayment(order, intent=intent)
    if order.stripe_payment_method_id != card_id:
        order.stripe_payment_method_id = card_id
        order.save(update_fields=["stripe_payment_method_id"])
    try:
        key = next_order_key(order, "confirm")
        intent = client.confirm_intent(intent.id, payment_method_id=card_id, key=key)
    except CardDeclined as error:
        if error.intent:
            _settle_payment(order, error.intent, "declined at once")
        raise CardDeclined(error.decline, order_id=order.public_id) from None
    except (StripeUnavailable, StripeBusy, StripeRefused) as error:
        raise _started_unconfirmed(error, order) from None
    except (UnexpectedState, NotAtStripe):
        payment_methods.refuse_if_gone(card_id)
        intent = fetch_intent(intent.id)
    # Fetched, it may have been paid meanwhile with another card.
    is_by_card = intent.payment_method_id == card_id
    _settle_payment(order, intent, CONFIRMED_BY_SERVER if is_by_card else "asked for again")
    if intent.status == "canceled":
        raise OrderEnded(
            f"Your order {order.public_id} ended before the card was charged: it was canceled, or the time to pay was "
            "over. Nothing was charged. Order it again, if you still want it.",
            order_id=order.public_id,
        )
    return StartedPayment(order, intent=intent)


def _started_unconfirmed(
    error: StripeUnavailable | StripeBusy | StripeRefused, order: Order
) -> StripeUnavailable | StripeBusy | StripeRefused:
    """Return the error with the order's id, for an order of which nobody knows yet whether it is paid."""
    if error.detail != account_binding.UNAVAILABLE_NOW:
        error.detail = UNCONFIRMED_MESSAGE
    error.extra = {**error.extra, "order_id": order.public_id}
    return error


def resume(order: Order, *, card_id: str, is_own_request: bool = False) -> StartedPayment | None:
    """Return the order with its payment as Stripe has it now, or None when the order has ended.

    ``is_own_request`` means that the same request started this payment before. If the order is paid by now, that is
    its answer; any other request gets AlreadyPaid or PaymentProcessing.
    """
    needs = payment_of(order)
    if needs is None:
        return start_payment(order, card_id=card_id)
    try:
        observations = fetch_observations(needs, "asked for again")
    except NotAtStripe:
        close_order(order, reason="abandoned", cause="gone at Stripe")
        return None
    settle(observations, at=clock.now())
    order.refresh_from_db()
    payment = observations[0].object
    assert isinstance(payment, Intent | CheckoutSession)
    if is_own_request and order.status in FULFILLED | {Status.PAID, Status.PROCESSING}:
        has_page = stripe_creation.is_checkout(order)
        return StartedPayment(order, intent=payment if isinstance(payment, Intent) and not has_page else None)
    refuse_if_paid(order)
    if isinstance(payment, CheckoutSession):
        return StartedPayment(order, session=payment) if payment.status == "open" else None
    return _confirm_with_card(order, payment, card_id) if order.status in LIVE else None


def refuse_if_paid(order: Order) -> None:
    if order.status in FULFILLED | {Status.PAID}:
        raise AlreadyPaid("This is already paid. Your orders show it.", order_id=order.public_id)
    if order.status == Status.PROCESSING:
        raise PaymentProcessing(
            "Your bank is still working on the payment for this, so you need not pay again. We will write to you when "
            "it is through, and when it fails.",
            order_id=order.public_id,
        )


def _settle_payment(order: Order, payment: Intent | CheckoutSession, cause: str) -> None:
    settle([StripeObservation(payment, cause, fetched=True)], at=clock.now())
    order.refresh_from_db()
