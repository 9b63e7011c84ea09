"""Applying disputes: the rows of a whole batch at once, inside settlement's transaction."""

from collections.abc import Sequence
from datetime import datetime

from estuary.common.db.bulk import insert_rows, prefetched, update_rows
from estuary.orders.models import Order
from estuary.payments.models import Dispute
from estuary.payments.settlement.effects import RecordDispute
from estuary.payments.settlement.rules.dispute_amounts import CLOSED
from estuary.payments.settlement.state import DisputeState

FIELDS = [
    "status",
    "reason",
    "amount_minor",
    "currency",
    "refundable",
    "due_by",
    "frozen_minor",
    "clawed_minor",
    "lost_minor",
    "revision",
    "closed_at",
]


def apply_disputes(recorded: Sequence[tuple[Order, RecordDispute]], *, at: datetime) -> None:
    """Insert or update disputes; the orders are locked, and their disputes prefetched."""
    new: list[Dispute] = []
    changed: list[Dispute] = []
    for order, effect in recorded:
        existing = next(
            (row for row in prefetched(order, "disputes") if row.stripe_dispute_id == effect.dispute.id), None
        )
        row = _update_dispute(existing or _new_dispute(order, effect.dispute), effect.dispute, at)
        (changed if existing else new).append(row)
    update_rows(changed, FIELDS)
    insert_rows(new)


def _new_dispute(order: Order, state: DisputeState) -> Dispute:
    return Dispute(
        order=order,
        stripe_dispute_id=state.id,
        stripe_charge_id=state.charge_id,
        stripe_payment_intent_id=state.intent_id,
        is_unmatched=state.unmatched,
        opened_at=state.opened_at,
    )


def _update_dispute(row: Dispute, state: DisputeState, at: datetime) -> Dispute:
    for name in FIELDS[:-1]:
        setattr(row, name, getattr(state, name))
    if state.status in CLOSED:
        row.closed_at = row.closed_at or at
    return row
