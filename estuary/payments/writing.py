"""Carrying effects out: every kind of effect of a whole batch at once, inside settlement's transaction."""

from collections.abc import Sequence
from datetime import datetime

import structlog

from estuary.bookings import booking
from estuary.bookings.models import Booking
from estuary.common.database import pipelined
from estuary.common.rows import insert_and_number, insert_rows, update_rows
from estuary.credits import ledger
from estuary.orders.models import Order, OrderTransition
from estuary.orders.states import Status
from estuary.payments import counting, dispute_writing, outbox
from estuary.payments.effects import (
    AdvanceRefund,
    Alert,
    Become,
    BindIntent,
    CancelBookings,
    CarryCredits,
    Effect,
    FreezeCredits,
    HandOver,
    LetGo,
    MarkBookings,
    MarkDisputed,
    OpenRefund,
    PostCredits,
    RecordCapture,
    RecordDecline,
    RecordDispute,
    RecordRefunded,
    Tell,
)
from estuary.payments.models import Refund

log = structlog.get_logger(__name__)

type Work = Sequence[tuple[Order, Sequence[Effect]]]

ORDER_FIELDS = [
    "status",
    "stripe_payment_intent_id",
    "captured_minor",
    "refunded_minor",
    "failure_code",
    "decline_code",
    "failure_message",
    "cancel_reason",
    "disputed",
    "lost_minor",
    "paid_at",
    "completed_at",
]

REFUND_FIELDS = ["status", "stripe_refund_id", "failure_reason", "settled_at", "credits_minor"]


def write(work: Work, *, at: datetime) -> None:
    """Write the effects of many orders; the orders are locked and prefetched as settlement loads them."""
    if not work:
        return
    with pipelined():
        _write_orders(work, at)
        _write_credits(work, at)  # accounts are locked before sessions, here as when an order is placed
        _write_bookings(work, at)
    _write_refunds(work, at)
    dispute_writing.write_disputes(_each(work, RecordDispute), at=at)
    _tell(work)


def _each[E](work: Work, kind: type[E]) -> list[tuple[Order, E]]:
    return [(order, effect) for order, effects in work for effect in effects if isinstance(effect, kind)]


def _write_orders(work: Work, at: datetime) -> None:
    transitions: list[OrderTransition] = []
    touched: dict[int, Order] = {}
    for order, effects in work:
        for effect in effects:
            if isinstance(effect, Become):
                transitions.append(order.become(effect.status, cause=effect.cause, at=at))
                order.cancel_reason = effect.reason or order.cancel_reason
                if effect.status == Status.COMPLETED and order.completed_at is None:
                    order.completed_at = at
            elif isinstance(effect, (BindIntent, RecordCapture, RecordDecline, RecordRefunded, MarkDisputed)):
                _record(order, effect, at)
            else:
                continue
            touched[order.pk] = order
    if touched:
        update_rows(touched.values(), ORDER_FIELDS)
        insert_rows(transitions)
        counting.transitions(transitions)


def _record(
    order: Order,
    effect: BindIntent | RecordCapture | RecordDecline | RecordRefunded | MarkDisputed,
    at: datetime,
) -> None:
    match effect:
        case BindIntent():
            order.stripe_payment_intent_id = effect.intent_id
        case RecordCapture():
            order.captured_minor, order.paid_at = effect.amount_minor, at
            order.failure_code = order.decline_code = order.failure_message = ""
        case RecordDecline():
            order.failure_code, order.decline_code = effect.code[:64], effect.decline_code[:64]
            order.failure_message = effect.message[:300]
        case RecordRefunded():
            order.refunded_minor = effect.refunded_minor
        case MarkDisputed():
            order.disputed, order.lost_minor = effect.disputed, effect.lost_minor


def _write_bookings(work: Work, at: datetime) -> None:
    leaving = [order for kind in (LetGo, CancelBookings) for order, _ in _each(work, kind)]
    booking.lock_sessions(row.session_id for order in leaving for row in order.reservations.all())
    if paid := [order for order, _ in _each(work, HandOver)]:
        booking.book(paid, at=at)
    booking.release([row for order, _ in _each(work, LetGo) for row in order.reservations.all()])
    if ended := [
        row
        for order, effect in _each(work, CancelBookings)
        for row in order.bookings.all()
        if row.pk in effect.booking_ids
    ]:
        booking.cancel(ended, at=at)
    for status in (Booking.Status.PARTIALLY_REFUNDED, Booking.Status.CONFIRMED):
        marked = [
            row
            for order, effect in _each(work, MarkBookings)
            if effect.status == status
            for row in order.bookings.all()
            if row.pk in effect.booking_ids
        ]
        if marked:
            booking.mark(marked, status)


def _write_credits(work: Work, at: datetime) -> None:
    ledger.post(
        [
            ledger.Posting(
                user_id=order.user_id,
                currency=order.currency,
                kind=effect.kind,
                amount_minor=effect.amount_minor,
                effect=effect.effect,
                order_id=order.pk,
                note=effect.note,
            )
            for order, effect in _each(work, PostCredits)
        ],
        at=at,
        freezes=[
            ledger.Freeze(order.user_id, order.currency, effect.amount_minor)
            for order, effect in _each(work, FreezeCredits)
        ],
    )


def _write_refunds(work: Work, at: datetime) -> None:
    opened = insert_and_number([_refund(order, effect, at) for order, effect in _each(work, OpenRefund)])
    advanced: dict[int, Refund] = {}
    moved: list[Refund] = []
    for order, effect in _each(work, AdvanceRefund):
        refund = advanced[effect.refund_id] = _row(order, effect.refund_id)
        moved += [refund] if refund.status != effect.status else []
        refund.status, refund.stripe_refund_id = effect.status, effect.stripe_refund_id
        refund.failure_reason = effect.failure_reason
        refund.settled_at = (
            at if effect.status not in {Refund.Status.REQUESTED, Refund.Status.PENDING} else None
        )
    for order, added in _each(work, CarryCredits):
        refund = advanced[added.refund_id] = _row(order, added.refund_id)
        refund.credits_minor = added.credits_minor
    update_rows(advanced.values(), REFUND_FIELDS)
    counting.refunds([*opened, *moved])
    outbox.send_refunds([refund for refund in opened if refund.status == Refund.Status.REQUESTED])


def _row(order: Order, refund_id: int) -> Refund:
    return next(row for row in order.refunds.all() if row.pk == refund_id)


def _refund(order: Order, effect: OpenRefund, at: datetime) -> Refund:
    settled = effect.status not in {Refund.Status.REQUESTED, Refund.Status.PENDING}
    return Refund(
        order=order,
        stripe_payment_intent_id=effect.intent_id,
        stripe_refund_id=effect.stripe_refund_id,
        currency=effect.currency or order.currency,
        card_minor=effect.card_minor,
        credits_minor=effect.credits_minor,
        status=effect.status,
        origin=effect.origin,
        reason=effect.reason,
        stray=effect.stray,
        failure_reason=effect.failure_reason,
        created_at=at,
        settled_at=at if settled else None,
    )


def _tell(work: Work) -> None:
    outbox.send_mails([(order, effect.template) for order, effect in _each(work, Tell)])
    for order, effect in _each(work, Alert):
        log.error("alert", code=effect.code, order=order.public_id, text=effect.text)
        outbox.alert_staff(effect.code, effect.text)
