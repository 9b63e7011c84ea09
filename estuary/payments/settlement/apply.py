"""Applying effects: each kind of effect for a whole batch at once, inside settlement's transaction."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import structlog
from django.db.models import Model

from estuary.accounts.models import User
from estuary.bookings import fulfilment
from estuary.bookings.models import Booking
from estuary.bookings.requested_times import lines_with_requested_times
from estuary.common.db.bulk import insert_rows, insert_with_keys, prefetched, update_rows
from estuary.common.db.transactions import pipeline
from estuary.common.money import display
from estuary.credits import ledger
from estuary.notifications import staff_alerts
from estuary.orders.models import Order, OrderTransition
from estuary.orders.states import Status
from estuary.payments import observability, outbox
from estuary.payments.hooks import signals
from estuary.payments.hooks.delivery import announce
from estuary.payments.models import Dispute, Orphan, Refund
from estuary.payments.settlement.effects import (
    AlertStaff,
    BindIntent,
    CancelBookings,
    ChangeStatus,
    FreezeCredits,
    Fulfil,
    HoldForBank,
    MarkDisputed,
    NotifyBuyer,
    OpenRefund,
    PostCredits,
    RecordCapture,
    RecordDispute,
    RecordRefunded,
    RecordUnmatchedPayment,
    ReleaseReservations,
    SetBookingStatus,
    SetRefundCredits,
    UpdateRefund,
    WatchPayment,
    WatchUnmatchedPayment,
)
from estuary.payments.settlement.rules.dispute_amounts import CLOSED
from estuary.payments.settlement.state import (
    DISPUTE_COLUMNS,
    REFUND_COLUMNS,
    DisputeState,
    Effect,
    RecordDecline,
)

log = structlog.get_logger(__name__)

type Work = Sequence[tuple[Order, Sequence[Effect]]]
# Rows of which receivers of a signal are to hear.
type Change = tuple[signals.ChangeSignal, Sequence[Model]]


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
    "kept_until",
    "payment_open",
    "paid_at",
    "completed_at",
]

REFUND_FIELDS = ["status", "stripe_refund_id", "failure_reason", "settled_at", "credits_minor"]


class _EffectsByKind:
    """The effects of many orders, grouped by kind."""

    def __init__(self, work: Work) -> None:
        self._by_kind: defaultdict[type, list[tuple[Order, Any]]] = defaultdict(list)
        for order, effects in work:
            for effect in effects:
                self._by_kind[type(effect)].append((order, effect))

    def of[E](self, kind: type[E]) -> list[tuple[Order, E]]:
        return self._by_kind.get(kind, [])


def apply_effects(work: Work, *, at: datetime) -> None:
    """Apply the effects of many orders; settlement has locked the orders and loaded their rows."""
    if not work:
        return
    effects = _EffectsByKind(work)
    with pipeline():
        changes = _apply_to_orders(work, at)
        # Accounts are locked before sessions, as when an order is placed.
        _apply_to_credits(effects, at)
        changes += _apply_to_bookings(effects, at)
    changes += [*_apply_to_refunds(effects, at), *_apply_to_disputes(effects, at)]
    _record_unmatched_payments(effects)
    _notify(effects)
    _alert_of_erased_buyers(effects)
    # A job is no part of a pipeline.
    for signal, rows in changes:
        announce(signal, rows)


def _apply_to_orders(work: Work, at: datetime) -> list[Change]:
    transitions: list[OrderTransition] = []
    completed: list[Order] = []
    canceled: list[Order] = []
    touched: dict[int, Order] = {}
    for order, effects in work:
        for effect in effects:
            if isinstance(effect, ChangeStatus):
                transitions.append(order.change_status(effect.status, cause=effect.cause, at=at))
                order.cancel_reason = effect.reason or order.cancel_reason
                if effect.status == Status.COMPLETED and order.completed_at is None:
                    order.completed_at = at
                    completed.append(order)
                if effect.status == Status.CANCELED:
                    canceled.append(order)
            elif not _record_on_order(order, effect, at):
                continue
            touched[order.pk] = order
    if touched:
        update_rows(touched.values(), ORDER_FIELDS)
        insert_rows(transitions)
        observability.count_transitions(transitions)
    return [(signals.order_completed, completed), (signals.order_canceled, canceled)]


def _record_on_order(order: Order, effect: Effect, at: datetime) -> bool:
    """Change the order's fields as the effect says; return whether it is an effect on them."""
    match effect:
        case BindIntent():
            order.stripe_payment_intent_id = effect.intent_id
        case RecordCapture():
            order.captured_minor, order.paid_at, order.payment_open = effect.amount_minor, at, False
            order.failure_code = order.decline_code = order.failure_message = ""
        case RecordDecline():
            order.failure_code, order.decline_code = effect.code[:64], effect.decline_code[:64]
            order.failure_message = effect.message[:300]
        case RecordRefunded():
            order.refunded_minor = effect.refunded_minor
        case HoldForBank():
            order.kept_until = effect.moment
        case WatchPayment():
            order.payment_open = True
        case MarkDisputed():
            order.disputed, order.lost_minor = effect.disputed, effect.lost_minor
        case _:
            return False
    return True


def _apply_to_bookings(effects: _EffectsByKind, at: datetime) -> list[Change]:
    changes: list[Change] = []
    releasing = [order for kind in (ReleaseReservations, CancelBookings) for order, _ in effects.of(kind)]
    paid = [order for order, _ in effects.of(Fulfil)]
    session_ids = [row.session_id for order in releasing for row in prefetched(order, "reservations")]
    fulfilment.lock_sessions(
        [*session_ids, *(line.requested_session_id for line in lines_with_requested_times(paid))]
    )
    if paid:
        changes.append((signals.booking_confirmed, fulfilment.book(paid, at=at)))
    fulfilment.release(
        [row for order, _ in effects.of(ReleaseReservations) for row in prefetched(order, "reservations")]
    )
    if canceled := _bookings_of(effects.of(CancelBookings)):
        changes.append((signals.booking_canceled, fulfilment.cancel(canceled, at=at)))
    for status in (Booking.Status.PARTIALLY_REFUNDED, Booking.Status.CONFIRMED):
        marks = [(order, effect) for order, effect in effects.of(SetBookingStatus) if effect.status == status]
        if bookings := _bookings_of(marks):
            fulfilment.set_status(bookings, status)
    return changes


def _alert_of_erased_buyers(effects: _EffectsByKind) -> None:
    """Alert staff of credits that go back to a buyer whose account is erased: nobody can spend them."""
    returned = [
        (order, effect)
        for order, effect in effects.of(PostCredits)
        if effect.kind == ledger.Kind.REFUND and effect.amount_minor > 0
    ]
    if not returned:
        return
    buyers = User.objects.filter(pk__in={order.user_id for order, _ in returned})
    erased = {buyer.pk for buyer in buyers if buyer.is_erased}
    for order, effect in returned:
        if order.user_id in erased:
            text = (
                f"{order.public_id}: {display(effect.amount_minor, order.currency)} of credits went back to a "
                "buyer whose account is erased, so nobody can spend it. Return it another way, and take it from "
                "the account."
            )
            staff_alerts.alert_staff("credits_of_erased_buyer", text)


def _bookings_of(changes: Sequence[tuple[Order, CancelBookings | SetBookingStatus]]) -> list[Booking]:
    return [
        row
        for order, effect in changes
        for row in prefetched(order, "bookings")
        if row.pk in effect.booking_ids
    ]


def _apply_to_credits(effects: _EffectsByKind, at: datetime) -> None:
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
            for order, effect in effects.of(PostCredits)
        ],
        at=at,
        freezes=[
            ledger.Freeze(order.user_id, order.currency, effect.amount_minor)
            for order, effect in effects.of(FreezeCredits)
        ],
    )


def _apply_to_refunds(effects: _EffectsByKind, at: datetime) -> list[Change]:
    created = insert_with_keys([_new_refund(order, effect, at) for order, effect in effects.of(OpenRefund)])
    changed: dict[int, Refund] = {}
    status_changed: list[Refund] = []
    for order, effect in effects.of(UpdateRefund):
        refund = changed[effect.refund_id] = _find_refund(order, effect.refund_id)
        status_changed += [refund] if refund.status != effect.status else []
        refund.status, refund.stripe_refund_id = effect.status, effect.stripe_refund_id
        refund.failure_reason = effect.failure_reason
        refund.settled_at = at if effect.status not in Refund.OPEN else None
    for order, credits in effects.of(SetRefundCredits):
        refund = changed[credits.refund_id] = _find_refund(order, credits.refund_id)
        refund.credits_minor = credits.credits_minor
    update_rows(changed.values(), REFUND_FIELDS)
    observability.count_refunds([*created, *status_changed])
    outbox.send_refunds([refund for refund in created if refund.status == Refund.Status.REQUESTED])
    ended = [*created, *status_changed]
    failed = {Refund.Status.FAILED, Refund.Status.CANCELED}
    return [
        (signals.order_refunded, [row for row in ended if row.status == Refund.Status.SUCCEEDED]),
        (signals.refund_failed, [row for row in ended if row.status in failed]),
    ]


def _find_refund(order: Order, refund_id: int) -> Refund:
    refunds: list[Refund] = prefetched(order, "refunds")
    return next(row for row in refunds if row.pk == refund_id)


def _new_refund(order: Order, effect: OpenRefund, at: datetime) -> Refund:
    # The row gets ids of its own.
    names = REFUND_COLUMNS.keys() - {"id", "public_id"}
    values = {REFUND_COLUMNS[name]: getattr(effect, name) for name in names}
    return Refund(
        order=order,
        reason=effect.reason,
        failure_reason=effect.failure_reason,
        created_at=at,
        settled_at=at if effect.status not in Refund.OPEN else None,
        **values | {"currency": effect.currency or order.currency},
    )


def _apply_to_disputes(effects: _EffectsByKind, at: datetime) -> list[Change]:
    new: list[Dispute] = []
    changed: list[Dispute] = []
    for order, effect in effects.of(RecordDispute):
        existing = next(
            (row for row in prefetched(order, "disputes") if row.stripe_dispute_id == effect.dispute.id), None
        )
        row = _update_dispute(existing or Dispute(order=order), effect.dispute, at)
        (changed if existing else new).append(row)
    update_rows(changed, [*DISPUTE_COLUMNS.values(), "closed_at"])
    opened = insert_with_keys(new)
    return [(signals.order_disputed, opened)]


def _update_dispute(row: Dispute, state: DisputeState, at: datetime) -> Dispute:
    for name, column in DISPUTE_COLUMNS.items():
        setattr(row, column, getattr(state, name))
    if state.status in CLOSED:
        row.closed_at = row.closed_at or at
    return row


def _record_unmatched_payments(effects: _EffectsByKind) -> None:
    """Record payments that are not their order's: those to look at again, and those left alone. Alert staff once."""
    for order, watched in effects.of(WatchUnmatchedPayment):
        _get_or_create_orphan(order, watched, 0, Orphan.Status.WAITING)
    for order, effect in effects.of(RecordUnmatchedPayment):
        row, is_new = _get_or_create_orphan(order, effect, effect.amount_minor, Orphan.Status.FOREIGN)
        was_watched = Orphan.objects.filter(pk=row.pk, status=Orphan.Status.WAITING).update(
            status=Orphan.Status.FOREIGN, amount_minor=effect.amount_minor
        )
        if is_new or was_watched:
            staff_alerts.alert_staff(
                "payment_names_our_order",
                f"{effect.intent_id} names {order.public_id} and is of {effect.customer_id or 'no customer'}: "
                "it was left alone. Look at it in Stripe's dashboard, and refund it there if it was an error",
            )


def _get_or_create_orphan(
    order: Order,
    payment: WatchUnmatchedPayment | RecordUnmatchedPayment,
    amount_minor: int,
    status: Orphan.Status,
) -> tuple[Orphan, bool]:
    return Orphan.objects.get_or_create(
        stripe_payment_intent_id=payment.intent_id,
        defaults={
            "order_ref": order.public_id,
            "currency": payment.currency,
            "amount_minor": amount_minor,
            "status": status,
        },
    )


def _notify(effects: _EffectsByKind) -> None:
    outbox.send_mails([(order, effect.template) for order, effect in effects.of(NotifyBuyer)])
    for order, effect in effects.of(AlertStaff):
        log.error("alert", code=effect.code, order=order.public_id, text=effect.text)
        staff_alerts.alert_staff(effect.code, effect.text)
