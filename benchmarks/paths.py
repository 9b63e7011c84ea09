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
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import django

SAVEPOINT = re.compile(r'"s\d+_x\d+"')  # each has a name of its own
WARM_UP = 5  # times that do not count


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
        try:
            return execute(sql, params, many, context)
        finally:
            text = SAVEPOINT.sub("…", " ".join(sql.split()))
            took_ms[f"{path}: {text}"].append((time.perf_counter() - begun) * 1000)

    with connection.execute_wrapper(timed):
        yield


def paths(orders: int) -> dict[str, Callable[[int], None]]:
    """Return what buyers, Stripe and the worker do all day; each takes the number of its turn."""
    from rest_framework.test import APIClient

    from benchmarks.events import Payment, signed
    from estuary.accounts.models import User
    from estuary.common import clock
    from estuary.orders.models import Order
    from estuary.payments import inbox, sweep
    from estuary.payments.webhooks import keep

    client = APIClient(SERVER_NAME="localhost")
    people = list(User.objects.filter(orders__isnull=False).order_by("pk")[:100])

    def get(url: str) -> None:
        answer = client.get(url)
        assert answer.status_code == 200, answer.content

    def as_someone(turn: int) -> User:
        user = people[turn % len(people)]
        client.force_authenticate(user)
        return user

    def lists(turn: int) -> None:
        as_someone(turn)
        for url in ("orders/", "bookings/", "credits/", "payments/methods/"):
            get(f"/api/v1/{url}")

    def one_order(turn: int) -> None:
        user = as_someone(turn)
        order = Order.objects.filter(user=user).order_by("-id")[:1].get()
        get(f"/api/v1/orders/{order.public_id}/")

    def accept_unknown(turn: int) -> None:
        body, _ = next(signed([Payment.number(10**12 + turn)]))
        keep(json.loads(body), clock.now())
        assert inbox.drain() == 1

    def settle(turn: int) -> None:
        body, _ = next(signed([Payment.number(orders + 1 + turn)]))
        keep(json.loads(body), clock.now())
        assert inbox.drain() == 1

    def expire(turn: int) -> None:
        sweep.expire_orders()

    def catalog(turn: int) -> None:
        get("/api/v1/services/")

    return {
        "lists": lists,
        "one order": one_order,
        "unknown event": accept_unknown,
        "settle": settle,
        "expire": expire,
        "catalog": catalog,
    }


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), Path(sys.argv[4]))
