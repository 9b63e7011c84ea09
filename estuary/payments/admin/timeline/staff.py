"""Entries of what staff did to an order, from the audit trail."""

from collections.abc import Iterable, Sequence

from estuary.accounts.models import AuditLogEntry
from estuary.accounts.staff_audit import entries_about
from estuary.orders.models import Order
from estuary.payments.admin.timeline.entries import Entry, Source

# A refund tells of itself.
REFUNDED = "Refunded "


def _acts(order: Order, acts: Sequence[AuditLogEntry]) -> Iterable[Entry]:
    for act in acts:
        message = act.get_change_message()
        if not message.startswith(REFUNDED):
            yield Entry(act.action_time, f"{act.user} of staff: {message.rstrip('.')}.")


ACTS = Source(
    "acts of staff",
    lambda order: list(entries_about(order)),
    _acts,
    permission="accounts.view_auditlogentry",
)
