"""A bonus session is called off after its share was held back: nothing of what is due is kept, in any order."""

import pytest
from rest_framework.test import APIClient

from estuary.accounts.models import Practitioner
from estuary.catalog.models import Service
from stripe_sandbox import Sandbox
from tests.flows.buying import Json, order_of, status_of
from tests.flows.payments.dates.acting import act, host
from tests.flows.payments.refunds.test_what_a_cancellation_returns import (
    attend,
    bought_bundle,
    cancel,
    nth,
    schedule,
    statuses,
)
from tests.sandbox_bridge import settle_everything

pytestmark = pytest.mark.django_db(transaction=True)

BONUS = 3


def call_off(stripe: Sandbox, ana: Practitioner, position: int) -> None:
    act(host(ana), f"/api/v1/roster/bookings/{nth(position).pk}/call-off/")
    settle_everything(stripe)


@pytest.fixture
def bundle(stripe: Sandbox, buyer: APIClient, ana: Practitioner) -> tuple[Json, Service]:
    """Two paid sessions and a bonus session for 200.00; the bonus has a time."""
    order, one = bought_bundle(stripe, buyer, ana, paid=2, bonus=1, usd=20000)
    schedule(buyer, BONUS, one)
    return order, one


def test_the_share_that_was_held_back_returns_with_the_next_that_is_canceled(
    stripe: Sandbox, buyer: APIClient, ana: Practitioner, bundle: tuple[Json, Service]
) -> None:
    assert cancel(buyer, 1) == "0.00"
    call_off(stripe, ana, BONUS)
    assert cancel(buyer, 2) == "200.00"
    settle_everything(stripe)
    assert (status_of(bundle[0]), statuses()) == ("refunded", ["canceled"] * 4)


def test_of_the_share_that_was_held_back_only_that_returns_while_another_is_still_to_come(
    stripe: Sandbox, buyer: APIClient, ana: Practitioner
) -> None:
    order, one = bought_bundle(stripe, buyer, ana, paid=3, bonus=1, usd=30000)
    schedule(buyer, 4, one)
    assert cancel(buyer, 1) == "0.00"
    call_off(stripe, ana, 4)
    assert cancel(buyer, 2) == "200.00"
    settle_everything(stripe)
    # The last paid session is still the buyer's, to be used or canceled.
    assert statuses()[1:] == ["canceled", "canceled", "partially_refunded", "canceled"]
    schedule(buyer, 3, one)
    assert cancel(buyer, 3) == "100.00"
    settle_everything(stripe)
    assert order_of(order).refunded_minor == 30000


def test_it_returns_with_the_bonus_when_that_is_canceled_without_a_new_time(
    stripe: Sandbox, buyer: APIClient, ana: Practitioner, bundle: tuple[Json, Service]
) -> None:
    assert [cancel(buyer, 1), cancel(buyer, 2)] == ["0.00", "100.00"]
    call_off(stripe, ana, BONUS)
    assert cancel(buyer, BONUS) == "100.00"
    settle_everything(stripe)
    assert status_of(bundle[0]) == "refunded"


def test_it_returns_with_the_whole_bundle(
    stripe: Sandbox, buyer: APIClient, ana: Practitioner, bundle: tuple[Json, Service]
) -> None:
    assert cancel(buyer, 1) == "0.00"
    call_off(stripe, ana, BONUS)
    assert cancel(buyer, 0) == "200.00"
    settle_everything(stripe)
    assert status_of(bundle[0]) == "refunded"


def test_it_returns_though_a_paid_session_was_called_off_too(
    stripe: Sandbox, buyer: APIClient, ana: Practitioner, bundle: tuple[Json, Service]
) -> None:
    order, one = bundle
    assert cancel(buyer, 1) == "0.00"
    call_off(stripe, ana, BONUS)
    schedule(buyer, 2, one)
    call_off(stripe, ana, 2)
    assert order_of(order).refunded_minor == 10000
    assert cancel(buyer, BONUS) == "100.00"
    settle_everything(stripe)
    assert status_of(order) == "refunded"


def test_a_bonus_that_has_a_new_time_is_kept_as_before(
    stripe: Sandbox, buyer: APIClient, ana: Practitioner, bundle: tuple[Json, Service]
) -> None:
    order, one = bundle
    assert cancel(buyer, 1) == "0.00"
    call_off(stripe, ana, BONUS)
    schedule(buyer, BONUS, one)
    attend(BONUS)
    assert cancel(buyer, 2) == "100.00"
    settle_everything(stripe)
    assert order_of(order).refunded_minor == 10000
