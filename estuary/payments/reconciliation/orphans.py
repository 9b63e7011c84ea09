"""Payments at Stripe that belong to no order here, or name an order that is paid by another.

An order's row is always committed before Stripe is asked. So a payment of an unknown order comes from an hour that a
restored backup has forgotten, or from another house that shares the account: the customer's label tells which. Money is
never kept for goods that nobody can name.
"""

import json
import re
from collections.abc import Mapping
from typing import Any

import structlog
from django.conf import settings
from django.db import transaction

from estuary.accounts.models import User
from estuary.catalog.models import Service
from estuary.common import clock
from estuary.common.db.transactions import retry_transaction
from estuary.common.ids import parse_primary_key
from estuary.notifications import alerts
from estuary.orders.models import Order, OrderType
from estuary.orders.recovery import RecoveredOrderData, recover_order
from estuary.orders.states import LIVE
from estuary.payments import client
from estuary.payments.checkout.stripe_creation import cancel_at_stripe
from estuary.payments.customers.customers import find_customer_at_stripe
from estuary.payments.gateway import ownership
from estuary.payments.models import Orphan, StripeCustomer
from estuary.payments.reconciliation.customers import labeled_user
from estuary.payments.refunds.service import refundable_minor
from estuary.payments.settlement import load, settle, unmatched_refunds
from estuary.payments.settlement.apply import apply_effects
from estuary.payments.settlement.facts import StripeObservation
from estuary.payments.settlement.rules.orders import record_recovered_payment, refund_late_payment
from estuary.payments.stripe_objects import CheckoutSession, Customer, Intent, StripeRefund

REF = re.compile(r"ord_[0-9a-z]{20}")
CAUSE = "recovered from Stripe"

Status = Orphan.Status
log = structlog.get_logger(__name__)


def handle_orphan(one: Intent | CheckoutSession) -> bool:
    """Do with a payment or a page of an order we do not know what is right; tells whether anything was done.

    What can still be paid is withdrawn, what is paid is recovered or returned; what nobody can show to be ours is told
    to staff once and left alone.
    """
    if one.has_ended_unpaid or one.status == "complete" or not ownership.may_recover_orphans():
        return False  # the intent of a completed page tells of the money
    if isinstance(one, Intent) and one.status in {"succeeded", "processing"}:
        is_recorded = Orphan.objects.filter(stripe_payment_intent_id=one.id).exists()
        return not is_recorded and _decide(one)
    if not _is_ours(one.customer_id):
        return False
    return cancel_at_stripe(one.order_ref, one)


def undecided_payments() -> list[str]:
    """Return the ids of the payments to look at again; none in a database that may not recover orphans."""
    if not ownership.may_recover_orphans():
        return []
    waiting = Orphan.objects.filter(status=Status.WAITING).order_by("pk")
    return list(waiting.values_list("stripe_payment_intent_id", flat=True))


def revisit_payment(intent_id: str) -> bool:
    """Fetch a payment that was not decided; tells whether it is now."""
    intent = client.retrieve_intent(intent_id)
    order = Order.objects.filter(public_id=intent.order_ref).first()
    return _settle_beside(order, intent) if order else _decide(intent)


def _settle_beside(order: Order, intent: Intent) -> bool:
    """Settle a payment beside the one of its order, once nobody can pay by it any more; tells whether that is so."""
    own_customer = order.stripe_customer_id == intent.customer_id != ""
    payable = intent.status not in {"succeeded", "processing", "canceled"}
    if intent.status == "processing" or (payable and order.status in LIVE):
        return False
    if intent.status == "succeeded":
        settle([StripeObservation(intent, "found at Stripe", fetched=True)], at=clock.now())
    elif payable and own_customer:
        cancel_at_stripe(order.public_id, intent)
    waiting = Orphan.objects.filter(stripe_payment_intent_id=intent.id, status=Status.WAITING)
    if unmatched_refunds([intent.id]).exists():
        waiting.update(status=Status.RETURNED, amount_minor=intent.received_minor)
    else:
        waiting.delete()  # no money came, or the order took it as its own
    return True


def _decide(intent: Intent) -> bool:
    customer = find_customer_at_stripe(intent.customer_id)
    if intent.status == "processing":
        return _record(intent, Status.WAITING)
    if intent.status != "succeeded":
        return _end(intent, customer)
    if customer is None or not _was_created_here(customer):
        return _record(
            intent,
            Status.FOREIGN,
            "payment_of_unknown_order",
            "nothing shows that it was made here; look at it in Stripe's dashboard, and refund it there if it was",
        )
    given = client.refunds_of(intent.id)
    if user := _payer(intent, customer):
        return _recover(intent, user, given)
    return _return(intent, given)


def _end(intent: Intent, customer: Customer | None) -> bool:
    """The bank refused what it was working on: nothing is to be given back, and nobody is to try again."""
    if customer and _was_created_here(customer) and not intent.has_ended_unpaid:
        cancel_at_stripe(intent.order_ref, intent)
    return _record(intent, Status.RETURNED)


def _is_ours(customer_id: str) -> bool:
    customer = find_customer_at_stripe(customer_id)
    return customer is not None and _was_created_here(customer)


def _was_created_here(customer: Customer) -> bool:
    """Whether this house made the customer: we know it, or it carries our address."""
    is_saved = StripeCustomer.objects.filter(stripe_customer_id=customer.id).exists()
    return is_saved or (bool(customer.user_ref) and customer.home == settings.FRONTEND_URL)


def _payer(intent: Intent, customer: Customer) -> User | None:
    """Return who paid, by our own row of the customer, or by its label."""
    if row := StripeCustomer.objects.select_related("user").filter(stripe_customer_id=customer.id).first():
        return row.user
    return labeled_user(customer)


@retry_transaction
def _recover(intent: Intent, user: User, given: list[StripeRefund]) -> bool:
    """Write the order down again as one that had ended, and treat its payment as money that came late.

    Credits are granted; for anything else the seat or the slot is no longer held, so all of it goes back.
    """
    at = clock.now()
    refunds = [StripeObservation(refund, CAUSE, fetched=True) for refund in given]
    with transaction.atomic():
        if Order.objects.filter(public_id=intent.order_ref).exists():
            return False  # another worker was faster
        order = _write_down(intent, user)
        if order.type == OrderType.CREDIT:
            settle([StripeObservation(intent, CAUSE, fetched=True), *refunds], at=at)
        else:
            [locked] = load([order.pk])
            apply_effects([(locked, record_recovered_payment(intent, CAUSE))], at=at)
            settle(refunds, at=at)
            [locked] = load([order.pk])
            if left := refundable_minor(locked):
                apply_effects([(locked, [refund_late_payment(intent.id, left, CAUSE)])], at=at)
        text = f"{order.public_id}, {intent.id}: paid for in an hour that is lost; the order was written down again"
        _keep(intent, Status.RECOVERED, "order_recovered", text)
    return True


def _write_down(intent: Intent, user: User) -> Order:
    label = intent.metadata
    data = RecoveredOrderData(
        public_id=intent.order_ref,
        user=user,
        service=_service(label),
        service_name=label.get("service_name", ""),
        service_type=label.get("service_type", ""),
        kind=OrderType.CREDIT if label.get("order_type") == OrderType.CREDIT else OrderType.DIRECT,
        currency=intent.currency,
        total_minor=intent.received_minor,
        customer_id=intent.customer_id,
        placed_at=clock.from_timestamp(intent.created),
        scheduling_data=_scheduling(label),
    )
    return recover_order(data, cause=CAUSE, at=clock.now())


def _service(label: Mapping[str, str]) -> Service | None:
    number = parse_primary_key(label.get("service_id", ""))
    if number is None:
        return None
    return Service.objects.select_related("practitioner").filter(pk=number).first()


def _scheduling(label: Mapping[str, str]) -> dict[str, Any]:
    if session := label.get("service_session_id"):
        return {"service_session_id": session}
    try:
        found = json.loads(label.get("scheduling_data") or "{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _return(intent: Intent, given: list[StripeRefund]) -> bool:
    """Refund what nobody is left to have: the account that paid was made in the lost hour as well."""
    back = sum(refund.amount_minor for refund in given if not refund.has_failed)
    if left := intent.received_minor - back:
        label = {"order_id": intent.order_ref}
        params = {"payment_intent": intent.id, "amount": left, "metadata": label}
        client.create_refund(params, key=f"{intent.id}-return-{back}")
    return _record(
        intent, Status.RETURNED, "payment_returned", "the buyer's account is lost too; all of it was refunded"
    )


def _record(intent: Intent, status: Orphan.Status, code: str = "", text: str = "") -> bool:
    with transaction.atomic():
        return _keep(
            intent, status, code, f"{intent.order_ref}, {intent.id}: a payment for an unknown order; {text}"
        )


def _keep(intent: Intent, status: Orphan.Status, code: str, text: str) -> bool:
    """Remember what became of a payment, and tell staff when that is new; tells whether it is."""
    row, made = Orphan.objects.get_or_create(
        stripe_payment_intent_id=intent.id,
        defaults={
            "order_ref": intent.order_ref,
            "currency": intent.currency,
            "amount_minor": intent.received_minor,
            "status": status,
        },
    )
    if not made and row.status == status:
        return False
    Orphan.objects.filter(pk=row.pk).update(status=status, amount_minor=intent.received_minor)
    if code:
        log.error("alert", code=code, order=intent.order_ref, text=text)
        alerts.alert_staff(code, text)
    return True
