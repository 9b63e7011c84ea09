"""What is another's does not exist for you: every door of the OpenAPI document, with every object of somebody else."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from drf_spectacular.generators import SchemaGenerator
from rest_framework.test import APIClient

from estuary.accounts.models import Practitioner, User
from estuary.bookings.models import Booking
from estuary.catalog.models import ServiceType
from estuary.orders.models import Order
from estuary.payments.models import PaymentMethod, Refund, StripeCustomer
from stripe_sandbox import Sandbox
from tests.factories import (
    a_free_slot,
    make_practitioner,
    make_service,
    make_sessions,
    make_user,
    signed_in,
)
from tests.flows import buying
from tests.flows.buying import pay
from tests.flows.sentinels import rows
from tests.sandbox_bridge import settle_everything

pytestmark = pytest.mark.django_db(transaction=True)

type Door = tuple[str, str]
PLACE = re.compile(r"\{\w+\}")
VERBS = ("GET", "POST", "PUT", "PATCH", "DELETE")
NOT_YOURS = {401, 403, 404, 405}
COUNTERS = {"row of payments_attempts", "row of django_session", "row of cache"}

# Every door is one of these, or the test says so: one that names an object, with a body that is right but for whose
# the object is; one that shows a list of one's own; one that is for everybody.
NAMES_ONE: dict[Door, dict[str, Any]] = {
    ("GET", "/api/v1/bookings/{id}/"): {},
    ("GET", "/api/v1/bookings/{id}/cancel/"): {},
    ("POST", "/api/v1/bookings/{id}/cancel/"): {},
    ("POST", "/api/v1/bookings/{id}/move/"): {"start_datetime": "2030-01-07T10:00:00Z"},
    ("POST", "/api/v1/bookings/{id}/schedule/"): {"start_datetime": "2030-01-07T10:00:00Z"},
    ("GET", "/api/v1/bookings/{id}/sessions/"): {},
    ("GET", "/api/v1/bookings/{id}/slots/"): {},
    ("GET", "/api/v1/orders/{order_id}/"): {},
    ("POST", "/api/v1/orders/{public_id}/cancel/"): {},
    ("GET", "/api/v1/orders/{public_id}/refunds/"): {},
    ("POST", "/api/v1/orders/{public_id}/refunds/"): {"amount": "1.00"},
    ("POST", "/api/v1/orders/{public_id}/sync/"): {},
    ("DELETE", "/api/v1/payments/methods/{payment_method_id}/"): {},
    ("POST", "/api/v1/payments/methods/default/"): {"payment_method_id": "{here}"},
    ("POST", "/api/v1/payments/create/"): {
        "is_credit_purchase": True,
        "amount": "20.00",
        "payment_method_id": "{here}",
    },
}
ONES_OWN: set[Door] = {
    ("GET", "/api/v1/account/"),
    ("PATCH", "/api/v1/account/"),
    ("GET", "/api/v1/account/data/"),
    ("POST", "/api/v1/account/erasure/"),
    ("GET", "/api/v1/bookings/"),
    ("GET", "/api/v1/credits/"),
    ("GET", "/api/v1/orders/"),
    ("GET", "/api/v1/payments/methods/"),
    ("GET", "/api/v1/hours/"),
    ("PUT", "/api/v1/hours/"),
    ("GET", "/api/v1/roster/"),
    ("GET", "/api/v1/roster/changes/"),
    ("GET", "/api/v1/roster/feed/"),
    ("POST", "/api/v1/roster/feed/"),
    ("DELETE", "/api/v1/roster/feed/"),
    ("POST", "/api/v1/payments/methods/setup/"),
}
# What they name has to be made first: a receipt is numbered, a date is moved, or a practitioner owns it. Their
# owners reach them in test_calling_off.py, test_calling_off_days.py, test_moving_dates.py, test_adding_dates.py,
# test_changing_dates.py, test_receipt_pages.py, test_guest_messages.py and test_calendar_feed.py.
TRIED_ELSEWHERE: set[Door] = {
    ("GET", "/api/v1/orders/{order_id}/receipt/"),
    ("GET", "/api/v1/orders/{order_id}/receipt/pdf/"),
    ("GET", "/api/v1/orders/{order_id}/credit-notes/{number}/pdf/"),
    ("GET", "/api/v1/bookings/{id}/decline/"),
    ("POST", "/api/v1/bookings/{id}/decline/"),
    ("GET", "/api/v1/roster/bookings/{id}/call-off/"),
    ("POST", "/api/v1/roster/bookings/{id}/call-off/"),
    ("GET", "/api/v1/roster/services/"),
    ("GET", "/api/v1/roster/sessions/"),
    ("POST", "/api/v1/roster/sessions/"),
    ("GET", "/api/v1/roster/sessions/{id}/"),
    ("PATCH", "/api/v1/roster/sessions/{id}/"),
    ("DELETE", "/api/v1/roster/sessions/{id}/"),
    ("GET", "/api/v1/roster/sessions/{id}/call-off/"),
    ("POST", "/api/v1/roster/sessions/{id}/call-off/"),
    ("GET", "/api/v1/roster/sessions/{id}/move/"),
    ("POST", "/api/v1/roster/sessions/{id}/move/"),
    ("GET", "/api/v1/roster/changes/{change_id}/"),
    ("GET", "/api/v1/roster/days/call-off/"),
    ("POST", "/api/v1/roster/days/call-off/"),
    ("POST", "/api/v1/roster/days/open/"),
    # A date of one's own: it names nothing of anybody else. See test_own_hours.py.
    ("PUT", "/api/v1/hours/exceptions/{day}/"),
    ("DELETE", "/api/v1/hours/exceptions/{day}/"),
    ("POST", "/api/v1/roster/bookings/{id}/message/"),
    ("POST", "/api/v1/roster/sessions/{id}/message/"),
    ("GET", "/api/v1/calendar/{token}.ics"),
}
EVERYBODYS: set[Door] = {
    ("GET", "/api/v1/pages/{slug}/"),
    ("GET", "/api/v1/payments/config/"),
    ("GET", "/api/v1/services/"),
    ("GET", "/api/v1/services/{id}/"),
    ("GET", "/api/v1/services/{id}/sessions/"),
    ("GET", "/api/v1/services/{id}/slots/"),
}
# What bodies name: the catalogue is everybody's; a refund's booking is looked up within the order of the address,
# and a preview's id within its practitioner.
IDS_IN_BODIES = {"service_id", "service_session_id", "payment_method_id", "booking_id", "preview_id"}


def document() -> dict[str, Any]:
    return dict(SchemaGenerator().get_schema(public=True))  # type: ignore[no-untyped-call]


def doors() -> set[Door]:
    return {(verb.upper(), path) for path, verbs in document()["paths"].items() for verb in verbs}


@dataclass
class Belongings:
    """Everything that one buyer has, by every name that it goes by."""

    owner: APIClient
    references: list[str]
    etag: str


@pytest.fixture
def mayas(stripe: Sandbox, maya: User, ana: Practitioner, staff: APIClient) -> Belongings:
    """A buyer with every kind of object in every state that matters."""
    buyer = signed_in(maya)
    workshop, session = make_service(ServiceType.WORKSHOP, ana), make_service(ServiceType.SESSION, ana)
    [seat] = make_sessions(workshop)
    paid = buying.service(buyer, workshop, service_session_id=str(seat.pk))
    pay(stripe, paid)
    bundle = make_service(ServiceType.BUNDLE, ana, bundle_of=session, bundle_quantity=3, bundle_bonus=0)
    pay(stripe, buying.service(buyer, bundle))
    buying.refund(staff, paid, amount="5.00")
    settle_everything(stripe)
    buying.service(buyer, session, start_datetime=a_free_slot(session).isoformat())
    waiting = buying.credits(buyer, "20.00", payment_type="checkout")
    etag = buyer.get(f"/api/v1/orders/{waiting['order_id']}/")["ETag"]
    return Belongings(buyer, references_of(maya), etag)


def references_of(user: User) -> list[str]:
    named: list[Any] = []
    orders = Order.objects.filter(user=user)
    for fields in ("pk", "public_id", "stripe_payment_intent_id", "stripe_checkout_session_id"):
        named += orders.values_list(fields, flat=True)
    named += Booking.objects.filter(user=user).values_list("pk", flat=True)
    for fields in ("pk", "stripe_payment_method_id"):
        named += PaymentMethod.objects.filter(user=user).values_list(fields, flat=True)
    for fields in ("public_id", "stripe_refund_id"):
        named += Refund.objects.filter(order__user=user).values_list(fields, flat=True)
    named += StripeCustomer.objects.filter(user=user).values_list("stripe_customer_id", flat=True)
    return sorted({str(name) for name in named if name})


def addresses(references: list[str], *, every_verb: bool = True) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yield every verb at every door that names an object, with every reference in its place, and the body to send.

    Without ``every_verb``, verbs other than the door's own come with one reference.
    """
    for (verb, path), body in NAMES_ONE.items():
        begin, _, rest = path.partition("{")
        end = rest.partition("}")[2]
        for reference in references:
            sent = {key: reference if value == "{here}" else value for key, value in body.items()}
            address = f"{begin}{reference}{end}" if rest else path
            others = VERBS if rest and (every_verb or reference == references[0]) else ()
            yield from ((each, address, sent) for each in {verb: None, **dict.fromkeys(others)})


def standing() -> list[tuple[str, str]]:
    return sorted(row for row in rows() if row[0] not in COUNTERS)


def strangers() -> dict[str, APIClient]:
    host = make_practitioner("Bruno Costa")
    return {
        "nobody": APIClient(),
        "another buyer": signed_in(make_user("Tom Achterberg")),
        "another practitioner": signed_in(host.user),
    }


def test_no_door_of_the_document_is_forgotten() -> None:
    assert doors() == NAMES_ONE.keys() | TRIED_ELSEWHERE | ONES_OWN | EVERYBODYS
    assert not NAMES_ONE.keys() & (ONES_OWN | EVERYBODYS)


def test_no_id_in_a_body_is_forgotten() -> None:
    schemas = document()["components"]["schemas"]
    request_schemas = {name for name in schemas if name.endswith("Request") or name.startswith("Patched")}
    ids = {
        field
        for name in request_schemas
        for field in schemas[name].get("properties", {})
        if field.endswith("id")
    }
    assert ids <= IDS_IN_BODIES
    assert "payment_method_id" in ids


@pytest.mark.parametrize(
    ("who", "every_verb"),
    [
        ("another buyer", False),
        pytest.param("another buyer", True, marks=pytest.mark.exhaustive),
        pytest.param("nobody", True, marks=pytest.mark.exhaustive),
        pytest.param("another practitioner", True, marks=pytest.mark.exhaustive),
    ],
)
def test_nothing_of_another_can_be_seen_or_changed(
    stripe: Sandbox, mayas: Belongings, who: str, every_verb: bool
) -> None:
    assert len(mayas.references) >= 18, mayas.references
    stranger = strangers()[who]
    before, calls_before = standing(), len(stripe.requests)
    for verb, address, body in addresses(mayas.references, every_verb=every_verb):
        answer = stranger.generic(verb, address, *json_body(stranger, verb, body))
        assert answer.status_code in NOT_YOURS, (verb, address, body, answer.content)
        assert who != "nobody" or answer.status_code in {401, 404}, (verb, address)
    assert len(stripe.requests) == calls_before
    assert standing() == before


def test_dates_and_receipts_of_another_can_not_be_seen_or_changed(stripe: Sandbox, mayas: Belongings) -> None:
    """Of another practitioner, too."""
    body = {"preview_id": "prv_1", "start_datetime": "2090-01-01T10:00:00Z", "text": "Hello", "version": "1"}
    people = strangers()
    before, calls_before = standing(), len(stripe.requests)
    for who, stranger in people.items():
        for verb, path in TRIED_ELSEWHERE:
            for reference in mayas.references if "{" in path else []:
                query = "?start_datetime=2090-01-01T10:00:00Z" if path.endswith("/move/") else ""
                address = PLACE.sub(reference, path) + query
                answer = stranger.generic(verb, address, *json_body(stranger, verb, body))
                assert answer.status_code in NOT_YOURS, (who, verb, address, answer.content)
    assert len(stripe.requests) == calls_before
    assert standing() == before


def json_body(client: APIClient, verb: str, body: dict[str, Any]) -> tuple[Any, str]:
    if verb in {"GET", "DELETE"}:
        return "", "application/octet-stream"
    data, kind = client._encode_data(body, "json", None)  # type: ignore[attr-defined]
    return data, kind


def test_lists_hold_ones_own_alone(stripe: Sandbox, mayas: Belongings) -> None:
    for who, stranger in strangers().items():
        for verb, path in ONES_OWN:
            if verb != "GET":
                continue
            answer = stranger.get(path)
            assert answer.status_code in {200, 401, 403}, (who, path)
            content = answer.content.decode()
            named = [name for name in mayas.references if not name.isdecimal() and name in content]
            assert not named and "Maya" not in content, (who, path, named)


def test_what_changed_is_not_told_to_a_stranger_who_knows_the_etag(
    stripe: Sandbox, mayas: Belongings
) -> None:
    stranger = strangers()["another buyer"]
    for order in Order.objects.all():
        answer = stranger.get(f"/api/v1/orders/{order.public_id}/", headers={"If-None-Match": mayas.etag})
        assert answer.status_code == 404


def test_an_idempotency_key_of_another_brings_nothing_of_theirs(
    stripe: Sandbox, buyer: APIClient, other: APIClient
) -> None:
    body, key = {"is_credit_purchase": True, "amount": "20.00"}, {"Idempotency-Key": "the same for both"}
    first = buyer.post(buying.CREATE, body, headers=key)
    second = other.post(buying.CREATE, body, headers=key)
    assert first.json()["order_id"] != second.json()["order_id"]
    assert "Idempotency-Replayed" not in second


def test_a_booking_of_another_order_is_no_part_of_a_refund(
    stripe: Sandbox, mayas: Belongings, staff: APIClient
) -> None:
    without = Order.objects.exclude(captured_minor=0).exclude(
        pk__in=Booking.objects.order_by("pk").values("order")[:1]
    )
    order, booking = without.first(), Booking.objects.order_by("pk").first()
    assert order is not None and booking is not None and booking.order_id != order.pk
    body = {"booking_id": str(booking.pk), "cancel_booking": True}
    answer = staff.post(f"/api/v1/orders/{order.public_id}/refunds/", body)
    assert answer.status_code == 404


def test_the_same_addresses_lead_their_owner_somewhere(
    stripe: Sandbox, mayas: Belongings, staff: APIClient
) -> None:
    """Were every answer a 404 for everybody, the tests above would say nothing."""
    reached = set()
    for door in sorted(NAMES_ONE):
        client = staff if "refunds" in door[1] else mayas.owner
        for verb, address, body in addresses(mayas.references):
            begin = door[1].partition("{")[0]
            end = door[1].partition("}")[2]
            if (
                verb == door[0]
                and address.startswith(begin)
                and address.endswith(end)
                and door not in reached
            ):
                if end == "/" and address.count("/") != door[1].count("/"):
                    continue
                answer = client.generic(verb, address, *json_body(client, verb, body))
                if answer.status_code not in NOT_YOURS:
                    reached.add(door)
    assert reached == set(NAMES_ONE)
    settle_everything(stripe)
