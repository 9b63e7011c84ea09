"""The intent or Checkout Session of an order is created at Stripe, and found again when the answer was lost.

1. ``record_request`` commits the request's content, so that a retry sends the same body under the same key.
2. ``create_at_stripe`` sends the request and saves the id from the answer.
3. Without an answer, ``find_created`` looks at Stripe for the object. Once Stripe is surely done with the request, an
   object that is not found was not created.

``requested_at`` is when the last request with an unknown outcome was sent. A key is replaced only when no request under
it can still be processed at Stripe: two keys at once would mean two payments for one order.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, cast

import structlog
from django.conf import settings

from estuary.catalog.cancellation_terms import describe_sold_terms
from estuary.common import clock
from estuary.common.db.transactions import execute
from estuary.orders.models import Order, OrderType, PaymentType
from estuary.orders.states import LIVE, UNPAID
from estuary.payments import client
from estuary.payments.checkout.metadata import build_metadata
from estuary.payments.customers.payment_method_types import ALLOWED_PAYMENT_METHOD_TYPES
from estuary.payments.errors import NotAtStripe, OrderChanged, StripeBusy, StripeRefused, UnexpectedState
from estuary.payments.gateway.errors import STILL_BUSY
from estuary.payments.gateway.idempotency_keys import (
    KEY_LIFE,
    MAX_CLOCK_SKEW,
    end_failed_request,
    is_request_over,
    key_period,
    next_sequence,
    rotate_key,
    sequence_key,
)
from estuary.payments.stripe_objects import CheckoutSession, Intent

# A Checkout Session may last from 30 minutes to 24 hours, counted by Stripe's clock; ours may differ a little.
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
    """Commit the next request's content; returns when an earlier request was sent that may have no answer yet.

    Raises OrderChanged when the order has ended or another process has sent a request meanwhile, and StripeBusy while
    Stripe may still process a request for another customer.
    """
    previous_requested_at, previous_attempt, at = order.requested_at, order.attempt, clock.now()
    if previous_requested_at and order.stripe_customer_id != customer_id:
        _cancel_for_other_customer(order, previous_requested_at)
        # The body changes with the customer, so the key must change.
        order.attempt += 1
    elif _is_key_expired(order):
        # A key that Stripe may have forgotten is never used again.
        order.attempt += 1
    if order.page_expires_at is None and is_checkout(order):
        # With the hold, within Stripe's limits.
        order.page_expires_at = min(max(order.expires_at, at + PAGE_MIN), at + PAGE_MAX)
    order.requested_at, order.stripe_customer_id = at, customer_id
    values = [at, customer_id, order.attempt, order.page_expires_at]
    if not execute(
        RECORD_REQUEST, [*values, order.pk, [*map(str, UNPAID)], previous_requested_at, previous_attempt]
    ):
        raise OrderChanged("This order has just changed. Please try again.")
    return previous_requested_at


def _cancel_for_other_customer(order: Order, requested_at: datetime) -> None:
    """Make sure that a payment created for the buyer's former customer can't be paid."""
    if not is_request_over(requested_at):
        raise StripeBusy(STILL_BUSY)
    created = find_created(order)
    if created and not cancel_at_stripe(order.public_id, created):
        # It is paid; the next sync of the order finds that.
        save_stripe_id(order, created)
        raise OrderChanged("This order has just changed. Please try again.")


def create_at_stripe[Created: (Intent, CheckoutSession)](
    order: Order, customer_id: str, send: Callable[[], Created]
) -> Created:
    """Record and send a request, and save the id of its object; a key under which nothing was created is replaced.

    An object that an earlier request created, under a key that Stripe may have forgotten, is taken instead. Raises what
    ``send`` and ``record_request`` raise.
    """
    created = find_created(order) if _is_key_expired(order) else None
    if created is None:
        previous_requested_at = record_request(order, customer_id=customer_id)
        try:
            created = send()
        except (UnexpectedState, NotAtStripe):
            # Stripe itself has refused, which holds for every request under this key.
            rotate_key(order)
            raise
        except StripeRefused:
            created = find_created(order)
            if created is None:
                end_failed_request(order, previous_requested_at)
                raise
    save_stripe_id(order, created)
    return cast(Created, created)


def is_page_expiry_too_soon(order: Order) -> bool:
    """Return whether the recorded expiry is now closer than Stripe accepts."""
    return (
        order.page_expires_at is not None and order.page_expires_at < clock.now() + PAGE_MIN - PAGE_TOLERANCE
    )


def _is_key_expired(order: Order) -> bool:
    """Return whether Stripe may have forgotten the key; not while Stripe may still be processing the last request."""
    is_fresh = order.requested_at is None or not is_request_over(order.requested_at)
    return not is_fresh and order.created_at < clock.now() - KEY_LIFE


def find_created(order: Order) -> Intent | CheckoutSession | None:
    """Return the payment that an unanswered request created, unless it was canceled or has expired."""
    since = order.created_at - MAX_CLOCK_SKEW
    candidates: list[Intent] | list[CheckoutSession]
    try:
        if is_checkout(order):
            candidates = client.sessions_of(order.stripe_customer_id, since=since)
        else:
            candidates = client.intents_of(order.stripe_customer_id, since=since)
    except NotAtStripe:
        # The customer is deleted, and nobody ever got the secret of a payment.
        return None
    return next((candidate for candidate in candidates if _answers_request(order, candidate)), None)


def _answers_request(order: Order, candidate: Intent | CheckoutSession) -> bool:
    """Return whether a payment is the one that the order requested, and is not ended; metadata can be copied."""
    expected = (order.public_id, order.stripe_customer_id, order.amount_due_minor, order.currency)
    actual = (candidate.order_ref, candidate.customer_id, candidate.amount_minor, candidate.currency)
    return actual == expected and not candidate.has_ended_unpaid


def save_stripe_id(order: Order, payment: Intent | CheckoutSession) -> None:
    """Save the id of an order's payment; if the order has ended, cancel that at Stripe and raise OrderChanged."""
    field = "stripe_payment_intent_id" if isinstance(payment, Intent) else "stripe_checkout_session_id"
    if not execute(SAVE_STRIPE_ID[field], [payment.id, order.pk, [*map(str, LIVE)]]):
        order.refresh_from_db()
        if getattr(order, field) != payment.id:
            cancel_at_stripe(order.public_id, payment)
            raise OrderChanged("This order has ended meanwhile. Please try again.")
    setattr(order, field, payment.id)


def cancel_at_stripe(order_ref: str, payment: Intent | CheckoutSession) -> bool:
    """Cancel an intent or expire a Checkout Session; False when it is ended or paid already."""
    key = f"{order_ref}-withdraw-{payment.id}-{key_period(payment.created)}"
    try:
        if isinstance(payment, Intent):
            client.cancel_intent(payment.id, reason="duplicate", key=key)
        else:
            client.expire_session(payment.id, key=key)
    except (UnexpectedState, NotAtStripe):
        return False
    log.warning("withdrawn", order=order_ref, what=payment.id)
    return True


def next_order_key(order: Order, verb: str) -> str:
    """Return a new key for a repeatable request (confirm, cancel, expire); its counter is committed first."""
    next_sequence(order)
    return sequence_key(order.public_id, verb, order.idempotency_sequence)


def is_checkout(order: Order) -> bool:
    return order.payment_type == PaymentType.CHECKOUT


def create_payment(order: Order, customer_id: str) -> Intent | CheckoutSession:
    create = create_checkout_session if is_checkout(order) else create_payment_intent
    return create(order, customer_id)


def create_payment_intent(order: Order, customer_id: str) -> Intent:
    """Create the order's intent, or get the same one again after a crash, and save its id."""
    return create_at_stripe(order, customer_id, lambda: _create_intent(order))


def create_checkout_session(order: Order, customer_id: str) -> CheckoutSession:
    """Create the order's Checkout Session, or get the same one again after a crash, and save its id."""
    try:
        return create_at_stripe(order, customer_id, lambda: _create_page(order))
    except UnexpectedState:
        if not is_page_expiry_too_soon(order):
            raise
    # The key was replaced, so the next request may have a later expiry.
    order.page_expires_at = None
    return create_at_stripe(order, customer_id, lambda: _create_page(order))


def _create_intent(order: Order) -> Intent:
    params: dict[str, Any] = {
        "amount": order.amount_due_minor,
        "currency": order.currency,
        "customer": order.stripe_customer_id,
        "description": order.title,
        "metadata": build_metadata(order),
        "automatic_payment_methods": {"enabled": True, "allow_redirects": "never"},
        "allowed_payment_method_types": list(ALLOWED_PAYMENT_METHOD_TYPES),
    }
    if order.save_payment_method:
        params["setup_future_usage"] = "off_session"
    return client.create_intent(params, key=f"{order.public_id}-intent-{order.attempt}")


def _create_page(order: Order) -> CheckoutSession:
    """Create the Checkout Session; it and its intent get the same metadata."""
    metadata = build_metadata(order)
    intent_data: dict[str, Any] = {"metadata": metadata, "description": order.title}
    if order.save_payment_method:
        intent_data["setup_future_usage"] = "off_session"
    product = {"name": order.title}
    price = {"currency": order.currency, "unit_amount": order.amount_due_minor, "product_data": product}
    # record_request has set it.
    assert order.page_expires_at is not None
    params: dict[str, Any] = {
        "mode": "payment",
        "allowed_payment_method_types": list(ALLOWED_PAYMENT_METHOD_TYPES),
        # Otherwise Stripe may show and charge a converted amount: https://docs.stripe.com/payments/currencies
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
    if order.type == OrderType.DIRECT:
        terms = describe_sold_terms(order.snapshot, order.created_at)
        params["custom_text"] = {"submit": {"message": terms}}
    return client.create_session(params, key=f"{order.public_id}-checkout-{order.attempt}")
