"""A practitioner changes a date: its seats, its link, and its time as long as nobody has a seat; or deletes it."""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import ProtectedError
from django.http import Http404

from estuary.accounts.models import Practitioner, User
from estuary.accounts.staff import audit
from estuary.bookings.models import Participant, Reservation
from estuary.catalog.calendar import release_entries
from estuary.catalog.models import ServiceSession
from estuary.common import clock, ids
from estuary.common.db.transactions import retry_transaction, violated_constraint
from estuary.notifications.order_mail_texts import OrderMail
from estuary.orders.models import Order
from estuary.payments import outbox
from estuary.payments.dates.affected import local_time_as_text
from estuary.payments.dates.errors import AlreadyCalledOff, DateStarted
from estuary.payments.own_dates.conflicts import find_conflicts, practitioner_taken
from estuary.payments.own_dates.errors import (
    CapacityBelowTaken,
    DateHasGuests,
    DateOutdated,
    DateWasBooked,
)
from estuary.payments.own_dates.repetition import Span, check_spans

FIELDS = ("starts_at", "ends_at", "capacity", "join_url")
TIME = {"starts_at", "ends_at"}


@dataclass(frozen=True, slots=True)
class DateEdit:
    """New values of a date by field, and the version of the date that they were typed over."""

    version: str
    values: dict[str, Any]


def version_of(session: ServiceSession) -> str:
    """Return what names the state of a date; a seat that is bought does not change it."""
    state = [session.pk, *(getattr(session, name) for name in FIELDS), session.called_off_at]
    return f"ver_{hashlib.sha256(repr(state).encode()).hexdigest()[:16]}"


def change_date(practitioner: Practitioner, session_id: int, edit: DateEdit, *, by: User) -> ServiceSession:
    """Change a date and return it; what is asked for and there already is no change.

    A date that shall begin at another time lasts as long as before, unless its new end is named.

    Raises Http404, DateOutdated, AlreadyCalledOff, DateStarted, CapacityBelowTaken, DateHasGuests, PractitionerTaken,
    SlotInPast, BeyondHorizon or InvalidRequest, and then changes nothing.
    """
    try:
        return _change(practitioner, session_id, edit, by)
    except IntegrityError as error:
        if violated_constraint(error) != "calendar_practitioner_never_overlaps":
            raise
        session = ServiceSession.objects.get(pk=session_id)
        conflicts = _conflicts(practitioner, session, _new_span(session, _changed(session, edit)))
        raise practitioner_taken(conflicts) from None


@retry_transaction
@transaction.atomic
def _change(practitioner: Practitioner, session_id: int, edit: DateEdit, by: User) -> ServiceSession:
    session = _lock(practitioner, session_id)
    changed = _changed(session, edit)
    if not changed:
        return session
    if edit.version != version_of(session):
        raise DateOutdated(_as_json(session))
    _check(practitioner, session, changed, at=clock.now())
    before = {name: getattr(session, name) for name in changed}
    for name, value in changed.items():
        setattr(session, name, value)
    session.save(update_fields=list(changed))
    audit.record(by, session.service, _audit_text(practitioner, session, before))
    if "join_url" in changed:
        _tell_guests(session)
    return session


def _changed(session: ServiceSession, edit: DateEdit) -> dict[str, Any]:
    """Return the new values of what changes; a new start without an end takes the end with it."""
    values = dict(edit.values)
    if "starts_at" in values and "ends_at" not in values:
        values["ends_at"] = values["starts_at"] + (session.ends_at - session.starts_at)
    return {name: value for name, value in values.items() if getattr(session, name) != value}


def _lock(practitioner: Practitioner, session_id: int) -> ServiceSession:
    own_dates = ServiceSession.objects.filter(service__practitioner=practitioner, pk=session_id)
    session = own_dates.select_related("service").select_for_update(no_key=True, of=("self",)).first()
    if session is None:
        raise Http404
    return session


def _check(
    practitioner: Practitioner, session: ServiceSession, changed: dict[str, Any], *, at: datetime
) -> None:
    if session.is_called_off:
        raise AlreadyCalledOff("This date was called off, so it is not changed any more. Add a new date.")
    if session.ends_at <= at or (session.starts_at <= at and changed.keys() - {"join_url"}):
        raise DateStarted(
            "This date is over, so nothing of it can change any more."
            if session.ends_at <= at
            else "This date has begun: only its link can change."
        )
    if TIME & changed.keys():
        _check_time(practitioner, session, _new_span(session, changed), at=at)
    if changed.get("capacity", session.taken) < session.taken:
        raise CapacityBelowTaken(session.taken)


def _check_time(practitioner: Practitioner, session: ServiceSession, span: Span, *, at: datetime) -> None:
    check_spans([span], at=at)
    if session.taken:
        raise DateHasGuests(session.pk, session.taken)
    if conflicts := _conflicts(practitioner, session, span):
        raise practitioner_taken(conflicts)


def _new_span(session: ServiceSession, values: dict[str, Any]) -> Span:
    return Span(values.get("starts_at", session.starts_at), values.get("ends_at", session.ends_at))


def _conflicts(practitioner: Practitioner, session: ServiceSession, span: Span) -> list[dict[str, Any]]:
    return find_conflicts(practitioner, [span], but_entry_id=session.calendar_entry_id)


def _as_json(session: ServiceSession) -> dict[str, Any]:
    return {
        "id": str(session.pk),
        "start_datetime": session.starts_at.isoformat(),
        "end_datetime": session.ends_at.isoformat(),
        "capacity": session.capacity,
        "taken": session.taken,
        "join_url": session.join_url,
        "called_off": session.is_called_off,
        "version": version_of(session),
    }


def _audit_text(practitioner: Practitioner, session: ServiceSession, before: dict[str, Any]) -> str:
    """Return what was changed in words; a link is a secret of the guests, so only that it changed."""
    started_at = before.get("starts_at", session.starts_at)
    parts = []
    if TIME & before.keys():
        ends = local_time_as_text(session.ends_at, practitioner)
        parts.append(f"it is from {local_time_as_text(session.starts_at, practitioner)} to {ends}")
    if "capacity" in before:
        parts.append(f"{session.capacity} seats instead of {before['capacity']}")
    if "join_url" in before:
        parts.append("another link to join" if session.join_url else "no link of its own to join")
    return f"Changed by the practitioner, {local_time_as_text(started_at, practitioner)}: {', '.join(parts)}"


def _tell_guests(session: ServiceSession) -> None:
    """Write to everybody who has a confirmed seat; the mail has the link as it is when it is sent."""
    seats = Participant.objects.filter(session=session, active=True)
    orders = Order.objects.filter(pk__in=seats.values("booking__order")).order_by("pk")
    if mails := [(order, OrderMail.NEW_LINK) for order in orders]:
        outbox.send_mails(mails, about=f"new-link-{session.pk}-{ids.mail_key()}")


@retry_transaction
@transaction.atomic
def delete_date(practitioner: Practitioner, session_id: int, *, by: User) -> None:
    """Delete a date that nobody ever booked or held. Raises Http404 or DateWasBooked."""
    session = _lock(practitioner, session_id)
    refusal = DateWasBooked(
        "Guests had booked this date or were paying for it, so it stays on record. Call it off instead."
    )
    if Reservation.objects.filter(session=session).exists():
        raise refusal
    text = f"Deleted by the practitioner: {local_time_as_text(session.starts_at, practitioner)}"
    entry_id = session.calendar_entry_id
    try:
        # An order line, a move or a change of dates may still name it.
        session.delete()
    except ProtectedError:
        raise refusal from None
    release_entries([entry_id])
    audit.record(by, session.service, text)
