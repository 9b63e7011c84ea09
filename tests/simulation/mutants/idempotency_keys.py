"""Slips with the keys of what is asked of Stripe by two at once: given up too early, or by whoever looks first."""

from django.db.models import F

from estuary.orders.models import Order
from estuary.payments.checkout import stripe_creation
from estuary.payments.gateway import idempotency_keys
from estuary.payments.models import Refund
from estuary.payments.refunds import request_refund as refunds
from tests.simulation.mutants.patching import breaks, instead_of
from tests.simulation.mutants.stripe_requests import TWO_WAYS


@breaks("S5", *TWO_WAYS, scenarios="tabs")
def a_key_is_given_up_while_another_tab_asks_under_it() -> None:
    """As it was: one failure and one look, whoever else is at Stripe, and whoever comes next says which key it is."""
    instead_of(idempotency_keys.is_request_over, lambda requested_at: True)
    instead_of(
        stripe_creation.RECORD_REQUEST,
        stripe_creation.RECORD_REQUEST.replace(" AND attempt = %s", " AND %s > 0"),
    )

    def give_up(order: Order) -> None:
        Order.objects.filter(pk=order.pk, attempt=order.attempt).update(attempt=F("attempt") + 1)

    instead_of(idempotency_keys.rotate_key, give_up)


@breaks("S3", "a refund is made once", "refund_made_twice", scenarios="refund")
def a_refund_s_key_is_given_up_while_another_worker_sends_it() -> None:
    """As it was: one failure and one look, whoever else is at Stripe."""
    instead_of(idempotency_keys.is_request_over, lambda requested_at: True)
    instead_of(refunds._record_request, lambda refund: True)


@breaks("S3", "a refund is made once", "refund_made_twice")
def a_refund_has_a_key_for_each_worker() -> None:
    """The web process and the worker send it at once, each as its own."""

    def count(refund: Refund) -> bool:
        Refund.objects.filter(pk=refund.pk).update(attempt=F("attempt") + 1)
        refund.refresh_from_db(fields=["attempt"])
        return True

    instead_of(refunds._record_request, count)
