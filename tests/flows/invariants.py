"""What must hold whatever happened: the doctor's own rules of safety, and what the sandbox says besides."""

import json
import re

from django.db import DatabaseError, connection, transaction

from estuary.common import clock
from estuary.orders.models import Order
from estuary.payments.doctor import SAFETY, run_checks
from estuary.payments.models import Dispute, PaymentMethod, Refund, WebhookEvent
from stripe_sandbox import Sandbox


def assert_invariants(sandbox: Sandbox) -> None:
    """Fail with every rule that is broken, and by what."""
    if not _all_rules_hold():
        broken = run_checks(SAFETY, at=clock.now()).violations
        raise AssertionError(broken)
    _assert_agreement(sandbox)
    _assert_no_secrets()


def _all_rules_hold() -> bool:
    """Ask for all rules at once, on one snapshot as the doctor does, in a tenth of its time.

    The doctor then says which are broken, also of a rule that could not be asked.
    """
    broken = " UNION ALL ".join(f"(SELECT 1 FROM ({rule.sql}) AS broken LIMIT 1)" for rule in SAFETY)  # noqa: S608 (rules are our own)
    try:
        with transaction.atomic(durable=True), connection.cursor() as cursor:
            cursor.execute("SET LOCAL jit = off")
            cursor.execute(broken)
            return cursor.fetchone() is None
    except DatabaseError:
        return False


def _assert_agreement(sandbox: Sandbox) -> None:
    """What we recorded as captured and refunded is so at Stripe: same amount, same currency."""
    intents = sandbox.state.store.payment_intents
    for order in Order.objects.filter(captured_minor__gt=0):
        intent = intents.get(order.stripe_payment_intent_id)
        assert intent is not None
        there = (intent["status"], intent["amount_received"], intent["currency"])
        assert there == ("succeeded", order.captured_minor, order.currency)
    for refund in Refund.objects.exclude(stripe_refund_id=""):
        at_stripe = sandbox.state.store.refunds.get(refund.stripe_refund_id)
        assert at_stripe is not None
        assert (at_stripe["amount"], at_stripe["payment_intent"]) == (
            refund.card_minor,
            refund.stripe_payment_intent_id,
        )
    for dispute in Dispute.objects.all():
        taken = sandbox.state.store.disputes.get(dispute.stripe_dispute_id)
        assert taken is not None
        assert (taken["payment_intent"], taken["amount"]) == (
            dispute.stripe_payment_intent_id,
            dispute.amount_minor,
        )
    _assert_one_way_to_pay(sandbox)


def _assert_one_way_to_pay(sandbox: Sandbox) -> None:
    """No order can be paid twice: one open intent or page each, and none for an order that has ended."""
    ways: dict[str, list[str]] = {}
    for intent in sandbox.state.store.payment_intents:
        if intent["status"] in {"requires_payment_method", "requires_action", "requires_confirmation"}:
            ways.setdefault((intent["metadata"] or {}).get("order_id", ""), []).append(intent["id"])
    ways.pop("", None)
    assert all(len(open_ways) == 1 for open_ways in ways.values()), ways


def _assert_no_secrets() -> None:
    for payload in WebhookEvent.objects.values_list("payload", flat=True):
        assert not re.search(r'[^\\]"client_secret":|_secret_[A-Za-z0-9]{6,}', json.dumps(payload))
    assert not PaymentMethod.objects.filter(detached_at__isnull=False, is_default=True).exists()
