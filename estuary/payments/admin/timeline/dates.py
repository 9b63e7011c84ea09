"""Entries of dates that were called off or moved with the order's guests."""

from collections.abc import Iterable, Sequence
from itertools import groupby

from estuary.common.money import display
from estuary.orders.models import Order
from estuary.payments.admin.timeline.entries import Entry, Source
from estuary.payments.models import DateChange, DateChangeRow

Act, Status = DateChangeRow.Act, DateChangeRow.Status
# A refund tells of itself, and the title of a move has both times.
SHOWN_ELSEWHERE = frozenset({Act.REFUND, Act.MOVE})


def _date_changes(order: Order, rows: Sequence[DateChangeRow]) -> Iterable[Entry]:
    for change, group in groupby(rows, key=lambda row: row.change):
        of_change = list(group)
        is_waiting = any(row.status == Status.WAITING for row in of_change)
        waits = " This order’s turn has not come yet." if is_waiting else ""
        ids = (change.public_id,)
        yield Entry(change.created_at, describe_change(change) + waits, ids, is_waiting)
        for row in of_change:
            if row.act not in SHOWN_ELSEWHERE and row.status != Status.WAITING:
                at, is_held_back = row.done_at or change.created_at, row.status == Status.HELD_BACK
                yield Entry(at, _consequence(row), ids, is_held_back)


def describe_change(change: DateChange) -> str:
    """Return who called off or moved what, and why, in a sentence."""
    who = f"{change.requested_by} of staff" if change.by_staff else str(change.practitioner)
    verb = "moved" if change.kind == DateChange.Kind.MOVE else "called off"
    is_of_days = change.kind == DateChange.Kind.CALL_OFF_DAYS
    title = change.title[:1].lower() + change.title[1:] if is_of_days else change.title
    reason = f" Why: {change.reason.rstrip('.')}." if change.reason else ""
    message = f" To the guests: “{change.message}”" if change.message else ""
    return f"{who} {verb} {title}.{reason}{message}"


def _consequence(row: DateChangeRow) -> str:
    if row.act == Act.HOLD_BACK:
        return f"{row.line}: {display(row.amount_minor, row.currency)} is held back. {row.why}"
    return f"{row.line}: {row.why}"


def _load(order: Order) -> list[DateChangeRow]:
    rows = DateChangeRow.objects.filter(order=order)
    return list(rows.select_related("change__requested_by", "change__practitioner").order_by("change", "id"))


DATE_CHANGES = Source("called-off and moved dates", _load, _date_changes)
