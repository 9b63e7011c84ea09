"""State: an order and its rows as the rules see them. Plain data, without a database behind it."""

from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, Self

from django.conf import settings

from estuary.bookings.models import Booking
from estuary.common import clock
from estuary.common.db.bulk import prefetched
from estuary.common.livemode import is_live
from estuary.orders.models import Order, OrderType, PaymentType
from estuary.orders.states import UNPAID, Status
from estuary.payments.models import DateChangeRow, Dispute, Refund
from estuary.payments.stripe_objects import StripeDispute


class Effect:
    """One change that a rule asks for. The others are in effects.py."""

    __slots__ = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundState:
    """A refund as the rules see it. Amounts are minor units."""

    id: int = 0
    public_id: str = ""
    stripe_refund_id: str = ""
    intent_id: str
    card_minor: int
    credits_minor: int = 0
    status: Refund.Status
    origin: Refund.Origin
    booking_id: int | None = None
    cancels: bool = False
    unmatched: bool = False
    currency: str = ""

    @classmethod
    def of(cls, row: Refund) -> Self:
        return cls(**_values_of(row, REFUND_COLUMNS))

    @property
    def from_dashboard(self) -> bool:
        return self.origin == Refund.Origin.DASHBOARD

    @property
    def amount_minor(self) -> int:
        return self.card_minor + self.credits_minor


@dataclass(frozen=True, slots=True)
class BookingState:
    """A booking as the rules see it; ``is_upcoming``: active, and neither begun nor lapsed.

    ``held_back_minor`` is what is due for dates of it that were called off, and waits for the end of a dispute.
    """

    id: int
    parent_id: int | None
    amount_minor: int
    status: Booking.Status
    is_upcoming: bool = False
    held_back_minor: int = 0


@dataclass(frozen=True, slots=True)
class DisputeState(StripeDispute):
    """A dispute as the rules see it, in minor units; frozen and clawed back are credits, lost is the card's money."""

    status: Dispute.Status
    unmatched: bool = False
    frozen_minor: int = 0
    clawed_minor: int = 0
    lost_minor: int = 0
    revision: int = 0

    @classmethod
    def of(cls, row: Dispute) -> Self:
        return cls(**_values_of(row, DISPUTE_COLUMNS))


# The columns by the names of the fields. Those that are not named here have the same name.
COLUMNS = {
    "intent_id": "stripe_payment_intent_id",
    "charge_id": "stripe_charge_id",
    "unmatched": "is_unmatched",
}
REFUND_COLUMNS = {one.name: COLUMNS.get(one.name, one.name) for one in fields(RefundState)}
DISPUTE_COLUMNS = {one.name: COLUMNS.get(one.name, one.name) for one in fields(DisputeState)}
DISPUTE_COLUMNS["id"] = "stripe_dispute_id"


def _values_of(row: Refund | Dispute, columns: dict[str, str]) -> dict[str, Any]:
    values = {name: getattr(row, column) for name, column in columns.items()}
    return values | {"status": row.Status(row.status)}


@dataclass(frozen=True, slots=True)
class RecordDecline(Effect):
    """Record why the payment was declined, for the buyer."""

    code: str
    decline_code: str
    message: str


@dataclass(frozen=True, slots=True)
class OrderState:
    """Everything that the rules know of an order at one moment. Amounts are minor units.

    ``starts_at`` is the first of the reserved times; reservations are held for a bank until ``may_keep_until`` at most.
    """

    public_id: str
    kind: OrderType
    status: Status
    title: str
    currency: str
    total_minor: int
    credits_applied_minor: int
    amount_due_minor: int
    credit_amount_minor: int
    captured_minor: int
    refunded_minor: int
    is_checkout: bool
    intent_id: str
    session_id: str
    customer_id: str
    is_fulfilled: bool
    expires_at: datetime
    at: datetime
    starts_at: datetime | None
    kept_until: datetime | None
    may_keep_until: datetime
    livemode: bool
    decline: RecordDecline
    refunds: tuple[RefundState, ...]
    bookings: tuple[BookingState, ...]
    disputes: tuple[DisputeState, ...] = ()
    disputed: bool = False
    lost_minor: int = 0

    def may_be_paid_by(self, intent_id: str) -> bool:
        """Whether a payment is the order's, or may still become it.

        What was declined on a page binds nothing: while the page is unpaid, another payment may come first.
        """
        has_unpaid_page = self.is_checkout and self.status in UNPAID
        return has_unpaid_page or self.intent_id in {"", intent_id}

    def refunds_unmatched(self, intent_id: str) -> bool:
        """Whether the order refunds this payment, which names the order and is not its own."""
        return any(refund.unmatched and refund.intent_id == intent_id for refund in self.refunds)


def state_of(order: Order, *, at: datetime | None = None) -> OrderState:
    """Return the order's state at a moment (now); reads only what ``load`` has prefetched."""
    at = at or clock.now()
    return OrderState(
        public_id=order.public_id,
        kind=OrderType(order.type),
        status=Status(order.status),
        title=order.title,
        currency=order.currency,
        total_minor=order.total_minor,
        credits_applied_minor=order.credits_applied_minor,
        amount_due_minor=order.amount_due_minor,
        credit_amount_minor=order.credit_amount_minor,
        captured_minor=order.captured_minor,
        refunded_minor=order.refunded_minor,
        is_checkout=order.payment_type == PaymentType.CHECKOUT,
        intent_id=order.stripe_payment_intent_id,
        session_id=order.stripe_checkout_session_id,
        customer_id=order.stripe_customer_id,
        is_fulfilled=order.completed_at is not None,
        expires_at=order.expires_at,
        at=at,
        starts_at=min(
            (line.starts_at for line in prefetched(order, "lines") if line.starts_at), default=None
        ),
        kept_until=order.kept_until,
        may_keep_until=at + settings.BANK_HOLD,
        livemode=is_live(),
        decline=RecordDecline(order.failure_code, order.decline_code, order.failure_message),
        refunds=tuple(map(RefundState.of, prefetched(order, "refunds"))),
        bookings=_bookings_of(order, at),
        disputes=tuple(map(DisputeState.of, prefetched(order, "disputes"))),
        disputed=order.disputed,
        lost_minor=order.lost_minor,
    )


def _bookings_of(order: Order, at: datetime) -> tuple[BookingState, ...]:
    # Nothing waits for a dispute where there is none: most orders read no row.
    rows = prefetched(order, "date_change_rows") if order.disputed else ()
    held_back = DateChangeRow.sum_held_back(rows)
    return tuple(
        BookingState(
            b.pk,
            b.parent_id,
            b.amount_minor,
            Booking.Status(b.status),
            b.is_to_come(at),
            held_back_minor=held_back[b.pk],
        )
        for b in prefetched(order, "bookings")
    )
