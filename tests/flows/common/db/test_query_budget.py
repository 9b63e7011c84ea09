"""What a request may cost: queries here, calls to Stripe, and none of the latter inside a transaction."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.contenttypes.models import ContentType
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from estuary.accounts.models import Practitioner
from estuary.catalog.models import Service, ServiceType
from estuary.payments import client as stripe_client
from stripe_sandbox import Sandbox
from tests.factories import a_free_slot, make_practitioner, make_service, make_sessions
from tests.flows import buying

pytestmark = pytest.mark.django_db(transaction=True)

MOST_QUERIES, MOST_CALLS = 25, 2  # two of them look at what the buyer holds, and note it down; one gives back
OF_CREDITS, OF_FIRST_CREDITS = 11, 12  # who pays first is made a customer at Stripe


def a_session(ana: Practitioner) -> dict[str, Any]:
    session = make_service(ServiceType.SESSION, ana)
    return bought(session, start_datetime=a_free_slot(session).isoformat())


def a_workshop(ana: Practitioner) -> dict[str, Any]:
    workshop = make_service(ServiceType.WORKSHOP, ana)
    return bought(workshop, service_session_id=str(make_sessions(workshop)[0].pk))


def a_course_of_twelve(ana: Practitioner) -> dict[str, Any]:
    course = make_service(ServiceType.COURSE, ana)
    make_sessions(course, 12)
    return bought(course)


def a_package_of_everything(ana: Practitioner) -> dict[str, Any]:
    hosts = [make_practitioner(name) for name in ("Bruno Costa", "Carla Dias")]
    sessions = [make_service(ServiceType.SESSION, host) for host in (ana, *hosts)]
    workshop, course = (
        make_service(ServiceType.WORKSHOP, hosts[0]),
        make_service(ServiceType.COURSE, hosts[1]),
    )
    seat = make_sessions(workshop)[0]
    make_sessions(course, 6)
    package = make_service(ServiceType.PACKAGE, ana, holds=[*sessions, workshop, course])
    slots = [{"service_id": str(s.pk), "start_datetime": a_free_slot(s).isoformat()} for s in sessions]
    chosen = {"service_id": str(workshop.pk), "service_session_id": str(seat.pk)}
    return bought(package, items=[*slots, chosen])


def a_bundle_of_ten(ana: Practitioner) -> dict[str, Any]:
    massage = make_service(ServiceType.SESSION, ana)
    bundle = make_service(ServiceType.BUNDLE, ana, bundle_of=massage, bundle_quantity=8, bundle_bonus=2)
    starts = [a_free_slot(massage, nth=nth).isoformat() for nth in range(0, 40, 4)]
    return bought(bundle, items=[{"start_datetime": start} for start in starts])


def some_credits(ana: Practitioner) -> dict[str, Any]:
    return {"is_credit_purchase": True, "amount": "50.00"}


def bought(service: Service, **wish: Any) -> dict[str, Any]:
    return {"service_id": str(service.pk), "scheduling_data": wish}


def assert_cheap(queries: CaptureQueriesContext, most: int = MOST_QUERIES) -> None:
    """Count what is asked and written; the bounds of a transaction are no query."""
    statements = [query["sql"] for query in queries if query["sql"] not in {"BEGIN", "COMMIT"}]
    assert len(statements) <= most, "\n".join(sql[:150] for sql in statements)


THINGS = [a_session, a_workshop, a_course_of_twelve, a_package_of_everything, a_bundle_of_ten, some_credits]


def test_the_dearest_thing_half_by_credits_stays_within_the_budget(
    stripe: Sandbox, buyer: APIClient, ana: Practitioner
) -> None:
    buying.buy_credits(stripe, buyer, "30.00")
    body = a_package_of_everything(ana)
    with CaptureQueriesContext(connection) as queries:
        buying.create(buyer, **body, use_credits=True)
    assert_cheap(queries)


@pytest.mark.parametrize("payment_type", ["intent", "checkout"])
@pytest.mark.parametrize("thing", THINGS, ids=lambda thing: thing.__name__)
def test_creating_a_payment_stays_within_its_budget(
    stripe: Sandbox,
    buyer: APIClient,
    ana: Practitioner,
    thing: Callable[[Practitioner], dict[str, Any]],
    payment_type: str,
) -> None:
    body = thing(ana) | {"payment_type": payment_type}
    buyer.post("/api/v1/payments/methods/setup/")  # now the customer is known
    calls_before = len(stripe.requests)
    headers = {"Idempotency-Key": "as the storefront sends one"}
    with CaptureQueriesContext(connection) as queries:
        assert buyer.post(buying.CREATE, body, headers=headers).status_code == 201
    assert_cheap(queries, OF_CREDITS if thing is some_credits else MOST_QUERIES)
    assert len(stripe.requests) - calls_before <= MOST_CALLS


def test_the_first_credits_of_a_buyer_are_one_transaction_and_single_statements(
    stripe: Sandbox, buyer: APIClient, other: APIClient, ana: Practitioner
) -> None:
    buying.credits(other)  # whose account it is at Stripe is known now
    with CaptureQueriesContext(connection) as queries:
        headers = {"Idempotency-Key": "as the storefront sends one"}
        assert buyer.post(buying.CREATE, some_credits(ana), headers=headers).status_code == 201
    assert_cheap(queries, OF_FIRST_CREDITS)
    assert [query["sql"] for query in queries].count("BEGIN") == 1


def test_paying_with_a_saved_card_or_credits_stays_within_the_budget(
    stripe: Sandbox, buyer: APIClient, ana: Practitioner
) -> None:
    buying.buy_credits(stripe, buyer, "30.00")
    [card] = buying.cards(buyer)
    calls_before = len(stripe.requests)
    body = a_course_of_twelve(ana)
    with CaptureQueriesContext(connection) as queries:
        buying.create(buyer, **body, use_credits=True)
    assert_cheap(queries)
    assert len(stripe.requests) - calls_before <= MOST_CALLS
    calls_before = len(stripe.requests)
    buying.credits(buyer, payment_method_id=card["id"])
    assert len(stripe.requests) - calls_before <= MOST_CALLS


# Statements, and calls to Stripe.
AFTERWARDS = {
    "a booking": (6, 0),
    "a time is chosen": (13, 0),  # the last enqueues what its buyer and its practitioner are told
    "a slot is moved": (16, 0),  # one of them asks whether it is being called off
    "a seat is moved": (22, 0),
    "asked of Stripe": (10, 1),
    "a card is the default": (7, 0),  # one of them reads what its owner agreed to
    "a card is removed": (6, 0),
    "an order is canceled": (16, 1),
    "a booking is canceled": (42, 1),  # two ask whether it is being called off, and whether it was moved
    # Two of each ask for the permissions, one's own and those of one's groups.
    "a refund by staff": (28, 1),
    "the refunds": (6, 0),
}


def test_what_comes_after_a_payment_costs_what_it_always_did(
    stripe: Sandbox, buyer: APIClient, staff: APIClient, ana: Practitioner
) -> None:
    session, workshop = make_service(ServiceType.SESSION, ana), make_service(ServiceType.WORKSHOP, ana)
    seat, later_seat, last_seat = make_sessions(workshop, 3)
    package = make_service(ServiceType.PACKAGE, ana, holds=[session, workshop])
    whole, parts = buying.service(buyer, session, start_datetime=a_free_slot(session).isoformat()), {}
    buying.pay(stripe, whole)
    with_seat = {"service_id": str(workshop.pk), "service_session_id": str(later_seat.pk)}
    buying.pay(stripe, buying.service(buyer, package, items=[with_seat]))
    unpaid = buying.service(buyer, workshop, service_session_id=str(seat.pk))
    credits = buying.buy_credits(stripe, buyer, "20.00", card="5555555555554444")
    first, second = buying.cards(buyer)
    [of_package] = [booking for booking in buying.bookings(buyer) if booking["children"]]
    parts = {part["service_type"]: part["id"] for part in of_package["children"]}
    [of_session] = [booking for booking in buying.bookings(buyer) if booking["order_id"] == whole["order_id"]]
    order, bookings = "/api/v1/orders/{}/", "/api/v1/bookings/{}/"
    refunds = order.format(credits["order_id"]) + "refunds/"
    start, later = ({"start_datetime": a_free_slot(session, nth=nth).isoformat()} for nth in (4, 9))
    last = {"service_session_id": str(last_seat.pk)}
    acts: dict[str, Callable[[], Any]] = {
        "a booking": lambda: buyer.get(bookings.format(of_package["id"])),
        "a time is chosen": lambda: buyer.post(bookings.format(parts["session"]) + "schedule/", start),
        "a slot is moved": lambda: buyer.post(bookings.format(parts["session"]) + "move/", later),
        "a seat is moved": lambda: buyer.post(bookings.format(parts["workshop"]) + "move/", last),
        "asked of Stripe": lambda: buyer.post(order.format(unpaid["order_id"]) + "sync/"),
        "a card is the default": lambda: buyer.post(
            f"{buying.METHODS}default/", {"payment_method_id": second["id"]}
        ),
        "a card is removed": lambda: buyer.delete(f"{buying.METHODS}{first['id']}/"),
        "an order is canceled": lambda: buyer.post(order.format(unpaid["order_id"]) + "cancel/"),
        "a booking is canceled": lambda: buyer.post(bookings.format(of_session["id"]) + "cancel/"),
        "a refund by staff": lambda: staff.post(refunds, {"amount": "5.00"}),
        "the refunds": lambda: staff.get(refunds),
    }
    ContentType.objects.clear_cache()  # one look at it is part of the first entry of the audit log
    costs = {name: spent(act, stripe) for name, act in acts.items()}
    assert costs == AFTERWARDS


def spent(act: Callable[[], Any], stripe: Sandbox) -> tuple[int, int]:
    """Return how many statements and calls to Stripe something takes that is answered with success."""
    calls = len(stripe.requests)
    with CaptureQueriesContext(connection) as queries:
        answer = act()
    assert answer.status_code < 300, answer.content
    statements = [query["sql"] for query in queries if query["sql"] not in {"BEGIN", "COMMIT"}]
    return len(statements), len(stripe.requests) - calls


def test_stripe_is_never_called_inside_a_transaction(stripe: Sandbox) -> None:
    with transaction.atomic(), pytest.raises(RuntimeError, match="inside a database transaction"):
        stripe_client.retrieve_intent("pi_any")
    assert stripe.requests == []


def test_lists_cost_the_same_however_long_they_are(stripe: Sandbox, buyer: APIClient) -> None:
    addresses = [buying.METHODS, "/api/v1/orders/", "/api/v1/bookings/", "/api/v1/credits/"]

    def costs() -> list[int]:
        counts = []
        for address in addresses:
            with CaptureQueriesContext(connection) as queries:
                assert buyer.get(address).status_code == 200
            counts.append(len(queries))
        return counts

    buying.buy_credits(stripe, buyer, "5.00")
    one = costs()
    for card in ("5555555555554444", "378282246310005"):
        buying.buy_credits(stripe, buyer, "5.00", card=card)
    assert (len(buying.cards(buyer)), costs()) == (3, one)
