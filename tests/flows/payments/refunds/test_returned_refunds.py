"""A bank returns a refund and nobody hears of it: whatever is refunded next tells, and what is due goes back once."""

import pytest
from rest_framework.test import APIClient

from estuary.accounts.models import Practitioner
from estuary.catalog.models import ServiceType
from estuary.payments.models import Refund
from estuary.payments.settlement.sync import sync_payment
from stripe_sandbox import Sandbox
from tests.factories import make_service
from tests.flows import buying
from tests.flows.buying import Json, pay, status_of
from tests.sandbox_bridge import run_jobs, settle_everything

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def purchase(stripe: Sandbox, buyer: APIClient, ana: Practitioner) -> Json:
    """A session of 100.00, to be paid with 20.00 in credits and 80.00 by card."""
    buying.buy_credits(stripe, buyer, "20.00")
    return buying.with_credits(buyer, make_service(ServiceType.SESSION, ana, usd=10000))


def returned_by_its_bank_unheard(stripe: Sandbox, purchase: Json) -> None:
    """The dashboard refunds all of the card; days later its bank returns that, and no event tells of it."""
    stripe.control.refund(purchase["payment_intent_id"])
    settle_everything(stripe)
    stripe.control.fail_refund(Refund.objects.get(origin="dashboard").stripe_refund_id)
    stripe.control.lose_events()


def refunds_here() -> list[tuple[str, int]]:
    return sorted(Refund.objects.values_list("status", "card_minor"))


def test_a_second_refund_in_the_dashboard_tells_that_the_first_has_failed(
    stripe: Sandbox, buyer: APIClient, purchase: Json
) -> None:
    pay(stripe, purchase)
    returned_by_its_bank_unheard(stripe, purchase)
    stripe.control.refund(purchase["payment_intent_id"])
    settle_everything(stripe)
    assert refunds_here() == [("failed", 8000), ("succeeded", 8000)]
    assert (status_of(purchase), buying.balance(buyer)) == ("refunded", "20.00")


def test_a_refund_that_waited_finds_room_where_another_has_failed_unheard(
    stripe: Sandbox, buyer: APIClient, staff: APIClient, purchase: Json
) -> None:
    pay(stripe, purchase)
    stripe.faults.add("timeout_before", "POST /v1/refunds")
    assert buying.refund(staff, purchase)["status"] == "requested"
    returned_by_its_bank_unheard(stripe, purchase)
    run_jobs()
    assert refunds_here() == [("failed", 8000), ("succeeded", 8000)]
    assert (status_of(purchase), buying.balance(buyer)) == ("refunded", "20.00")


def test_asking_stripe_tells_what_failed_before_what_came_after_it(
    stripe: Sandbox, buyer: APIClient, purchase: Json
) -> None:
    pay(stripe, purchase)
    returned_by_its_bank_unheard(stripe, purchase)
    stripe.control.refund(purchase["payment_intent_id"])
    stripe.control.lose_events()
    sync_payment(purchase["payment_intent_id"])
    assert refunds_here() == [("failed", 8000), ("succeeded", 8000)]
    assert (status_of(purchase), buying.balance(buyer)) == ("refunded", "20.00")
