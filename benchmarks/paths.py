"""The hot paths, each played often while every statement is timed:
``python -m benchmarks.paths ORDERS FIRST TIMES FILE``.

Started by ``benchmarks.long`` on the database that it has filled.
"""

import json
import re
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any

import django
import psycopg

SAVEPOINT = re.compile(r'"s\d+_x\d+"')  # each has a name of its own
WARM_UP = 5  # times that do not count

type Play = Callable[[int], None]  # of one path; it takes the number of its turn


def main(orders: int, first: int, times: int, file: Path) -> None:
    django.setup()
    took_ms: dict[str, list[float]] = defaultdict(list)
    for name, play in paths(orders).items():
        for turn in range(first, first + WARM_UP + times):
            with timing(name, took_ms if turn >= first + WARM_UP else defaultdict(list)):
                play(turn)
    file.write_text(json.dumps(took_ms))


def read(file: Path) -> dict[str, list[float]]:
    told: dict[str, list[float]] = json.loads(file.read_text())
    return told


@contextmanager
def timing(path: str, took_ms: dict[str, list[float]]) -> Iterator[None]:
    """Note how long each statement takes, by the path and its text without values."""
    from django.db import connection

    def timed(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        begun = time.perf_counter()
        answer = execute(sql, params, many, context)
        with _answered(connection.connection):
            took_s = time.perf_counter() - begun
        text = SAVEPOINT.sub("…", " ".join(sql.split()))
        took_ms[f"{path}: {text}"].append(took_s * 1000)
        return answer

    with connection.execute_wrapper(timed):
        yield


def _answered(connection: "psycopg.Connection[Any]") -> AbstractContextManager[object]:
    """Wait for the answer to what the product only sends: a pipeline begun inside another does."""
    return connection.pipeline() if connection.pgconn.pipeline_status else nullcontext()


def paths(orders: int) -> dict[str, Play]:
    """Return what buyers, Stripe and the worker do all day."""
    return reading() | settling(orders)


def reading() -> dict[str, Play]:
    """Return what buyers look at."""
    from rest_framework.test import APIClient

    from estuary.accounts.models import User
    from estuary.orders.models import Order

    client = APIClient(SERVER_NAME="localhost")
    people = list(User.objects.filter(orders__isnull=False).order_by("pk")[:100])

    def get(url: str) -> None:
        answer = client.get(f"/api/v1/{url}")
        assert answer.status_code == 200, answer.content

    def as_someone(turn: int) -> User:
        user = people[turn % len(people)]
        client.force_authenticate(user)
        return user

    def lists(turn: int) -> None:
        as_someone(turn)
        for url in ("orders/", "bookings/", "credits/", "payments/methods/"):
            get(url)

    def one_order(turn: int) -> None:
        user = as_someone(turn)
        order = Order.objects.filter(user=user).order_by("-id")[:1].get()
        get(f"orders/{order.public_id}/")

    def catalog(turn: int) -> None:
        get("services/")

    return {"lists": lists, "one order": one_order, "catalog": catalog}


def settling(orders: int) -> dict[str, Play]:
    """Return what Stripe and the worker do; the orders after the first ``orders`` wait for their events."""
    from benchmarks.events import Payment, signed
    from estuary.common import clock
    from estuary.payments import inbox, sweep
    from estuary.payments.webhooks import keep

    def take_in(payment: Payment) -> None:
        body, _ = next(signed([payment]))
        keep(json.loads(body), clock.now())
        assert inbox.drain() == 1

    def unknown_event(turn: int) -> None:
        take_in(Payment.number(10**12 + turn))

    def settle(turn: int) -> None:
        take_in(Payment.number(orders + 1 + turn))

    def expire(turn: int) -> None:
        sweep.expire_orders()

    return {"unknown event": unknown_event, "settle": settle, "expire": expire}


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), Path(sys.argv[4]))
