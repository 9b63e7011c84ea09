"""A change of dates begins: in one transaction it does exactly what its preview said, or nothing.

From then on nobody can take a seat in what was called off: the sessions are marked, and closed time is taken.
Money, mails and unpaid orders follow, order by order (carry_out.py).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import F, OuterRef, Subquery, Value
from django.db.models.functions import Least

from estuary.accounts.models import User
from estuary.accounts.staff import audit
from estuary.bookings.date_changes.closed_time import open_time
from estuary.bookings.date_changes.seats import move_session
from estuary.bookings.fulfilment import lock_sessions
from estuary.catalog.calendar import close_time
from estuary.catalog.models import ServiceSession
from estuary.common import clock
from estuary.common.db.transactions import retry_transaction, violated_constraint
from estuary.common.errors import EstuaryError
from estuary.notifications.booking_mail_texts import BookingMail
from estuary.notifications.order_mail_texts import OrderMail
from estuary.orders.models import Order, OrderLine, OrderTransition
from estuary.orders.states import Status
from estuary.payments import outbox
from estuary.payments.dates.affected import Target, affected_order_ids, lock_orders, read_affected
from estuary.payments.dates.consequences import Consequence
from estuary.payments.dates.errors import CallOffRunning, PreviewOutdated
from estuary.payments.dates.previews import (
    ChangeRequest,
    Kind,
    Preview,
    build_preview,
    find_target,
    practitioner_taken,
    preview_change,
)
from estuary.payments.dates.serialize import preview_as_json
from estuary.payments.models import DateChange, DateChangeRow, SentMail

Act = DateChangeRow.Act
RowStatus = DateChangeRow.Status
OVERLAPS = "calendar_practitioner_never_overlaps"


@retry_transaction
@transaction.atomic
def open_days(request: ChangeRequest, *, by: User) -> None:
    """Open days that were called off for new bookings; what was called off stays so.

    Raises CallOffRunning while orders of these days wait: they would take those with them who book now.
    """
    assert request.starts_at is not None
    assert request.ends_at is not None
    open_time(request.practitioner.pk, request.starts_at, request.ends_at)
    # Asked after the closed time is locked: whoever closed it has committed its change by then.
    running = DateChange.objects.filter(
        practitioner=request.practitioner,
        kind=Kind.CALL_OFF_DAYS,
        status=DateChange.Status.RUNNING,
        starts_at__lt=request.ends_at,
        ends_at__gt=request.starts_at,
    )
    if running.exists():
        raise CallOffRunning(
            "Some orders of these days wait for the bank or for Stripe. Open the days again once all of them are done."
        )
    last = request.ends_at - timedelta(seconds=1)
    text = f"Opened the days again: {request.starts_at:%d %b %Y, %H:%M} to {last:%d %b %Y, %H:%M} UTC"
    audit.record(by, request.practitioner, text)


class _Outdated(Exception):
    """The preview that was named is not how things stand."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Confirmation:
    """Who confirms which preview, with words to the guests and a reason for the record."""

    preview_id: str
    by: User
    by_staff: bool = False
    message: str = ""
    reason: str = ""


def begin_change(request: ChangeRequest, confirmation: Confirmation) -> DateChange:
    """Begin a change and return its row; the same preview again returns the same row.

    Raises PreviewOutdated with the new preview when anything differs from the one that is named, and what
    ``preview_change`` raises. Nothing is changed then.
    """
    if existing := _find_change(request, confirmation.preview_id):
        return existing
    try:
        return _begin(request, confirmation)
    except (_Outdated, EstuaryError, IntegrityError) as error:
        # Of two clicks at once, the later one finds what the earlier one has done.
        if existing := _find_change(request, confirmation.preview_id):
            return existing
        if isinstance(error, _Outdated):
            raise PreviewOutdated(preview_as_json(preview_change(request))) from None
        if isinstance(error, IntegrityError) and violated_constraint(error) == OVERLAPS:
            raise practitioner_taken() from None
        raise


def _find_change(request: ChangeRequest, preview_id: str) -> DateChange | None:
    return DateChange.objects.filter(preview_id=preview_id, practitioner=request.practitioner).first()


@retry_transaction
@transaction.atomic
def _begin(request: ChangeRequest, confirmation: Confirmation) -> DateChange:
    at = clock.now()
    target = find_target(request, at=at)
    preview = _lock_and_preview(request, target, at)
    if preview.id != confirmation.preview_id:
        raise _Outdated
    # Days on which nobody has booked are only closed: there is nothing to wait for before they are opened again.
    is_done = target.kind == Kind.CALL_OFF_DAYS and not preview.rows
    change = DateChange.objects.create(
        preview_id=preview.id,
        kind=target.kind,
        practitioner=target.practitioner,
        session_ids=target.session_ids,
        booking=target.booking,
        title=preview.title[:300],
        old_starts_at=target.sessions[0].starts_at if target.kind == Kind.MOVE else None,
        starts_at=target.starts_at,
        ends_at=target.ends_at,
        message=confirmation.message,
        reason=confirmation.reason,
        requested_by=confirmation.by,
        by_staff=confirmation.by_staff,
        created_at=at,
        status=DateChange.Status.DONE if is_done else DateChange.Status.RUNNING,
        done_at=at if is_done else None,
    )
    _apply(change, target, preview.rows, at)
    insert_rows(change, preview.rows, at)
    audit.record(confirmation.by, change, _audit_text(change, preview))
    outbox.carry_out_date_change(change.pk)
    if change.by_staff:
        _write_to_practitioner(change)
    return change


def _write_to_practitioner(change: DateChange) -> None:
    mail = SentMail.objects.create(
        key=change.mail_key,
        kind=BookingMail.PRACTITIONER_DATE_CHANGED,
        user_id=change.practitioner.user_id,
    )
    outbox.send_booking_mails([mail])


def _lock_and_preview(request: ChangeRequest, target: Target, at: datetime) -> Preview:
    """Lock the orders, then the sessions, and preview; raises _Outdated when an order came in between.

    Orders come before sessions in the order of locks. Once the sessions are locked, and closed time is taken, no order
    can take a seat.
    """
    order_ids = affected_order_ids(target, after=at)
    affected = read_affected(lock_orders(order_ids), target.seats(after=at), target.practitioner)
    lock_sessions(target.session_ids)
    if target.kind == Kind.CALL_OFF_DAYS:
        close_time(target.practitioner.pk, max(target.starts_at, at), target.ends_at)
    # Read again under the locks: a date may have been moved, called off or added before they were granted.
    is_same = _times(find_target(request, at=at)) == _times(target)
    if not is_same or affected_order_ids(target, after=at) != order_ids:
        raise _Outdated
    return build_preview(target, [order for _, order in affected])


def _times(target: Target) -> list[tuple[int, datetime, datetime]]:
    return [(session.pk, session.starts_at, session.ends_at) for session in target.sessions]


def _apply(change: DateChange, target: Target, rows: Sequence[Consequence], at: datetime) -> None:
    """Change the sessions themselves; the guests of a moved date move with it, and are told."""
    if target.kind != Kind.MOVE:
        ServiceSession.objects.filter(pk__in=target.session_ids).update(called_off_at=at)
        return
    [session] = target.sessions
    move_session(session, starts_at=target.starts_at, ends_at=target.ends_at, at=at)
    order_ids = [row.order_id for row in rows if row.act == Act.MOVE]
    _renew_bank_deadlines(order_ids)
    outbox.send_mails(
        [(order, OrderMail.DATE_MOVED) for order in Order.objects.filter(pk__in=order_ids).order_by("pk")],
        about=change.mail_key,
    )


def _renew_bank_deadlines(order_ids: Sequence[int]) -> None:
    """Keep the seats of payments at their bank until the earliest new time, or for BANK_HOLD since they got there.

    A workshop in 3 days is moved to next month: its seats are held for 7 days, and no longer for 3.
    """
    at_bank = OrderTransition.objects.filter(order=OuterRef("pk"), after=Status.PROCESSING)
    earliest = OrderLine.objects.filter(order=OuterRef("pk"), starts_at__isnull=False).order_by("starts_at")
    Order.objects.filter(pk__in=order_ids, status=Status.PROCESSING).update(
        kept_until=Least(
            Subquery(earliest.values("starts_at")[:1]),
            Subquery(at_bank.order_by("-id").values(until=F("at") + Value(settings.BANK_HOLD))[:1]),
        )
    )


def insert_rows(change: DateChange, rows: Sequence[Consequence], at: datetime) -> None:
    """Insert the rows of a change; those of guests who have moved with their date are done."""
    DateChangeRow.objects.bulk_create(
        DateChangeRow(
            change=change,
            order_id=row.order_id,
            booking_id=row.booking_id,
            session_id=row.session_id,
            act=row.act,
            tender=row.tender,
            line=row.line[:300],
            starts_at=row.starts_at,
            ends_at=row.ends_at,
            amount_minor=row.amount_minor,
            currency=row.currency,
            why=row.why,
            status=RowStatus.DONE if row.act == Act.MOVE else RowStatus.WAITING,
            done_at=at if row.act == Act.MOVE else None,
        )
        for row in rows
    )


def _audit_text(change: DateChange, preview: Preview) -> str:
    what = {Kind.CALL_OFF: "Called off", Kind.MOVE: "Moved", Kind.CALL_OFF_DAYS: "Called off all days"}
    orders = len({row.order_id for row in preview.rows})
    why = f" Reason: {change.reason}" if change.reason else ""
    return f"{what[Kind(change.kind)]}: {change.title}; {orders} orders concerned.{why}"
