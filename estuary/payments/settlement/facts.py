"""Facts: what Stripe says about one object, and what must be fetched when a fact does not decide."""

from dataclasses import dataclass
from enum import StrEnum

from estuary.payments.stripe_objects import Charge, CheckoutSession, Intent, StripeDispute, StripeRefund


class ObjectKind(StrEnum):
    INTENT = "intent"
    # An intent, and which Checkout page made it.
    INTENT_AND_PAGE = "intent_and_page"
    SESSION = "session"
    # An intent and every refund of it.
    PAYMENT = "payment"
    # The payment behind a refund or a charge.
    REFUND = "refund"
    CHARGE = "charge"
    # A dispute and its intent.
    DISPUTE = "dispute"
    PAYMENT_METHOD = "card"
    # An early fraud warning or a review, and its intent.
    FRAUD_NOTICE = "fraud_notice"


@dataclass(frozen=True, slots=True)
class FetchRequired:
    """The fact does not decide: fetch the object, outside any transaction, and decide again."""

    kind: ObjectKind
    id: str


type StripeObject = Intent | CheckoutSession | StripeRefund | Charge | StripeDispute


@dataclass(frozen=True, slots=True)
class StripeObservation:
    """One object as Stripe showed it, and by which cause; a fetched object shows its present state.

    ``page_id`` is the Checkout page that made an intent, if Stripe was asked for it and there is one.
    """

    object: StripeObject
    cause: str
    fetched: bool = False
    page_id: str = ""

    @property
    def payment_to_fetch(self) -> FetchRequired | None:
        """What to fetch for a refund or a dispute of a payment that no order here was paid with: the payment itself."""
        if isinstance(self.object, Intent | CheckoutSession) or not self.object.intent_id or self.fetched:
            return None
        if isinstance(self.object, StripeDispute):
            return FetchRequired(ObjectKind.DISPUTE, self.object.id)
        return FetchRequired(ObjectKind.PAYMENT, self.object.intent_id)
