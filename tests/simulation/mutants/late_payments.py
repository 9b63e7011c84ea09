"""Slips with payments that a bank works on for days."""

from dataclasses import replace

from estuary.orders.states import LIVE, Status
from estuary.payments import outbox
from estuary.payments.checkout import cancel_order, stripe_creation
from estuary.payments.reconciliation import orphans, overdue
from estuary.payments.settlement.effects import Decision, WatchUnmatchedPayment
from estuary.payments.settlement.facts import StripeObservation
from estuary.payments.settlement.rules import checkout_sessions, unmatched
from estuary.payments.settlement.rules import payments as rules
from estuary.payments.settlement.rules.payments import find_mismatch
from estuary.payments.settlement.state import OrderState
from estuary.payments.stripe_objects import CheckoutSession, Intent
from tests.simulation.mutants.patching import breaks, instead_of, none_done

STARTED, IN_TIME = "what had begun is not handed over", "what was paid in time is handed over"


@breaks("L1", "captures are equal on both sides", "captured_unknown_here", scenarios="second debit")
def a_second_payment_at_its_bank_is_forgotten() -> None:
    """As it was: a list shows it once, while the bank works on it, and never again."""
    instead_of(orphans.undecided_payments, list)


@breaks("L2", "an ended order can't be paid at Stripe", scenarios="refused second debit")
def a_second_payment_that_its_bank_refused_can_be_paid_again() -> None:
    instead_of(stripe_creation.cancel_at_stripe, lambda order_ref, payment: False)


@breaks("L2", "an ended order can't be paid at Stripe", scenarios="refused debit beside a page")
def a_refused_debit_beside_a_page_is_forgotten() -> None:
    """As it was: any intent of a live order with a page might still be its payment, and was never looked at again."""
    instead_of(orphans.is_current_payment, lambda order, payment: order.status in LIVE)


@breaks(
    "L1", "captures are equal on both sides", "captured_unknown_here", scenarios="debit for an ended order"
)
def a_debit_for_an_ended_order_is_forgotten() -> None:
    """As it was: the order no longer waits for a bank, so nothing does."""
    _forget_debits_of_ended_orders()


@breaks("L2", "an ended order can't be paid at Stripe", scenarios="refused debit for an ended order")
def a_refused_debit_for_an_ended_order_is_forgotten() -> None:
    _forget_debits_of_ended_orders()


def _forget_debits_of_ended_orders() -> None:
    decide = unmatched.decide_labeled_payment

    def forgetful(order: OrderState, intent: Intent, fact: StripeObservation) -> Decision:
        decision = decide(order, intent, fact)
        return (
            []
            if not order.intent_id and not find_mismatch(order, intent) and _only_watches(decision)
            else decision
        )

    instead_of(decide, forgetful)


def _only_watches(decision: Decision) -> bool:
    return isinstance(decision, list) and all(
        isinstance(effect, WatchUnmatchedPayment) for effect in decision
    )


@breaks("L2", "no order is stuck", scenarios="card declined beside a page")
def what_is_declined_by_hand_takes_the_place_of_a_page() -> None:
    """As it was, in two places: the decline is the order's, and then nothing else may pay it."""
    instead_of(unmatched._is_of_page, lambda order, fact: True)

    def only_its_own(order: OrderState, intent_id: str) -> bool:
        return order.intent_id in {"", intent_id}

    OrderState.may_be_paid_by = only_its_own  # type: ignore[assignment, method-assign]


@breaks("L1", IN_TIME, scenarios="debit beside an open page")
def a_page_that_expires_ends_an_order_at_its_bank() -> None:
    """As it was: nobody asked whether the order waits for another payment than its page's."""
    decide = checkout_sessions.decide_session

    def hasty(order: OrderState, session: CheckoutSession, fact: StripeObservation) -> Decision:
        is_over = session.status == "expired" and order.status == Status.PROCESSING
        return decide(replace(order, status=Status.PENDING) if is_over else order, session, fact)

    instead_of(decide, hasty)


@breaks("L2", "an ended order can't be paid at Stripe", scenarios="refused debit beside an open page")
def a_refused_debit_of_an_order_with_a_page_stays_payable() -> None:
    """As it was: a page takes one payment only, so nobody looked whose the payment was."""
    instead_of(cancel_order._is_of_page, lambda order, intent: True)


@breaks("L2", "kept_too_long")
def a_seat_is_kept_for_a_bank_for_ever() -> None:
    instead_of(overdue.end_unanswered_orders, none_done)


@breaks("L1", STARTED, scenarios="debits too late")
def what_had_begun_is_handed_over() -> None:
    instead_of(rules._is_paid_after_start, lambda order, intent: False)


@breaks("L1", IN_TIME, scenarios="debits in time")
def the_time_of_settling_decides() -> None:
    instead_of(
        rules._is_paid_after_start,
        lambda order, intent: order.starts_at is not None and order.starts_at <= order.at,
    )


@breaks("L2", "an ended order can't be paid at Stripe", "open_after_end")
def nobody_ends_what_a_bank_has_refused() -> None:
    """Neither the look at ended orders' payments, nor the lists of them."""
    instead_of(overdue.close_open_payments, none_done)
    instead_of(stripe_creation.cancel_at_stripe, lambda order_ref, payment: False)


@breaks("L2", "who left it to a bank is told how it ended")
def nobody_is_told_that_a_bank_has_refused() -> None:
    send = outbox.send_mails
    silent = {"payment_failed", "bank_too_late"}
    instead_of(send, lambda mails: send([(order, name) for order, name in mails if name not in silent]))
