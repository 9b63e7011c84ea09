"""Early fraud warnings and reviews of Stripe's Radar: a row beside the order, and one alert to staff."""

from dataclasses import dataclass
from datetime import datetime

from estuary.common import clock
from estuary.common.money import display
from estuary.notifications import staff_alerts
from estuary.orders.models import Order
from estuary.payments import client
from estuary.payments.models import FraudNotice
from estuary.payments.settlement import unmatched_refunds
from estuary.payments.settlement.facts import FetchRequired, ObjectKind, StripeObservation
from estuary.payments.settlement.fetch import fetch_intent
from estuary.payments.stripe_objects import StripeFraudNotice

ADVICE = {
    FraudNotice.Kind.WARNING: (
        "The card's issuer reports fraud, and a dispute is likely to follow. Look at the order in the admin. A full "
        "refund now saves the dispute and its fee."
    ),
    FraudNotice.Kind.REVIEW: (
        "Stripe holds the payment as risky and asks for a decision. Look at the order in the admin, then approve or "
        "refund the payment in Stripe's dashboard."
    ),
}


@dataclass(frozen=True, slots=True)
class FraudNoticeEvent:
    """A warning or a review was opened, changed or closed; ``fetched`` means that it is as Stripe has it just now."""

    notice: StripeFraudNotice
    fetched: bool = False


def sync_notice(event: FraudNoticeEvent) -> str | FetchRequired:
    """Insert or update the row of a notice, in the open transaction; returns the outcome in words.

    What is closed never opens again, in whichever order the events come. Staff are alerted when an open one is first
    seen. A notice about an unknown payment is fetched with its payment, which names the order.
    """
    at, notice = clock.now(), event.notice
    order = _find_order(notice.intent_id)
    if order is None:
        if notice.intent_id and not event.fetched:
            return FetchRequired(ObjectKind.FRAUD_NOTICE, notice.id)
        return _alert_of_unknown(notice)
    row, is_new = FraudNotice.objects.select_for_update(no_key=True).get_or_create(
        stripe_notice_id=notice.id,
        defaults={
            "order": order,
            "kind": notice.kind,
            "stripe_charge_id": notice.charge_id,
            "stripe_payment_intent_id": notice.intent_id,
            "reason": notice.reason[:40],
            "closed_reason": notice.closed_reason[:40],
            "opened_at": notice.opened_at,
            "closed_at": None if notice.is_open else at,
        },
    )
    if not is_new:
        return _update(row, notice, at)
    if notice.is_open:
        _alert(row, order)
    return "recorded"


def fetch_notice(notice_id: str) -> tuple[FraudNoticeEvent, list[StripeObservation]]:
    """Fetch a notice, and the payment that it is about as a fact to settle first; raises NotAtStripe."""
    notice = client.retrieve_fraud_notice(notice_id)
    facts = []
    if notice.intent_id:
        facts = [StripeObservation(fetch_intent(notice.intent_id), f"asked for {notice.id}", fetched=True)]
    return FraudNoticeEvent(notice, fetched=True), facts


def _find_order(intent_id: str) -> Order | None:
    if not intent_id:
        return None
    order = Order.objects.filter(stripe_payment_intent_id=intent_id).first()
    if order is None and (refund := unmatched_refunds([intent_id]).select_related("order").first()):
        return refund.order
    return order


def _update(row: FraudNotice, notice: StripeFraudNotice, at: datetime) -> str:
    if notice.is_open or row.closed_at:
        return "nothing new"
    row.closed_at, row.closed_reason = at, notice.closed_reason[:40]
    row.save(update_fields=["closed_at", "closed_reason"])
    return "closed"


def _alert(row: FraudNotice, order: Order) -> None:
    code = "fraud_warning" if row.kind == FraudNotice.Kind.WARNING else "review_opened"
    why, amount = row.reason.replace("_", " "), display(order.captured_minor, order.currency)
    staff_alerts.alert_staff(
        code,
        f"{order.public_id}: {row.stripe_notice_id} over {amount} ({why}). {ADVICE[FraudNotice.Kind(row.kind)]}",
    )


def _alert_of_unknown(notice: StripeFraudNotice) -> str:
    """Alert staff of an open notice about a payment that no order was paid with: somebody must look at it."""
    if notice.is_open:
        payment = notice.intent_id or notice.charge_id
        staff_alerts.alert_staff(
            "fraud_notice_of_unknown_payment",
            f"{notice.id} is about {payment}, which no order of ours was paid with. Look at it in Stripe's dashboard.",
        )
    return "not ours"
