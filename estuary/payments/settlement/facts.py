"""Facts: what Stripe says about one object, and what must be fetched when a fact does not decide."""

from dataclasses import dataclass

from estuary.payments.stripe_objects import Charge, CheckoutSession, Intent, StripeDispute, StripeRefund


@dataclass(frozen=True, slots=True)
class FetchRequired:
    """The fact does not decide: fetch the object, outside any transaction, and decide again.

    ``kind`` is one of:

    - ``intent``, ``session``, ``card``: the object,
    - ``payment``: an intent and every refund of it,
    - ``refund``, ``charge``: the payment behind it,
    - ``dispute``: a dispute and its intent.
    """

    kind: str
    id: str


type StripeObject = Intent | CheckoutSession | StripeRefund | Charge | StripeDispute


@dataclass(frozen=True, slots=True)
class StripeObservation:
    """One object as Stripe showed it, and by which cause; a fetched object shows its present state."""

    object: StripeObject
    cause: str
    fetched: bool = False
