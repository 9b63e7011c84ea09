"""Payments, and cards that are saved without one.

Shapes: https://docs.stripe.com/api/payment_intents/object, …/setup_intents/object, …/checkout/sessions/object
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self

from estuary.common.observability.redaction import redact
from estuary.payments.stripe_objects.fields import Json, id_of


@dataclass(frozen=True, slots=True)
class Decline:
    """Why a payment failed. Stripe writes ``message`` for the buyer.

    ``charge_id`` is the charge of the attempt; each attempt has its own. ``by_bank``: refused days later, not at once.
    """

    code: str
    decline_code: str
    message: str
    charge_id: str = ""
    by_bank: bool = field(default=False, compare=False)


@dataclass(frozen=True, slots=True)
class Intent:
    """A PaymentIntent. Amounts are minor units, times are Unix times; ``metadata`` is as Stripe has it.

    ``captured_at`` is when its money came, or 0 when the object does not say.
    """

    id: str
    status: str
    amount_minor: int
    received_minor: int
    currency: str
    customer_id: str
    livemode: bool
    order_ref: str
    payment_method_id: str = ""
    decline: Decline | None = None
    cancellation_reason: str = ""
    created: int = 0
    captured_at: int = field(default=0, compare=False)
    metadata: Mapping[str, str] = field(default_factory=dict, compare=False)
    client_secret: str = field(default="", repr=False, compare=False)

    @classmethod
    def parse(cls, obj: Json, *, captured_at: int = 0) -> Self:
        error = obj.get("last_payment_error")
        return cls(
            id=obj["id"],
            status=obj["status"],
            amount_minor=obj["amount"],
            received_minor=obj.get("amount_received") or 0,
            currency=obj["currency"],
            customer_id=id_of(obj.get("customer")),
            livemode=bool(obj.get("livemode")),
            order_ref=(obj.get("metadata") or {}).get("order_id", ""),
            payment_method_id=id_of(obj.get("payment_method")),
            decline=parse_decline(error) if error else None,
            cancellation_reason=obj.get("cancellation_reason") or "",
            created=obj.get("created") or 0,
            captured_at=captured_at or _charged_at(obj),
            metadata=dict(obj.get("metadata") or {}),
            client_secret=obj.get("client_secret") or "",
        )

    @property
    def has_ended_unpaid(self) -> bool:
        return self.status == "canceled"


def _charged_at(intent: Json) -> int:
    """Return when a card was charged, if the intent was read with its charge.

    Other charges are created before they are paid, so their time says nothing.
    """
    charge = intent.get("latest_charge")
    if intent["status"] != "succeeded" or not isinstance(charge, Mapping):
        return 0
    by_card = (charge.get("payment_method_details") or {}).get("type") == "card"
    return int(charge["created"]) if by_card else 0


def parse_decline(error: Json) -> Decline:
    kind = (error.get("payment_method") or {}).get("type", "card")
    return Decline(
        code=error.get("code") or "card_declined",
        decline_code=error.get("decline_code") or "",
        message=redact(error.get("message") or "The card was declined."),
        charge_id=id_of(error.get("charge")),
        by_bank=kind != "card",
    )


@dataclass(frozen=True, slots=True)
class Setup:
    """A SetupIntent; ``key`` is that of our row, or empty when the SetupIntent was created elsewhere."""

    id: str
    status: str
    key: str

    @classmethod
    def parse(cls, obj: Json) -> Self:
        return cls(id=obj["id"], status=obj["status"], key=(obj.get("metadata") or {}).get("setup", ""))

    @property
    def is_open(self) -> bool:
        """Whether cards can still be tried with its client secret."""
        return self.status not in {"succeeded", "canceled"}


@dataclass(frozen=True, slots=True)
class CheckoutSession:
    """A Checkout page hosted by Stripe. ``payment_status`` is ``paid`` or ``unpaid``; amounts are minor units."""

    id: str
    status: str
    payment_status: str
    intent_id: str
    amount_minor: int
    currency: str
    customer_id: str
    livemode: bool
    order_ref: str
    failed_later: bool = False
    created: int = 0
    captured_at: int = field(default=0, compare=False)
    url: str = field(default="", repr=False, compare=False)

    @classmethod
    def parse(cls, obj: Json, *, failed_later: bool = False, captured_at: int = 0) -> Self:
        intent = obj.get("payment_intent")
        return cls(
            id=obj["id"],
            status=obj.get("status") or "",
            payment_status=obj["payment_status"],
            intent_id=id_of(obj.get("payment_intent")),
            amount_minor=obj.get("amount_total") or 0,
            currency=obj.get("currency") or "",
            customer_id=id_of(obj.get("customer")),
            livemode=bool(obj.get("livemode")),
            order_ref=(obj.get("metadata") or {}).get("order_id", ""),
            failed_later=failed_later,
            created=obj.get("created") or 0,
            captured_at=captured_at or (_charged_at(intent) if isinstance(intent, Mapping) else 0),
            url=obj.get("url") or "",
        )

    @property
    def has_ended_unpaid(self) -> bool:
        return self.status == "expired"
