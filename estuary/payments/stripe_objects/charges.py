"""What becomes of a charge: https://docs.stripe.com/api/refunds/object, …/disputes/object, …/radar/reviews/object."""

from dataclasses import dataclass
from datetime import datetime
from typing import Self

from estuary.common import clock
from estuary.payments.stripe_objects.fields import Json, id_of


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
