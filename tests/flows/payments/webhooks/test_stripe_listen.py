"""The official tool carries a payment's events to the webhook, and the buyer gets a booking."""

import re
from pathlib import Path

import pytest
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

from estuary.bookings.models import Booking
from estuary.catalog.models import ServiceType
from estuary.payments import client as stripe_client
from estuary.payments.inbox import processor
from estuary.payments.models import WebhookEvent
from tests.contract.official_cli import serving, wait_for
from tests.factories import a_free_slot, make_practitioner, make_service, make_user, signed_in

READY = re.compile(r"whsec_\w+")


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    "which", [("--all-snapshot",), ("--all-snapshot", "--latest")], ids=["older", "latest"]
)
def test_a_payment_forwarded_by_stripe_listen_ends_in_a_booking(
    live_server: LiveServer, settings: Settings, tmp_path: Path, which: tuple[str, ...]
) -> None:
    session = make_service(ServiceType.SESSION, make_practitioner())
    buyer = signed_in(make_user())
    forward_to = live_server.url.removeprefix("http://") + "/api/v1/payments/webhook/"
    with serving(tmp_path) as sandbox, sandbox.listening(forward_to, *which) as lines:
        secret = wait_for(lambda: READY.findall("\n".join(lines)), "the signing secret")[0]
        settings.STRIPE_WEBHOOK_SECRETS, settings.STRIPE_API_BASE = [secret], sandbox.base
        stripe_client._client.cache_clear()
        body = {
            "service_id": session.pk,
            "scheduling_data": {"start_datetime": a_free_slot(session).isoformat()},
        }
        order = buyer.post("/api/v1/payments/create/", body).json()
        stripe_client.confirm_intent(
            order["payment_intent_id"], payment_method_id="pm_card_visa", key=f"{order['order_id']}-test"
        )
        wait_for(lambda: WebhookEvent.objects.filter(type="payment_intent.succeeded").first(), "the event")
        while processor.drain():
            pass
    stripe_client._client.cache_clear()
    booking = Booking.objects.get(order__public_id=order["order_id"])
    assert (booking.status, booking.service_type) == ("confirmed", "session")
