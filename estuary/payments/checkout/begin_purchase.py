"""A purchase: from a checked request to an order that the buyer can pay, or a refusal.

A buyer has at most one live unpaid order per item. The same request again (a declined card, a double click, another
tab) gets the same order. A different request for the item cancels the old order at Stripe first, then takes its
place.
"""

from datetime import datetime

from django.db import IntegrityError, transaction
from django.db.models import Q

from estuary.accounts.models import User
from estuary.bookings.fulfilment import refuse_own_times
from estuary.catalog.availability import SlotTaken
from estuary.catalog.bounds import minutes
from estuary.catalog.models import Service
from estuary.common import clock
from estuary.common.db.transactions import retry_transaction, violated_constraint
from estuary.common.errors import Conflict, EstuaryError
from estuary.common.postgresql.admission import claim_resource
from estuary.orders.models import Order
from estuary.orders.place_order import item_key
from estuary.orders.states import FULFILLED, LIVE, UNPAID, Status
from estuary.payments import idempotency
from estuary.payments.checkout import holds
from estuary.payments.checkout.cancel_order import close_order
from estuary.payments.checkout.create_order import Purchase, create_order
from estuary.payments.checkout.repeats import RepeatGuard
from estuary.payments.checkout.start_payment import StartedPayment, refuse_if_paid, resume, start_payment
from estuary.payments.customers import payment_methods
from estuary.payments.customers.consents import record_consent
from estuary.payments.errors import AlreadyPaid, BoughtJustNow, CardRemoved, OrderChanged
from estuary.payments.settlement import load
from estuary.payments.settlement.apply import apply_effects
from estuary.payments.settlement.rules.orders import end_unpaid
from estuary.payments.settlement.state import state_of
from estuary.payments.settlement.sync import sync_order

MAX_ATTEMPTS = 4
REFUSED_STATUSES = frozenset({400, 404, 409})


class PurchaseBusy(Conflict):
    code, title = "purchase_busy", "Another request is buying the same thing"


def resume_request(user: User, request_key: str, card_ref: str) -> StartedPayment | None:
    """Return the payment that an interrupted request has started, so that its retry creates nothing twice.

    None when the request created nothing: it is then carried out from the start. Raises what begin_purchase raises.
    """
    order = idempotency.order_of(user, request_key)
    if order is None:
        return None
    if order.status not in LIVE:
        return StartedPayment(order)
    try:
        card_id = payment_methods.find_card(user, card_ref).stripe_payment_method_id if card_ref else ""
    except CardRemoved:
        # It may have been charged before it was removed.
        sync_order(order)
        order.refresh_from_db()
        if order.status in UNPAID | {Status.CANCELED}:
            raise
        return StartedPayment(order)
    return resume(order, card_id=card_id, is_own_request=True)


def begin_purchase(purchase: Purchase) -> StartedPayment:
    """Return an order that the buyer can pay now.

    A purchase of credits holds no seats, so it does not look for a live order first: the constraint finds one. Raises
    AlreadyPaid, PaymentProcessing, CardDeclined, SoldOut and others, and StripeUnavailable with nothing lost.
    """
    if purchase.service:
        claim_resource(f"practitioner {purchase.service.practitioner_id}")
    look_for_live_order = purchase.service is not None
    for _ in range(MAX_ATTEMPTS):
        try:
            if started := _begin_single(purchase, _live_order(purchase) if look_for_live_order else None):
                return started
        except OrderChanged:
            # Another tab was faster, or the buyer has a live order.
            look_for_live_order = True
            continue
        except SlotTaken:
            besides = item_key(purchase.service, purchase.currency)
            refuse_own_times(purchase.user.pk, _intervals(purchase), except_item_key=besides)
            raise
    raise PurchaseBusy("You are buying this in another window as well. Wait a moment and try again.")


def find_first_purchase(guard: RepeatGuard | None, refusal: EstuaryError) -> StartedPayment:
    """Return what the buyer's first request bought when only its answer was lost; raises ``refusal`` otherwise.

    The first request may be the reason of the refusal: it took the seat or the credits, or the last minute has
    passed.
    """
    is_final = isinstance(refusal, (BoughtJustNow, AlreadyPaid))
    if guard is None or is_final or refusal.status not in REFUSED_STATUSES:
        raise refusal
    guard.refuse_repeat()
    first = guard.find_unknown()
    if first is None:
        raise refusal
    sync_order(first)
    first.refresh_from_db()
    if first.status in UNPAID | {Status.CANCELED}:
        raise refusal
    return StartedPayment(first)


def _begin_single(purchase: Purchase, live: Order | None) -> StartedPayment | None:
    """Return a payment, or None when the buyer's old order, ``live``, had to be canceled first."""
    if live:
        return _resume_live_order(purchase, live)
    order = _place_order(purchase)
    if order.status in FULFILLED:
        return StartedPayment(order)
    return start_payment(order, card_id=purchase.options.stripe_payment_method_id)


def _resume_live_order(purchase: Purchase, live: Order) -> StartedPayment | None:
    """Return the buyer's live order for the same request; for a different one cancel it and return None."""
    card_id, guard = purchase.options.stripe_payment_method_id, purchase.guard
    if live.status == Status.PROCESSING:
        return resume(live, card_id=card_id)
    is_same = live.request_fingerprint == purchase.options.request_fingerprint
    # The first answer may be lost. If that order is paid, it is the answer to this request.
    may_be_lost_answer = is_same and guard is not None and guard.is_unknown(live)
    if is_same and live.total_minor == purchase.total_minor and live.expires_at > clock.now():
        purchase.check_amount_due(live.amount_due_minor)
        idempotency.record_order(purchase.request_key, live)
        if purchase.consent:
            record_consent(purchase.user, purchase.consent, order=live)
        return resume(live, card_id=card_id, is_own_request=may_be_lost_answer)
    _check_replacement_possible(live, purchase)
    ended = close_order(live, reason="abandoned", cause="replaced by the buyer")
    if may_be_lost_answer and ended.status in FULFILLED | {Status.PAID, Status.PROCESSING}:
        return StartedPayment(ended)
    if ended.status != Status.PROCESSING or _is_same_purchase(ended, purchase):
        refuse_if_paid(ended)
    return None


def _place_order(purchase: Purchase) -> Order:
    try:
        return create_order(purchase)
    except IntegrityError as error:
        if violated_constraint(error) != "order_one_live_per_item":
            raise
        raise OrderChanged("You are buying this in another window as well.") from None


@retry_transaction
def _check_replacement_possible(old: Order, purchase: Purchase) -> None:
    """Refuse an impossible request before the buyer's old hold is given up for it.

    The old order is canceled and the new one created in a transaction that is rolled back.
    """
    with transaction.atomic():
        holds.lock_holds(purchase.user.pk, address=purchase.address)
        [locked] = load([old.pk])
        if locked.status in UNPAID:
            apply_effects([(locked, end_unpaid(state_of(locked), "rehearsed", "rehearsed"))], at=clock.now())
            create_order(purchase)
        transaction.set_rollback(True)


def _intervals(purchase: Purchase) -> list[tuple[int, datetime, datetime]]:
    """Return the requested 1-on-1 times as ``(practitioner_id, starts_at, ends_at)``."""
    sold_service = purchase.service.bundle_of or purchase.service if purchase.service else None
    services = Service.objects.in_bulk(
        [request.service_id for request in purchase.items if request.service_id]
    )
    scheduled = [
        (services.get(request.service_id or 0, sold_service), request)
        for request in (purchase.schedule_request, *purchase.items)
    ]
    return [
        (service.practitioner_id, request.starts_at, request.starts_at + minutes(service.duration_min))
        for service, request in scheduled
        if service and request.starts_at
    ]


def _live_order(purchase: Purchase) -> Order | None:
    """Return the buyer's processing order for exactly the same, or else the unpaid order for the item.

    While an order is processing, the buyer may buy another date. Raises BoughtJustNow when the same was just bought.
    """
    guard, key = purchase.guard, item_key(purchase.service, purchase.currency)
    # Conditions of three indexes. Nearly always no row matches, so no other columns are read.
    is_relevant = Q(item_key=key, status__in=sorted(UNPAID)) | Q(item_key=key, status=Status.PROCESSING)
    is_relevant |= guard.bought if guard else Q()
    rows = list(
        Order.objects.filter(is_relevant, user=purchase.user).order_by("pk").values_list("pk", "status")
    )
    if guard and any(status not in UNPAID for _, status in rows):
        guard.refuse_repeat()
    live_ids = [pk for pk, status in rows if status in LIVE]
    orders = list(Order.objects.select_related("user").filter(pk__in=live_ids)) if live_ids else []
    unpaid = [order for order in orders if order.status in UNPAID]
    processing = [
        order for order in orders if order.status == Status.PROCESSING and _is_same_purchase(order, purchase)
    ]
    return next(iter([*processing, *unpaid]), None)


def _is_same_purchase(order: Order, purchase: Purchase) -> bool:
    """Return whether an order buys exactly the same; of credits one processing order blocks every other."""
    if purchase.service is None:
        return True
    return bool(order.scheduling_data == purchase.options.scheduling_data)
