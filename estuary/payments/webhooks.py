"""Stripe's webhook: the endpoint that receives events, and HANDLERS, which says what each event means.

1. The view verifies the signature over the raw body, inserts one row and answers 200. Nothing is decided while Stripe
   waits. The web server calls ``receive`` past Django's middleware (config/webhook_gateway.py).
2. The worker settles the inbox (inbox/processor.py) and calls ``read_event`` for each event.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import orjson
import psycopg
import structlog
from django.conf import settings
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from estuary.common import clock
from estuary.common.api.problems import problem
from estuary.common.body_limits import BodyTooLarge
from estuary.common.db.transactions import is_unstorable
from estuary.common.errors import EstuaryError
from estuary.common.observability import metrics
from estuary.payments import client
from estuary.payments.customers.non_card_removal import OtherPaymentMethodAttached
from estuary.payments.customers.payment_methods import PaymentMethodEvent
from estuary.payments.errors import BadSignature
from estuary.payments.event_store import (
    THIN,
    Json,
    NotAnEvent,
    Write,
    insert_event,
    parse_created,
    store_event,
    without_secrets,
)
from estuary.payments.fraud.notices import FraudNoticeEvent
from estuary.payments.refusals.webhook_counter import WEBHOOK_COUNTER
from estuary.payments.settlement.facts import FetchRequired, ObjectKind, StripeObservation
from estuary.payments.stripe_objects import (
    Card,
    Charge,
    CheckoutSession,
    Intent,
    OtherPaymentMethod,
    StripeDispute,
    StripeFraudNotice,
    StripeRefund,
    id_of,
)

MAX_BYTES = 256 * 1024
RECEIVED = b'{"received": true}'

log = structlog.get_logger(__name__)


def webhook_paths() -> frozenset[str]:
    """Return the path of the webhook with its last slash and without it: Stripe does not follow redirects."""
    path = reverse("stripe-webhook")
    return frozenset({path, path.removesuffix("/")})


@csrf_exempt
@require_POST
def stripe_webhook(request: HttpRequest) -> HttpResponse:
    # Django does not read a chunked body, which a proxy may send. The server knows where such a body ends.
    chunked = "chunked" in request.META.get("HTTP_TRANSFER_ENCODING", "").lower()
    refusal = receive(request.META, request.META["wsgi.input"] if chunked else request, insert_event)
    return problem(refusal) if refusal else HttpResponse(RECEIVED, content_type="application/json")


class Readable(Protocol):
    def read(self, size: int, /) -> bytes: ...


def receive(meta: Mapping[str, Any], source: Readable, write: Write) -> EstuaryError | None:
    """Store one signed event in the inbox, at most once; return the error when the event is refused.

    ``write`` commits by itself. Nothing that Stripe did not sign gets that far.
    """
    at = clock.now()
    refusal: EstuaryError
    try:
        body = _read_body(meta, source)
        signature = meta.get("HTTP_STRIPE_SIGNATURE", "")
        client.verify_signature(body, signature, secrets=settings.STRIPE_WEBHOOK_SECRETS, at=at)
        event = _parse(body)
        metrics.count_received(is_known_type=event["type"] in HANDLERS, is_new=store_event(event, at, write))
    except EstuaryError as error:
        refusal = error
    except (DatabaseError, psycopg.Error) as error:
        if not is_unstorable(error):
            raise
        refusal = NotAnEvent("The body is signed, but it has characters or a length that no event has.")
    else:
        return None
    reason = refusal.reason if isinstance(refusal, BadSignature) else refusal.code
    metrics.count_refused(refusal.code, reason)
    WEBHOOK_COUNTER.count(reason, at)
    log.warning("event_refused", code=refusal.code, reason=reason)
    return refusal


def _read_body(meta: Mapping[str, Any], source: Readable) -> bytes:
    """Read at most MAX_BYTES, whatever Content-Length says; do not read a body that claims to be longer."""
    content_length = meta.get("CONTENT_LENGTH") or ""
    is_too_long = content_length.isdecimal() and int(content_length) > MAX_BYTES
    body = b"" if is_too_long else bytes(source.read(MAX_BYTES + 1))
    if is_too_long or len(body) > MAX_BYTES:
        raise BodyTooLarge(f"An event has at most {MAX_BYTES // 1024} KB.")
    return body


def _parse(body: bytes) -> dict[str, Any]:
    try:
        event = without_secrets(orjson.loads(body))
        if not isinstance(event["id"], str) or not isinstance(event["type"], str):
            raise NotAnEvent("The event's id or type is not a string.")
        # A backslash that is itself escaped may stand before u0000: then there is no NUL.
        if b"\\u0000" in body and _has_nul(event):
            raise NotAnEvent("The body is signed, but it has a character that no database can hold.")
        parse_created(event)
    except (ValueError, KeyError, TypeError, RecursionError, OverflowError, OSError):
        raise NotAnEvent("The body is signed, but it is no Stripe event.") from None
    return dict(event)


def _has_nul(value: Any) -> bool:
    """Whether any text in a decoded event contains NUL."""
    if isinstance(value, dict):
        return any("\x00" in key or _has_nul(inner) for key, inner in value.items())
    if isinstance(value, list):
        return any(_has_nul(inner) for inner in value)
    return isinstance(value, str) and "\x00" in value


# --- What each event means ----------------------------------------------------------------------------------

type ParsedEvent = (
    StripeObservation
    | PaymentMethodEvent
    | OtherPaymentMethodAttached
    | SetupDeclined
    | CustomerDeleted
    | FraudNoticeEvent
    | ForeignEvent
    | FetchRequired
)


@dataclass(frozen=True, slots=True)
class SetupDeclined:
    """A card could not be saved: its bank declined it. ``attempt`` is Stripe's id of the attempt."""

    customer_id: str
    attempt: str
    setup_intent_id: str


@dataclass(frozen=True, slots=True)
class CustomerDeleted:
    customer_id: str


@dataclass(frozen=True, slots=True)
class ForeignEvent:
    """An event of another account: one connected to ours, or of the same organization."""

    account_id: str


def payment_intent_changed(event: Json, obj: Json) -> ParsedEvent:
    """A payment succeeded, failed, is processing at its bank, or was canceled."""
    return StripeObservation(
        Intent.parse(obj, captured_at=_captured_at(event, obj["status"] == "succeeded")), _cause(event)
    )


def checkout_session_changed(event: Json, obj: Json) -> ParsedEvent:
    """A Checkout page was completed (paid or not yet) or expired, or its late payment succeeded."""
    paid_at = _captured_at(event, obj["payment_status"] == "paid")
    return StripeObservation(CheckoutSession.parse(obj, captured_at=paid_at), _cause(event))


def checkout_session_failed_late(event: Json, obj: Json) -> ParsedEvent:
    """A Checkout page was completed, and its bank then refused the payment: the hold ends."""
    return StripeObservation(CheckoutSession.parse(obj, failed_later=True), _cause(event))


def charge_refunded(event: Json, obj: Json) -> ParsedEvent:
    """A charge has only the sum of its refunds; the refunds themselves are fetched when ours do not add up to it."""
    return StripeObservation(Charge.parse(obj), _cause(event))


def refund_changed(event: Json, obj: Json) -> ParsedEvent:
    """A refund was created, changed its status or failed, wherever it was started."""
    return StripeObservation(StripeRefund.parse(obj), _cause(event))


def dispute_changed(event: Json, obj: Json) -> ParsedEvent:
    """A dispute was opened, changed or closed, or its money was withdrawn or reinstated."""
    return StripeObservation(StripeDispute.parse(obj), _cause(event))


def fraud_notice_changed(event: Json, obj: Json) -> ParsedEvent:
    """A card's issuer warned of fraud, Radar or staff began a review, or one of these has ended."""
    return FraudNoticeEvent(StripeFraudNotice.parse(obj))


def payment_method_attached(event: Json, obj: Json) -> ParsedEvent | None:
    """A card was saved; any other payment method is removed again."""
    if card := Card.parse(obj):
        return PaymentMethodEvent("attached", card, card.customer_id, parse_created(event))
    return OtherPaymentMethodAttached(OtherPaymentMethod.parse(obj), parse_created(event))


def payment_method_updated(event: Json, obj: Json) -> ParsedEvent | None:
    """A card was updated, by its holder or by its network."""
    card = Card.parse(obj)
    return PaymentMethodEvent("updated", card, card.customer_id, parse_created(event)) if card else None


def payment_method_detached(event: Json, obj: Json) -> ParsedEvent | None:
    """A card was removed. Its customer stands among the previous attributes, or is fetched when it does not."""
    previous = event["data"].get("previous_attributes")
    customer_id = id_of(previous.get("customer")) if isinstance(previous, dict) else ""
    card = Card.parse(obj, customer_id=customer_id)
    return PaymentMethodEvent("detached", card, customer_id, parse_created(event)) if card else None


def setup_declined(event: Json, obj: Json) -> ParsedEvent:
    """A card was declined when it was to be saved."""
    return SetupDeclined(
        id_of(obj.get("customer")), id_of(obj.get("latest_attempt")) or event["id"], obj["id"]
    )


def customer_deleted(event: Json, obj: Json) -> ParsedEvent:
    return CustomerDeleted(obj["id"])


HANDLERS: dict[str, Callable[[Json, Json], ParsedEvent | None]] = {
    "payment_intent.succeeded": payment_intent_changed,
    "payment_intent.processing": payment_intent_changed,
    "payment_intent.payment_failed": payment_intent_changed,
    "payment_intent.canceled": payment_intent_changed,
    "checkout.session.completed": checkout_session_changed,
    "checkout.session.async_payment_succeeded": checkout_session_changed,
    "checkout.session.async_payment_failed": checkout_session_failed_late,
    "checkout.session.expired": checkout_session_changed,
    "charge.refunded": charge_refunded,
    "refund.created": refund_changed,
    "refund.updated": refund_changed,
    "refund.failed": refund_changed,
    "charge.dispute.created": dispute_changed,
    "charge.dispute.updated": dispute_changed,
    "charge.dispute.funds_withdrawn": dispute_changed,
    "charge.dispute.closed": dispute_changed,
    "charge.dispute.funds_reinstated": dispute_changed,
    "radar.early_fraud_warning.created": fraud_notice_changed,
    "radar.early_fraud_warning.updated": fraud_notice_changed,
    "review.opened": fraud_notice_changed,
    "review.closed": fraud_notice_changed,
    "payment_method.attached": payment_method_attached,
    "payment_method.detached": payment_method_detached,
    "payment_method.updated": payment_method_updated,
    "payment_method.automatically_updated": payment_method_updated,
    "setup_intent.setup_failed": setup_declined,
    "customer.deleted": customer_deleted,
}

KIND_BY_OBJECT = {
    "payment_intent": ObjectKind.INTENT_AND_PAGE,
    "checkout.session": ObjectKind.SESSION,
    "charge": ObjectKind.CHARGE,
    "refund": ObjectKind.REFUND,
    "dispute": ObjectKind.DISPUTE,
    "payment_method": ObjectKind.PAYMENT_METHOD,
    "radar.early_fraud_warning": ObjectKind.FRAUD_NOTICE,
    "review": ObjectKind.FRAUD_NOTICE,
}


def read_event(event: Json) -> ParsedEvent | None:
    """Return what an event means, or None for an event that has no effect here.

    - An event of another account means nothing for our payments, whatever ids and labels it carries.
    - An event in another API version is only a hint: its object may look different, so it is fetched in ours.

    https://docs.stripe.com/api/events/object
    """
    if account_id := event.get("account") or event.get("context"):
        return ForeignEvent(account_id)
    if event.get("object") == THIN:
        return _read_thin_event(event)
    handler = HANDLERS.get(event["type"])
    if handler is None:
        return None
    obj = event["data"]["object"]
    kind = KIND_BY_OBJECT.get(str(obj.get("object")))
    if event.get("api_version") == client.API_VERSION or kind is None:
        return handler(event, obj)
    if kind not in {ObjectKind.CHARGE, ObjectKind.REFUND}:
        return FetchRequired(kind, obj["id"])
    intent_id = id_of(obj.get("payment_intent"))
    return FetchRequired(ObjectKind.PAYMENT, intent_id) if intent_id else None


def _read_thin_event(event: Json) -> ParsedEvent | None:
    related = event.get("related_object") or {}
    if event["type"].removeprefix("v1.") not in HANDLERS or not related.get("id"):
        return None
    if related.get("type") == "customer":
        # The only event of a customer among HANDLERS.
        return CustomerDeleted(related["id"])
    kind = KIND_BY_OBJECT.get(str(related.get("type")))
    return FetchRequired(kind, related["id"]) if kind else None


def _cause(event: Json) -> str:
    return f"{event['type']} {event['id']}"[:80]


def _captured_at(event: Json, paid: bool) -> int:
    """Return when the money of a paid object came: when Stripe created the event, however late it arrives."""
    return int(event["created"]) if paid else 0
