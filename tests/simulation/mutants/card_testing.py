"""Slips by which stolen cards can be tried without end."""

from estuary.payments.customers import setup_intents
from estuary.payments.reconciliation import overdue
from tests.simulation.mutants.patching import breaks, instead_of, none_done, nothing


@breaks("L2", "setup_intent_open", "no card can be tried with a SetupIntent whose time is over")
def a_setup_intent_stays_open() -> None:
    instead_of(overdue.end_setup_intents, none_done)


@breaks("L2", "no card can be tried with a SetupIntent whose time is over")
def a_setup_intent_ends_here_alone() -> None:
    """The row says that it has ended, and Stripe was never asked."""
    instead_of(setup_intents._cancel, nothing)
