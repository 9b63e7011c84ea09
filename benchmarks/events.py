"""Signed events as Stripe sends them, distinct, and created before the measurement starts.

One payment in the sandbox gives a ``payment_intent.succeeded``, which is the template of all others.
"""

import json
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import stripe

from demo.plan import API_VERSION
from estuary.config.environment import SANDBOX_DEFAULTS
from stripe_sandbox import Sandbox
from stripe_sandbox.inprocess import SandboxHTTPClient
from stripe_sandbox.webhook_queue import signature

SECRET = SANDBOX_DEFAULTS["stripe_webhook_secret"]
TYPE = "payment_intent.succeeded"
CUSTOMER = "cus_of_the_benchmark"
AMOUNT = 50_00  # minor units, of every order that is paid here
# What a buyer of a session chose, as it is written beside the payment.
METADATA = {
    "order_id": "ord_of_the_pattern",
    "user_id": "1",
    "order_type": "direct",
    "service_id": "17",
    "service_type": "session",
    "service_name": "Breathwork for people who sit all day, one to one",
    "scheduling_data": json.dumps(
        {
            "start_datetime": "2027-03-04T09:30:00+00:00",
            "notes": "A quiet room, please. My left knee does not like to be bent for long.",
            "intake": {"been_here_before": False, "heard_of_us": "a friend who comes every other week"},
        }
    ),
}


@dataclass(frozen=True, slots=True)
class Payment:
    """The ids of an event, its intent and its order."""

    event_id: str
    intent_id: str
    order_id: str

    @classmethod
    def number(cls, number: int) -> "Payment":
        """Return the ids that market.py writes too, padded with letters as Stripe's ids have few digits."""
        return cls(f"evt_{number:x>24}", f"pi_{number:x>24}", f"ord_{number:x>16}")


def signed(payments: Iterable[Payment], *, at: int | None = None) -> Iterator[tuple[bytes, str]]:
    """Yield the body and the ``Stripe-Signature`` of each payment's event, signed as of ``at`` (now)."""
    whole = pattern()
    for payment in payments:
        body = whole % {
            b"event": payment.event_id.encode(),
            b"intent": payment.intent_id.encode(),
            b"order": payment.order_id.encode(),
        }
        yield body, signature(body, SECRET, at or int(time.time()))


@cache
def pattern() -> bytes:
    """Return the body of a real event with gaps (``%(event)b``) where one differs from the next."""
    event = _played()
    intent = event["data"]["object"]
    text = json.dumps(event, indent=2).replace("%", "%%").replace(intent["customer"], CUSTOMER)
    for name, gap in ((event["id"], "event"), (intent["id"], "intent"), (METADATA["order_id"], "order")):
        text = text.replace(name, f"%({gap})b")
    return text.encode()


def _played() -> dict[str, Any]:
    sandbox = Sandbox(
        webhook_url="http://nobody.example/", webhook_secret=SECRET, webhook_api_version=API_VERSION
    )
    client = stripe.StripeClient(
        SANDBOX_DEFAULTS["stripe_secret_key"], http_client=SandboxHTTPClient(sandbox)
    )
    customer = client.v1.customers.create({"email": "buyer@estuary.example", "name": "Maya Lindqvist"})
    intent = client.v1.payment_intents.create(
        {
            "amount": AMOUNT,
            "currency": "usd",
            "customer": customer.id,
            "automatic_payment_methods": {"enabled": True, "allow_redirects": "never"},
            "setup_future_usage": "off_session",
            "description": METADATA["service_name"],
            "metadata": METADATA,
        }
    )
    client.v1.payment_intents.confirm(intent.id, {"payment_method": "pm_card_visa"})
    bodies = [delivery.body for delivery in sandbox.take_deliveries() if delivery.type == TYPE]
    event: dict[str, Any] = json.loads(bodies[0])
    return event
