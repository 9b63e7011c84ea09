"""One purchase, from the request to something the buyer can pay: a new order, the same one again, or a clear no.

A buyer has at most one live unpaid order for a thing. Asking again (a declined card, a double click, another tab) gets
the same order back; asking for something else about it ends the old order at Stripe first and moves the hold.
"""

import hashlib
import json
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from django.db import IntegrityError, transaction

from estuary.accounts.models import User
from estuary.bookings.booking import HeldByYourOrder, order_holding
from estuary.bookings.planning import Wish
from estuary.catalog.availability import SlotTaken
from estuary.catalog.models import Service
from estuary.common import clock
from estuary.common.database import retried, violated
from estuary.common.errors import Conflict
from estuary.orders.models import Order
from estuary.orders.placing import Terms, item_key
from estuary.orders.states import FULFILLED, LIVE, UNPAID, Status
from estuary.payments import client, methods, utils
from estuary.payments.asking import is_checkout, next_post_key
from estuary.payments.closing import close_order, end_here
from estuary.payments.customers import known_customer, with_customer
from estuary.payments.effects import Alert, NeedsObject
from estuary.payments.errors import (
    AlreadyPaid,
    CardDeclined,
    NotAtStripe,
    NotChargeable,
    OrderChanged,
    PaymentProcessing,
    UnexpectedState,
)
from estuary.payments.fetching import fetch_facts
from estuary.payments.objects import CheckoutSession, Intent
from estuary.payments.rules import Fact, end_unpaid
from estuary.payments.settlement import load, settle, view_of
from estuary.payments.writing import write


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
    request_key: str = ""

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


def finished_by(user: User, request_key: str) -> Begun | None:
    """Return what a request that was cut off had bought already, so that its retry does not buy it twice."""
    order = Order.objects.filter(user=user, request_key=request_key, status__in=FULFILLED).first()
    return Begun(order) if order else None


def begin_purchase(purchase: Purchase) -> Begun:
    """Return an order that the buyer can pay now.

    Raises AlreadyPaid, PaymentProcessing, CardDeclined, SoldOut …, and StripeUnavailable with nothing lost.
    """
    for _ in range(3):
        try:
            if begun := _begin_once(purchase):
                return begun
        except OrderChanged:
            continue  # another tab was faster: look again
        except SlotTaken:
            if holding := order_holding(purchase.user.pk, _intervals(purchase)):
                raise HeldByYourOrder(holding) from None
            raise
    raise PurchaseBusy("You are buying this in another window as well. Wait a moment and try again.")


def _begin_once(purchase: Purchase) -> Begun | None:
    """Return what the buyer can pay, or None when the buyer's old order had to end first or was faster."""
    live = _live_order(purchase)
    if live is None:
        order = _place(purchase)
        return (
            Begun(order) if order.status in FULFILLED else _pay(order, purchase, noted=bool(order.asked_at))
        )
    if live.request_fingerprint == purchase.fingerprint and live.expires_at > clock.now():
        return _resume(live, purchase)
    _rehearse(live, purchase)
    _refuse_if_paid(close_order(live, reason="abandoned", cause="replaced by the buyer"))
    return None


def _place(purchase: Purchase) -> Order:
    try:
        return _create(purchase)
    except IntegrityError as error:
        if violated(error) != "order_one_live_per_item":
            raise
        raise OrderChanged("You are buying this in another window as well.") from None


@retried
def _rehearse(old: Order, purchase: Purchase) -> None:
    """Refuse a wish that can't be fulfilled before the buyer's old hold is given up for it.

    The old order is ended and the new one placed, exactly as it will be, and all of it is rolled back.
    """
    with transaction.atomic():
        [locked] = load([old.pk])
        if locked.status in UNPAID:
            write([(locked, end_unpaid(view_of(locked), "rehearsed", "rehearsed"))], at=clock.now())
            _create(purchase)
        transaction.set_rollback(True)


def _intervals(purchase: Purchase) -> list[tuple[int, datetime, datetime]]:
    """Return the 1-on-1 times that are asked for, as ``(practitioner_id, starts_at, ends_at)``."""
    whole = purchase.service.bundle_of or purchase.service if purchase.service else None
    inside = Service.objects.in_bulk([wish.service_id for wish in purchase.items if wish.service_id])
    asked = [(inside.get(wish.service_id or 0, whole), wish) for wish in (purchase.wish, *purchase.items)]
    return [
        (service.practitioner_id, wish.starts_at, wish.starts_at + timedelta(minutes=service.duration_min))
        for service, wish in asked
        if service and wish.starts_at
    ]


def _live_order(purchase: Purchase) -> Order | None:
    key = item_key(purchase.service, purchase.currency)
    return Order.objects.filter(user=purchase.user, item_key=key, status__in=LIVE).first()


def _create(purchase: Purchase) -> Order:
    return utils.create_order(
        user=purchase.user,
        service=purchase.service,
        currency=purchase.currency,
        total_minor=purchase.total_minor,
        terms=replace(purchase.terms, fingerprint=purchase.fingerprint, request_key=purchase.request_key),
        wish=purchase.wish,
        items=purchase.items,
        use_credits=purchase.use_credits,
        customer_id=known_customer(purchase.user),
    )


def _pay(order: Order, purchase: Purchase, *, noted: bool = False) -> Begun:
    """Give an order its intent or its page; what Stripe refuses outright ends at once and holds nothing."""
    try:
        begun = _ask_stripe(order, purchase, noted)
    except (UnexpectedState, NotAtStripe) as refused:
        told = Alert(
            "not_chargeable", f"{order.public_id}: Stripe refused to take the payment: {refused.detail}"
        )
        end_here(order, cause="refused by Stripe", reason="not_chargeable", alert=told)
        raise NotChargeable(
            f"The payment service can't take this payment: {refused.detail} Nothing was charged, and nothing is held."
        ) from refused
    return _confirm_if_asked(order, begun.intent, purchase) if begun.intent else begun


def _ask_stripe(order: Order, purchase: Purchase, noted: bool) -> Begun:
    """Make what pays for the order; ``noted`` says that it was placed with what is asked here."""

    def ask(customer_id: str) -> Begun:
        same = noted and customer_id == order.stripe_customer_id
        if is_checkout(order):
            page = utils.create_checkout_session(order, customer_id=customer_id, noted=same)
            return Begun(order, session=page)
        return Begun(order, intent=utils.create_payment_intent(order, customer_id=customer_id, noted=same))

    return with_customer(purchase.user, ask, known=order.stripe_customer_id if noted else "")


def _confirm_if_asked(order: Order, intent: Intent, purchase: Purchase) -> Begun:
    """Charge the saved card that the buyer chose; a decline is recorded on the order and told."""
    card_id = purchase.terms.payment_method_id
    if not card_id:
        return Begun(order, intent=intent)
    try:
        key = next_post_key(order, "confirm")
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
    session_id, intent_id = order.stripe_checkout_session_id, order.stripe_payment_intent_id
    if not session_id and not intent_id:
        return _pay(order, purchase)
    kind, made_id = ("session", session_id) if session_id else ("intent", intent_id)
    try:
        facts = fetch_facts(NeedsObject(kind, made_id), "asked for again")
    except NotAtStripe:
        close_order(order, reason="abandoned", cause="gone at Stripe")
        return None
    settle(facts, at=clock.now())
    order.refresh_from_db()
    made = facts[0].object
    if purchase.request_key and order.request_key == purchase.request_key and order.status in FULFILLED:
        return Begun(order)  # this very request paid for it, and its answer was lost
    _refuse_if_paid(order)
    if isinstance(made, CheckoutSession):
        return Begun(order, session=made) if made.status == "open" else None
    assert isinstance(made, Intent)
    return _confirm_if_asked(order, made, purchase) if order.status in LIVE else None


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
