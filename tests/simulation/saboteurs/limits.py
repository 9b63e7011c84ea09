"""Slips with what staff may write, and with what one row that fails means for all the others."""

from datetime import timedelta
from typing import Any

from django.core.validators import MaxValueValidator

from estuary.bookings import booking
from estuary.catalog.models import Service
from estuary.payments import inbox, reconcile
from tests.simulation.saboteurs.craft import breaks, instead_of, nothing, weaken

UNSETTLED = (
    "captures are equal on both sides",
    "every captured payment is fulfilled or refunded",
    "no order is stuck",
    "the inbox is empty",
)


def _take_any_validity() -> None:
    field = Service._meta.get_field("validity_days")
    others = [one for one in field.validators if not isinstance(one, MaxValueValidator)]
    vars(field)["validators"] = others
    constraints = Service._meta.constraints
    constraints[:] = [one for one in constraints if one.name != "service_numbers_within_limits"]
    weaken("catalog_service", "service_numbers_within_limits")


def _reckon_without_limits() -> None:
    instead_of(booking.validity, lambda days: timedelta(days=days))


@breaks("L1", *UNSETTLED)
def a_typo_is_taken_and_reckoned_with() -> None:
    """Form, database and arithmetic each stop it alone: all three are gone."""
    _take_any_validity()
    _reckon_without_limits()


def _raise(*_: Any) -> None:
    raise OverflowError("date value out of range")


@breaks("L4", "worker_silent")
def one_payment_that_fails_makes_the_worker_look_dead() -> None:
    """What can't be settled is on Stripe's list; that it was gone through is noted only when all of it agrees."""
    instead_of(booking._valid_until, _raise)
    instead_of(reconcile._note_failures, nothing)


@breaks("L4", "an event that fails alerts staff")
def an_event_fails_for_hours_and_nobody_hears_of_it() -> None:
    instead_of(booking._valid_until, _raise)
    tell = inbox._tell_of_failing
    instead_of(tell, lambda code, *rest: None if code == "event_fails" else tell(code, *rest))
