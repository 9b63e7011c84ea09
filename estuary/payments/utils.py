"""The beginning of a payment: the order in one transaction, then the intent or the hosted page that pays for it.

Every POST carries a key derived from the order and committed before it is sent, and its body is a function of the
order's row alone: a retry after a crash gets the same intent back.
"""

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction

from estuary.accounts.models import User
from estuary.bookings.fulfilment import reserve
from estuary.bookings.order_lines import Wish, hold_at_most, plan_lines
from estuary.catalog.models import Service, ServiceType
from estuary.common import clock
from estuary.common.db.transactions import retried
from estuary.common.money import min_charge_minor
from estuary.credits import ledger
from estuary.credits.models import CreditAccount
from estuary.orders.creation import Line, Terms, place_order
from estuary.orders.models import Order, OrderType
from estuary.payments import client, idempotency
from estuary.payments.checkout import holds, stripe_creation
from estuary.payments.checkout.repeats import RepeatGuard
from estuary.payments.customers.customers import customer_of
from estuary.payments.errors import NotOnSale, UnexpectedState
from estuary.payments.gateway.objects import CheckoutSession, Intent
from estuary.payments.gateway.payment_method_types import ALLOWED_PAYMENT_METHOD_TYPES
from estuary.payments.models import StripeCustomer
from estuary.payments.settlement import load, view_of
from estuary.payments.settlement.apply import write
from estuary.payments.settlement.rules.payments import hand_over

METADATA_VALUE_MAX = 500  # https://docs.stripe.com/api/metadata


@retried
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
    request_key: str = "",
    guard: RepeatGuard | None = None,
    address: str = "",
) -> tuple[Order, StripeCustomer | None]:
    """Price, reserve, spend credits and write the order, in one transaction: all of it or nothing.

    ``service=None`` buys credits for ``total_minor``. When credits cover everything the order completes here and now;
    otherwise the customer who is to pay comes with it, whose key is committed too. When Stripe knows that one, what
    it is asked next is noted on the order at once (as asking.note_asked does). ``address`` is where it is asked for.
    Raises SoldOut, SlotTaken, AlreadyBooked, NotEnoughCredits, BoughtJustNow, HoldLimitReached … and
    django.db.IntegrityError when the buyer has a live order for the same thing (order_one_live_per_item).
    """
    at = clock.now()
    with transaction.atomic():
        standing = holds.look_at_holds(user.pk, service=service, address=address, at=at) if service else None
        if service and standing and not standing.service_is_active:
            raise NotOnSale(f"{service.name} is not on sale at the moment.")
        account = ledger.lock_account(user, currency) if use_credits and service else None
        applied_minor = _credits_to_apply(account, total_minor) if account else 0
        lines = plan_lines(service, wish=wish, items=items, currency=currency, at=at) if service else []
        customer = customer_of(user) if applied_minor < total_minor else None
        allowance = None
        if standing and customer and any(line.starts_at for line in lines):
            lines, allowance = hold_at_most(lines), holds.allow(standing, at=at)
        ends_at = _deadline(service, lines, allowance, at)
        order, rows = place_order(
            user=user,
            service=service,
            currency=currency,
            total_minor=total_minor,
            credits_applied_minor=applied_minor,
            lines=lines,
            terms=terms,
            at=at,
            expires_at=ends_at,
            asks_of=customer.stripe_customer_id if customer else "",
            page_expires_at=stripe_creation.page_end(terms.payment_type, hold_ends_at=ends_at, at=at),
        )
        if guard and (terms.payment_method_id or order.amount_due_minor == 0):
            guard.refuse_repeat()
        _take(order, account, list(zip(rows, lines, strict=True)), at)
        if service and allowance:
            holds.note_hold(order, allowance, practitioner_id=service.practitioner_id, at=at)
        idempotency.bind_order(request_key, order)
    return order, customer


def _deadline(
    service: Service | None, lines: Sequence[Line], allowance: holds.Allowance | None, at: datetime
) -> datetime:
    """Return when an order ends that is not paid: never later than what it replaces, nor than what it buys begins."""
    ends = [at + _hold(service), *(line.starts_at for line in lines if line.starts_at)]
    if allowance and allowance.deadline:
        ends.append(allowance.deadline)
    return min(ends)


def _take(order: Order, account: CreditAccount | None, lines: list[tuple[Any, Line]], at: datetime) -> None:
    """Take the credits that the order spends, and hold its seats and slots; hand over what is paid with that."""
    if account and (spent := order.credits_applied_minor):
        ledger.spend(account=account, amount_minor=spent, order_id=order.pk, note=order.title, at=at)
    if lines:
        reserve(order=order, lines=lines)
    if order.amount_due_minor == 0:
        [whole] = load([order.pk])
        write([(whole, hand_over(view_of(whole), "covered by credits"))], at=at)
        order.refresh_from_db()


def _credits_to_apply(account: CreditAccount, total_minor: int) -> int:
    """Return how much of the total credits pay; it shrinks so that the card's share is none or chargeable."""
    applied = min(account.spendable_minor, total_minor)
    by_card = total_minor - applied
    if by_card and by_card < min_charge_minor(account.currency):
        return max(total_minor - min_charge_minor(account.currency), 0)
    return applied


def _hold(service: Service | None) -> timedelta:
    return timedelta(seconds=service.hold_s) if service and service.hold_s else settings.HOLD


def create_payment_intent(order: Order, *, customer_id: str, noted: bool = False) -> Intent:
    """Ask Stripe for the intent that pays for ``order`` (the same one again after a crash) and remember its id.

    ``noted`` says that the order was placed with what is asked here.
    """
    if isinstance(known := stripe_creation.made_long_ago(order), Intent):
        stripe_creation.remember(order, known)
        return known
    before = None if noted else stripe_creation.note_asked(order, customer_id=customer_id)
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
    return stripe_creation.create(order, lambda: client.create_intent(params, key=key), before=before)


def create_checkout_session(order: Order, *, customer_id: str, noted: bool = False) -> CheckoutSession:
    """Ask Stripe for the hosted page that pays for ``order`` and remember its id; ``noted`` as for an intent."""
    if isinstance(known := stripe_creation.made_long_ago(order), CheckoutSession):
        stripe_creation.remember(order, known)
        return known
    before = None if noted else stripe_creation.note_asked(order, customer_id=customer_id)
    try:
        return stripe_creation.create(order, lambda: _create_page(order), before=before)
    except UnexpectedState:
        if not stripe_creation.page_is_late(order):
            raise
    before = stripe_creation.renew_page(order, customer_id=customer_id)
    return stripe_creation.create(order, lambda: _create_page(order), before=before)


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
