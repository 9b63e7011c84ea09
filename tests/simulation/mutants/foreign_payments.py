"""Slips about whose payments and whose events they are."""

from dataclasses import replace
from typing import Any

from estuary.payments import webhooks
from estuary.payments.settlement.rules import payments as rules
from estuary.payments.settlement.rules import unmatched
from tests.simulation.mutants.patching import breaks, instead_of

CAPTURED = "what we call captured is captured at Stripe"
OTHERS, LEFT_ALONE = "a payment is of the order's own customer", "what is not ours is left alone"


@breaks("S2", CAPTURED, "captured_differs", "captured_unknown_there")
def an_event_of_another_account_is_as_good_as_ours() -> None:
    read = webhooks.read_event

    def whosever(event: Any) -> Any:
        return read({name: value for name, value in event.items() if name not in {"account", "context"}})

    instead_of(read, whosever)


@breaks("S2", OTHERS, "captured_differs")
def a_label_is_enough() -> None:
    """A payment that names an order is the order's, whoever made it and without asking Stripe."""
    labeled = unmatched.decide_labeled_payment

    def trusting(order: Any, intent: Any, fact: Any) -> Any:
        return (
            labeled(order, intent, fact) if order.intent_id else rules.decide_own_payment(order, intent, fact)
        )

    instead_of(labeled, trusting)
    mismatch = rules.find_mismatch
    instead_of(mismatch, lambda order, intent: mismatch(order, _of_the_orders_customer(order, intent)))


def _of_the_orders_customer(order: Any, intent: Any) -> Any:
    return replace(intent, customer_id=order.customer_id)


@breaks("S2", LEFT_ALONE)
def whatever_carries_our_label_is_sent_back() -> None:
    instead_of(unmatched._return_unwanted_payment, rules.return_unmatched_payment)
