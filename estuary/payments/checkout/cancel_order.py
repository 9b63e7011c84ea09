"""Canceling an unpaid order: first at Stripe, then in the database.

The order of the two steps matters: once seats and credits are released, nobody may still be able to pay for them.
"""

from functools import partial

from django.db import transaction

from estuary.accounts.models import User
from estuary.common import clock
from estuary.common.db.transactions import retry_transaction
from estuary.common.english_times import describe_utc
from estuary.orders.models import Order
from estuary.orders.states import LIVE, UNPAID, Status
from estuary.payments import client
from estuary.payments.checkout import stripe_creation
from estuary.payments.errors import NotAtStripe, OrderChanged, OrderNotCancelable, UnexpectedState, run_all
from estuary.payments.gateway import idempotency_keys
from estuary.payments.settlement import fetch, load, settle
from estuary.payments.settlement.apply import apply_effects
from estuary.payments.settlement.effects import AlertStaff
from estuary.payments.settlement.facts import StripeObservation
from estuary.payments.settlement.rules.orders import BANK_TOO_LATE, CALLED_OFF, end_unpaid
from estuary.payments.settlement.state import state_of
from estuary.payments.stripe_objects import Intent


def close_order(order: Order, *, reason: str, cause: str) -> Order:
    """Cancel a live order and return it: canceled, or paid when the buyer paid first.

    ``reason`` is one of Stripe's cancellation reasons. Raises StripeUnavailable or OrderChanged with nothing changed.
    """
    if not _stripe_id_of(order) and not _recover_lost_creation(order):
        return cancel_locally(order, cause=cause, reason=reason)
    try:
        observations = _cancel_at_stripe(order, reason, cause)
    except NotAtStripe:
        missing = AlertStaff(
            "payment_missing", f"{order.public_id}: Stripe has no {_stripe_id_of(order)}; order ended"
        )
        return cancel_locally(order, cause=cause, reason=reason, alert=missing, if_status=LIVE)
    settle(observations, at=clock.now())
    order.refresh_from_db()
    return order


def end_unanswered_order(order: Order) -> Order:
    """Cancel an order whose bank has not answered before its ``kept_until`` date; a later payment is refunded.

    Stripe is asked first: a payment that succeeded in time is fulfilled.
    """
    order = close_order(order, reason="abandoned", cause="kept until its date")
    if order.status != Status.PROCESSING:
        return order
    at_bank = frozenset({Status.PROCESSING})
    return cancel_locally(order, cause="kept until its date", reason=BANK_TOO_LATE, if_status=at_bank)


def end_called_off_order(order: Order, *, cause: str) -> Order:
    """Cancel a live order whose date was called off, at Stripe first; one at its bank ends here all the same.

    A payment that was faster is settled. A later one is refunded in full. Raises StripeUnavailable or OrderChanged.
    """
    order = close_order(order, reason="abandoned", cause=cause)
    if order.status != Status.PROCESSING:
        return order
    at_bank = frozenset({Status.PROCESSING})
    return cancel_locally(order, cause=cause, reason=CALLED_OFF, if_status=at_bank)


def close_payment(order: Order) -> bool:
    """Check the payment of an order that was canceled while its bank was processing; True once nobody can pay it.

    A succeeded payment is refunded. An intent that can still be paid is canceled at Stripe. A Checkout Session takes
    one payment only, so its own intent needs no cancellation; an intent beside it does.
    """
    try:
        intent = fetch.fetch_intent(order.stripe_payment_intent_id)
    except NotAtStripe:
        return _clear_payment(order)
    settle([StripeObservation(intent, "asked of Stripe", fetched=True)], at=clock.now())
    if intent.status == "processing":
        return False
    if intent.status not in {"succeeded", "canceled"} and not _is_of_page(order, intent):
        return stripe_creation.cancel_at_stripe(order.public_id, intent) and _clear_payment(order)
    return _clear_payment(order)


def _is_of_page(order: Order, intent: Intent) -> bool:
    session_id = order.stripe_checkout_session_id
    return bool(session_id) and client.retrieve_session(session_id).intent_id == intent.id


def _clear_payment(order: Order) -> bool:
    Order.objects.filter(pk=order.pk).update(payment_open=False)
    return True


def cancel_order(*, user: User, order: Order) -> Order:
    """Cancel an unpaid order for its buyer; raises OrderNotCancelable for any other order."""
    if order.status in UNPAID:
        order = close_order(order, reason="requested_by_customer", cause=f"canceled by user {user.pk}")
    if order.status in LIVE:
        until = describe_utc(order.kept_until) if order.kept_until else ""
        deadline = f" Should it not answer by {until}, the order ends by itself." if until else ""
        raise OrderNotCancelable(
            f"Your bank is working on this payment, so it can't be canceled right now.{deadline}"
        )
    if order.status != Status.CANCELED:
        raise OrderNotCancelable("This order is paid. Cancel its booking instead, or write to us.")
    return order


def close_open_orders(user_id: int, *, cause: str) -> None:
    """Cancel every unpaid order of a user; raises the first failure, after all orders were tried."""
    unpaid = Order.objects.filter(user=user_id, status__in=sorted(UNPAID)).select_related("user")
    run_all(
        *(partial(close_order, order, reason="abandoned", cause=cause) for order in unpaid.order_by("pk"))
    )


@retry_transaction
def cancel_locally(
    order: Order,
    *,
    cause: str,
    reason: str,
    alert: AlertStaff | None = None,
    if_status: frozenset[Status] = UNPAID,
) -> Order:
    """Cancel an order that has nothing payable at Stripe, if its status is one of ``if_status``.

    Raises OrderChanged when another request has asked Stripe for a payment since ``order`` was read.
    """
    with transaction.atomic():
        [current] = load([order.pk])
        if (current.requested_at, _stripe_id_of(current)) != (order.requested_at, _stripe_id_of(order)):
            raise OrderChanged("This order has just changed. Please try again.")
        if current.status in if_status:
            effects = [*end_unpaid(state_of(current), cause, reason), *([alert] if alert else [])]
            apply_effects([(current, effects)], at=clock.now())
    order.refresh_from_db()
    return order


def _stripe_id_of(order: Order) -> str:
    return order.stripe_checkout_session_id or order.stripe_payment_intent_id


def _recover_lost_creation(order: Order) -> bool:
    """Return whether Stripe created a payment whose id we do not have; its id is saved.

    While Stripe may still be processing the last request, the request is repeated under the same key. A refusal then
    proves as well as an answer that nothing else was created.
    """
    if order.requested_at is None:
        return False
    if created := stripe_creation.find_created(order):
        stripe_creation.save_stripe_id(order, created)
        return True
    if order.requested_at + idempotency_keys.STRIPE_REQUEST_MAX_AGE < clock.now():
        return False
    # What is created here is canceled next, so whoever may not cancel it may not create it either.
    client.refuse_unless_owner("payment_intents.cancel", key=f"{order.public_id}-cancel")
    try:
        stripe_creation.create_payment(order, order.stripe_customer_id)
    except (UnexpectedState, NotAtStripe):
        return False
    return True


def _cancel_at_stripe(order: Order, reason: str, cause: str) -> list[StripeObservation]:
    """Expire the order's page, or cancel its intent; of an order at its bank also the intent beside its page."""
    if not order.stripe_checkout_session_id:
        return [_cancel_intent(order, reason, cause)]
    observations = _expire_page(order, cause)
    page_intents = {getattr(one.object, "intent_id", "") for one in observations}
    if order.status == Status.PROCESSING and order.stripe_payment_intent_id not in page_intents | {""}:
        observations.append(_cancel_intent(order, reason, cause))
    return observations


def _expire_page(order: Order, cause: str) -> list[StripeObservation]:
    session_id = order.stripe_checkout_session_id
    try:
        session = client.expire_session(session_id, key=stripe_creation.next_order_key(order, "expire"))
    except UnexpectedState:
        return fetch.fetch_session(session_id, cause)
    return [StripeObservation(session, cause, fetched=True)]


def _cancel_intent(order: Order, reason: str, cause: str) -> StripeObservation:
    intent_id = order.stripe_payment_intent_id
    try:
        intent = client.cancel_intent(
            intent_id, reason=reason, key=stripe_creation.next_order_key(order, "cancel")
        )
    except UnexpectedState:
        intent = fetch.fetch_intent(intent_id)
    return StripeObservation(intent, cause, fetched=True)
