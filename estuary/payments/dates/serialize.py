"""Previews and changes as JSON, for the API and for the refusal that carries a new preview."""

from collections import Counter
from typing import Any

from estuary.common.money import to_decimal
from estuary.payments.dates.affected import CalledOffDates, dates_of_change, dates_of_target
from estuary.payments.dates.consequences import Consequence
from estuary.payments.dates.previews import Preview
from estuary.payments.models import DateChange, DateChangeRow

Act = DateChangeRow.Act


def preview_as_json(preview: Preview) -> dict[str, Any]:
    """Return a preview for people who see the practitioner's own guests: names, never addresses."""
    return {
        "preview_id": preview.id,
        "kind": str(preview.target.kind),
        "title": preview.title,
        "start_datetime": preview.target.starts_at.isoformat(),
        "end_datetime": preview.target.ends_at.isoformat(),
        "time_zone": preview.target.practitioner.time_zone,
        "guests": len({row.order_id for row in preview.rows if row.act != Act.END_ORDER}),
        "refunded_guests": _count_orders(preview, Act.REFUND),
        "held_back_guests": _count_orders(preview, Act.HOLD_BACK),
        "unpaid_orders": _count_orders(preview, Act.END_ORDER),
        "totals": [
            {
                "currency": total.currency,
                "tender": str(total.tender),
                "amount": to_decimal(total.amount_minor, total.currency),
            }
            for total in preview.totals
        ],
        **_dates_as_json(dates_of_target(preview.target)),
        "rows": [_row_as_json(row) for row in preview.rows],
    }


def _count_orders(preview: Preview, act: DateChangeRow.Act) -> int:
    return len({row.order_id for row in preview.rows if row.act == act})


def _dates_as_json(dates: CalledOffDates) -> dict[str, Any]:
    return {
        "called_off_dates": [
            {
                "service_session_id": str(session.pk),
                "line": line,
                "start_datetime": session.starts_at.isoformat(),
            }
            for session, line in dates.first
        ],
        "more_called_off_dates": dates.more,
    }


def _row_as_json(row: Consequence) -> dict[str, Any]:
    return {
        "guest": row.guest,
        "line": row.line,
        "act": str(row.act),
        "tender": str(row.tender),
        "amount": to_decimal(row.amount_minor, row.currency),
        "currency": row.currency,
        "why": row.why,
    }


def change_as_json(change: DateChange) -> dict[str, Any]:
    """Return a change that was begun, with how far each of its rows is."""
    rows = list(change.rows.select_related("order__user"))
    by_status = Counter(row.status for row in rows)
    return {
        "change_id": change.public_id,
        "kind": change.kind,
        "status": change.status,
        "title": change.title,
        "message": change.message,
        "created_at": change.created_at.isoformat(),
        "done_at": change.done_at and change.done_at.isoformat(),
        "progress": {
            "total": len(rows),
            "done": by_status[DateChangeRow.Status.DONE],
            "held_back": by_status[DateChangeRow.Status.HELD_BACK],
        },
        **_dates_as_json(dates_of_change(change)),
        "rows": [
            {
                "guest": row.order.user.public_name,
                "line": row.line,
                "act": row.act,
                "tender": row.tender,
                "amount": to_decimal(row.amount_minor, row.currency),
                "currency": row.currency,
                "why": row.why,
                "status": row.status,
            }
            for row in rows
        ],
    }
