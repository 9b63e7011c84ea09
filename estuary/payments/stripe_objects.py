"""Stripe's objects: the few fields that we use, as frozen dataclasses; the same from an event and from a call.

Shapes: https://docs.stripe.com/api/payment_intents/object, …/checkout/sessions/object, …/refunds/object,
…/payment_methods/object, …/disputes/object, …/radar/early_fraud_warnings/object, …/radar/reviews/object
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Self

from estuary.common import clock
from estuary.common.observability.redaction import redact

Json = Mapping[str, Any]


def id_of(value: Any) -> str:
    """Return the id of an expandable field: an id, an expanded object, or nothing."""
    if isinstance(value, Mapping):
        return str(value.get("id", ""))
    return str(value or "")


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


@dataclass(frozen=True, slots=True)
class StripeRefund:
    """A Refund; ``refund_ref`` is our own id when we started the refund. Amounts are minor units."""

    id: str
    status: str
    amount_minor: int
    currency: str
    intent_id: str
    refund_ref: str
    failure_reason: str
    created: int = 0

    @classmethod
    def parse(cls, obj: Json) -> Self:
        return cls(
            id=obj["id"],
            status=obj.get("status") or "pending",
            amount_minor=obj["amount"],
            currency=obj["currency"],
            intent_id=id_of(obj.get("payment_intent")),
            refund_ref=(obj.get("metadata") or {}).get("refund_id", ""),
            failure_reason=obj.get("failure_reason") or "",
            created=obj.get("created") or 0,
        )

    @property
    def has_failed(self) -> bool:
        return self.status in {"failed", "canceled"}


@dataclass(frozen=True, slots=True)
class Customer:
    """A Customer; a deleted one has no metadata any more. ``joined`` says when its user signed up."""

    id: str
    email: str
    user_ref: str
    site_url: str
    name: str = ""
    joined: str = ""

    @classmethod
    def parse(cls, obj: Json) -> Self:
        metadata = obj.get("metadata") or {}
        return cls(
            id=obj["id"],
            email=obj.get("email") or "",
            user_ref=metadata.get("user_id", ""),
            site_url=metadata.get("home", ""),
            name=obj.get("name") or "",
            joined=metadata.get("joined", ""),
        )


@dataclass(frozen=True, slots=True)
class Owner:
    """The Product that names this account's owner: its site, its database, its count and the token of that count."""

    site_url: str
    database_id: str
    count: int
    count_token: str

    @classmethod
    def parse(cls, obj: Json) -> Self:
        metadata = obj.get("metadata") or {}
        count = str(metadata.get("count", ""))
        return cls(
            site_url=str(metadata.get("home", "")),
            database_id=str(metadata.get("house", "")),
            count=int(count) if count.isdecimal() else 0,
            count_token=str(metadata.get("mark", "")),
        )

    @property
    def metadata(self) -> dict[str, str]:
        return {
            "home": self.site_url,
            "house": self.database_id,
            "count": str(self.count),
            "mark": self.count_token,
        }


@dataclass(frozen=True, slots=True)
class Charge:
    """A Charge, of which only the sum of its refunds matters here. Amounts are minor units."""

    id: str
    intent_id: str
    amount_refunded_minor: int

    @classmethod
    def parse(cls, obj: Json) -> Self:
        return cls(
            id=obj["id"],
            intent_id=id_of(obj.get("payment_intent")),
            amount_refunded_minor=obj["amount_refunded"],
        )


@dataclass(frozen=True, slots=True)
class StripeDispute:
    """A Dispute; ``refundable`` says that the charge can still be refunded, as during an inquiry. Minor units."""

    id: str
    charge_id: str
    intent_id: str
    status: str
    reason: str
    amount_minor: int
    currency: str
    refundable: bool
    due_by: datetime | None
    opened_at: datetime

    @classmethod
    def parse(cls, obj: Json) -> Self:
        due_by = (obj.get("evidence_details") or {}).get("due_by")
        return cls(
            id=obj["id"],
            charge_id=id_of(obj.get("charge")),
            intent_id=id_of(obj.get("payment_intent")),
            status=obj["status"],
            reason=obj.get("reason") or "general",
            amount_minor=obj["amount"],
            currency=obj["currency"],
            refundable=bool(obj.get("is_charge_refundable")),
            due_by=clock.from_timestamp(due_by) if due_by else None,
            opened_at=clock.from_timestamp(obj["created"]),
        )


@dataclass(frozen=True, slots=True)
class StripeFraudNotice:
    """An early fraud warning or a review. It is open while it asks for something: a refund, or a decision."""

    id: str
    kind: str
    charge_id: str
    intent_id: str
    is_open: bool
    reason: str
    closed_reason: str
    opened_at: datetime

    @classmethod
    def parse(cls, obj: Json) -> Self:
        is_review = obj["object"] == "review"
        return cls(
            id=obj["id"],
            kind="review" if is_review else "early_fraud_warning",
            charge_id=id_of(obj.get("charge")),
            intent_id=id_of(obj.get("payment_intent")),
            is_open=bool(obj["open" if is_review else "actionable"]),
            reason=obj.get("opened_reason" if is_review else "fraud_type") or "misc",
            closed_reason=obj.get("closed_reason") or "",
            opened_at=clock.from_timestamp(obj["created"]),
        )


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
        details = (charge.get("payment_method_details") or {}) if isinstance(charge, Mapping) else {}
        kind = str(details.get("type") or "")
        method = details.get(kind) or {}
        return cls(type=kind, brand=str(method.get("brand") or ""), last4=str(method.get("last4") or "")[:4])
