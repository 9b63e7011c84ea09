"""The beginning of a payment: the order in one transaction, then the intent or the hosted page that pays for it.

Every POST carries a key derived from the order and committed before it is sent, and its body is a function of the
order's row alone: a retry after a crash gets the same intent back.
"""

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, NoReturn

from django.conf import settings
from django.db import transaction
from django.db.models import F

from estuary.accounts.models import User
from estuary.bookings.booking import reserve
from estuary.bookings.planning import Wish, plan_lines
from estuary.catalog.models import Service, ServiceType
from estuary.common import clock
from estuary.common.money import min_charge_minor
from estuary.credits import ledger
from estuary.credits.models import CreditAccount
from estuary.orders.models import Order, OrderType, PaymentType
from estuary.orders.placing import Line, Terms, place_order
from estuary.payments import client
from estuary.payments.errors import StripeRefused
from estuary.payments.objects import CheckoutSession, Intent
from estuary.payments.rules import hand_over
from estuary.payments.settlement import load, view_of
from estuary.payments.writing import write

METADATA_VALUE_MAX = 500  # https://docs.stripe.com/api/metadata
CLOCKS_DIFFER = timedelta(minutes=5)  # Stripe's and ours, at most
CHECKOUT_LIFE = timedelta(minutes=35)  # Stripe wants at least 30 minutes ahead of when the request arrives


def create_order(
    *,
    user: User,
    service: Service | None,
    currency: str,
    total_minor: int,
    terms: Terms,
    wish: Wish,
    items: Sequence[Wish],
    use_credits: bool = False,
) -> Order:
    """Price, reserve, spend credits and write the order, in one transaction: all of it or nothing.

    ``service=None`` buys credits for ``total_minor``. When credits cover everything the order completes here and now.
    Raises SoldOut, SlotTaken, AlreadyBooked, NotEnoughCredits … and django.db.IntegrityError when the buyer has a live
    order for the same thing (order_one_live_per_item).
    """
    at = clock.now()
    with transaction.atomic():
        account = ledger.lock_account(user, currency) if use_credits and service else None
        applied_minor = _credits_to_apply(account, total_minor) if account else 0
        lines = plan_lines(service, wish=wish, items=items, currency=currency, at=at) if service else []
        order, rows = place_order(
            user=user,
            service=service,
            currency=currency,
            total_minor=total_minor,
            credits_applied_minor=applied_minor,
            lines=lines,
            terms=terms,
            at=at,
            expires_at=at + _hold(service),
        )
        if account and applied_minor:
            ledger.spend(
                account=account, amount_minor=applied_minor, order_id=order.pk, note=order.title, at=at
            )
        _take(order, list(zip(rows, lines, strict=True)), at)
    return order


def _take(order: Order, lines: list[tuple[Any, Line]], at: datetime) -> None:
    if lines:
        reserve(order=order, lines=lines)
    if order.amount_due_minor == 0:
        [whole] = load([order.pk])
        write([(whole, hand_over(view_of(whole), "covered by credits"))], at=at)
        order.refresh_from_db()


def _credits_to_apply(account: CreditAccount, total_minor: int) -> int:
    """Return how much of the total the balance pays; it shrinks so that the card's share is none or chargeable."""
    applied = min(max(account.balance_minor, 0), total_minor)
    by_card = total_minor - applied
    if by_card and by_card < min_charge_minor(account.currency):
        return max(total_minor - min_charge_minor(account.currency), 0)
    return applied


def _hold(service: Service | None) -> timedelta:
    return timedelta(seconds=service.hold_s) if service and service.hold_s else settings.HOLD


def create_payment_intent(order: Order, *, customer_id: str) -> Intent:
    """Ask Stripe for the intent that pays for ``order`` (the same one again after a crash) and remember its id."""
    params: dict[str, Any] = {
        "amount": order.amount_due_minor,
        "currency": order.currency,
        "customer": customer_id,
        "description": order.title,
        "metadata": build_metadata(order),
        "automatic_payment_methods": {"enabled": True, "allow_redirects": "never"},
    }
    if order.save_payment_method:
        params["setup_future_usage"] = "off_session"
    try:
        intent = client.create_intent(params, key=f"{order.public_id}-intent-{order.attempt}")
    except StripeRefused:
        intents = client.intents_of(customer_id, since=order.created_at - CLOCKS_DIFFER)
        intent = next((made for made in intents if _still_pays(order, made)), None) or _try_anew(order)
    Order.objects.filter(pk=order.pk, stripe_payment_intent_id="").update(
        stripe_payment_intent_id=intent.id, stripe_customer_id=customer_id
    )
    order.stripe_payment_intent_id = intent.id
    return intent


def create_checkout_session(order: Order, *, customer_id: str) -> CheckoutSession:
    """Ask Stripe for the hosted page that pays for ``order`` and remember its id; the same metadata goes on both."""
    metadata = build_metadata(order)
    intent_data: dict[str, Any] = {"metadata": metadata, "description": order.title}
    if order.save_payment_method:
        intent_data["setup_future_usage"] = "off_session"
    product = {"name": order.title}
    price = {"currency": order.currency, "unit_amount": order.amount_due_minor, "product_data": product}
    params: dict[str, Any] = {
        "mode": "payment",
        "customer": customer_id,
        "line_items": [{"price_data": price, "quantity": 1}],
        "metadata": metadata,
        "payment_intent_data": intent_data,
        "success_url": order.success_url or f"{settings.FRONTEND_URL}/orders/?id={order.public_id}",
        "cancel_url": order.cancel_url or f"{settings.FRONTEND_URL}/orders/?id={order.public_id}&canceled=1",
        "expires_at": int(max(order.expires_at, order.created_at + CHECKOUT_LIFE).timestamp()),
    }
    try:
        session = client.create_session(params, key=f"{order.public_id}-checkout-{order.attempt}")
    except StripeRefused:
        pages = client.sessions_of(customer_id, since=order.created_at - CLOCKS_DIFFER)
        session = next((made for made in pages if _still_pays(order, made)), None) or _try_anew(order)
    Order.objects.filter(pk=order.pk, stripe_checkout_session_id="").update(
        stripe_checkout_session_id=session.id, stripe_customer_id=customer_id
    )
    order.stripe_checkout_session_id = session.id
    return session


def _still_pays(order: Order, made: Intent | CheckoutSession) -> bool:
    return made.order_ref == order.public_id and made.status not in {"canceled", "expired"}


def _try_anew(order: Order) -> NoReturn:
    """Stripe remembers a failure under its key for a day; now that nothing was made, the next try has a new key."""
    Order.objects.filter(pk=order.pk).update(attempt=F("attempt") + 1)
    raise StripeRefused("The payment service failed. Nothing is lost; please try again in a moment.")


def next_post_key(order: Order, verb: str) -> str:
    """Return a fresh key for a repeatable POST (confirm, cancel, expire), counted and committed before it is sent."""
    Order.objects.filter(pk=order.pk).update(posts=F("posts") + 1)
    order.refresh_from_db(fields=["posts"])
    return f"{order.public_id}-{verb}-{order.posts}"


def build_metadata(order: Order) -> dict[str, str]:
    """Return what Stripe shall show beside this order's payment: all strings, each short enough for Stripe.

    The order's row is the truth and metadata only a label: scheduling data too long for Stripe is cut to what fits and
    says so; the whole of it is on the order.
    """
    metadata = {"order_id": order.public_id, "user_id": str(order.user_id), "order_type": order.type}
    if order.type == OrderType.CREDIT:
        return metadata
    snapshot = order.snapshot
    metadata |= {
        "service_id": str(snapshot["service_id"]),
        "service_type": snapshot["type"],
        "service_name": snapshot["name"][:METADATA_VALUE_MAX],
    }
    if snapshot["type"] == ServiceType.WORKSHOP:
        metadata["service_session_id"] = str(order.scheduling_data.get("service_session_id", ""))
    elif snapshot["type"] != ServiceType.COURSE:
        metadata["scheduling_data"] = _fitting(order.scheduling_data)
    return metadata


def _fitting(scheduling: dict[str, Any]) -> str:
    """Return the scheduling data as JSON of at most 500 characters, whole or marked as ``truncated``."""
    whole = json.dumps(scheduling, separators=(",", ":"), sort_keys=True)
    if len(whole) <= METADATA_VALUE_MAX:
        return whole
    kept: list[Any] = []
    items = scheduling.get("items") or []
    short = ""
    for item in [None, *items]:
        if item is not None:
            kept.append(item)
        form = {"truncated": True, "items_total": len(items), "items": kept}
        longer = json.dumps(form, separators=(",", ":"), sort_keys=True)
        if len(longer) > METADATA_VALUE_MAX:
            break
        short = longer
    return short


def is_checkout(order: Order) -> bool:
    return order.payment_type == PaymentType.CHECKOUT
