"""Slips in what was promised with a 2xx."""

from typing import Any

from django.db import transaction

from estuary.bookings import scheduling
from estuary.payments import event_store
from estuary.payments.customers import payment_methods
from estuary.payments.refunds import cancellation
from tests.simulation.mutants.patching import breaks, instead_of, unwritten

THERE = "what was answered with a 2xx is there"


@breaks("S10", THERE)
def an_event_is_answered_before_it_is_kept() -> None:
    instead_of(event_store.store_event, lambda event, at, execute: True)


@breaks("S10", THERE)
def a_time_that_was_chosen_is_not_kept() -> None:
    unwritten(scheduling.schedule)


@breaks("S10", THERE)
def a_default_card_is_not_kept() -> None:
    unwritten(payment_methods.set_default)


@breaks("S10", THERE)
def a_deleted_card_is_not_deleted() -> None:
    unwritten(payment_methods.remove_payment_method)


@breaks("S10", THERE)
def a_canceled_booking_is_not_canceled() -> None:
    cancel = cancellation.cancel_booking

    def rehearsed(**kwargs: Any) -> None:
        with transaction.atomic():
            cancel(**kwargs)
            transaction.set_rollback(True)

    instead_of(cancel, rehearsed)
