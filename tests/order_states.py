"""Orders and refunds as the rules of settlement see them, without a database."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from estuary.orders.models import OrderType
from estuary.orders.states import Status
from estuary.payments.models import Refund
from estuary.payments.settlement.state import OrderState, RecordDecline, RefundState

AT = datetime(2027, 1, 4, 9, tzinfo=UTC)


def an_order(**changes: Any) -> OrderState:
    """Return a fulfilled order of 100.00, paid by card."""
    order = OrderState(
        public_id="ord_x",
        kind=OrderType.DIRECT,
        status=Status.COMPLETED,
        title="Package",
        currency="usd",
        total_minor=10000,
        credits_applied_minor=0,
        amount_due_minor=10000,
        credit_amount_minor=0,
        captured_minor=10000,
        refunded_minor=0,
        is_checkout=False,
        intent_id="pi_x",
        session_id="",
        customer_id="cus_x",
        is_fulfilled=True,
        expires_at=AT,
        at=AT,
        starts_at=None,
        kept_until=None,
        may_keep_until=AT,
        livemode=False,
        decline=RecordDecline("", "", ""),
        refunds=(),
        bookings=(),
    )
    return replace(order, **changes)


def a_refund(
    number: int, card_minor: int, status: Refund.Status = Refund.Status.SUCCEEDED, **changes: Any
) -> RefundState:
    """Return a refund from the dashboard."""
    refund = RefundState(
        id=number,
        public_id=f"rfd_{number}",
        stripe_refund_id=f"re_{number}",
        intent_id="pi_x",
        card_minor=card_minor,
        credits_minor=0,
        status=status,
        booking_id=None,
        cancels=False,
        unmatched=False,
        origin=Refund.Origin.DASHBOARD,
    )
    return replace(refund, **changes)
