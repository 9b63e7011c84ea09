"""Each line of a receipt names who gives it, as the booking does, whoever sells the package or bundle."""

from collections import Counter
from collections.abc import Iterable

import pytest
from rest_framework.test import APIClient

from estuary.accounts.models import Practitioner
from estuary.bookings.models import Booking
from estuary.catalog.models import Service, ServiceType
from estuary.documents.issuing import issue_due_documents
from estuary.documents.models import Receipt
from estuary.documents.render import _texts
from stripe_sandbox import Sandbox
from tests.factories import a_free_slot, make_practitioner, make_service, make_sessions
from tests.flows import buying
from tests.flows.buying import Json, pay
from tests.flows.documents.conftest import receipt

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def ben(db: None) -> Practitioner:
    return make_practitioner("Ben Okri")


def buy(stripe: Sandbox, buyer: APIClient, service: Service, **scheduling: str) -> Json:
    order = buying.service(buyer, service, **scheduling)
    pay(stripe, order)
    return order


def details(body: Json) -> list[tuple[int, str, str]]:
    return [(line["quantity"], line["description"], line["details"]) for line in body["lines"]]


def booked(order: Json) -> Counter[tuple[str, str]]:
    """Return how often each practitioner gives each service, as the bookings say."""
    parts: Iterable[Booking] = Booking.objects.filter(
        order__public_id=order["order_id"], line__isnull=False
    ).select_related("practitioner")
    return Counter((part.service_name, f"with {part.practitioner.display_name}") for part in parts)


def test_each_part_of_a_package_names_its_own_practitioner(
    stripe: Sandbox, buyer: APIClient, ana: Practitioner, ben: Practitioner
) -> None:
    parts = [make_service(ServiceType.SESSION, who, name="Massage") for who in (ben, ana)]
    order = buy(stripe, buyer, make_service(ServiceType.PACKAGE, ben, holds=parts))
    issue_due_documents()
    # Of one name and one price, and yet by two people.
    expected = [(1, "Massage", "with Ben Okri"), (1, "Massage", "with Ana Ribeiro")]
    assert details(receipt(buyer, order)) == expected
    printed = _texts(Receipt.objects.get())["lines"]
    assert [line["details"] for line in printed] == [["with Ben Okri"], ["with Ana Ribeiro"]]


def test_every_line_of_every_type_of_service_names_whom_its_bookings_name(
    stripe: Sandbox, buyer: APIClient, ana: Practitioner, ben: Practitioner
) -> None:
    massage, yoga, dance = (make_service(ServiceType.SESSION, who) for who in (ana, ben, ben))
    workshop, course = make_service(ServiceType.WORKSHOP, ben), make_service(ServiceType.COURSE, ben)
    [seat], _ = make_sessions(workshop), make_sessions(course, 3, in_days=11)
    orders = [
        buy(stripe, buyer, massage, start_datetime=a_free_slot(massage).isoformat()),
        buy(stripe, buyer, workshop, service_session_id=str(seat.pk)),
        buy(stripe, buyer, course),
        buy(stripe, buyer, make_service(ServiceType.PACKAGE, ana, holds=[massage, yoga, dance])),
        buy(stripe, buyer, make_service(ServiceType.BUNDLE, ana, bundle_of=yoga, bundle_quantity=3)),
    ]
    assert issue_due_documents() == len(orders)
    for order in orders:
        lines = details(receipt(buyer, order))
        named: Counter[tuple[str, str]] = Counter()
        for quantity, description, with_whom in lines:
            named[description, with_whom] += quantity
        assert named == booked(order)


def test_a_part_whose_service_is_deleted_names_who_gives_it_all_the_same(
    stripe: Sandbox, buyer: APIClient, ana: Practitioner, ben: Practitioner
) -> None:
    massage = make_service(ServiceType.SESSION, ana, name="Massage")
    package = make_service(ServiceType.PACKAGE, ben, holds=[massage])
    order = buy(stripe, buyer, package)
    package.items.all().delete()
    massage.delete()
    issue_due_documents()
    assert details(receipt(buyer, order)) == [(1, "Massage", "with Ana Ribeiro")]


def test_a_practitioner_who_sold_has_the_name_of_the_sale(
    stripe: Sandbox, buyer: APIClient, ana: Practitioner
) -> None:
    order = buy(
        stripe, buyer, make_service(ServiceType.PACKAGE, ana, holds=[make_service(ServiceType.SESSION, ana)])
    )
    Practitioner.objects.filter(pk=ana.pk).update(display_name="Ana Ribeiro-Costa")
    issue_due_documents()
    assert {with_whom for _, _, with_whom in details(receipt(buyer, order))} == {"with Ana Ribeiro"}
