"""Slips in what is asked of Stripe: keys, bodies, and what pays for an order."""

from itertools import count
from typing import Any

from django.db.models import F

from estuary.common import clock, ids
from estuary.orders.models import Order
from estuary.payments import client
from estuary.payments.checkout import metadata, stripe_creation
from estuary.payments.customers import customers
from estuary.payments.gateway.idempotency_keys import sequence_key
from estuary.payments.models import StripeCustomer
from tests.simulation.mutants.patching import breaks, instead_of

TWO_WAYS = ("an order has one open way to pay", "open_twice", "an ended order can't be paid at Stripe")
UNCOMMITTED, TWO_BODIES = "the key of a POST is committed before it is sent", "a key goes with one body"

# --- S5 -----------------------------------------------------------------------------------------------------------


@breaks("S5", *TWO_WAYS)
def each_try_is_a_new_payment() -> None:
    number = count()
    for send in (client.create_intent, client.create_session):

        def anew(params: Any, *, key: str, send: Any = send) -> Any:
            return send(params, key=f"{key}x{next(number)}")

        instead_of(send, anew)


@breaks("S5", *TWO_WAYS)
def after_a_failure_nobody_looks_what_was_made() -> None:
    instead_of(stripe_creation.find_created, lambda order: None)


@breaks("S5", *TWO_WAYS)
def what_was_made_is_not_remembered() -> None:
    note = stripe_creation.record_request

    def again(order: Order, *, customer_id: str) -> Any:
        if order.requested_at:
            Order.objects.filter(pk=order.pk).update(attempt=F("attempt") + 1)
            order.refresh_from_db(fields=["attempt"])
        return note(order, customer_id=customer_id)

    instead_of(note, again)
    instead_of(stripe_creation.save_stripe_id, lambda order, payment: None)


# --- S9 -----------------------------------------------------------------------------------------------------------


@breaks("S9", UNCOMMITTED)
def a_key_is_drawn_when_it_is_sent() -> None:
    send = client.create_intent
    instead_of(send, lambda params, *, key: send(params, key=f"{ids.order_id()}-intent-1"))


@breaks("S9", UNCOMMITTED)
def a_counter_is_counted_in_memory() -> None:
    def counted(order: Order, verb: str) -> str:
        order.idempotency_sequence += 1
        return sequence_key(order.public_id, verb, order.idempotency_sequence)

    instead_of(stripe_creation.next_order_key, counted)


@breaks("S9", TWO_BODIES)
def a_label_tells_the_time() -> None:
    build = metadata.build_metadata
    instead_of(build, lambda order: build(order) | {"sent_at": clock.now().isoformat()})


@breaks("S9", TWO_BODIES)
def one_key_confirms_with_every_card() -> None:
    send = client.confirm_intent

    def always_the_same(intent_id: str, *, payment_method_id: str, key: str) -> Any:
        return send(intent_id, payment_method_id=payment_method_id, key="-".join(key.split("-")[:2]) + "-1")

    instead_of(send, always_the_same)


@breaks("S9", UNCOMMITTED)
def a_customer_is_asked_for_before_it_is_written_down() -> None:
    make = customers._create_at_stripe

    def hasty(customer: StripeCustomer) -> str:
        customer.key = ids.customer_key()
        account = make(customer)
        StripeCustomer.objects.filter(pk=customer.pk).update(key=customer.key)
        return account

    instead_of(make, hasty)


@breaks("S9", TWO_BODIES)
def a_refund_is_counted_by_its_order() -> None:
    """Refunds of one order go under one key, whatever their amount."""
    send = client.create_refund

    def by_order(params: Any, *, key: str) -> Any:
        return send(params, key=f"{params['metadata']['order_id']}-refund")

    instead_of(send, by_order)
