"""Joins the product to a sandbox in the same process, through the real SDK, and carries its events over."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress

from django.conf import settings
from django.test import Client

from estuary.config.environment import SANDBOX_DEFAULTS
from estuary.payments import client as stripe_client
from estuary.payments.inbox import processor
from stripe_sandbox import Delivery, Sandbox
from stripe_sandbox.inprocess import SandboxHTTPClient
from tests.jobs import task_named

SECRET = SANDBOX_DEFAULTS["stripe_webhook_secret"]
WEBHOOK = "/api/v1/payments/webhook/"


@contextmanager
def estuary_talks_to(sandbox: Sandbox) -> Iterator[None]:
    """Point the product's Stripe client at ``sandbox`` for a while."""
    global _current
    outer, _current = _current, SandboxHTTPClient(sandbox)
    before, settings.STRIPE_HTTP_CLIENT = (
        settings.STRIPE_HTTP_CLIENT,
        "tests.sandbox_bridge.current_http_client",
    )
    stripe_client._client.cache_clear()
    try:
        yield
    finally:
        settings.STRIPE_HTTP_CLIENT, _current = before, outer
        stripe_client._client.cache_clear()


_current: SandboxHTTPClient | None = None


def current_http_client() -> SandboxHTTPClient:
    assert _current is not None
    return _current


def post_event(delivery: Delivery) -> int:
    """Deliver one event as Stripe does and return the status of the answer."""
    answer = Client().post(
        WEBHOOK, data=delivery.body, content_type="application/json", headers=_signature(delivery.headers)
    )
    return answer.status_code


def _signature(headers: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in headers.items() if name.lower() == "stripe-signature"}


type Reorder = Callable[[list[Delivery]], Iterable[Delivery]]


def deliver(sandbox: Sandbox, reorder: Reorder = list) -> list[str]:
    """Deliver all waiting events, in the order that ``reorder`` gives, have them settled, and return their types."""
    waiting = list(reorder(sandbox.take_deliveries()))
    for delivery in waiting:
        assert post_event(delivery) == 200
        processor.drain()
    return [delivery.type for delivery in waiting]


def post_all(sandbox: Sandbox) -> None:
    """Deliver all waiting events, and leave them to whoever settles."""
    for delivery in sandbox.take_deliveries():
        assert post_event(delivery) == 200


def settle_everything(sandbox: Sandbox) -> None:
    """Deliver, work off the jobs, and again, until nothing is left to do."""
    for _ in range(6):
        delivered = deliver(sandbox)
        if not run_jobs() and not delivered:
            return


def run_jobs(*refusals: type[Exception]) -> int:
    """Run the waiting jobs of the worker, one after the other, and return how many ran; one may end in a refusal."""
    from procrastinate.contrib.django.models import ProcrastinateJob

    ran = 0
    last = 0
    for job in ProcrastinateJob.objects.filter(status="todo").order_by("id"):
        with suppress(*refusals):
            task_named(job.task_name)(**job.args)
        ran, last = ran + 1, job.id
    forget_jobs(upto=last)  # what these have enqueued is not run yet
    return ran


def forget_jobs(upto: int = 2**63 - 1) -> None:
    """What ran is removed; procrastinate's Django models are read-only, so in its own words to the database."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM procrastinate_jobs WHERE status = 'todo' AND id <= %s", [upto])
