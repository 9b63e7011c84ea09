"""Buying each thing that is sold: held while unpaid, handed over once paid, labelled at Stripe as it was asked for."""

import json
from datetime import timedelta
from typing import Any

import pytest
from rest_framework.test import APIClient

from estuary.accounts.models import Practitioner, User
from estuary.bookings.models import Booking, Participant, Reservation
from estuary.catalog.calendar import CalendarEntry
from estuary.catalog.models import Service, ServiceSession, ServiceType
from stripe_sandbox import Sandbox
from tests.factories import a_free_slot, make_practitioner, make_service, make_sessions
from tests.flows import buying
from tests.flows.buying import order_of, pay, posts, status_of
from tests.sandbox_bridge import settle_everything

pytestmark = pytest.mark.django_db(transaction=True)

PAYMENT_TYPES = pytest.mark.parametrize("payment_type", ["intent", "checkout"])


def labels(stripe: Sandbox, payment_type: str) -> list[dict[str, str]]:
    """Return the metadata that we sent: on the intent, or on the page and on its intent."""
    if payment_type == "intent":
        return [sent.params["metadata"] for sent in posts(stripe, "/v1/payment_intents")]
    pages = [sent.params for sent in posts(stripe, "/v1/checkout/sessions")]
    return [label for page in pages for label in (page["metadata"], page["payment_intent_data"]["metadata"])]


def expected(order: dict[str, Any], maya: User, service: Service, **more: str) -> dict[str, str]:
    return {
        "order_id": order["order_id"],
        "user_id": str(maya.pk),
        "order_type": "direct",
        "service_id": str(service.pk),
        "service_type": service.type,
        "service_name": service.name,
        **more,
    }


def taken(*sessions: ServiceSession) -> list[int]:
    return list(
        ServiceSession.objects.filter(pk__in=[session.pk for session in sessions])
        .order_by("starts_at")
        .values_list("taken", flat=True)
    )


@PAYMENT_TYPES
def test_a_session_holds_its_slot_while_unpaid_and_becomes_a_booking_when_paid(
    stripe: Sandbox, buyer: APIClient, maya: User, ana: Practitioner, payment_type: str
) -> None:
    session = make_service(ServiceType.SESSION, ana, usd=8000)
    start = a_free_slot(session)
    order = buying.create(
        buyer,
        service_id=str(session.pk),
        payment_type=payment_type,
        amount="80.00",
        scheduling_data={"start_datetime": start.isoformat()},
    )
    assert (order["status"], order["amount"], order["currency"]) == ("pending", "80.00", "usd")
    assert Reservation.objects.get().status == "held"
    assert CalendarEntry.objects.get().practitioner == ana
    assert not Booking.objects.exists()
    scheduling_text = json.dumps(
        {"start_datetime": start.isoformat().replace("+00:00", "Z")}, separators=(",", ":")
    )
    assert {tuple(sorted(label.items())) for label in labels(stripe, payment_type)} == {
        tuple(sorted(expected(order, maya, session, scheduling_data=scheduling_text).items()))
    }
    pay(stripe, order)
    assert status_of(order) == "completed"
    [booking] = buying.bookings(buyer)
    assert (booking["status"], booking["service_type"], booking["amount"]) == (
        "confirmed",
        "session",
        "80.00",
    )
    assert booking["start_datetime"] == start.isoformat().replace("+00:00", "Z")
    assert Reservation.objects.get().status == "confirmed"


@PAYMENT_TYPES
def test_a_workshop_takes_one_seat_and_makes_the_buyer_a_participant(
    stripe: Sandbox, buyer: APIClient, maya: User, ana: Practitioner, payment_type: str
) -> None:
    workshop = make_service(ServiceType.WORKSHOP, ana)
    first, second = make_sessions(workshop, 2, capacity=3)
    order = buying.create(
        buyer,
        service_id=workshop.pk,
        payment_type=payment_type,
        scheduling_data={"service_session_id": str(second.pk)},
    )
    assert taken(first, second) == [0, 1]
    assert not Participant.objects.exists()
    assert all(
        label == expected(order, maya, workshop, service_session_id=str(second.pk))
        for label in labels(stripe, payment_type)
    )
    pay(stripe, order)
    seat = Participant.objects.get()
    assert (seat.user, seat.session, seat.active) == (maya, second, True)
    [booking] = buying.bookings(buyer)
    assert booking["service_session_id"] == str(second.pk)
    assert [meeting["id"] for meeting in booking["sessions"]] == [str(second.pk)]
    assert taken(first, second) == [0, 1]


@PAYMENT_TYPES
def test_a_workshop_with_a_single_date_is_bought_without_naming_it(
    stripe: Sandbox, buyer: APIClient, maya: User, ana: Practitioner, payment_type: str
) -> None:
    workshop = make_service(ServiceType.WORKSHOP, ana)
    make_sessions(workshop, in_days=-7)
    [session] = make_sessions(workshop, capacity=3)
    order = buying.create(buyer, service_id=str(workshop.pk), payment_type=payment_type)
    assert all(
        label == expected(order, maya, workshop, service_session_id=str(session.pk))
        for label in labels(stripe, payment_type)
    )
    pay(stripe, order)
    [booking] = buying.bookings(buyer)
    assert booking["service_session_id"] == str(session.pk)
    assert taken(session) == [1]


def test_the_start_of_a_single_date_may_be_named_and_another_is_refused(
    stripe: Sandbox, buyer: APIClient, ana: Practitioner
) -> None:
    workshop = make_service(ServiceType.WORKSHOP, ana)
    [session] = make_sessions(workshop)
    other = {"start_datetime": (session.starts_at + timedelta(hours=1)).isoformat()}
    buying.refused(buyer, 400, "scheduling_required", service_id=str(workshop.pk), scheduling_data=other)
    own = {"start_datetime": session.starts_at.isoformat()}
    pay(stripe, buying.create(buyer, service_id=str(workshop.pk), scheduling_data=own))
    assert Participant.objects.get().session == session


def test_a_workshop_with_several_dates_lists_them_when_none_is_named(
    stripe: Sandbox, buyer: APIClient, ana: Practitioner
) -> None:
    workshop = make_service(ServiceType.WORKSHOP, ana)
    first, second = make_sessions(workshop, 2, capacity=3)
    problem = buying.refused(buyer, 400, "scheduling_required", service_id=str(workshop.pk))
    assert f"such as {first.pk} for" in problem["detail"]
    assert f"/api/v1/services/{workshop.pk}/sessions/" in problem["detail"]
    assert problem["sessions"] == [
        {
            "service_session_id": str(session.pk),
            "start_datetime": session.starts_at.isoformat(),
            "seats_left": 3,
        }
        for session in (first, second)
    ]
    assert taken(first, second) == [0, 0]
    listed = buyer.get(f"/api/v1/services/{workshop.pk}/sessions/").json()["results"]
    chosen = {"service_session_id": listed[1]["id"]}
    pay(stripe, buying.create(buyer, service_id=str(workshop.pk), scheduling_data=chosen))
    assert taken(first, second) == [0, 1]


def test_of_a_single_date_the_last_seat_is_sold_once(
    stripe: Sandbox, buyer: APIClient, other: APIClient, ana: Practitioner
) -> None:
    workshop = make_service(ServiceType.WORKSHOP, ana)
    make_sessions(workshop, capacity=1)
    buying.create(buyer, service_id=str(workshop.pk))
    buying.refused(other, 409, "sold_out", service_id=str(workshop.pk))


@PAYMENT_TYPES
def test_a_course_takes_a_seat_in_each_of_its_sessions(
    stripe: Sandbox, buyer: APIClient, maya: User, ana: Practitioner, payment_type: str
) -> None:
    course = make_service(ServiceType.COURSE, ana)
    sessions = make_sessions(course, 4, capacity=2)
    order = buying.create(buyer, service_id=str(course.pk), payment_type=payment_type)
    assert taken(*sessions) == [1, 1, 1, 1]
    assert all(label == expected(order, maya, course) for label in labels(stripe, payment_type))
    pay(stripe, order)
    [booking] = buying.bookings(buyer)
    assert (booking["status"], len(booking["sessions"]), booking["children"]) == ("confirmed", 4, [])
    assert Participant.objects.filter(user=maya, active=True).count() == 4


@PAYMENT_TYPES
def test_a_package_becomes_a_parent_whose_children_are_scheduled_or_left_open(
    stripe: Sandbox, buyer: APIClient, maya: User, ana: Practitioner, payment_type: str
) -> None:
    massage = make_service(ServiceType.SESSION, ana, usd=9000)
    workshop = make_service(ServiceType.WORKSHOP, make_practitioner("Bruno Costa"), usd=6000)
    seat = make_sessions(workshop)[0]
    package = make_service(ServiceType.PACKAGE, ana, holds=[massage, workshop], usd=10001, validity_days=90)
    order = buying.create(
        buyer,
        service_id=str(package.pk),
        payment_type=payment_type,
        scheduling_data={
            "items": [{"service_id": str(workshop.pk), "service_session_id": str(seat.pk)}],
        },
    )
    assert taken(seat) == [1]
    for label in labels(stripe, payment_type):
        scheduling = json.loads(label.pop("scheduling_data"))
        assert scheduling == {"items": [{"service_id": str(workshop.pk), "service_session_id": str(seat.pk)}]}
        assert label == expected(order, maya, package)
    pay(stripe, order)
    [parent] = buying.bookings(buyer)
    open_child, scheduled = parent["children"]
    assert (parent["service_type"], parent["amount"]) == ("package", "100.01")
    assert (open_child["service_type"], open_child["needs_scheduling"]) == ("session", True)
    assert (scheduled["service_session_id"], scheduled["needs_scheduling"]) == (str(seat.pk), False)
    assert [child["amount"] for child in parent["children"]] == ["60.00", "40.01"]
    start = a_free_slot(massage).isoformat()
    answer = buyer.post(f"/api/v1/bookings/{open_child['id']}/schedule/", {"start_datetime": start})
    assert (answer.status_code, answer.json()["needs_scheduling"]) == (200, False)


@pytest.mark.parametrize("items", [False, True])
def test_a_time_that_names_no_part_of_a_package_is_for_the_part_of_its_kind(
    stripe: Sandbox, buyer: APIClient, ana: Practitioner, items: bool
) -> None:
    course = make_service(ServiceType.COURSE, ana)
    workshop = make_service(ServiceType.WORKSHOP, make_practitioner("Bruno Costa"))
    make_sessions(course)
    [date] = make_sessions(workshop)
    massage = make_service(ServiceType.SESSION, ana)
    times: list[dict[str, str]] = [{"start_datetime": a_free_slot(massage).isoformat()}]
    whole = make_service(ServiceType.PACKAGE, ana, holds=[course, massage, workshop])
    if items:
        times.append({"service_session_id": str(date.pk)})
    scheduling = {"items": times} if items else times[0]
    order = buying.create(buyer, service_id=str(whole.pk), scheduling_data=scheduling)
    lines = order_of(order).lines.order_by("position").exclude(position=0)
    held = {line.service_name: line.reservations.count() for line in lines}
    assert held[massage.name] == 1 and held[workshop.name] == len(times) - 1
    only_course = make_service(ServiceType.PACKAGE, ana, holds=[course])
    body = {"service_id": str(only_course.pk), "scheduling_data": times[0]}
    answer = buyer.post("/api/v1/payments/create/", body)
    assert (answer.status_code, answer.json()["code"]) == (400, "session_not_offered")
    assert "fits no part" in answer.json()["detail"]


@PAYMENT_TYPES
def test_a_bundle_becomes_a_parent_with_one_child_for_each_session_bonus_included(
    stripe: Sandbox, buyer: APIClient, maya: User, ana: Practitioner, payment_type: str
) -> None:
    massage = make_service(ServiceType.SESSION, ana, usd=5000)
    bundle = make_service(
        ServiceType.BUNDLE,
        ana,
        usd=20000,
        bundle_of=massage,
        bundle_quantity=3,
        bundle_bonus=1,
        validity_days=60,
    )
    start = a_free_slot(massage)
    order = buying.create(
        buyer,
        service_id=str(bundle.pk),
        payment_type=payment_type,
        scheduling_data={"start_datetime": start.isoformat()},
    )
    assert CalendarEntry.objects.count() == 1
    for label in labels(stripe, payment_type):
        assert set(json.loads(label.pop("scheduling_data"))) == {"start_datetime"}
        assert label == expected(order, maya, bundle)
    pay(stripe, order)
    [parent] = buying.bookings(buyer)
    assert [child["amount"] for child in parent["children"]] == ["66.66", "66.67", "66.67", "0.00"]
    assert [child["needs_scheduling"] for child in parent["children"]] == [False, True, True, True]
    assert all(child["valid_until"] for child in parent["children"])


@PAYMENT_TYPES
def test_credits_are_labelled_with_the_base_metadata_alone(
    stripe: Sandbox, buyer: APIClient, maya: User, payment_type: str
) -> None:
    order = buying.credits(buyer, "100.00", credit_amount="100.00", payment_type=payment_type)
    base = {"order_id": order["order_id"], "user_id": str(maya.pk), "order_type": "credit"}
    assert labels(stripe, payment_type) == [base] * (1 if payment_type == "intent" else 2)
    pay(stripe, order)
    assert (status_of(order), buying.balance(buyer)) == ("completed", "100.00")


def test_scheduling_data_too_long_for_stripe_is_cut_to_fit_says_so_and_is_whole_on_the_order(
    stripe: Sandbox, buyer: APIClient, ana: Practitioner
) -> None:
    massage = make_service(ServiceType.SESSION, ana, usd=5000)
    bundle = make_service(
        ServiceType.BUNDLE, ana, usd=50000, bundle_of=massage, bundle_quantity=12, validity_days=200
    )
    items = [
        {"service_id": str(massage.pk), "start_datetime": a_free_slot(massage, nth=nth).isoformat()}
        for nth in range(0, 48, 4)
    ]
    order = buying.create(buyer, service_id=str(bundle.pk), scheduling_data={"items": items})
    [label] = labels(stripe, "intent")
    scheduling = json.loads(label["scheduling_data"])
    assert len(label["scheduling_data"]) <= 500
    assert (scheduling["truncated"], scheduling["items_total"]) == (True, 12)
    assert 0 < len(scheduling["items"]) < 12
    assert len(buying.order_of(order).scheduling_data["items"]) == 12
    pay(stripe, order)
    assert sum(not child["needs_scheduling"] for child in buying.bookings(buyer)[0]["children"]) == 12


def test_an_unpaid_hold_keeps_others_out_and_not_its_own_buyer(
    stripe: Sandbox, buyer: APIClient, other: APIClient, ana: Practitioner
) -> None:
    session = make_service(ServiceType.SESSION, ana)
    workshop = make_service(ServiceType.WORKSHOP, make_practitioner("Bruno Costa"))
    [last_seat] = make_sessions(workshop, capacity=1)
    slot = {"start_datetime": a_free_slot(session).isoformat()}
    seat = {"service_session_id": str(last_seat.pk)}
    for service, wish, code in ((session, slot, "slot_taken"), (workshop, seat, "sold_out")):
        order = buying.service(buyer, service, **wish)
        buying.refused(other, 409, code, service_id=str(service.pk), scheduling_data=wish)
        assert buying.service(buyer, service, **wish)["order_id"] == order["order_id"]


def test_the_order_keeps_what_was_sold_when_the_service_changes_meanwhile(
    stripe: Sandbox, buyer: APIClient, ana: Practitioner
) -> None:
    session = make_service(ServiceType.SESSION, ana, usd=8000, name="Deep rest")
    order = buying.service(buyer, session, start_datetime=a_free_slot(session).isoformat())
    session.prices.update(amount_minor=99900)
    Service.objects.filter(pk=session.pk).update(name="Another name", active=False)
    pay(stripe, order)
    shown = buying.detail(buyer, order)
    assert (shown["status"], shown["amount"], shown["title"]) == ("completed", "80.00", "Deep rest")
    assert buying.bookings(buyer)[0]["service_name"] == "Deep rest"


def test_another_currency_is_charged_at_its_own_price(
    stripe: Sandbox, buyer: APIClient, ana: Practitioner
) -> None:
    session = make_service(ServiceType.SESSION, ana, usd=10000)
    purchase = buying.create(
        buyer,
        service_id=str(session.pk),
        currency="EUR",
        amount="90.00",
        scheduling_data={"start_datetime": a_free_slot(session).isoformat()},
    )
    pay(stripe, purchase)
    order = buying.order_of(purchase)
    assert (order.captured_minor, order.currency, order.status) == (9000, "eur", "completed")


def test_the_buyer_is_told_by_mail_when_the_purchase_is_complete(
    stripe: Sandbox, buyer: APIClient, maya: User, ana: Practitioner, mailoutbox: list[Any]
) -> None:
    workshop = make_service(ServiceType.WORKSHOP, ana, name="Breath")
    order = buying.service(buyer, workshop, service_session_id=str(make_sessions(workshop)[0].pk))
    pay(stripe, order)
    assert sorted(mail.to[0] for mail in mailoutbox) == sorted([maya.email, ana.user.email])
    [mail] = [mail for mail in mailoutbox if mail.to == [maya.email]]
    assert "Breath" in mail.subject and order["order_id"] in mail.body


def test_the_page_can_settle_its_order_itself_when_the_webhook_is_late(
    stripe: Sandbox, buyer: APIClient, ana: Practitioner
) -> None:
    session = make_service(ServiceType.SESSION, ana)
    for payment_type in ("intent", "checkout"):
        order = buying.create(
            buyer,
            service_id=str(session.pk),
            payment_type=payment_type,
            scheduling_data={
                "start_datetime": (a_free_slot(session) + timedelta(days=len(payment_type))).isoformat()
            },
        )
        buying.pay_only(stripe, order)
        answer = buyer.post(f"/api/v1/orders/{order['order_id']}/sync/")
        assert (answer.status_code, answer.json()["status"]) == (200, "completed")
        settle_everything(stripe)
        assert Booking.objects.filter(order__public_id=order["order_id"]).count() == 1
