"""Slips with what staff may write, and with what one row that fails means for all the others."""

from datetime import timedelta
from typing import Any

from django.core.validators import MaxValueValidator

from estuary.catalog import bounds
from estuary.catalog.models import Service
from estuary.orders import place_order
from estuary.payments import webhooks
from estuary.payments.inbox import alerts, processor
from estuary.payments.reconciliation import stripe_lists
from tests.simulation.mutants.patching import breaks, instead_of, nothing, rebind, weaken
from tests.simulation.typed_values import TYPED

UNSETTLED = (
    "captures are equal on both sides",
    "every captured payment is fulfilled or refunded",
    "no order is stuck",
    "the inbox is empty",
    "no answer is a 500",
)


@breaks("L1", "what staff type is within limits")
def a_typo_is_taken() -> None:
    """Form and database each refuse it alone: both are gone."""
    for name in TYPED:
        field: Any = Service._meta.get_field(name)
        vars(field)["validators"] = [
            one for one in field.validators if not isinstance(one, MaxValueValidator)
        ]
    constraints: Any = Service._meta.constraints
    constraints[:] = [one for one in constraints if one.name != "service_numbers_within_limits"]
    weaken("catalog_service", "service_numbers_within_limits")


@breaks("L1", *UNSETTLED)
def a_typo_of_old_is_reckoned_with() -> None:
    """What was sold says a validity from before there were limits."""
    snapshot_of = place_order.snapshot_of
    instead_of(snapshot_of, lambda *what: snapshot_of(*what) | {"validity_days": 9_000_000})
    instead_of(bounds.validity, lambda days: timedelta(days=days))


def _raise(*_: Any, **__: Any) -> Any:
    raise OverflowError("date value out of range")


@breaks("L4", "worker_silent")
def one_payment_that_fails_makes_the_worker_look_dead() -> None:
    """A payment on Stripe's list fails at each look; that all was gone through is noted only when all of it agrees."""
    instead_of(stripe_lists._settle_captured, _raise)
    instead_of(stripe_lists._record_failures, nothing)


@breaks("L4", "an event that fails alerts staff")
def an_event_fails_for_hours_and_nobody_hears_of_it() -> None:
    webhooks.HANDLERS["charge.refunded"] = webhooks.HANDLERS["payment_intent.succeeded"] = _raise
    rebind(alerts, "ALERT_AFTER", processor.MAX_ATTEMPTS)
