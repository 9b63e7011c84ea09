"""The rule of cancelling: the notice that was sold, and one sentence for all pages and mails that tell of it."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from estuary.catalog.bounds import notice, subtract_notice
from estuary.catalog.models import ServiceType
from estuary.common.english_times import describe_moment, describe_time

DAY_H = 24
# Of orders that were placed before the snapshot had the notice.
DEFAULT_NOTICE_H = 24


def sold_notice_hours(snapshot: Mapping[str, Any]) -> int:
    """Return how many hours before the start cancelling is free, as an order's snapshot has it."""
    hours: int = snapshot.get("free_cancel_hours", DEFAULT_NOTICE_H)
    return hours


def sold_notice(snapshot: Mapping[str, Any]) -> timedelta:
    """Return how long before the start cancelling is free, within the limit of the catalogue."""
    return notice(sold_notice_hours(snapshot))


def describe_cancellation_terms(service_type: str, free_cancel_hours: int) -> str:
    """Return what cancelling returns, as payments/refunds/cancellation_policy.py decides it.

    A workshop with 48 hours: "Free to cancel until 2 days before it begins: the full price comes back. Later …"
    """
    until = "until it begins"
    if free_cancel_hours:
        until = f"until {_hours_as_text(free_cancel_hours)} before it begins"
    match service_type:
        case ServiceType.PACKAGE:
            return (
                f"Each part is free to cancel {until}: its share of the price comes back. "
                "Later that share stays with the practitioner."
            )
        case ServiceType.BUNDLE:
            return (
                f"Each session is free to cancel {until}. What you have used counts first, and the rest of the price "
                "comes back."
            )
    return f"Free to cancel {until}: the full price comes back. Later it stays with the practitioner."


def describe_sold_terms(snapshot: Mapping[str, Any], sold_at: datetime) -> str:
    """Return what a buyer reads before paying: the time, the rule, and until when cancelling is free for this time.

    The same order always gets the same text: Stripe refuses a repeated request whose text differs.
    """
    terms = describe_cancellation_terms(snapshot["type"], sold_notice_hours(snapshot))
    if "starts_at" not in snapshot:
        return terms
    starts_at, ends_at = (datetime.fromisoformat(snapshot[key]) for key in ("starts_at", "ends_at"))
    zone = ZoneInfo(snapshot["time_zone"])
    deadline = subtract_notice(starts_at, sold_notice(snapshot))
    until = describe_moment(deadline, zone)
    rule = (
        f"Free until {until}."
        if deadline > sold_at
        else f"That was {until}: this booking can't be canceled for free any more."
    )
    return f"{describe_time(starts_at, ends_at, zone)}. {terms} {rule}"


def _hours_as_text(hours: int) -> str:
    if hours % DAY_H == 0 and hours > DAY_H:
        return f"{hours // DAY_H} days"
    return "1 hour" if hours == 1 else f"{hours} hours"
