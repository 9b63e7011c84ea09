"""Which dates a practitioner asks for: one, or the same time of several weeks."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from estuary.catalog.availability import SlotInPast, to_utc
from estuary.catalog.bounds import HORIZON, SESSION_MAX
from estuary.common.errors import InvalidRequest
from estuary.payments.own_dates.errors import BeyondHorizon

WEEK = timedelta(weeks=1)


@dataclass(frozen=True, slots=True)
class Span:
    """When a date begins and ends."""

    starts_at: datetime
    ends_at: datetime


def repeat_weekly(first: Span, weeks: int, zone: ZoneInfo) -> list[Span]:
    """Return a date and those of the weeks after it, at the same time on the wall of ``zone``.

    Each lasts as long as the first. A time that the clock skips becomes the moment of the change, as in weekly hours.
    """
    lasts = first.ends_at - first.starts_at
    if weeks > 1 and lasts > WEEK:
        raise InvalidRequest("What lasts longer than a week can't be repeated every week.")
    local = first.starts_at.astimezone(zone)
    later = [
        to_utc(local.date() + week * WEEK, local.time().replace(fold=0), zone) for week in range(1, weeks)
    ]
    return [first, *(Span(starts_at, starts_at + lasts) for starts_at in later)]


def check_spans(spans: Sequence[Span], *, at: datetime) -> None:
    """Raise InvalidRequest, SlotInPast or BeyondHorizon for times that no date can have."""
    first, last = spans[0], spans[-1]
    if first.ends_at <= first.starts_at:
        raise InvalidRequest("A date must end after it begins.")
    if first.ends_at - first.starts_at > SESSION_MAX:
        raise InvalidRequest(f"A date lasts {SESSION_MAX.days} days at most: is the year right?")
    if first.starts_at <= at:
        raise SlotInPast("This time is over already. Choose a time to come.")
    if last.starts_at > at + HORIZON:
        again = " Repeat it fewer times." if len(spans) > 1 else ""
        raise BeyondHorizon(f"Dates can be at most {HORIZON.days} days ahead.{again}")
