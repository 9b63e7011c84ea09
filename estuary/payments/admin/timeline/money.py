"""Entries of money that went back, is contested, or moved as credits."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from estuary.common.admin.times import day_and_time
from estuary.common.money import display
from estuary.credits.models import CreditTransaction
from estuary.orders.models import Order
from estuary.payments.admin.timeline.entries import Entry, Source
from estuary.payments.models import Dispute, FraudNotice, Refund

OUTCOMES = {
    Dispute.Status.WON: "The dispute was won: the money stays here.",
    Dispute.Status.LOST: "The dispute was lost.",
}


def _refunds(order: Order, refunds: Sequence[Refund]) -> Iterable[Entry]:
    for refund in refunds:
        amount = display(refund.amount_minor, refund.currency)
        of = f" of {refund.booking.service_name}" if refund.booking else ""
        of = " of another payment" if refund.is_unmatched else of
        why = f" Why: {refund.reason.rstrip('.')}." if refund.reason else ""
        ids = tuple(filter(None, (refund.public_id, refund.stripe_refund_id)))
        yield Entry(refund.created_at, f"{_by(refund)} {amount}{of}.{why}", ids)
        if refund.status == Refund.Status.SUCCEEDED and refund.settled_at:
            yield Entry(refund.settled_at, f"{_returned(refund)} went back to the buyer.", ids)
        elif refund.status in {Refund.Status.FAILED, Refund.Status.CANCELED}:
            reason = refund.failure_reason.replace("_", " ") or "no reason was given"
            at = refund.settled_at or refund.created_at
            yield Entry(at, f"The refund of {amount} failed: {reason}.", ids, True)


def _by(refund: Refund) -> str:
    match refund.origin:
        case Refund.Origin.STAFF:
            return f"{refund.requested_by or 'Staff'} refunded"
        case Refund.Origin.BUYER:
            return "The buyer canceled in time, which returns"
        case Refund.Origin.PRACTITIONER:
            return f"{refund.requested_by or 'The practitioner'} called it off, which returns"
        case Refund.Origin.DASHBOARD:
            return "Somebody refunded in Stripe’s dashboard"
    return "Refunded by itself:"


def _returned(refund: Refund) -> str:
    parts = [f"{display(refund.card_minor, refund.currency)} by card"] if refund.card_minor else []
    if refund.credits_minor:
        parts.append(f"{display(refund.credits_minor, refund.currency)} in credits")
    return " and ".join(parts)


def _disputes(order: Order, disputes: Sequence[Dispute]) -> Iterable[Entry]:
    for dispute in disputes:
        amount, reason = display(dispute.amount_minor, dispute.currency), dispute.reason.replace("_", " ")
        due = (
            f" Evidence is due by {day_and_time(dispute.due_by)}."
            if dispute.needs_answer and dispute.due_by
            else ""
        )
        ids = tuple(filter(None, (dispute.stripe_dispute_id, dispute.stripe_charge_id)))
        yield Entry(
            _not_before_payment(order, dispute.opened_at),
            f"The buyer’s bank disputes {amount}: {reason}.{due}",
            ids,
            True,
        )
        if dispute.closed_at:
            ended = f"The dispute ended: {dispute.get_status_display()}."
            sentence = OUTCOMES.get(Dispute.Status(dispute.status), ended)
            lost = f" {display(dispute.lost_minor, order.currency)} is gone." if dispute.lost_minor else ""
            yield Entry(dispute.closed_at, sentence + lost, ids, bool(lost))


def _not_before_payment(order: Order, at: datetime) -> datetime:
    """Return a time of Stripe's, which are whole seconds, no earlier than our time of the payment."""
    return max(at, order.paid_at or at)


def _fraud_notices(order: Order, notices: Sequence[FraudNotice]) -> Iterable[Entry]:
    for notice in notices:
        who = (
            "The card’s issuer warned of fraud"
            if notice.kind == FraudNotice.Kind.WARNING
            else "Stripe asked for a review"
        )
        ids = tuple(filter(None, (notice.stripe_notice_id, notice.stripe_charge_id)))
        yield Entry(
            _not_before_payment(order, notice.opened_at),
            f"{who}: {notice.reason.replace('_', ' ')}.",
            ids,
            True,
        )
        if notice.closed_at:
            how = notice.closed_reason.replace("_", " ") or "closed"
            yield Entry(notice.closed_at, f"That notice ended: {how}.", ids)


def _credits(order: Order, movements: Sequence[CreditTransaction]) -> Iterable[Entry]:
    for row in movements:
        currency = row.account.currency
        amount = display(abs(row.amount_minor), currency)
        direction = "were added to" if row.amount_minor > 0 else "were taken from"
        balance = display(row.balance_after_minor, currency)
        yield Entry(
            row.created_at, f"{amount} of credits {direction} the buyer’s account, which then had {balance}."
        )


REFUNDS = Source("refunds", lambda order: sorted(order.refunds.all(), key=lambda row: row.pk), _refunds)
DISPUTES = Source("disputes", lambda order: list(order.disputes.all()), _disputes)
FRAUD_NOTICES = Source("fraud notices", lambda order: list(order.fraud_notices.all()), _fraud_notices)
CREDITS = Source(
    "credits", lambda order: sorted(order.credit_transactions.all(), key=lambda row: row.pk), _credits
)
