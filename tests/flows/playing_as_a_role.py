"""A small story of buying, booking, cancelling and refunding, played in a process of its own as a role of production.

``python -m tests.flows.playing_as_a_role``, with that role's DATABASE_URL.
"""

import os
import sys
from itertools import count

import django

django.setup()

from rest_framework.test import APIClient  # noqa: E402

from estuary.catalog.models import ServiceType  # noqa: E402
from estuary.credits.models import CreditTransaction  # noqa: E402
from estuary.payments.client import API_VERSION  # noqa: E402
from stripe_sandbox import Sandbox  # noqa: E402
from tests import marketplace  # noqa: E402
from tests.flows import buying  # noqa: E402
from tests.marketplace import make_practitioner, make_service, make_sessions, make_user, signed_in  # noqa: E402
from tests.wiring import SECRET, estuary_talks_to, settle_everything  # noqa: E402


def play(stripe: Sandbox) -> None:
    """Buy credits, spend them on a workshop, cancel it as its buyer, and have staff refund the credits."""
    buyer: APIClient = signed_in(make_user())
    staff: APIClient = signed_in(make_user("Ines Duarte", is_staff=True, is_superuser=True))
    bought = buying.buy_credits(stripe, buyer, "100.00")
    workshop = make_service(ServiceType.WORKSHOP, make_practitioner(), usd=4_000)
    [date] = make_sessions(workshop)
    buying.create(
        buyer,
        service_id=str(workshop.pk),
        use_credits=True,
        scheduling_data={"service_session_id": str(date.pk)},
    )
    settle_everything(stripe)
    [booking] = buyer.get("/api/v1/bookings/").json()["results"]
    assert buyer.post(f"/api/v1/bookings/{booking['id']}/cancel/", {}).status_code in {200, 201}
    refunds = f"/api/v1/orders/{bought['order_id']}/refunds/"
    assert staff.post(refunds, {"reason": "asked for"}).status_code == 201
    settle_everything(stripe)
    assert CreditTransaction.objects.exists()


if __name__ == "__main__":
    marketplace._numbers = count(os.getpid() * 1000)  # whoever played here before has other names
    sandbox = Sandbox(
        webhook_url="http://testserver/", webhook_secret=SECRET, webhook_api_version=API_VERSION
    )
    with estuary_talks_to(sandbox):
        play(sandbox)
    sys.stdout.write("played")
