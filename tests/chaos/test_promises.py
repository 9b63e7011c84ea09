"""What the chaos holds against the database in the end: a promise that was not kept is told, and no other."""

from pathlib import Path
from typing import Any

import pytest

from estuary.bookings.models import Booking
from estuary.catalog.models import ServiceType
from tests.chaos.promises import Promises
from tests.factories import buy, make_practitioner, make_service, make_user
from tests.flows.payments.gateway.test_real_mode import database_url

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def booking() -> Booking:
    inside = make_service(ServiceType.SESSION, make_practitioner("Rui Alves"))
    more: dict[str, Any] = {"bundle_of": inside, "bundle_quantity": 3, "validity_days": 90}
    return buy(make_user(), make_service(ServiceType.BUNDLE, make_practitioner(), **more))


def test_what_was_told_of_an_order_that_is_so_is_kept(booking: Booking) -> None:
    order, promises = booking.order, Promises()
    for status in ("pending", "completed"):
        promises.order(order.user.email, {"order_id": order.public_id, "status": status, "amount": "100.00"})
    assert promises.counts["order"] == 2
    assert promises.broken(database_url()) == []


@pytest.mark.parametrize(
    ("email", "answer"),
    [
        ("", {"order_id": "ord_that_was_lost"}),
        ("", {"status": "refunded"}),
        ("", {"amount": "99.99"}),
        ("somebody@else.example", {}),
    ],
    ids=["lost", "never in that status", "at another price", "of another buyer"],
)
def test_an_order_that_is_not_as_it_was_told_breaks_a_promise(
    booking: Booking, email: str, answer: dict[str, str]
) -> None:
    order, promises = booking.order, Promises()
    so_it_is = {"order_id": order.public_id, "status": "completed", "amount": "100.00"}
    promises.order(order.user.email, so_it_is)
    promises.order(email or order.user.email, so_it_is | answer)
    [problem] = promises.broken(database_url())
    assert problem.startswith("1 promises of an order were not kept")


def test_refunds_bookings_and_events_that_are_not_there_break_a_promise(
    booking: Booking, tmp_path: Path
) -> None:
    promises = Promises()
    lost = {
        "refund_id": "ref_lost",
        "order_id": booking.order.public_id,
        "amount": "1.00",
        "status": "succeeded",
    }
    promises.canceled_booking({"booking_id": str(booking.pk), "refund": lost})
    log = tmp_path / "stripe.log"
    log.write_text(
        "12:00:00 webhook refund.created evt_lost -> 200\n12:00:01 webhook refund.created evt_refused -> 503, again\n"
    )
    promises.events_in(log)
    problems = promises.broken(database_url())
    assert [sentence.partition(" were")[0] for sentence in problems] == [
        "1 promises of a refund",
        "1 promises of a refund that has succeeded",
        "1 promises of a canceled booking",
        "1 promises of an event",
    ]
    assert "evt_lost" in problems[-1]
