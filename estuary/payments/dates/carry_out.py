"""A change of dates is carried out order by order, each in a transaction of its own, until nothing is left.

Any worker can go on where another one died: the rows say what is done. A row that is not done is decided anew from the
order as it is now, because its buyer may have paid or canceled since the change began.
"""

from collections.abc import Sequence
from datetime import datetime
from functools import partial

from django.db import transaction
from django.db.models import Exists, OuterRef

from estuary.bookings.date_changes import seats
from estuary.bookings.fulfilment import lock_sessions
from estuary.bookings.models import Booking
from estuary.common import clock
from estuary.common.db.transactions import retry_transaction
from estuary.common.process import shutdown
from estuary.credits import ledger
from estuary.notifications import staff_alerts
from estuary.notifications.order_mail_texts import OrderMail
from estuary.orders.models import Order
from estuary.orders.states import LIVE, Status
from estuary.payments import outbox
from estuary.payments.checkout.cancel_order import close_order, end_called_off_order
from estuary.payments.dates.affected import (
    Target,
    affected_order_ids,
    local_time_as_text,
    lock_orders,
    read_affected,
    target_of,
)
from estuary.payments.dates.begin_change import insert_rows
from estuary.payments.dates.consequences import AffectedOrder, Consequence, Stage, consequences
from estuary.payments.dates.previews import Kind
from estuary.payments.errors import OrderChanged, run_all
from estuary.payments.hooks.delivery import announce
from estuary.payments.hooks.signals import booking_canceled
from estuary.payments.models import DateChange, DateChangeRow, Refund
from estuary.payments.refunds.request_refund import request_refund

Act, RowStatus = DateChangeRow.Act, DateChangeRow.Status
GONE = "It had been canceled or moved before its turn came."


def carry_out(change_id: int) -> None:
    """Do what is left of a change; raises the first failure, after all its orders were tried."""
    change = DateChange.objects.select_related("practitioner", "booking", "requested_by").get(pk=change_id)
    target = target_of(change)
    while change.status == DateChange.Status.RUNNING:
        order_ids = _waiting_order_ids(change)
        run_all(*(partial(_carry_out_order, change, target, order_id) for order_id in order_ids))
        _finish(change, target)
        change.refresh_from_db(fields=["status"])


def _waiting_order_ids(change: DateChange) -> list[int]:
    waiting = DateChangeRow.objects.filter(change=change, status=RowStatus.WAITING)
    return sorted(set(waiting.values_list("order_id", flat=True)))


def _carry_out_order(change: DateChange, target: Target, order_id: int) -> None:
    shutdown.raise_if_shutting_down()
    order = Order.objects.select_related("user").get(pk=order_id)
    if order.status in LIVE:
        _end_order(change, order)
    _settle_rows(change, target, order_id)


def _end_order(change: DateChange, order: Order) -> None:
    """End an order that is not paid, at Stripe first. One at its bank stays when its date was only moved."""
    cause = f"its date was changed, {change.public_id}"
    if change.kind != Kind.MOVE:
        end_called_off_order(order, cause=cause)
    elif order.status != Status.PROCESSING:
        close_order(order, reason="abandoned", cause=cause)


@retry_transaction
@transaction.atomic
def _settle_rows(change: DateChange, target: Target, order_id: int) -> None:
    """Do the waiting rows of one order, as the order is now, and write to its buyer."""
    at = clock.now()
    [(order, affected)] = read_affected(
        lock_orders([order_id]),
        target.seats(after=change.created_at),
        target.practitioner,
        old_starts_at=change.old_starts_at,
    )
    _lock_what_follows(order)
    rows = list(DateChangeRow.objects.filter(change=change, order=order, status=RowStatus.WAITING))
    if not rows:
        return
    if not affected.seats:
        _close_rows(change, order, rows, at)
        return
    if affected.stage == Stage.UNPAID or (affected.stage == Stage.AT_BANK and change.kind != Kind.MOVE):
        raise OrderChanged("This order is still being paid. It is tried again.")
    rows = _as_things_are(change, affected, rows, at)
    if change.kind == Kind.MOVE:
        outbox.send_mails([(order, OrderMail.DATE_MOVED)], about=change.mail_key)
    else:
        _give_back(change, order, affected, rows, at)
        outbox.send_mails([(order, OrderMail.CALLED_OFF)], about=change.mail_key)


def _lock_what_follows(order: Order) -> None:
    """Lock the credit account and the sessions of an order that is locked, in the order of locks."""
    if order.credits_applied_minor:
        ledger.lock_account(order.user, order.currency)
    lock_sessions(row.session_id for row in order.reservations.all())


def _close_rows(change: DateChange, order: Order, rows: Sequence[DateChangeRow], at: datetime) -> None:
    """Close the rows of an order that has no seat any more: it ended as planned, or its buyer had canceled."""
    has_ended = any(row.act == Act.END_ORDER for row in rows)
    for row in rows:
        row.status, row.done_at = RowStatus.DONE, at
        if not has_ended:
            row.act, row.tender, row.amount_minor, row.why = Act.CANCEL, DateChangeRow.Tender.NONE, 0, GONE
    DateChangeRow.objects.bulk_update(rows, ["status", "done_at", "act", "tender", "amount_minor", "why"])
    if has_ended:
        mail = OrderMail.DATE_MOVED if change.kind == Kind.MOVE else OrderMail.CALLED_OFF
        outbox.send_mails([(order, mail)], about=change.mail_key)


def _as_things_are(
    change: DateChange, affected: AffectedOrder, rows: list[DateChangeRow], at: datetime
) -> list[DateChangeRow]:
    """Return the order's rows as they must be now; they differ from the preview's if its buyer was faster."""
    new_time = local_time_as_text(change.starts_at, change.practitioner) if change.kind == Kind.MOVE else ""
    fresh = consequences(Kind(change.kind), [affected], new_time=new_time)
    if list(map(_content, rows)) == list(map(_content, fresh)):
        return rows
    DateChangeRow.objects.filter(pk__in=[row.pk for row in rows]).delete()
    insert_rows(change, fresh, at)
    newest = DateChangeRow.objects.filter(change=change, order_id=affected.id, status=RowStatus.WAITING)
    return list(newest)


def _content(row: DateChangeRow | Consequence) -> tuple[object, ...]:
    return (row.act, row.tender, row.amount_minor, row.booking_id, row.session_id)


def _give_back(
    change: DateChange, order: Order, affected: AffectedOrder, rows: Sequence[DateChangeRow], at: datetime
) -> None:
    """Release the seats of an order and request its refunds: one for each booking."""
    bookings = {booking.pk: booking for booking in order.bookings.all()}
    for booking_id in dict.fromkeys(row.booking_id for row in rows if row.booking_id):
        own_rows = [row for row in rows if row.booking_id == booking_id]
        booking = bookings[booking_id]
        ends = release_seats(booking, own_rows, affected, at=at)
        amount_minor = sum(row.amount_minor for row in own_rows if row.act == Act.REFUND)
        refund = amount_minor and refund_called_off(
            change,
            order,
            own_rows[0].line,
            booking=booking,
            amount_minor=amount_minor,
            credits_only=affected.is_disputed,
            cancels=ends,
            key=str(booking.pk),
        )
        for row in own_rows:
            row.refund = refund if refund and row.act == Act.REFUND else None
            row.status = RowStatus.HELD_BACK if row.act == Act.HOLD_BACK else RowStatus.DONE
            row.done_at = at
    DateChangeRow.objects.bulk_update(rows, ["status", "done_at", "refund"])
    if any(row.act == Act.HOLD_BACK for row in rows):
        text = f"{order.public_id}: its date was called off, and its payment is disputed; no refund now"
        staff_alerts.alert_staff("called_off_disputed", text)


def refund_called_off(
    change: DateChange,
    order: Order,
    line: str,
    *,
    booking: Booking | None,
    amount_minor: int,
    key: str,
    credits_only: bool = False,
    cancels: bool = False,
) -> Refund:
    """Request a refund of what a change called off; ``line`` names it, and ``key`` is unique within the change."""
    return request_refund(
        order=order,
        amount_minor=amount_minor,
        booking=booking,
        credits_only=credits_only,
        cancels=cancels,
        reason=f"Called off: {line}",
        origin=Refund.Origin.STAFF if change.by_staff else Refund.Origin.PRACTITIONER,
        requested_by=change.requested_by,
        request_key=f"{change.public_id}-{key}",
    )


def release_seats(
    booking: Booking,
    rows: Sequence[DateChangeRow] | Sequence[Consequence],
    affected: AffectedOrder,
    *,
    at: datetime,
) -> bool:
    """Release the seats of one booking that are called off; return whether the booking has ended with them."""
    own_seats = [seat for seat in affected.seats if seat.booking_id == booking.pk]
    if any(row.act == Act.RESCHEDULE for row in rows):
        seats.unschedule(booking, at=at)
        return False
    if not any(seat.takes_rest for seat in own_seats):
        seats.leave_sessions(booking, [seat.session_id for seat in own_seats if seat.session_id])
        return False
    announce(booking_canceled, seats.call_off([booking], at=at))
    return True


def _finish(change: DateChange, target: Target) -> None:
    """Mark a change as done, once no row waits and no seat is left; an order that slipped in gets its rows."""
    if change.kind != Kind.MOVE:
        _take_in_others(change, target)
    waiting = DateChangeRow.objects.filter(change=OuterRef("pk"), status=RowStatus.WAITING)
    DateChange.objects.filter(~Exists(waiting), pk=change.pk, status=DateChange.Status.RUNNING).update(
        status=DateChange.Status.DONE, done_at=clock.now()
    )


def _take_in_others(change: DateChange, target: Target) -> None:
    order_ids = affected_order_ids(target, after=change.created_at)
    if not order_ids:
        return
    with transaction.atomic():
        affected = read_affected(
            lock_orders(order_ids), target.seats(after=change.created_at), target.practitioner
        )
        has_rows = set(DateChangeRow.objects.filter(change=change).values_list("order_id", flat=True))
        others = [one for _, one in affected if one.seats and one.id not in has_rows]
        insert_rows(change, consequences(Kind(change.kind), others), change.created_at)
