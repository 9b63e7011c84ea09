"""The harness of the paths: a Stripe sandbox in the same process, a signed-in user, and the shop's data.

``market.py`` creates the orders. This module adds prices, hours, and one workshop with as many guests as a room holds,
whatever the number of orders.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import time, timedelta
from typing import Any

from benchmarks.events import AMOUNT
from benchmarks.market import HOSTS

DAYS, GUESTS = 7, 10
ROOM = "room-of-the-benchmark"  # the slug of the practitioner who has it

type Json = dict[str, Any]

_current: Any = None


def http_client() -> Any:
    """Return the SDK's HTTP client, which STRIPE_HTTP_CLIENT names."""
    return _current


@dataclass(slots=True)
class Harness:
    """The shop and its users. The first ``orders`` orders are settled; later ones wait for their payment."""

    orders: int
    stripe: Any
    client: Any = field(init=False)

    def __post_init__(self) -> None:
        from rest_framework.test import APIClient

        self.client = APIClient(SERVER_NAME="localhost")

    def sign_in(self, user: Any) -> Any:
        self.client.force_authenticate(user)
        return user

    def buyer(self, number: int) -> Any:
        """Sign in the buyer of the order with this number (from 1), and return the buyer."""
        from estuary.accounts.models import User

        return self.sign_in(User.objects.get(pk=HOSTS + number))

    def get(self, url: str, expected: int = 200, **headers: str) -> Json:
        return _read(self.client.get(f"/api/v1/{url}", headers=headers), expected)

    def post(
        self, url: str, expected: int = 200, headers: Mapping[str, str] | None = None, **body: Any
    ) -> Json:
        return _read(self.client.post(f"/api/v1/{url}", body, headers=headers or {}), expected)

    def deliver(self) -> None:
        """Receive Stripe's due events and settle them."""
        from estuary.common import clock
        from estuary.payments.event_store import store_event
        from estuary.payments.inbox import processor

        for delivery in self.stripe.take_deliveries():
            store_event(json.loads(delivery.body), clock.now())
            processor.drain()

    def free_slot(self, service_id: int, nth: int) -> str:
        """Return a free start at least three days ahead, before all booked times."""
        first = (_now() + timedelta(days=3)).date().isoformat()
        slots = self.get(f"services/{service_id}/slots/?from={first}&days=14")["slots"]
        return str(slots[nth % len(slots)]["start_datetime"])


def _read(response: Any, expected: int) -> Json:
    assert response.status_code == expected, f"{response.status_code} {response.content.decode()[:500]}"
    return dict(response.json()) if response.content else {}


def _now() -> Any:
    from estuary.common import clock

    return clock.now()


def open_harness(orders: int) -> Harness:
    """Return the harness with its Stripe sandbox, after adding prices and hours once."""
    global _current
    from django.conf import settings

    from estuary.accounts.models import Practitioner
    from estuary.payments.client import API_VERSION
    from stripe_sandbox import Sandbox
    from stripe_sandbox.inprocess import SandboxHTTPClient

    secret = settings.STRIPE_WEBHOOK_SECRETS[0]
    stripe = Sandbox(webhook_secret=secret, webhook_api_version=API_VERSION)
    _current, settings.STRIPE_HTTP_CLIENT = SandboxHTTPClient(stripe), f"{__name__}.http_client"
    harness = Harness(orders, stripe)
    if not Practitioner.objects.filter(slug=ROOM).exists():
        _open_shop()
        _fill_room(harness)
    return harness


def _open_shop() -> None:
    """Give each service a price, and each practitioner hours on every day."""
    from estuary.accounts.models import Practitioner
    from estuary.catalog.models import Availability, Service, ServicePrice

    _furnish_room()
    _look_again()
    services = Service.objects.values_list("pk", flat=True)
    ServicePrice.objects.bulk_create(
        ServicePrice(service_id=pk, currency="usd", amount_minor=AMOUNT) for pk in services
    )
    Availability.objects.bulk_create(
        Availability(practitioner=host, weekday=day, starts=time(0), ends=time(23, 59))
        for host in Practitioner.objects.all()
        for day in range(DAYS)
    )


def _look_again() -> None:
    """Refresh the planner's statistics, which do not yet contain the practitioner that was added last."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("ANALYZE accounts_practitioner")


def _furnish_room() -> None:
    from estuary.accounts.models import Practitioner, User
    from estuary.catalog.models import Service, ServiceSession, ServiceType

    host = User.objects.create(email=f"{ROOM}@estuary.example")
    practitioner = Practitioner.objects.create(user=host, display_name="The room", slug=ROOM, time_zone="UTC")
    service = Service.objects.create(
        practitioner=practitioner, type=ServiceType.WORKSHOP, name="In the room", slug=ROOM
    )
    begin = _now() + timedelta(days=5)
    ServiceSession.objects.create(
        service=service, starts_at=begin, ends_at=begin + timedelta(hours=2), capacity=2 * GUESTS
    )


def _fill_room(harness: Harness) -> None:
    from estuary.catalog.models import ServiceSession

    session = ServiceSession.objects.get(service__slug=ROOM)
    for guest in range(1, GUESTS + 1):
        harness.buyer(harness.orders - guest)
        buy(harness, session.service_id, service_session_id=str(session.pk))


def buy(harness: Harness, service_id: int, **scheduling: str) -> Json:
    """Buy a service by card as the signed-in buyer, until it is fulfilled; return the created payment."""
    payment = harness.post("payments/create/", 201, service_id=str(service_id), scheduling_data=scheduling)
    harness.stripe.control.confirm(payment["payment_intent_id"])
    harness.deliver()
    return payment
