"""Writing disputes: the rows of a whole batch at once, inside settlement's transaction."""

from collections.abc import Sequence
from datetime import datetime

from estuary.common.db.bulk import attached, insert_rows, update_rows
from estuary.orders.models import Order
from estuary.payments.models import Dispute
from estuary.payments.settlement.effects import RecordDispute
from estuary.payments.settlement.rules.dispute_amounts import CLOSED
from estuary.payments.settlement.state import DisputeView

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


def write_disputes(recorded: Sequence[tuple[Order, RecordDispute]], *, at: datetime) -> None:
    """Make or change the rows; the orders are locked, and their disputes prefetched."""
    new: list[Dispute] = []
    changed: list[Dispute] = []
    for order, effect in recorded:
        known = next(
            (row for row in attached(order, "disputes") if row.stripe_dispute_id == effect.dispute.id), None
        )
        row = _stand(known or _open(order, effect.dispute), effect.dispute, at)
        (changed if known else new).append(row)
    update_rows(changed, FIELDS)
    insert_rows(new)


def _open(order: Order, told: DisputeView) -> Dispute:
    return Dispute(
        order=order,
        stripe_dispute_id=told.id,
        stripe_charge_id=told.charge_id,
        stripe_payment_intent_id=told.intent_id,
        stray=told.stray,
        opened_at=told.opened_at,
    )


def _stand(row: Dispute, told: DisputeView, at: datetime) -> Dispute:
    for name in FIELDS[:-1]:
        setattr(row, name, getattr(told, name))
    if told.status in CLOSED:
        row.closed_at = row.closed_at or at
    return row
