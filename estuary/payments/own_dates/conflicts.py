"""What a practitioner's calendar has at the times of new or changed dates."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.db.backends.postgresql.psycopg_any import DateTimeTZRange
from django.db.models import Q

from estuary.accounts.models import Practitioner
from estuary.catalog.calendar import entries_of
from estuary.payments.dates.affected import local_time_as_text
from estuary.payments.dates.errors import PractitionerTaken
from estuary.payments.own_dates.repetition import Span

DATE, CALLED_OFF, BOOKING, CLOSED = "date", "called_off_date", "booking", "closed_time"
# What can be done about each kind, beside choosing another time.
WAYS_OUT = {
    DATE: "A date that takes place can be moved first.",
    CALLED_OFF: "The time of a date that was called off stays taken.",
    BOOKING: "A booking can be moved by its guest, or called off.",
    CLOSED: "Closed time can be opened first, among your days off.",
}
# Conflicts that the sentence names; the answer lists all of them.
NAMED = 3


def find_conflicts(
    practitioner: Practitioner, spans: Sequence[Span], *, but_entry_id: int = 0
) -> list[dict[str, Any]]:
    """Return each of the times that is taken, with the first thing that is there, in one query."""
    overlap = Q()
    for span in spans:
        overlap |= Q(during__overlap=DateTimeTZRange(span.starts_at, span.ends_at))
    entries = entries_of(practitioner.pk).exclude(pk=but_entry_id).filter(overlap).order_by("during")
    rows = entries.values(
        "during",
        "is_closed",
        "servicesession__service__name",
        "servicesession__called_off_at",
        "reservation__line__service_name",
    )
    conflicts = []
    for span in spans:
        there = next((row for row in rows if _overlaps(span, row["during"])), None)
        if there:
            kind, name = _what(there)
            conflicts.append(
                {
                    "start_datetime": span.starts_at.isoformat(),
                    "end_datetime": span.ends_at.isoformat(),
                    "kind": kind,
                    "taken_by": f"{name}, {local_time_as_text(there['during'].lower, practitioner)}",
                }
            )
    return conflicts


def practitioner_taken(conflicts: Sequence[dict[str, Any]]) -> PractitionerTaken:
    """Return the refusal that names what is there."""
    named = "; ".join(conflict["taken_by"] for conflict in conflicts[:NAMED])
    if len(conflicts) > NAMED:
        named += f"; and {len(conflicts) - NAMED} more"
    what = f"your calendar has: {named}" if named else "something else has just been put there"
    ways = [WAYS_OUT[kind] for kind in WAYS_OUT if any(conflict["kind"] == kind for conflict in conflicts)]
    return PractitionerTaken(
        f"You are taken then, so nothing was saved; {what}. {' '.join(['Choose another time.', *ways])}",
        conflicts=list(conflicts),
    )


def _what(row: Mapping[str, Any]) -> tuple[str, str]:
    if name := row["servicesession__service__name"]:
        is_called_off = row["servicesession__called_off_at"] is not None
        return (CALLED_OFF, f"{name} (called off)") if is_called_off else (DATE, name)
    if name := row["reservation__line__service_name"]:
        return BOOKING, f"{name} (booked)"
    return CLOSED, "Closed time"


def _overlaps(span: Span, during: Any) -> bool:
    return bool(during.lower < span.ends_at and span.starts_at < during.upper)
