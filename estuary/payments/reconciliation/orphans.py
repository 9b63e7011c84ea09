"""Payments at Stripe of an order that does not exist here, or of an order that another payment pays.

An order's row is committed before Stripe is called. So a payment of an unknown order is of a period that a restored
backup lacks, or of another shop with the same Stripe account: the customer's metadata says which. No payment is kept
without something to fulfil for it.
"""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

import structlog
from django.db import transaction

from estuary.accounts.models import User
from estuary.catalog.models import Service
from estuary.common import clock
from estuary.common.db.transactions import retry_transaction
from estuary.common.ids import parse_primary_key
from estuary.common.livemode import is_live
from estuary.notifications import staff_alerts
from estuary.orders.models import Order, OrderType
from estuary.orders.recover_order import RecoveredOrderData, recover_order
from estuary.orders.states import LIVE, UNPAID
from estuary.payments import client
from estuary.payments.checkout.stripe_creation import cancel_at_stripe, is_checkout
from estuary.payments.customers.customers import (
    find_customer_at_stripe,
    is_labeled_ours,
    own_database_id,
)
from estuary.payments.gateway import ownership
from estuary.payments.gateway.idempotency_keys import key_period
from estuary.payments.models import Orphan, StripeCustomer
from estuary.payments.reconciliation.customers import labeled_user
from estuary.payments.refunds.request_refund import refundable_minor
from estuary.payments.settlement import load, settle, unmatched_refunds
from estuary.payments.settlement.apply import apply_effects
from estuary.payments.settlement.facts import StripeObservation
from estuary.payments.settlement.rules.orders import record_recovered_payment, refund_late_payment
from estuary.payments.stripe_objects import CheckoutSession, Customer, Intent, StripeRefund

REF = re.compile(r"ord_[0-9a-z]{20}")
CAUSE = "recovered from Stripe"

Status = Orphan.Status
log = structlog.get_logger(__name__)


def handle_orphan(payment: Intent | CheckoutSession) -> bool:
    """Resolve a payment or Checkout Session of an unknown order; returns whether anything changed.

    1. What can still be paid is canceled.
    2. What is paid is recovered or refunded.
    3. A payment of which nothing proves that it is ours stays as it is; staff are alerted once.
    """
    if payment.has_ended_unpaid or payment.status == "complete" or not ownership.may_recover_orphans():
        # A completed Checkout Session has an intent, which is handled by itself.
        return False
    if isinstance(payment, Intent) and payment.status in {"succeeded", "processing"}:
        is_recorded = Orphan.objects.filter(stripe_payment_intent_id=payment.id).exists()
        return not is_recorded and _resolve(payment)
    return _is_our_customer(find_customer_at_stripe(payment.customer_id)) and cancel_at_stripe(
        payment.order_ref, payment
    )


def is_current_payment(order: Order, payment: Intent | CheckoutSession) -> bool:
    """Return whether the live order is, or may still be, paid by this; an open page makes an intent of its own.

    An order at its bank has a payment, so a page that is still open would only take a second one.
    """
    if order.status not in LIVE:
        return False
    if is_checkout(order) and isinstance(payment, CheckoutSession):
        return order.status in UNPAID and order.stripe_checkout_session_id in {"", payment.id}
    has_open_page = is_checkout(order) and order.status in UNPAID
    return has_open_page or order.stripe_payment_intent_id in {"", payment.id}


def undecided_payments() -> list[str]:
    """Return the ids of the payments to fetch again; none in a database that may not recover orphans."""
    if not ownership.may_recover_orphans():
        return []
    waiting = Orphan.objects.filter(status=Status.WAITING).order_by("pk")
    return list(waiting.values_list("stripe_payment_intent_id", flat=True))


def revisit_payment(intent_id: str) -> bool:
    """Fetch an undecided payment; returns whether it is resolved now."""
    intent = client.retrieve_intent(intent_id)
    order = Order.objects.filter(public_id=intent.order_ref).first()
    return _resolve_second_payment(order, intent) if order else _resolve(intent)


def _resolve_second_payment(order: Order, intent: Intent) -> bool:
    """Settle or cancel a second payment of an order once its bank has decided; returns whether it has."""
    own_customer = order.stripe_customer_id == intent.customer_id != ""
    payable = intent.status not in {"succeeded", "processing", "canceled"}
    if intent.status == "processing" or (payable and is_current_payment(order, intent)):
        return False
    if intent.status == "succeeded":
        settle([StripeObservation(intent, "found at Stripe", fetched=True)], at=clock.now())
    elif payable and own_customer:
        cancel_at_stripe(order.public_id, intent)
    waiting = Orphan.objects.filter(stripe_payment_intent_id=intent.id, status=Status.WAITING)
    if unmatched_refunds([intent.id]).exists():
        waiting.update(status=Status.RETURNED, amount_minor=intent.received_minor)
    else:
        # Nothing was paid, or the order took the payment as its own.
        waiting.delete()
    return True


def _resolve(intent: Intent) -> bool:
    customer = find_customer_at_stripe(intent.customer_id)
    if intent.status == "processing":
        return _record(intent, Status.WAITING)
    if intent.status != "succeeded":
        if _is_our_customer(customer) and not intent.has_ended_unpaid:
            cancel_at_stripe(intent.order_ref, intent)
        return _record(intent, Status.RETURNED)
    if customer is None or not _is_our_customer(customer):
        return _record_foreign(intent, customer)
    refunds = client.refunds_of(intent.id)
    if user := _payer(customer):
        return _recover_order(intent, user, refunds)
    return _refund_remainder(intent, refunds)


def _record_foreign(intent: Intent, customer: Customer | None) -> bool:
    """Leave a payment as it is and alert staff; in test mode not of another laptop's, which its customer names."""
    if customer and customer.database_id and not is_live():
        return _record(intent, Status.FOREIGN)
    text = (
        "nothing shows that it was made here; look at it in Stripe's dashboard, and refund it there if it was"
    )
    return _record(intent, Status.FOREIGN, "payment_of_unknown_order", text)


def _is_our_customer(customer: Customer | None) -> bool:
    """Return whether this shop created the customer: its id is stored here, or its metadata names this database."""
    if customer is None:
        return False
    is_saved = StripeCustomer.objects.filter(stripe_customer_id=customer.id).exists()
    return is_saved or (bool(customer.user_ref) and is_labeled_ours(customer, own_database_id()))


def _payer(customer: Customer) -> User | None:
    """Return the user of a customer, by our row or by the customer's metadata."""
    if row := StripeCustomer.objects.select_related("user").filter(stripe_customer_id=customer.id).first():
        return row.user
    return labeled_user(customer)


@retry_transaction
def _recover_order(intent: Intent, user: User, refunds: Sequence[StripeRefund]) -> bool:
    """Restore the order as one that had ended, and treat its payment as a late one.

    Credits are granted. Anything else holds no seat or slot any more, so the whole payment is refunded.
    """
    at = clock.now()
    refund_facts = [StripeObservation(refund, CAUSE, fetched=True) for refund in refunds]
    with transaction.atomic():
        if Order.objects.filter(public_id=intent.order_ref).exists():
            # Another worker was faster.
            return False
        order = _restore_order(intent, user)
        if order.type == OrderType.CREDIT:
            settle([StripeObservation(intent, CAUSE, fetched=True), *refund_facts], at=at)
        else:
            [locked] = load([order.pk])
            apply_effects([(locked, record_recovered_payment(intent, CAUSE))], at=at)
            settle(refund_facts, at=at)
            [locked] = load([order.pk])
            if left := refundable_minor(locked):
                apply_effects([(locked, [refund_late_payment(intent.id, left)])], at=at)
        text = "it was paid in a period that this database has lost; the order was restored"
        return _record(intent, Status.RECOVERED, "order_recovered", text)


def _restore_order(intent: Intent, user: User) -> Order:
    metadata = intent.metadata
    data = RecoveredOrderData(
        public_id=intent.order_ref,
        user=user,
        service=_service(metadata),
        service_name=metadata.get("service_name", ""),
        service_type=metadata.get("service_type", ""),
        kind=OrderType.CREDIT if metadata.get("order_type") == OrderType.CREDIT else OrderType.DIRECT,
        currency=intent.currency,
        total_minor=intent.received_minor,
        customer_id=intent.customer_id,
        placed_at=clock.from_timestamp(intent.created),
        scheduling_data=_scheduling_data(metadata),
    )
    return recover_order(data, cause=CAUSE, at=clock.now())


def _service(metadata: Mapping[str, str]) -> Service | None:
    service_id = parse_primary_key(metadata.get("service_id", ""))
    if service_id is None:
        return None
    return Service.objects.select_related("practitioner").filter(pk=service_id).first()


def _scheduling_data(metadata: Mapping[str, str]) -> dict[str, Any]:
    if session_id := metadata.get("service_session_id"):
        return {"service_session_id": session_id}
    try:
        data = json.loads(metadata.get("scheduling_data") or "{}")
    except ValueError:
        return {}
    return data if isinstance(data, dict) else {}


def _refund_remainder(intent: Intent, refunds: Sequence[StripeRefund]) -> bool:
    """Refund what is left of a payment whose buyer's account is lost as well."""
    refunded_minor = sum(refund.amount_minor for refund in refunds if not refund.has_failed)
    if left := intent.received_minor - refunded_minor:
        params = {"payment_intent": intent.id, "amount": left, "metadata": {"order_id": intent.order_ref}}
        # It is all that is left, so a second refund under the next period's key would be refused.
        key = f"{intent.id}-return-{refunded_minor}-{key_period(intent.created)}"
        client.create_refund(params, key=key)
    text = "the buyer's account is lost too; all of it was refunded"
    return _record(intent, Status.RETURNED, "payment_returned", text)


@transaction.atomic
def _record(intent: Intent, status: Orphan.Status, code: str = "", text: str = "") -> bool:
    """Record how a payment was resolved, and alert staff if ``code`` is set; returns whether that is new."""
    row, is_new = Orphan.objects.get_or_create(
        stripe_payment_intent_id=intent.id,
        defaults={
            "order_ref": intent.order_ref,
            "currency": intent.currency,
            "amount_minor": intent.received_minor,
            "status": status,
        },
    )
    if not is_new and row.status == status:
        return False
    Orphan.objects.filter(pk=row.pk).update(status=status, amount_minor=intent.received_minor)
    if code:
        text = f"{intent.order_ref}, {intent.id}: a payment of an unknown order; {text}"
        log.error("alert", code=code, order=intent.order_ref, text=text)
        staff_alerts.alert_staff(code, text)
    return True
