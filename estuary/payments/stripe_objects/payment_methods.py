"""Cards and other payment methods: https://docs.stripe.com/api/payment_methods/object."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from estuary.payments.stripe_objects.fields import Json, id_of


@dataclass(frozen=True, slots=True)
class OtherPaymentMethod:
    """A PaymentMethod that is not a card; ``customer_id`` is empty once it is detached. ``created`` is a Unix time."""

    id: str
    customer_id: str
    type: str
    last4: str
    created: int

    @classmethod
    def parse(cls, obj: Json) -> Self:
        details = obj.get(obj["type"]) or {}
        return cls(
            id=obj["id"],
            customer_id=id_of(obj.get("customer")),
            type=obj["type"],
            last4=str(details.get("last4") or "")[:4],
            created=obj["created"],
        )


@dataclass(frozen=True, slots=True)
class Card:
    """A PaymentMethod of type card; ``customer_id`` is empty once it is detached. ``created`` is a Unix time."""

    id: str
    customer_id: str
    brand: str
    last4: str
    exp_month: int
    exp_year: int
    fingerprint: str
    created: int

    @classmethod
    def parse(cls, obj: Json, *, customer_id: str | None = None) -> Self | None:
        """Return the card, or None for a payment method of another type."""
        card = obj.get("card")
        if obj.get("type") != "card" or not card:
            return None
        return cls(
            id=obj["id"],
            customer_id=id_of(obj.get("customer")) if customer_id is None else customer_id,
            brand=card["brand"],
            last4=card["last4"],
            exp_month=card["exp_month"],
            exp_year=card["exp_year"],
            fingerprint=card.get("fingerprint") or "",
            created=obj["created"],
        )


def parse_payment_method(obj: Json) -> Card | OtherPaymentMethod:
    return Card.parse(obj) or OtherPaymentMethod.parse(obj)


@dataclass(frozen=True, slots=True)
class UsedMethod:
    """How a payment was paid, as its charge says: Stripe's ``type``, and brand and last four digits if it has any."""

    type: str
    brand: str
    last4: str

    @classmethod
    def parse(cls, intent: Json) -> Self:
        """Read it from an intent with its charge; all is empty before there is one."""
        charge = intent.get("latest_charge")
        return cls.of_details(charge.get("payment_method_details") if isinstance(charge, Mapping) else None)

    @classmethod
    def of_details(cls, details: Json | None) -> Self:
        """Read it from the ``payment_method_details`` of a charge."""
        details = details or {}
        kind = str(details.get("type") or "")
        method = details.get(kind) or {}
        return cls(type=kind, brand=str(method.get("brand") or ""), last4=str(method.get("last4") or "")[:4])
