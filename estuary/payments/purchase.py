"""One purchase, from the request to something the buyer can pay: a new order, the same one again, or a clear no.

A buyer has at most one live unpaid order for a thing. Asking again (a declined card, a double click, another tab) gets
the same order back; asking for something else about it ends the old order at Stripe first and moves the hold.
"""

import hashlib
import json
from dataclasses import dataclass, replace

from django.db import IntegrityError, transaction

from estuary.accounts.models import User
from estuary.bookings.planning import Wish, plan_lines
from estuary.catalog.models import Service
from estuary.common import clock
from estuary.common.database import violated
from estuary.common.errors import Conflict
from estuary.orders.models import Order
from estuary.orders.placing import Terms, item_key
from estuary.orders.states import FULFILLED, LIVE, Status
from estuary.payments import client, methods, utils
from estuary.payments.closing import close_order
from estuary.payments.customers import ensure_customer, forget_customer
from estuary.payments.errors import AlreadyPaid, CardDeclined, NotAtStripe, PaymentProcessing, UnexpectedState
from estuary.payments.objects import CheckoutSession, Intent
from estuary.payments.rules import Fact
from estuary.payments.settlement import settle


class PurchaseBusy(Conflict):
    code, title = "purchase_busy", "Another request is buying the same thing"


@dataclass(frozen=True, slots=True)
class Purchase:
    """What a buyer asks for, checked and priced. ``service=None`` buys credits; amounts are minor units."""

    user: User
    service: Service | None
    currency: str
    total_minor: int
    terms: Terms
    wish: Wish
    items: tuple[Wish, ...] = ()
    use_credits: bool = False

    @property
    def fingerprint(self) -> str:
        """Return what tells the same request from another; the card to try is not part of it."""
        terms = self.terms
        told = [
            self.service.pk if self.service else None,
            self.currency,
            self.total_minor,
            self.use_credits,
            terms.payment_type,
            terms.save_payment_method,
            terms.success_url,
            terms.cancel_url,
            terms.service_data,
            terms.scheduling_data,
        ]
        return hashlib.sha256(json.dumps(told, sort_keys=True, default=str).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Begun:
    """An order and what pays for it; neither is there when credits covered everything."""

    order: Order
    intent: Intent | None = None
    session: CheckoutSession | None = None


def begin_purchase(purchase: Purchase) -> Begun:
    """Return an order that the buyer can pay now.

    Raises AlreadyPaid, PaymentProcessing, CardDeclined, SoldOut …, and StripeUnavailable with nothing lost.
    """
    for _ in range(3):
        live = _live_order(purchase)
        if live is None:
            try:
                order = _create(purchase)
            except IntegrityError as error:
                if violated(error) != "order_one_live_per_item":
                    raise
                continue  # another tab was faster: look at its order
            return Begun(order) if order.status in FULFILLED else _pay(order, purchase)
        if live.request_fingerprint == purchase.fingerprint and live.expires_at > clock.now():
            if begun := _resume(live, purchase):
                return begun
        else:
            _check_plan(purchase)
            _refuse_if_paid(close_order(live, reason="abandoned", cause="replaced by the buyer"))
    raise PurchaseBusy("You are buying this in another window as well. Wait a moment and try again.")


def _check_plan(purchase: Purchase) -> None:
    """Refuse a wish that can't be fulfilled before the buyer's old hold is given up for it; nothing is written."""
    if purchase.service:
        with transaction.atomic():
            plan_lines(
                purchase.service,
                wish=purchase.wish,
                items=purchase.items,
                currency=purchase.currency,
                at=clock.now(),
            )


def _live_order(purchase: Purchase) -> Order | None:
    key = item_key(purchase.service, purchase.currency)
    return Order.objects.filter(user=purchase.user, item_key=key, status__in=LIVE).first()


def _create(purchase: Purchase) -> Order:
    return utils.create_order(
        user=purchase.user,
        service=purchase.service,
        currency=purchase.currency,
        total_minor=purchase.total_minor,
        terms=replace(purchase.terms, fingerprint=purchase.fingerprint),
        wish=purchase.wish,
        items=purchase.items,
        use_credits=purchase.use_credits,
    )


def _pay(order: Order, purchase: Purchase) -> Begun:
    """Give a fresh order its intent or its page; a customer who was deleted at Stripe is made again, once."""
    try:
        return _ask_stripe(order, purchase)
    except NotAtStripe as missing:
        if missing.extra.get("param") != "customer":
            raise
        forget_customer(ensure_customer(purchase.user))
        order.attempt += 1  # the body changes with the customer, so the key must
        order.save(update_fields=["attempt"])
        return _ask_stripe(order, purchase)


def _ask_stripe(order: Order, purchase: Purchase) -> Begun:
    customer_id = ensure_customer(purchase.user)
    if utils.is_checkout(order):
        return Begun(order, session=utils.create_checkout_session(order, customer_id=customer_id))
    intent = utils.create_payment_intent(order, customer_id=customer_id)
    return _confirm_if_asked(order, intent, purchase)


def _confirm_if_asked(order: Order, intent: Intent, purchase: Purchase) -> Begun:
    """Charge the saved card that the buyer chose; a decline is recorded on the order and told."""
    card_id = purchase.terms.payment_method_id
    if not card_id:
        return Begun(order, intent=intent)
    try:
        key = utils.next_post_key(order, "confirm")
        intent = client.confirm_intent(intent.id, payment_method_id=card_id, key=key)
    except CardDeclined as declined:
        if declined.intent:
            _settle_now(order, declined.intent, "declined at once")
        raise CardDeclined(declined.decline, order_id=order.public_id) from None
    except (UnexpectedState, NotAtStripe):
        methods.refuse_if_gone(card_id)
        intent = client.retrieve_intent(intent.id)
    _settle_now(order, intent, "confirmed by the server")
    return Begun(order, intent=intent)


def _resume(order: Order, purchase: Purchase) -> Begun | None:
    """Return the same order with what pays for it, or None when it turns out to have ended."""
    if utils.is_checkout(order):
        if not order.stripe_checkout_session_id:
            return _pay(order, purchase)
        session = client.retrieve_session(order.stripe_checkout_session_id)
        _settle_now(order, session, "asked for again")
        _refuse_if_paid(order)
        return Begun(order, session=session) if session.status == "open" else None
    if not order.stripe_payment_intent_id:
        return _pay(order, purchase)
    intent = client.retrieve_intent(order.stripe_payment_intent_id)
    _settle_now(order, intent, "asked for again")
    _refuse_if_paid(order)
    return _confirm_if_asked(order, intent, purchase) if order.status in LIVE else None


def _refuse_if_paid(order: Order) -> None:
    if order.status in FULFILLED | {Status.PAID}:
        raise AlreadyPaid("This is already paid. Your orders show it.", order_id=order.public_id)
    if order.status == Status.PROCESSING:
        raise PaymentProcessing(
            "Your bank is still working on the payment for this. We will tell you as soon as it is through.",
            order_id=order.public_id,
        )


def _settle_now(order: Order, found: Intent | CheckoutSession, cause: str) -> None:
    settle([Fact(found, cause, fetched=True)], at=clock.now())
    order.refresh_from_db()
