"""SIGTERM while Stripe is slow: the buyer still gets the answer, and a sweep leaves the rest to the next worker."""

import http.client
import json
import signal
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from procrastinate.contrib.django.models import ProcrastinateJob

from estuary.accounts.models import User
from estuary.common import clock
from estuary.common.process import shutdown
from estuary.orders.models import Order
from estuary.payments.models import SyncCursor
from estuary.payments.reconciliation import overdue, stripe_lists
from estuary.payments.stripe_objects import Intent
from stripe_sandbox import Sandbox
from tests.factories import make_user, signed_in
from tests.flows import buying
from tests.flows.common.process.test_worker_process import Worker
from tests.flows.payments.gateway.test_real_mode import database_url
from tests.flows.payments.webhooks.test_webhook_on_the_wire import Wire, serving
from tests.sandbox_bridge import settle_everything
from tests.servers import wait_until

pytestmark = pytest.mark.django_db(transaction=True)

ORDERS = 8
SLOW_S = 2  # for one answer, within what is waited for


@pytest.fixture(autouse=True)
def no_shutdown_requested() -> Iterator[None]:
    yield
    shutdown._requested.clear()


def count_requests(stripe: Sandbox, ending: str) -> int:
    return sum(request.path.endswith(ending) for request in stripe.requests)


class Buying(threading.Thread):
    """A buyer at the real web server, who waits for the answer."""

    def __init__(self, wire: Wire, buyer: User) -> None:
        super().__init__()
        self._port, self.status = wire.port, 0
        self.answer: dict[str, object] = {}
        self._token = signed_in(buyer)._credentials["HTTP_AUTHORIZATION"]  # type: ignore[attr-defined]

    def run(self) -> None:
        wire = http.client.HTTPConnection("127.0.0.1", self._port, timeout=60)
        body = json.dumps({"is_credit_purchase": True, "amount": "100.00"})
        headers = {"Authorization": self._token, "Content-Type": "application/json"}
        wire.request("POST", buying.CREATE, body, headers)
        answer = wire.getresponse()
        self.status, self.answer = answer.status, json.loads(answer.read())
        wire.close()


def test_a_buyer_who_waits_for_a_slow_stripe_gets_the_answer_though_the_web_server_ends(
    stripe: Sandbox, address: str, maya: User
) -> None:
    stripe.faults.add("slow", "POST /v1/payment_intents", seconds=SLOW_S)
    with serving("--workers", "1", "--blocking-threads", "4", STRIPE_API_BASE=address) as wire:
        waiting = Buying(wire, maya)
        waiting.start()
        wait_until(lambda: count_requests(stripe, "/payment_intents") == 1)
        assert waiting.is_alive()
        wire.server.send_signal(signal.SIGTERM)
        assert wire.server.wait(timeout=60) == 0
        waiting.join(timeout=60)
    assert (waiting.status, waiting.answer["status"]) == (201, "pending")
    assert Order.objects.get().stripe_payment_intent_id
    settle_everything(stripe)


def test_a_sweep_stops_between_two_orders_and_the_next_worker_ends_the_rest_at_once(
    stripe: Sandbox, address: str, tmp_path: Path
) -> None:
    for number in range(ORDERS):
        buying.credits(signed_in(make_user(f"Buyer {number}")))
    Order.objects.update(expires_at=clock.now() - timedelta(seconds=1))
    stripe.faults.add("slow", "POST /v1/payment_intents/*/cancel", times=None, seconds=SLOW_S)
    worker = Worker(tmp_path / "worker.log", database_url(), STRIPE_API_BASE=address)
    try:
        worker.wait_until(lambda: count_requests(stripe, "/cancel") >= 1, "ending the first order")
        worker.process.send_signal(signal.SIGTERM)
        assert worker.process.wait(timeout=120) == 0
    finally:
        worker.process.kill()
        worker.process.wait()

    left = Order.objects.filter(status="pending")
    assert 0 < left.count() < ORDERS
    assert not left.exclude(next_close_at=None).exists()  # none of them was put off
    assert not worker.has_logged("sweep_failed") and not worker.has_logged("periodic_job_failed")
    assert not ProcrastinateJob.objects.filter(status="doing").exists()
    stripe.faults.clear()
    overdue.expire_orders()
    assert not left.exists()
    settle_everything(stripe)


def test_a_look_through_a_list_that_is_left_half_way_begins_there_again(
    stripe: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of what was paid while no news came, the rest is found by the next look."""
    orders = [buying.credits(signed_in(make_user(f"Buyer {number}"))) for number in range(2)]
    for one in orders:
        buying.pay_only(stripe, one)
    stripe.take_deliveries()
    agree = stripe_lists._reconcile

    def agree_and_request_end(order: Order, one: Intent) -> bool:
        shutdown.request_shutdown()
        return agree(order, one)

    with monkeypatch.context() as patch:
        patch.setattr(stripe_lists, "_reconcile", agree_and_request_end)
        with pytest.raises(shutdown.ShuttingDown):
            stripe_lists.sync_payments()
    completed = Order.objects.filter(status="completed")
    assert completed.count() == 1
    assert SyncCursor.objects.get(name="payments").looked_until < clock.now() - timedelta(days=1)

    shutdown._requested.clear()
    stripe_lists.sync_payments()
    assert completed.count() == 2
    settle_everything(stripe)
