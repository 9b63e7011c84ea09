"""A stateful Stripe for development and tests: in one process, or as a server on port 12111."""

from stripe_sandbox.clock import ManualClock, SystemClock
from stripe_sandbox.errors import StripeError
from stripe_sandbox.http import RecordedRequest, Response
from stripe_sandbox.ids import Ids
from stripe_sandbox.launch import running
from stripe_sandbox.sandbox import Sandbox
from stripe_sandbox.webhook_queue import Delivery

__all__ = [
    "Delivery",
    "Ids",
    "ManualClock",
    "RecordedRequest",
    "Response",
    "Sandbox",
    "StripeError",
    "SystemClock",
    "running",
]
