"""How a worker's threads share the inbox while more waits than one can take."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
from django.db import transaction
from rest_framework.test import APIClient

from estuary.common import clock
from estuary.orders.models import Order
from estuary.payments.inbox import processor
from estuary.payments.inbox.worker import InboxWorker
from estuary.payments.models import WebhookEvent
from stripe_sandbox import Sandbox
from tests.flows import buying
from tests.flows.buying import pay_only, status_of
from tests.sandbox_bridge import post_all

pytestmark = pytest.mark.django_db(transaction=True)

PENDING = WebhookEvent.objects.filter(status="pending")
WITHIN_S = 30


def put_in(how_many: int, *, before_others: bool) -> None:
    """Have so many events wait that are no concern of ours."""
    at = clock.now() - timedelta(minutes=1) if before_others else clock.now()
    WebhookEvent.objects.bulk_create(
        WebhookEvent(
            stripe_event_id=f"evt_{before_others}_{number}",
            type=(kind := "invoice.created"),
            livemode=False,
            payload={"type": kind, "data": {"object": {"id": f"in_{number}", "object": "invoice"}}},
            due_at=at,
            created_at=at,
            received_at=at,
        )
        for number in range(how_many)
    )


@contextmanager
def draining() -> Iterator[None]:
    stop = threading.Event()
    threads = InboxWorker(stop, single_first=0)
    threads.start()
    try:
        yield
    finally:
        stop.set()
        threads.join()


def wait_until(so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + WITHIN_S
    while not so():
        assert time.monotonic() < deadline, f"{PENDING.count()} events still wait"
        time.sleep(0.01)


def free() -> int:
    """How many waiting events nobody holds; whoever looks must not hold them either, or no drain finds any."""
    with transaction.atomic():
        unheld = len(PENDING.select_for_update(skip_locked=True))
        transaction.set_rollback(True)
    return unheld


def test_a_batch_that_must_wait_holds_up_none_of_a_backlog(stripe: Sandbox, buyer: APIClient) -> None:
    order = buying.credits(buyer)
    pay_only(stripe, order)
    put_in(processor.BATCH, before_others=True)
    post_all(stripe)
    put_in(3 * processor.BATCH, before_others=False)
    with draining():
        with transaction.atomic():
            Order.objects.select_for_update().get()
            wait_until(lambda: PENDING.count() <= processor.BATCH)
            assert status_of(order) == "pending"
        wait_until(lambda: not PENDING.exists())
    assert status_of(order) == "completed"
    assert buying.balance(buyer) == "100.00"


def test_one_alone_drains_what_is_less_than_a_batch(stripe: Sandbox, buyer: APIClient) -> None:
    order = buying.credits(buyer)
    pay_only(stripe, order)
    post_all(stripe)
    with draining():
        with transaction.atomic():
            Order.objects.select_for_update().get()
            wait_until(lambda: free() == 0)
            put_in(processor.BATCH // 2, before_others=False)
            time.sleep(0.2)
            assert free() == processor.BATCH // 2
        wait_until(lambda: not PENDING.exists())
    assert status_of(order) == "completed"
