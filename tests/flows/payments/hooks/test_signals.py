"""Signals for code of one's own: sent after the commit, to each receiver by itself, until it takes them."""

import importlib
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import partial
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, ClassVar
from unittest import mock

import pytest
from django.core import mail
from django.db import connection, transaction
from procrastinate import PsycopgConnector
from procrastinate.contrib.django import app
from procrastinate.contrib.django.models import ProcrastinateJob
from procrastinate.contrib.django.utils import connector_params
from pytest_django import Settings
from rest_framework.test import APIClient

from estuary.accounts.models import Practitioner
from estuary.catalog.models import ServiceType
from estuary.config.environment import BASE_DIR
from estuary.orders.models import Order
from estuary.payments.hooks import signals
from estuary.payments.hooks.signals import SIGNALS, ChangeSignal
from estuary.payments.inbox import processor
from estuary.payments.models import WebhookEvent
from stripe_sandbox import Sandbox
from tests.factories import a_free_slot, make_service
from tests.flows import buying
from tests.flows.buying import Json
from tests.flows.disputing import dispute
from tests.sandbox_bridge import deliver, post_event, settle_everything

pytestmark = pytest.mark.django_db(transaction=True)

PAGE = BASE_DIR / "docs" / "howto" / "beside-a-django-project.md"

heard: list[tuple[str, Json]] = []
failures: list[Exception] = []


def listen(signal: ChangeSignal, **details: Any) -> None:
    heard.append((signal.name, details))


def listen_too(signal: ChangeSignal, **details: Any) -> None:
    heard.append((f"{signal.name} too", details))


async def listen_without_blocking(signal: ChangeSignal, **details: Any) -> None:
    heard.append((f"{signal.name} async", details))


def stumble(signal: ChangeSignal, **details: Any) -> None:
    """Fail as often as ``failures`` has an error, then take the signal."""
    if failures:
        raise failures.pop()
    heard.append((f"{signal.name} at last", details))


type Connect = Callable[..., None]


@pytest.fixture
def connect() -> Iterator[Connect]:
    """Connect receivers to every signal for one test, as an app does in ``ready``."""
    connected: list[Callable[..., Any]] = []

    def connect_all(*receivers: Callable[..., Any]) -> None:
        for receiver in receivers:
            connected.append(receiver)
            for signal in SIGNALS.values():
                signal.connect(receiver)

    heard.clear()
    failures.clear()
    yield connect_all
    for receiver in connected:
        for signal in SIGNALS.values():
            signal.disconnect(receiver)


def work() -> None:
    """Run the due jobs in a real worker of procrastinate, until none is left; nothing periodic among them."""
    periodic = mock.patch.dict(app.periodic_registry.periodic_tasks, clear=True)
    with periodic, app.replace_connector(PsycopgConnector(kwargs=connector_params())):
        app.run_worker(wait=False, install_signal_handlers=False, listen_notify=False, concurrency=1)


def make_due() -> None:
    with connection.cursor() as cursor:
        cursor.execute("UPDATE procrastinate_jobs SET scheduled_at = NULL WHERE status = 'todo'")


def jobs() -> list[tuple[str, int]]:
    waiting = ProcrastinateJob.objects.filter(task_name="payments.call_receiver", status="todo").order_by(
        "id"
    )
    return [
        (f"{job.args['signal']} {job.args['receiver'].rpartition('.')[2]}", job.attempts) for job in waiting
    ]


def names() -> list[str]:
    return [name for name, _ in heard]


def test_without_a_receiver_nothing_is_enqueued(stripe: Sandbox, buyer: APIClient) -> None:
    order = buying.credits(buyer)
    buying.pay_only(stripe, order)
    deliver(stripe)
    assert (buying.status_of(order), jobs()) == ("completed", [])


def test_each_change_of_an_order_is_sent_once_with_its_rows(
    stripe: Sandbox, buyer: APIClient, staff: APIClient, connect: Connect
) -> None:
    connect(listen)
    purchase = buying.credits(buyer)
    buying.pay(stripe, purchase)
    [(name, details)] = heard
    order = buying.order_of(purchase)
    assert (name, details["order"], details["sender"]) == ("order_completed", order, Order)
    assert (details["order"].status, details["change_id"]) == (
        "completed",
        f"order_completed:{order.public_id}",
    )
    buying.refund(staff, purchase, amount="30.00")
    settle_everything(stripe)
    (name, details) = heard[1]
    assert (name, details["order"], details["refund"].card_minor) == ("order_refunded", order, 3000)
    assert details["change_id"] == f"order_refunded:{details['refund'].public_id}"
    dispute(stripe, purchase)
    assert names() == ["order_completed", "order_refunded", "order_disputed"]
    assert heard[2][1]["dispute"].order == order


def test_bookings_are_confirmed_and_canceled(
    stripe: Sandbox, buyer: APIClient, ana: Practitioner, connect: Connect
) -> None:
    connect(listen)
    massage = make_service(ServiceType.SESSION, ana, usd=9000)
    other = make_service(ServiceType.SESSION, ana, usd=6000)
    package = make_service(ServiceType.PACKAGE, ana, holds=[massage, other], usd=12000)
    order = buying.create(buyer, service_id=str(package.pk))
    buying.pay(stripe, order)
    assert sorted(names()) == ["booking_confirmed"] * 3 + ["order_completed"]
    heard.clear()
    [root] = buying.bookings(buyer)
    assert buyer.post(f"/api/v1/bookings/{root['children'][0]['id']}/cancel/").status_code == 200
    settle_everything(stripe)
    assert sorted(names()) == ["booking_canceled", "order_refunded"]
    canceled = next(details["booking"] for name, details in heard if name == "booking_canceled")
    assert (str(canceled.pk), canceled.status) == (root["children"][0]["id"], "canceled")


def test_an_order_that_ends_unpaid_is_canceled(
    stripe: Sandbox, buyer: APIClient, ana: Practitioner, connect: Connect
) -> None:
    connect(listen)
    session = make_service(ServiceType.SESSION, ana)
    order = buying.service(buyer, session, start_datetime=a_free_slot(session).isoformat())
    assert buyer.post(f"/api/v1/orders/{order['order_id']}/cancel/").status_code == 200
    settle_everything(stripe)
    assert names() == ["order_canceled"]


def test_a_refund_that_a_bank_returns_is_sent_as_failed(
    stripe: Sandbox, buyer: APIClient, staff: APIClient, connect: Connect
) -> None:
    order = buying.credits(buyer)
    buying.pay(stripe, order)
    connect(listen)
    buying.refund(staff, order)
    settle_everything(stripe)
    [refund] = stripe.state.store.refunds
    stripe.control.fail_refund(refund["id"])
    settle_everything(stripe)
    assert names() == ["order_refunded", "refund_failed"]


def test_a_change_that_is_rolled_back_is_sent_to_nobody(
    stripe: Sandbox, buyer: APIClient, connect: Connect
) -> None:
    connect(listen)
    order = buying.credits(buyer)
    buying.pay_only(stripe, order)
    for delivery in stripe.take_deliveries():
        post_event(delivery)
    with transaction.atomic():
        processor.drain()
        assert buying.status_of(order) == "completed" and jobs()
        transaction.set_rollback(True)
    assert (buying.status_of(order), jobs()) == ("pending", [])
    work()
    assert heard == []
    processor.drain()
    work()
    assert names() == ["order_completed"]


def test_doubled_and_replayed_events_send_a_change_once(
    stripe: Sandbox, buyer: APIClient, connect: Connect
) -> None:
    connect(listen)
    order = buying.credits(buyer)
    buying.pay_only(stripe, order)
    deliveries = stripe.take_deliveries()
    for delivery in [*deliveries, *reversed(deliveries)]:
        post_event(delivery)
        processor.drain()
    processor.replay(list(WebhookEvent.objects.all()))
    processor.drain()
    buyer.post(f"/api/v1/orders/{order['order_id']}/sync/")
    work()
    assert names() == ["order_completed"]


def test_a_receiver_that_fails_is_tried_again_and_the_others_are_left_alone(
    stripe: Sandbox, buyer: APIClient, connect: Connect, settings: Settings
) -> None:
    settings.STAFF_MAIL = "staff@estuary.example"
    connect(listen, stumble, listen_too)
    failures.extend([RuntimeError("the shop's own database is away"), ValueError("once more")])
    order = buying.credits(buyer)
    buying.pay_only(stripe, order)
    deliver(stripe)
    assert [name for name, _ in jobs()] == [
        f"order_completed {name}" for name in ("listen", "listen_too", "stumble")
    ]
    work()
    assert (buying.status_of(order), buying.balance(buyer)) == ("completed", "100.00")
    assert sorted(names()) == ["order_completed", "order_completed too"]
    assert jobs() == [("order_completed stumble", 1)]
    make_due()
    work()
    assert jobs() == [("order_completed stumble", 2)]
    make_due()
    work()
    assert (sorted(names()), jobs()) == (
        ["order_completed", "order_completed at last", "order_completed too"],
        [],
    )
    assert {details["change_id"] for _, details in heard} == {f"order_completed:{order['order_id']}"}
    alerts = [each for each in mail.outbox if each.subject == "[Estuary alert] receiver_failed"]
    assert len(alerts) == 1 and "stumble" in alerts[0].body


def test_a_worker_without_the_receiver_leaves_the_job_for_one_that_has_it(
    stripe: Sandbox, buyer: APIClient, connect: Connect
) -> None:
    connect(listen)
    order = buying.credits(buyer)
    buying.pay_only(stripe, order)
    deliver(stripe)
    signals.order_completed.disconnect(listen)
    work()
    assert (heard, jobs()) == ([], [("order_completed listen", 1)])
    signals.order_completed.connect(listen)
    make_due()
    work()
    assert (names(), jobs()) == (["order_completed"], [])


def test_a_receiver_may_be_asynchronous(stripe: Sandbox, buyer: APIClient, connect: Connect) -> None:
    connect(listen_without_blocking)
    buying.buy_credits(stripe, buyer)
    assert names() == ["order_completed async"]


def test_a_receiver_without_a_name_is_refused_when_it_connects() -> None:
    with pytest.raises(TypeError, match="has no name"):
        signals.order_completed.connect(partial(listen))


def test_every_signal_is_on_the_page() -> None:
    table = set(re.findall(r"^\| `(\w+)` \|", PAGE.read_text(encoding="utf-8"), re.MULTILINE))
    assert table == set(SIGNALS)


@pytest.fixture
def app_of_the_page(tmp_path: Path) -> Path:
    """The page's own files, in a folder beside."""
    files = re.findall(
        r"```python\n# (shop_hooks/\w+\.py)\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL
    )
    assert {name for name, _ in files} == {"shop_hooks/apps.py", "shop_hooks/receivers.py"}
    (tmp_path / "shop_hooks").mkdir()
    (tmp_path / "shop_hooks" / "__init__.py").touch()
    for name, source in files:
        (tmp_path / name).write_text(source)
    return tmp_path


def test_an_app_that_is_named_connects_its_receivers(app_of_the_page: Path) -> None:
    show = (
        "import django; django.setup(); from estuary.payments.hooks.signals import SIGNALS;"
        "print(*sorted(f'{signal.name}={name}' for signal in SIGNALS.values() for name in signal.receivers_by_name()))"
    )
    environment = os.environ | {
        "ESTUARY_APPS": "shop_hooks.apps.ShopHooksConfig",
        "PYTHONPATH": str(app_of_the_page),
        "DJANGO_SETTINGS_MODULE": "estuary.config.settings",
    }
    command = [sys.executable, "-W", "ignore", "-c", show]
    shown = subprocess.run(
        command, env=environment, capture_output=True, text=True, cwd=BASE_DIR, check=False
    )
    assert shown.returncode == 0, shown.stderr
    assert shown.stdout.split() == [
        "order_completed=shop_hooks.receivers.send_to_shop",
        "order_refunded=shop_hooks.receivers.send_to_shop",
    ]


class Shop(BaseHTTPRequestHandler):
    """Another project: fails once, then takes what it is sent."""

    taken: ClassVar[list[Json]] = []
    answers: ClassVar[list[int]] = []

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.send_response(self.answers.pop() if self.answers else 200)
        self.end_headers()
        self.taken.append(body | {"token": self.headers["Authorization"]})

    def log_message(self, *_: Any) -> None:
        pass


def test_the_app_of_the_page_sends_orders_to_another_project(
    app_of_the_page: Path, stripe: Sandbox, buyer: APIClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = HTTPServer(("127.0.0.1", 0), Shop)
    Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("SHOP_URL", f"http://127.0.0.1:{server.server_port}/orders/")
    monkeypatch.setenv("SHOP_TOKEN", "a-token")
    monkeypatch.syspath_prepend(app_of_the_page)
    receivers = importlib.import_module("shop_hooks.receivers")
    Shop.taken.clear()
    Shop.answers[:] = [503]
    try:
        order = buying.credits(buyer)
        buying.pay_only(stripe, order)
        deliver(stripe)
        work()
        assert [each["order_id"] for each in Shop.taken] == [order["order_id"]]
        make_due()
        work()
    finally:
        signals.order_completed.disconnect(receivers.send_to_shop)
        signals.order_refunded.disconnect(receivers.send_to_shop)
        del sys.modules["shop_hooks.receivers"], sys.modules["shop_hooks"]
        server.shutdown()
        server.server_close()
    assert [each["change_id"] for each in Shop.taken] == [f"order_completed:{order['order_id']}"] * 2
    assert (Shop.taken[1]["status"], Shop.taken[1]["token"]) == ("completed", "Bearer a-token")


def test_a_receiver_comes_after_every_other_job_of_the_worker(
    stripe: Sandbox, buyer: APIClient, connect: Connect
) -> None:
    connect(listen)
    order = buying.credits(buyer)
    buying.pay_only(stripe, order)
    for delivery in stripe.take_deliveries():
        assert post_event(delivery) == 200
    processor.drain()
    waiting = ProcrastinateJob.objects.filter(status="todo")
    of_receivers = set(waiting.filter(task_name="payments.call_receiver").values_list("priority", flat=True))
    of_others = set(waiting.exclude(task_name="payments.call_receiver").values_list("priority", flat=True))
    assert of_receivers and of_others
    assert max(of_receivers) < min(of_others)
