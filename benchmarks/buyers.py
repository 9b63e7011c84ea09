"""The paths of buyers and practitioners: views, payments, cancellations and refunds."""

import uuid
from collections.abc import Callable

from benchmarks.harness import ROOM, Harness, Json, buy
from benchmarks.market import HOSTS

WORKSHOPS, SESSIONS = 1000, 2000  # market.py numbers its services after these, by their hosts
PACKAGES = 90  # that a thousand orders have among them, one in ten

type Play = Callable[[int], None]  # of one path; it takes the number of its turn


def reading(harness: Harness) -> dict[str, Play]:
    """Return the paths that only read."""
    from estuary.accounts.models import User
    from estuary.orders.models import Order

    people = list(User.objects.filter(orders__isnull=False).order_by("pk")[:100])
    host = User.objects.get(practitioner__slug=ROOM)

    def lists(turn: int) -> None:
        harness.sign_in(people[turn % len(people)])
        for url in ("orders/", "bookings/", "credits/", "payments/methods/"):
            harness.get(url)

    def by_time(turn: int) -> None:
        harness.sign_in(people[turn % len(people)])
        for when in ("upcoming", "past", "unscheduled"):
            harness.get(f"bookings/?when={when}")

    def one_order(turn: int) -> None:
        user = harness.sign_in(people[turn % len(people)])
        order = Order.objects.filter(user=user).order_by("-id")[:1].get()
        harness.get(f"orders/{order.public_id}/")

    def catalog(turn: int) -> None:
        harness.get("services/")
        harness.get(f"services/{WORKSHOPS + 1 + turn % HOSTS}/")
        harness.get(f"services/{WORKSHOPS + 1 + turn % HOSTS}/sessions/")

    def roster(turn: int) -> None:
        harness.sign_in(host)
        harness.get("roster/")

    return {
        "lists": lists,
        "bookings by time": by_time,
        "one order": one_order,
        "catalog": catalog,
        "roster": roster,
    }


def buying(harness: Harness) -> dict[str, Play]:
    """Return the paths that buy; each turn has a buyer of its own."""

    def begin_and_leave(payment: Json) -> None:
        harness.post(f"orders/{payment['order_id']}/sync/")
        harness.post(f"orders/{payment['order_id']}/cancel/")

    def credits(turn: int) -> None:
        harness.buyer(1 + turn)
        headers = {"Idempotency-Key": str(uuid.uuid4())}
        begin_and_leave(
            harness.post("payments/create/", 201, headers, is_credit_purchase=True, amount="20.00")
        )

    def a_slot(turn: int) -> None:
        harness.buyer(1 + turn)
        service_id = SESSIONS + 1 + turn % HOSTS
        scheduling = {"start_datetime": harness.free_slot(service_id, turn)}
        begin_and_leave(
            harness.post("payments/create/", 201, service_id=str(service_id), scheduling_data=scheduling)
        )

    def there_and_back(turn: int) -> None:
        buyer = harness.buyer(1 + turn)
        elsewhere = 1 + (turn // 10 + HOSTS // 2) % HOSTS  # the buyer's own workshop is another
        payment = buy(harness, WORKSHOPS + elsewhere, service_session_id=str(elsewhere))
        _return(harness, payment)
        _look_after_card(harness, buyer)

    return {
        "credits": credits,
        "a slot": a_slot,
        "a seat, and back": there_and_back,
        "later": _later(harness),
    }


def _return(harness: Harness, payment: Json) -> None:
    """Cancel the booking just bought and send its refund."""
    from estuary.payments.models import Refund
    from estuary.payments.refunds import request_refund as refunds

    [booking] = [
        candidate
        for candidate in harness.get("bookings/")["results"]
        if candidate["order_id"] == payment["order_id"]
    ]
    harness.post(f"bookings/{booking['id']}/cancel/")
    refunds.send_refund(Refund.objects.filter(order__public_id=payment["order_id"]).get().pk)
    harness.deliver()


def _look_after_card(harness: Harness, buyer: object) -> None:
    [card] = harness.get("payments/methods/")["payment_methods"]
    harness.post("payments/methods/default/", payment_method_id=card["id"])
    answer = harness.client.delete(f"/api/v1/payments/methods/{card['id']}/")
    assert answer.status_code == 204, answer.content
    harness.deliver()


def _later(harness: Harness) -> Play:
    """Schedule a part of a package, and roll back: each part can be scheduled only once."""
    from django.db import transaction

    def schedule(turn: int) -> None:
        number = 10 * (turn % PACKAGES) + 9
        harness.buyer(number)
        [package] = [booking for booking in harness.get("bookings/")["results"] if booking["children"]]
        [part] = [child for child in package["children"] if child["service_type"] == "session"]
        start = harness.free_slot(int(part["service_id"]), turn)
        with transaction.atomic():
            harness.post(f"bookings/{part['id']}/schedule/", start_datetime=start)
            transaction.set_rollback(True)

    return schedule
