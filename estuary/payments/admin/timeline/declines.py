"""Entries of declined attempts to pay, one each, from the events of the order's payment.

They are told for as long as these events are kept (ESTUARY_EVENTS_KEPT_DAYS), and then only the last decline is.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from estuary.orders.models import Order
from estuary.orders.states import Status
from estuary.payments.admin.timeline.entries import Entry, Source
from estuary.payments.models import WebhookEvent
from estuary.payments.models.customers import BRAND_NAMES
from estuary.payments.models.events import SUBJECT
from estuary.payments.stripe_objects import Decline, parse_decline
from estuary.payments.stripe_objects.fields import Json

INTENT_FAILED, CHARGE_FAILED = "payment_intent.payment_failed", "charge.failed"
NOT_AUTHENTICATED = "payment_intent_authentication_failure"
# The newest declines of an order that are told.
MAX_DECLINES = 25


@dataclass(frozen=True, slots=True)
class RecordedDecline:
    """A declined attempt as one event reports it; ``card`` is empty where it was no card."""

    at: datetime
    event_id: str
    is_of_intent: bool
    decline: Decline
    card: str


def _load(order: Order) -> list[RecordedDecline]:
    """Return the newest declines of the order's payment, oldest first, in one query; if there are more, one more."""
    if not order.stripe_payment_intent_id:
        return []
    failures = WebhookEvent.objects.alias(about=SUBJECT).filter(
        about=order.stripe_payment_intent_id, type__in=(INTENT_FAILED, CHARGE_FAILED)
    )
    # By Stripe's time: to sort by key, PostgreSQL might read all events from the newest on.
    rows = failures.order_by("-created_at", "-id").values_list(
        "created_at", "stripe_event_id", "type", "payload__data__object"
    )
    # Most declines are reported by two events.
    reported = [_parse(*row) for row in rows[: 2 * (MAX_DECLINES + 1)]]
    return _once_each(recorded for recorded in reversed(reported) if recorded)


def _parse(at: datetime, event_id: str, event_type: str, obj: Json) -> RecordedDecline | None:
    is_of_intent = event_type == INTENT_FAILED
    error = obj.get("last_payment_error") if is_of_intent else _error_of_charge(obj)
    if not error:
        return None
    card = (error.get("payment_method") or {}).get("card") or {}
    brand, last4 = card.get("brand") or "", card.get("last4") or ""
    text = f"{BRAND_NAMES.get(brand, brand)} •••• {last4}" if last4 else ""
    return RecordedDecline(at, event_id, is_of_intent, parse_decline(error), text)


def _error_of_charge(charge: Json) -> Json:
    """Return why a charge failed, in the shape of an intent's ``last_payment_error``."""
    details = charge.get("payment_method_details") or {}
    return {
        "charge": charge["id"],
        "code": charge.get("failure_code"),
        "decline_code": (charge.get("outcome") or {}).get("reason"),
        "message": charge.get("failure_message"),
        "payment_method": {"type": details.get("type", "card"), "card": details.get("card")},
    }


def _once_each(reported: Iterable[RecordedDecline]) -> list[RecordedDecline]:
    """Return each attempt once, by its charge. A failed 3-D Secure check has no charge, and one event.

    Of its two events, that of the intent has the bank's code; that of the charge has Radar's verdict instead.
    """
    by_attempt: dict[str, RecordedDecline] = {}
    for recorded in reported:
        attempt = recorded.decline.charge_id or recorded.event_id
        if recorded.is_of_intent or attempt not in by_attempt:
            by_attempt[attempt] = recorded
    return list(by_attempt.values())


def _declines(order: Order, declines: Sequence[RecordedDecline]) -> Iterable[Entry]:
    newest = declines[-MAX_DECLINES:]
    if len(newest) < len(declines):
        earlier = f"Declined more often than the {MAX_DECLINES} times below: the inbox has the earlier ones."
        yield Entry(max(newest[0].at, order.created_at), earlier)
    for recorded in newest:
        decline = recorded.decline
        ids = (decline.decline_code or decline.code, decline.charge_id, recorded.event_id)
        # Stripe's times are whole seconds, which may be before our time of the order.
        at = max(recorded.at, order.created_at)
        yield Entry(at, _describe(decline, recorded.card), tuple(filter(None, ids)), True)
    if not declines and order.failure_message:
        failed = [step.at for step in order.transitions.all() if step.after == Status.FAILED]
        code = order.decline_code or order.failure_code
        sentence = f"The last attempt was declined: {order.failure_message}"
        yield Entry(max(failed, default=order.created_at), sentence, (code,) if code else (), True)


def _describe(decline: Decline, card: str) -> str:
    """Return the reason in the words that the buyer read."""
    if decline.code == NOT_AUTHENTICATED:
        of_card = f" of {card}" if card else ""
        return f"The bank’s check{of_card} (3-D Secure) was not passed: {decline.message}"
    return f"{card or 'The payment'} was declined: {decline.message}"


DECLINES = Source("declines", _load, _declines)
