"""The shop that is copied in these tests, and the address that its staff read."""

import pytest
from pytest_django import Settings
from rest_framework.test import APIClient

from estuary.accounts.models import Practitioner
from estuary.catalog.models import ServiceType
from estuary.payments import tasks
from stripe_sandbox import Sandbox
from tests.factories import a_free_slot, make_service
from tests.flows import buying
from tests.flows.buying import Json
from tests.sandbox_bridge import settle_everything


@pytest.fixture
def staff_mail(settings: Settings) -> None:
    settings.STAFF_MAIL = "ops@estuary.example"


@pytest.fixture
def shop(
    stripe: Sandbox, buyer: APIClient, other: APIClient, staff: APIClient, ana: Practitioner
) -> dict[str, Json]:
    """A shop with something in each state, and a copy of its database in hand before the last of it."""
    session = make_service(ServiceType.SESSION, ana)
    paid = buying.buy_credits(stripe, buyer, "50.00")
    waiting = buying.service(buyer, session, start_datetime=a_free_slot(session).isoformat())
    page = buying.credits(other, "70.00", payment_type="checkout")
    settle_everything(stripe)
    tasks.ask_stripe(0)
    stripe.faults.add("timeout_before", "POST /v1/refunds", times=1)
    assert buying.refund(staff, paid, amount="5.00")["status"] == "requested"
    return {"paid": paid, "waiting": waiting, "page": page}
