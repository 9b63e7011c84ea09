"""Slips with payments that a bank works on for days."""

from estuary.payments import outbox
from estuary.payments.checkout import stripe_creation
from estuary.payments.reconciliation import orphans, overdue
from estuary.payments.settlement.rules import payments as rules
from tests.simulation.mutants.patching import breaks, instead_of, none_done

BEGUN, IN_TIME = "what had begun is not handed over", "what was paid in time is handed over"


@breaks("L1", "captures are equal on both sides", "captured_unknown_here", scenarios="second debit")
def a_second_payment_at_its_bank_is_forgotten() -> None:
    """As it was: a list shows it once, while the bank works on it, and never again."""
    instead_of(orphans.undecided_payments, list)


@breaks("L2", "an ended order can't be paid at Stripe", scenarios="refused second debit")
def a_second_payment_that_its_bank_refused_can_be_paid_again() -> None:
    instead_of(stripe_creation.cancel_at_stripe, lambda order_ref, payment: False)


@breaks("L2", "kept_too_long")
def a_seat_is_kept_for_a_bank_for_ever() -> None:
    instead_of(overdue.end_unanswered_orders, none_done)


@breaks("L1", BEGUN)
def what_had_begun_is_handed_over() -> None:
    instead_of(rules._is_paid_after_start, lambda order, intent: False)


@breaks("L1", IN_TIME)
def the_time_of_settling_decides() -> None:
    instead_of(
        rules._is_paid_after_start,
        lambda order, intent: order.starts_at is not None and order.starts_at <= order.at,
    )


@breaks("L2", "an ended order can't be paid at Stripe", "open_after_end")
def nobody_ends_what_a_bank_has_refused() -> None:
    """Neither the look at ended orders' payments, nor the lists of them."""
    instead_of(overdue.close_open_payments, none_done)
    instead_of(stripe_creation.cancel_at_stripe, lambda order_ref, made: False)


@breaks("L2", "who left it to a bank is told how it ended")
def nobody_is_told_that_a_bank_has_refused() -> None:
    send = outbox.send_mails
    silent = {"payment_failed", "bank_too_late"}
    instead_of(send, lambda mails: send([(order, name) for order, name in mails if name not in silent]))
