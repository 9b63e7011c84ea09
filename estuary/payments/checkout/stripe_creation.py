"""Asking Stripe for what pays for an order: written down before it is asked, found again when the answer was lost.

What a POST will say is committed first, so that a retry sends the same body under the same key. Whoever asks in vain
can tell later whether anything was made: by looking, and once Stripe is surely done with the request, by its absence.

``asked_at`` is when the last POST was sent whose outcome is not known. A key is given up for the next one only when no
POST under it can be at Stripe any more: two keys at once would be two payments for one order.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, cast

import structlog
from django.conf import settings

from estuary.common import clock
from estuary.common.db.transactions import execute
from estuary.orders.models import Order, PaymentType
from estuary.orders.states import LIVE, UNPAID
from estuary.payments import client
from estuary.payments.checkout.metadata import build_metadata
from estuary.payments.errors import (
    NotAtStripe,
    OrderChanged,
    StripeBusy,
    StripeRefused,
    UnexpectedState,
)
from estuary.payments.gateway import instrumentation
from estuary.payments.gateway.idempotency_keys import (
    KEY_LIFE,
    MAX_CLOCK_SKEW,
    STRIPE_REQUEST_MAX_AGE,
    is_request_over,
    next_sequence,
    sequence_key,
)
from estuary.payments.gateway.payment_method_types import ALLOWED_PAYMENT_METHOD_TYPES
from estuary.payments.stripe_objects import CheckoutSession, Intent

# A hosted page may last from 30 minutes to 24 hours, counted from when the request arrives; clocks differ by a bit.
# https://docs.stripe.com/api/checkout/sessions/create#create_checkout_session-expires_at
PAGE_TOLERANCE = timedelta(minutes=1)
PAGE_MIN, PAGE_MAX = timedelta(minutes=35), timedelta(hours=23, minutes=55)

RECORD_REQUEST = """UPDATE orders_order SET asked_at = %s, stripe_customer_id = %s, attempt = %s, page_expires_at = %s
WHERE id = %s AND status = ANY(%s) AND asked_at IS NOT DISTINCT FROM %s AND attempt = %s"""
SAVE_STRIPE_ID = {
    column: f"UPDATE orders_order SET {column} = %s WHERE id = %s AND status = ANY(%s) AND {column} = ''"  # noqa: S608
    for column in ("stripe_payment_intent_id", "stripe_checkout_session_id")
}

log = structlog.get_logger(__name__)


def record_request(order: Order, *, customer_id: str) -> datetime | None:
    """Commit what the next POST is made of; returns when an earlier one was sent that may have no answer yet.

    Raises OrderChanged when the order has ended or is asked for elsewhere, and StripeBusy while Stripe may still be
    at a POST for another customer, whose key can't be kept.
    """
    previous_asked_at, previous_attempt, at = order.asked_at, order.attempt, clock.now()
    if previous_asked_at and order.stripe_customer_id != customer_id:
        _cancel_for_other_customer(order, previous_asked_at)
        order.attempt += 1  # the body changes with the customer, so the key must
    elif _is_key_expired(order):
        order.attempt += 1  # a key that Stripe may have forgotten is never used again
    if order.page_expires_at is None:
        order.page_expires_at = page_expiry(order.payment_type, hold_ends_at=order.expires_at, at=at)
    order.asked_at, order.stripe_customer_id = at, customer_id
    values = [at, customer_id, order.attempt, order.page_expires_at]
    if not execute(
        RECORD_REQUEST, [*values, order.pk, [*map(str, UNPAID)], previous_asked_at, previous_attempt]
    ):
        raise OrderChanged("This order has just changed. Please try again.")
    return previous_asked_at


def _cancel_for_other_customer(order: Order, asked_at: datetime) -> None:
    """Make sure that what was asked for a customer who is the buyer's no more can't be paid."""
    if not is_request_over(asked_at):
        raise StripeBusy(instrumentation.STILL_BUSY)
    created = find_created(order)
    if created and not cancel_at_stripe(order.public_id, created):
        save_stripe_id(order, created)  # it is paid, and the next look at the order finds that
        raise OrderChanged("This order has just changed. Please try again.")


def create_at_stripe[Created: (Intent, CheckoutSession)](
    order: Order, send: Callable[[], Created], *, previous_asked_at: datetime | None
) -> Created:
    """Send an order's POST, which was noted, and remember what it made; a key that made nothing is given up.

    Two tabs at 12:00:00: the answer of the first is cut off, the second is told of a failure at 12:00:05, and nothing
    is found. Stripe may still be at the first, so the key stays until 12:02:00. Raises what the call raises.
    """
    try:
        created = send()
    except (UnexpectedState, NotAtStripe):
        _rotate_key(order)  # an answer of Stripe itself, which holds for every POST under this key
        raise
    except StripeRefused:
        found = find_created(order)
        if found is None:
            _rotate_key(order) if is_request_over(previous_asked_at) else _restore_request(
                order, previous_asked_at
            )
            raise
        created = cast(Created, found)
    save_stripe_id(order, created)
    return created


def _rotate_key(order: Order) -> None:
    """Let the next POST have a key of its own, unless somebody else has sent one under this key meanwhile."""
    own_request = Order.objects.filter(pk=order.pk, attempt=order.attempt, asked_at=order.asked_at)
    if own_request.update(attempt=order.attempt + 1, asked_at=None):
        order.attempt, order.asked_at = order.attempt + 1, None


def _restore_request(order: Order, previous_asked_at: datetime | None) -> None:
    """Our own POST has its answer, an earlier one may not: that one is what is waited for."""
    own_request = Order.objects.filter(pk=order.pk, attempt=order.attempt, asked_at=order.asked_at)
    if own_request.update(asked_at=previous_asked_at):
        order.asked_at = previous_asked_at


def page_expiry(payment_type: str, *, hold_ends_at: datetime, at: datetime) -> datetime | None:
    """Return when a hosted page that is asked for now shall end: with the hold, within what Stripe allows."""
    if payment_type != PaymentType.CHECKOUT:
        return None
    return min(max(hold_ends_at, at + PAGE_MIN), at + PAGE_MAX)


def is_page_expiry_too_soon(order: Order) -> bool:
    """Tell whether the page was first asked for so long ago that it would be too short for Stripe by now."""
    return (
        order.page_expires_at is not None and order.page_expires_at < clock.now() + PAGE_MIN - PAGE_TOLERANCE
    )


def renew_page_expiry(order: Order, *, customer_id: str) -> datetime | None:
    """Let the next page end later; for when Stripe has refused the first as too short, and its key was given up."""
    order.page_expires_at = None
    return record_request(order, customer_id=customer_id)


def find_if_key_expired(order: Order) -> Intent | CheckoutSession | None:
    """Return what an order's first POST made when its key may be forgotten by now: then nothing is asked unseen."""
    return find_created(order) if _is_key_expired(order) else None


def _is_key_expired(order: Order) -> bool:
    """Whether Stripe may know the order's key no more; while it may still be at the last POST, that key is fresh."""
    asked_at = order.asked_at
    return asked_at is not None and is_request_over(asked_at) and order.created_at < clock.now() - KEY_LIFE


def find_created(order: Order) -> Intent | CheckoutSession | None:
    """Return what Stripe made of an order's POST whose answer was lost, unless it has ended there."""
    since = order.created_at - MAX_CLOCK_SKEW
    candidates: list[Intent] | list[CheckoutSession]
    try:
        if is_checkout(order):
            candidates = client.sessions_of(order.stripe_customer_id, since=since)
        else:
            candidates = client.intents_of(order.stripe_customer_id, since=since)
    except NotAtStripe:
        return None  # the customer is gone, and nobody was ever told of what it could have paid with
    return next(
        (
            candidate
            for candidate in candidates
            if _answers_request(order, candidate) and not _is_ended(candidate)
        ),
        None,
    )


def _answers_request(order: Order, candidate: Intent | CheckoutSession) -> bool:
    """Whether one of the buyer's payments is what the order asked for: a label alone can be copied."""
    expected = (order.public_id, order.stripe_customer_id, order.amount_due_minor, order.currency)
    return expected == (
        candidate.order_ref,
        candidate.customer_id,
        candidate.amount_minor,
        candidate.currency,
    )


def _is_ended(payment: Intent | CheckoutSession) -> bool:
    return payment.status in {"canceled", "expired"}


def save_stripe_id(order: Order, payment: Intent | CheckoutSession) -> None:
    """Save the id of what pays for an order; when the order has ended meanwhile it is withdrawn at Stripe again.

    Raises OrderChanged then.
    """
    field = "stripe_payment_intent_id" if isinstance(payment, Intent) else "stripe_checkout_session_id"
    if not execute(SAVE_STRIPE_ID[field], [payment.id, order.pk, [*map(str, LIVE)]]):
        order.refresh_from_db()
        if getattr(order, field) != payment.id:
            cancel_at_stripe(order.public_id, payment)
            raise OrderChanged("This order has ended meanwhile. Please try again.")
    setattr(order, field, payment.id)


def cancel_at_stripe(order_ref: str, payment: Intent | CheckoutSession) -> bool:
    """Make what nobody may pay any more unpayable at Stripe; False when it is over already, or paid.

    Whoever tries again later does so with another key: Stripe remembers a failure under a key for a day.
    """
    period = int((clock.now() - clock.from_timestamp(payment.created)) / STRIPE_REQUEST_MAX_AGE)
    key = f"{order_ref}-withdraw-{payment.id}-{period}"
    try:
        if isinstance(payment, Intent):
            client.cancel_intent(payment.id, reason="duplicate", key=key)
        else:
            client.expire_session(payment.id, key=key)
    except (UnexpectedState, NotAtStripe):
        return False
    log.warning("withdrawn", order=order_ref, what=payment.id)
    return True


def next_post_key(order: Order, verb: str) -> str:
    """Return a fresh key for a repeatable POST (confirm, cancel, expire), counted and committed before it is sent."""
    next_sequence(order)
    return sequence_key(order.public_id, verb, order.posts)


def is_checkout(order: Order) -> bool:
    return order.payment_type == PaymentType.CHECKOUT


def create_payment_intent(order: Order, *, customer_id: str, is_recorded: bool = False) -> Intent:
    """Ask Stripe for the intent that pays for ``order`` (the same one again after a crash) and remember its id.

    ``noted`` says that the order was placed with what is asked here.
    """
    if isinstance(existing := find_if_key_expired(order), Intent):
        save_stripe_id(order, existing)
        return existing
    previous_asked_at = None if is_recorded else record_request(order, customer_id=customer_id)
    params: dict[str, Any] = {
        "amount": order.amount_due_minor,
        "currency": order.currency,
        "customer": customer_id,
        "description": order.title,
        "metadata": build_metadata(order),
        "automatic_payment_methods": {"enabled": True, "allow_redirects": "never"},
        "allowed_payment_method_types": list(ALLOWED_PAYMENT_METHOD_TYPES),
    }
    if order.save_payment_method:
        params["setup_future_usage"] = "off_session"
    key = f"{order.public_id}-intent-{order.attempt}"
    return create_at_stripe(
        order, lambda: client.create_intent(params, key=key), previous_asked_at=previous_asked_at
    )


def create_checkout_session(order: Order, *, customer_id: str, is_recorded: bool = False) -> CheckoutSession:
    """Ask Stripe for the hosted page that pays for ``order`` and remember its id; ``noted`` as for an intent."""
    if isinstance(existing := find_if_key_expired(order), CheckoutSession):
        save_stripe_id(order, existing)
        return existing
    previous_asked_at = None if is_recorded else record_request(order, customer_id=customer_id)
    try:
        return create_at_stripe(order, lambda: _create_page(order), previous_asked_at=previous_asked_at)
    except UnexpectedState:
        if not is_page_expiry_too_soon(order):
            raise
    previous_asked_at = renew_page_expiry(order, customer_id=customer_id)
    return create_at_stripe(order, lambda: _create_page(order), previous_asked_at=previous_asked_at)


def _create_page(order: Order) -> CheckoutSession:
    """The same metadata goes on the page and on its intent."""
    metadata = build_metadata(order)
    intent_data: dict[str, Any] = {"metadata": metadata, "description": order.title}
    if order.save_payment_method:
        intent_data["setup_future_usage"] = "off_session"
    product = {"name": order.title}
    price = {"currency": order.currency, "unit_amount": order.amount_due_minor, "product_data": product}
    assert order.page_expires_at is not None  # noted before it is asked for
    params: dict[str, Any] = {
        "mode": "payment",
        "allowed_payment_method_types": list(ALLOWED_PAYMENT_METHOD_TYPES),
        # Otherwise Stripe may show, and charge, a converted amount: https://docs.stripe.com/payments/currencies
        "adaptive_pricing": {"enabled": False},
        "customer": order.stripe_customer_id,
        "line_items": [{"price_data": price, "quantity": 1}],
        "metadata": metadata,
        "payment_intent_data": intent_data,
        "success_url": order.success_url
        or f"{settings.FRONTEND_URL}/checkout/return/?order={order.public_id}",
        "cancel_url": order.cancel_url or f"{settings.FRONTEND_URL}/orders/?id={order.public_id}&canceled=1",
        "expires_at": int(order.page_expires_at.timestamp()),
    }
    return client.create_session(params, key=f"{order.public_id}-checkout-{order.attempt}")
