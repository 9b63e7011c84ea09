"""Slips of an erasure: something of the person stays, is finished by nobody, or was still needed."""

from estuary.privacy import tasks
from estuary.privacy.erasure import checks, redaction, stripe_customer
from tests.simulation.mutants.patching import breaks, instead_of, none_done, nothing

NOWHERE = "who is erased is nowhere"


@breaks("S12", NOWHERE, scenarios="erase")
def events_of_the_erased_stay_as_they_came() -> None:
    instead_of(redaction.redact_events_about, none_done)
    instead_of(redaction.redact_events_with_ids, none_done)


@breaks("S12", NOWHERE, scenarios="erase")
def what_stripe_sends_after_an_erasure_is_kept() -> None:
    instead_of(redaction.redact_late_events, none_done)


@breaks("S12", NOWHERE, scenarios="erase")
def a_person_is_erased_here_alone() -> None:
    instead_of(stripe_customer.delete_customers, nothing)


@breaks("L4", "an erasure that was begun is finished", scenarios="erase")
def an_erasure_that_was_cut_off_is_left_so() -> None:
    instead_of(tasks.finish_interrupted_erasures, nothing)


@breaks("L1", "who is erased has nothing to come", scenarios="erase")
def an_erasure_does_not_look_what_is_still_to_come() -> None:
    instead_of(checks.raise_if_needed, nothing)
