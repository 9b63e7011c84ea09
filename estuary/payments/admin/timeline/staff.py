"""Entries of what staff did to an order, from the audit trail."""

from collections.abc import Iterable, Sequence

from estuary.accounts.models import AuditLogEntry
from estuary.accounts.staff.audit import entries_about
from estuary.common.admin.reasons import WHY
from estuary.orders.models import Order
from estuary.payments.admin.timeline.entries import Entry, Source

# How entries begin whose act is told by a source of its own. A refund and a mail tell all of it there; the others
# tell who and when, and the reason stands in the audit trail alone.
TOLD_IN_FULL = ("Refunded ", "Send mail again: ")
TOLD_WITHOUT_REASON = ("Moved ", "Canceled the order")
# How entries begin that are sentences about the person who acted.
OF_THE_PERSON = ("Asked ", "Canceled ", "Tried ")
STARTED = "Started "


def _acts(order: Order, acts: Sequence[AuditLogEntry]) -> Iterable[Entry]:
    last_of = {act.user_id: act.pk for act in acts}
    for act in acts:
        is_last = last_of[act.user_id] == act.pk
        if sentence := _describe(act.get_change_message(), is_last=is_last):
            yield Entry(act.action_time, f"{act.user} of staff{sentence.rstrip('.')}.")


def _describe(message: str, *, is_last: bool) -> str:
    """Return an entry as the half of a sentence behind the person; empty where it is told elsewhere.

    A call to Stripe has two entries: its start is shown only if the same person did nothing afterwards, as when the
    process died over it.
    """
    if message.startswith(TOLD_IN_FULL):
        return ""
    if message.startswith(TOLD_WITHOUT_REASON):
        reason = message.partition(WHY)[2]
        return f" gave the reason: {reason}" if reason else ""
    in_sentence = f" {message[:1].lower()}{message[1:]}"
    if message.startswith(STARTED):
        return f"{in_sentence}; no outcome was recorded" if is_last else ""
    return in_sentence if message.startswith(OF_THE_PERSON) else f": {message}"


ACTS = Source(
    "acts of staff",
    lambda order: list(entries_about(order)),
    _acts,
    permission="accounts.view_auditlogentry",
)
