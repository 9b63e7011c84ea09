"""Facts: what Stripe said of an object, and what must be fetched because that does not say enough."""

from dataclasses import dataclass

from estuary.payments.stripe_objects import Charge, CheckoutSession, Intent, StripeDispute, StripeRefund


@dataclass(frozen=True, slots=True)
class FetchRequired:
    """The fact alone does not say: fetch the object, outside any transaction, and decide again.

    ``kind`` is ``intent``, ``session``, ``payment`` (an intent and every refund of it), ``refund`` or ``charge`` (and
    the payment behind it), ``dispute`` (and its intent) or ``card``.
    """

    kind: str
    id: str


type StripeObject = Intent | CheckoutSession | StripeRefund | Charge | StripeDispute


@dataclass(frozen=True, slots=True)
class StripeObservation:
    """What Stripe said of one object, and how we know; a fetched object is how things stand now."""

    object: StripeObject
    cause: str
    fetched: bool = False
