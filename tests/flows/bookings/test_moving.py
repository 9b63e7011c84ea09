"""A buyer moves a booking to another time: the old time is free again, the new one is taken, and nothing is charged."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.core import mail
from rest_framework.test import APIClient

from estuary.accounts.models import Practitioner
from estuary.bookings.models import Booking, BookingMove, Participant, Reservation
from estuary.catalog.calendar import CalendarEntry
from estuary.catalog.models import Service, ServiceSession, ServiceType
from estuary.common.english_times import describe_utc
from stripe_sandbox import Sandbox
from tests.factories import a_free_slot, make_practitioner, make_service, make_sessions, signed_in
from tests.flows import buying
from tests.flows.buying import Json, pay
from tests.flows.disputing import close, dispute
from tests.sandbox_bridge import settle_everything

pytestmark = pytest.mark.django_db(transaction=True)


def buy_slot(stripe: Sandbox, buyer: APIClient, service: Service, nth: int = 0) -> Booking:
    order = buying.service(buyer, service, start_datetime=a_free_slot(service, nth=nth).isoformat())
    pay(stripe, order)
    return Booking.objects.get(order__public_id=order["order_id"])


def buy_seat(stripe: Sandbox, buyer: APIClient, service: Service, session: ServiceSession) -> Booking:
    order = buying.service(buyer, service, service_session_id=str(session.pk))
    pay(stripe, order)
    return Booking.objects.get(order__public_id=order["order_id"])


def move(buyer: APIClient, booking: Booking, to: datetime | ServiceSession) -> Json:
    answer = post(buyer, booking, to)
    assert answer.status_code == 200, answer.json()
    booking.refresh_from_db()
    return dict(answer.json())


def refused(buyer: APIClient, booking: Booking, to: datetime | ServiceSession | None, code: str) -> Json:
    """Try to move a booking; it is refused with a sentence, and nothing has changed."""
    before = picture()
    answer = post(buyer, booking, to)
    problem = dict(answer.json())
    assert problem.get("code") == code, problem
    assert answer.status_code in {400, 404, 409}
    assert len(problem["detail"].split()) > 5 or code == "not_found"
    assert picture() == before
    return problem


def post(buyer: APIClient, booking: Booking, to: datetime | ServiceSession | None) -> Any:
    if isinstance(to, datetime):
        body: Json = {"start_datetime": to.isoformat()}
    else:
        body = {"service_session_id": str(to.pk)} if to else {}
    return buyer.post(f"/api/v1/bookings/{booking.pk}/move/", body)


def picture() -> list[Any]:
    return [
        list(model.objects.order_by("pk").values_list())
        for model in (Booking, Reservation, CalendarEntry, Participant, BookingMove)
    ] + [list(ServiceSession.objects.order_by("pk").values_list("pk", "taken"))]


def shown(buyer: APIClient, booking: Booking) -> Json:
    return dict(buyer.get(f"/api/v1/bookings/{booking.pk}/").json())


@contextmanager
def later_at(moment: datetime, booking: Booking) -> Iterator[APIClient]:
    """At a later moment, yield the buyer of a booking, who signs in again."""
    with time_machine.travel(moment):
        yield signed_in(booking.user)


def in_api(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")


def test_a_session_is_moved_to_another_slot(stripe: Sandbox, buyer: APIClient, yoga: Service) -> None:
    booking = buy_slot(stripe, buyer, yoga)
    before, after = a_free_slot(yoga), a_free_slot(yoga, nth=7)
    old = booking.starts_at
    assert old is not None
    answer = move(buyer, booking, after)
    assert (answer["start_datetime"], answer["former_start_datetime"]) == (in_api(after), in_api(old))
    assert (answer["amount"], answer["moves_left"], answer["can_move"]) == ("80.00", 1, True)
    assert CalendarEntry.objects.get().during.lower == after
    assert a_free_slot(yoga) == old != before
    assert (booking.calendar_sequence, booking.times_moved) == (1, 1)
    record = BookingMove.objects.get()
    assert (record.from_starts_at, record.to_starts_at, record.number) == (old, after, 1)
    assert record.by == booking.user


def test_a_seat_is_moved_to_another_date(stripe: Sandbox, buyer: APIClient, bath: Service) -> None:
    first, second = make_sessions(bath, 2, capacity=1)
    booking = buy_seat(stripe, buyer, bath, first)
    answer = move(buyer, booking, second)
    assert (answer["service_session_id"], answer["start_datetime"]) == (
        str(second.pk),
        in_api(second.starts_at),
    )
    assert [seat["id"] for seat in answer["sessions"]] == [str(second.pk)]
    taken = dict(ServiceSession.objects.values_list("pk", "taken"))
    assert taken == {first.pk: 0, second.pk: 1}
    assert Participant.objects.get(active=True).session == second
    move(buyer, booking, first)
    assert dict(ServiceSession.objects.values_list("pk", "taken")) == {first.pk: 1, second.pk: 0}


def test_a_session_of_a_bundle_and_parts_of_a_package_are_moved(
    stripe: Sandbox, buyer: APIClient, ana: Practitioner, yoga: Service, bath: Service
) -> None:
    bundle = make_service(ServiceType.BUNDLE, ana, bundle_of=yoga, bundle_quantity=3, validity_days=30)
    package = make_service(ServiceType.PACKAGE, ana, holds=[yoga, bath], validity_days=30)
    dates = make_sessions(bath, 2)
    slots = [{"start_datetime": a_free_slot(yoga, nth=nth).isoformat()} for nth in (0, 4)]
    pay(stripe, buying.service(buyer, bundle, items=slots))
    seat = {"service_id": str(bath.pk), "service_session_id": str(dates[0].pk)}
    pay(stripe, buying.service(buyer, package, items=[seat]))
    first = Booking.objects.get(parent__service=bundle, position=1)
    move(buyer, first, a_free_slot(yoga, nth=9))
    workshop = Booking.objects.get(parent__service=package, service=bath)
    move(buyer, workshop, dates[1])
    unscheduled = Booking.objects.get(parent__service=package, service=yoga)
    refused(buyer, unscheduled, a_free_slot(yoga), "booking_not_movable")
    starts_at = a_free_slot(yoga).isoformat()
    answer = buyer.post(f"/api/v1/bookings/{unscheduled.pk}/schedule/", {"start_datetime": starts_at})
    assert answer.status_code == 200
    move(buyer, unscheduled, a_free_slot(yoga, nth=5))
    for whole in Booking.objects.filter(position=0):
        refused(buyer, whole, a_free_slot(yoga), "booking_not_movable")


def test_a_new_time_may_overlap_the_old_one(stripe: Sandbox, buyer: APIClient, yoga: Service) -> None:
    booking = buy_slot(stripe, buyer, yoga)
    assert booking.starts_at
    half_an_hour_later = booking.starts_at + timedelta(minutes=30)
    move(buyer, booking, half_an_hour_later)
    assert CalendarEntry.objects.get().during.lower == half_an_hour_later


def test_the_same_request_again_is_the_same_move(
    stripe: Sandbox, buyer: APIClient, yoga: Service, bath: Service
) -> None:
    session, seat = buy_slot(stripe, buyer, yoga), buy_seat(stripe, buyer, bath, make_sessions(bath, 2)[0])
    later, date = a_free_slot(yoga, nth=7), bath.sessions.last()
    assert date
    mail.outbox.clear()
    for _ in range(3):
        assert move(buyer, session, later)["moves_left"] == 1
        assert move(buyer, seat, date)["moves_left"] == 1
    with later_at(later - timedelta(minutes=5), session) as again:
        assert move(again, session, later)["can_move"] is False
    settle_everything(stripe)
    written_to = Counter(sent.to[0] for sent in mail.outbox)
    assert written_to[yoga.practitioner.user.email] == BookingMove.objects.count() == 2
    assert written_to.total() == 4


def test_a_booking_can_be_moved_as_often_as_was_sold(
    stripe: Sandbox, buyer: APIClient, yoga: Service
) -> None:
    booking = buy_slot(stripe, buyer, yoga)
    Service.objects.update(max_moves=9)  # the rule as it was sold counts
    for left, nth in ((1, 5), (0, 9)):
        assert move(buyer, booking, a_free_slot(yoga, nth=nth))["moves_left"] == left
    answer = shown(buyer, booking)
    assert (answer["can_move"], answer["moves_left"]) == (False, 0)
    problem = refused(buyer, booking, a_free_slot(yoga), "no_moves_left")
    assert "2 times" in problem["detail"]
    Service.objects.update(max_moves=0)
    fixed = buy_slot(stripe, buyer, yoga)
    assert shown(buyer, fixed)["can_move"] is False
    refused(buyer, fixed, a_free_slot(yoga, nth=7), "no_moves_left")


def test_moving_does_not_extend_the_deadline(stripe: Sandbox, buyer: APIClient, yoga: Service) -> None:
    booking = buy_slot(stripe, buyer, yoga)
    start = booking.starts_at
    assert start
    deadline = start - timedelta(hours=24)
    assert shown(buyer, booking)["move_until"] == in_api(deadline)
    answer = move(buyer, booking, start + timedelta(days=7))
    assert answer["move_until"] == answer["free_cancel_until"] == in_api(deadline)
    with later_at(deadline + timedelta(seconds=1), booking) as again:
        assert shown(again, booking)["can_move"] is False
        problem = refused(again, booking, start + timedelta(days=8), "move_too_late")
        assert describe_utc(deadline) in problem["detail"]
        url = f"/api/v1/bookings/{booking.pk}/cancel/"
        assert again.get(url).json()["returned"] == "0.00"
        assert again.post(url).json()["refund"] is None


def test_an_earlier_time_brings_its_own_deadline(stripe: Sandbox, buyer: APIClient, yoga: Service) -> None:
    start = a_free_slot(yoga) + timedelta(days=7)
    order = buying.service(buyer, yoga, start_datetime=start.isoformat())
    pay(stripe, order)
    booking = Booking.objects.get()
    sooner = a_free_slot(yoga)
    answer = move(buyer, booking, sooner)
    assert answer["free_cancel_until"] == in_api(sooner - timedelta(hours=24))
    with later_at(sooner - timedelta(hours=1), booking) as again:
        refused(again, booking, start, "move_too_late")
        assert again.post(f"/api/v1/bookings/{booking.pk}/cancel/").json()["refund"] is None


def test_a_time_in_between_counts_too(stripe: Sandbox, buyer: APIClient, yoga: Service) -> None:
    start = a_free_slot(yoga) + timedelta(days=7)
    pay(stripe, buying.service(buyer, yoga, start_datetime=start.isoformat()))
    booking, sooner = Booking.objects.get(), a_free_slot(yoga)
    move(buyer, booking, sooner)
    answer = move(buyer, booking, start + timedelta(days=1))
    assert answer["free_cancel_until"] == in_api(sooner - timedelta(hours=24))
    assert answer["former_start_datetime"] == in_api(sooner)


def test_in_time_a_moved_booking_is_canceled_for_all_of_its_price(
    stripe: Sandbox, buyer: APIClient, yoga: Service, bath: Service
) -> None:
    session, dates = buy_slot(stripe, buyer, yoga), make_sessions(bath, 2)
    seat = buy_seat(stripe, buyer, bath, dates[0])
    move(buyer, session, a_free_slot(yoga, nth=7))
    move(buyer, seat, dates[1])
    for booking, price in ((session, "80.00"), (seat, "45.00")):
        answer = buyer.post(f"/api/v1/bookings/{booking.pk}/cancel/")
        assert answer.json()["refund"]["amount"] == price
    settle_everything(stripe)
    assert not CalendarEntry.objects.filter(servicesession=None).exists()
    assert set(ServiceSession.objects.values_list("taken", flat=True)) == {0}
    refused(buyer, session, a_free_slot(yoga), "booking_canceled")


def test_a_taken_time_stays_with_its_buyer(
    stripe: Sandbox, buyer: APIClient, other: APIClient, yoga: Service, bath: Service
) -> None:
    booking, taken = buy_slot(stripe, buyer, yoga), buy_slot(stripe, other, yoga)
    assert taken.starts_at
    refused(buyer, booking, taken.starts_at, "slot_taken")
    refused(buyer, booking, taken.starts_at + timedelta(minutes=30), "slot_taken")
    first, full = make_sessions(bath, 2, capacity=1)
    mine = buy_seat(stripe, buyer, bath, first)
    buy_seat(stripe, other, bath, full)
    refused(buyer, mine, full, "sold_out")


def test_what_ones_own_unpaid_order_holds_is_named(
    stripe: Sandbox, buyer: APIClient, yoga: Service, bath: Service
) -> None:
    booking, dates = buy_slot(stripe, buyer, yoga), make_sessions(bath, 2)
    seat = buy_seat(stripe, buyer, bath, dates[0])
    slot = a_free_slot(yoga, nth=7)
    held = buying.service(buyer, yoga, start_datetime=slot.isoformat())
    assert refused(buyer, booking, slot, "held_by_your_order")["order_id"] == held["order_id"]
    held = buying.service(buyer, bath, service_session_id=str(dates[1].pk))
    assert refused(buyer, seat, dates[1], "held_by_your_order")["order_id"] == held["order_id"]
    pay(stripe, held)
    refused(buyer, seat, dates[1], "already_booked")


def test_a_bad_time_is_refused_with_what_to_choose_instead(
    stripe: Sandbox, buyer: APIClient, yoga: Service, bath: Service
) -> None:
    other = make_service(ServiceType.WORKSHOP, make_practitioner("Mateo Silva"))
    [foreign], dates = make_sessions(other), make_sessions(bath, 2)
    session, seat = buy_slot(stripe, buyer, yoga), buy_seat(stripe, buyer, bath, dates[0])
    start = session.starts_at
    assert start
    refused(buyer, session, None, "scheduling_required")
    refused(buyer, seat, None, "scheduling_required")
    refused(buyer, session, start - timedelta(days=30), "slot_in_past")
    refused(buyer, session, start + timedelta(minutes=7), "outside_availability")
    refused(buyer, session, start.replace(hour=3), "outside_availability")
    refused(buyer, session, start + timedelta(days=400), "outside_availability")
    refused(buyer, session, dates[1], "session_not_offered")
    refused(buyer, seat, start, "session_not_offered")
    refused(buyer, seat, foreign, "session_not_offered")
    dates[1].starts_at -= timedelta(days=30)
    dates[1].ends_at -= timedelta(days=30)
    dates[1].save()
    refused(buyer, seat, dates[1], "session_started")
    url = f"/api/v1/bookings/{session.pk}/move/"
    for body in (
        {"start_datetime": "soon"},
        {"start_datetime": "2026-12-01T10:00"},
        {"service_session_id": "x"},
    ):
        answer = buyer.post(url, body)
        assert (answer.status_code, answer.json()["code"]) == (400, "invalid_request")
    gone = ServiceSession(pk=dates[1].pk)
    dates[1].delete()
    dates[1].calendar_entry.delete()
    refused(buyer, seat, gone, "session_not_offered")


def test_what_can_not_be_moved_says_why(
    stripe: Sandbox, buyer: APIClient, ana: Practitioner, yoga: Service
) -> None:
    course = make_service(ServiceType.COURSE, ana, name="A course")
    dates = make_sessions(course, 2)
    pay(stripe, buying.service(buyer, course))
    whole = Booking.objects.get(service=course)
    assert "belong together" in refused(buyer, whole, dates[1], "booking_not_movable")["detail"]
    assert shown(buyer, whole)["move_until"] is None
    booking = buy_slot(stripe, buyer, yoga)
    assert booking.starts_at
    with later_at(booking.starts_at + timedelta(minutes=1), booking) as again:
        refused(again, booking, booking.starts_at + timedelta(days=1), "booking_not_movable")
    Booking.objects.filter(pk=booking.pk).update(service=None)
    refused(buyer, booking, a_free_slot(yoga, nth=7), "booking_not_movable")


def test_anothers_booking_is_not_found(
    stripe: Sandbox, buyer: APIClient, other: APIClient, yoga: Service
) -> None:
    booking = buy_slot(stripe, buyer, yoga)
    refused(other, booking, a_free_slot(yoga, nth=7), "not_found")
    assert post(APIClient(), booking, a_free_slot(yoga, nth=7)).status_code == 401


def test_a_disputed_booking_keeps_its_time_until_the_dispute_is_won(
    stripe: Sandbox, buyer: APIClient, yoga: Service
) -> None:
    order = buying.service(buyer, yoga, start_datetime=a_free_slot(yoga).isoformat())
    pay(stripe, order)
    booking, later = Booking.objects.get(), a_free_slot(yoga, nth=7)
    opened = dispute(stripe, order)
    assert shown(buyer, booking)["can_move"] is False
    refused(buyer, booking, later, "booking_not_movable")
    close(stripe, opened, "won")
    move(buyer, booking, later)


def test_a_partly_refunded_booking_is_moved_and_a_refunded_one_is_not(
    stripe: Sandbox, buyer: APIClient, staff: APIClient, yoga: Service
) -> None:
    order = buying.service(buyer, yoga, start_datetime=a_free_slot(yoga).isoformat())
    pay(stripe, order)
    booking = Booking.objects.get()
    buying.refund(staff, order, amount="20.00")
    settle_everything(stripe)
    assert move(buyer, booking, a_free_slot(yoga, nth=7))["status"] == "partially_refunded"
    buying.refund(staff, order)
    settle_everything(stripe)
    refused(buyer, booking, a_free_slot(yoga, nth=9), "booking_canceled")
    assert not CalendarEntry.objects.exists()


def test_after_the_validity_of_a_bundle_no_new_time_is_chosen(
    stripe: Sandbox, buyer: APIClient, ana: Practitioner, yoga: Service
) -> None:
    bundle = make_service(ServiceType.BUNDLE, ana, bundle_of=yoga, bundle_quantity=2, validity_days=1)
    start = a_free_slot(yoga, nth=7)
    pay(stripe, buying.service(buyer, bundle, items=[{"start_datetime": start.isoformat()}]))
    child = Booking.objects.get(position=1)
    assert child.valid_until
    assert shown(buyer, child)["move_until"] == in_api(child.valid_until)
    with later_at(child.valid_until, child) as again:
        refused(again, child, start + timedelta(days=1), "booking_expired")


def test_a_booking_keeps_the_length_that_was_sold(stripe: Sandbox, buyer: APIClient, yoga: Service) -> None:
    booking = buy_slot(stripe, buyer, yoga)
    Service.objects.update(duration_min=20)
    answer = move(buyer, booking, a_free_slot(yoga, nth=14))
    lasts = datetime.fromisoformat(answer["end_datetime"]) - datetime.fromisoformat(answer["start_datetime"])
    assert lasts == timedelta(hours=1)


def test_an_order_from_before_moves_were_sold_has_the_default(
    stripe: Sandbox, buyer: APIClient, yoga: Service
) -> None:
    booking = buy_slot(stripe, buyer, yoga)
    order = booking.order
    del order.snapshot["max_moves"]
    order.save(update_fields=["snapshot"])
    assert shown(buyer, booking)["moves_left"] == 2


def test_the_buyer_gets_one_mail_about_the_new_time(stripe: Sandbox, buyer: APIClient, yoga: Service) -> None:
    booking = buy_slot(stripe, buyer, yoga)
    mail.outbox.clear()
    move(buyer, booking, a_free_slot(yoga, nth=7))
    settle_everything(stripe)
    [sent] = [message for message in mail.outbox if message.to == [booking.user.email]]
    assert "Yoga" in sent.subject
