"""A date is called off for guests who bought it as a part: of a package, of a course, as a bundle's bonus session."""

from datetime import timedelta

import pytest
from rest_framework.test import APIClient

from estuary.accounts.models import Practitioner
from estuary.bookings.models import Booking
from estuary.catalog.models import ServiceSession, ServiceType
from estuary.common import clock
from estuary.payments.models import Refund
from stripe_sandbox import Sandbox
from tests.factories import make_service, make_sessions
from tests.flows import buying
from tests.flows.payments.dates.acting import act, call_off_url, host, progress
from tests.sandbox_bridge import settle_everything

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_part_of_a_package_returns_its_share_and_the_rest_stays(
    stripe: Sandbox, ana: Practitioner, workshop: ServiceSession, buyer: APIClient
) -> None:
    lesson = make_service(ServiceType.SESSION, ana, usd=5_000)
    package = make_service(ServiceType.PACKAGE, ana, holds=[workshop.service, lesson], usd=12_000)
    item = {"service_id": str(workshop.service_id), "service_session_id": str(workshop.pk)}
    order = buying.create(buyer, service_id=str(package.pk), scheduling_data={"items": [item]})
    buying.pay(stripe, order)
    act(host(ana), call_off_url(workshop))
    settle_everything(stripe)
    # 100.00 and 50.00 are sold together for 120.00.
    assert [refund.card_minor for refund in Refund.objects.all()] == [8_000]
    assert buying.status_of(order) == "partially_refunded"
    parts = dict(Booking.objects.filter(position__gt=0).values_list("service_type", "status"))
    assert parts == {"workshop": "canceled", "session": "confirmed"}


def test_a_meeting_of_a_course_returns_its_share_and_the_last_one_the_rest(
    stripe: Sandbox, ana: Practitioner, buyer: APIClient
) -> None:
    course = make_service(ServiceType.COURSE, ana, usd=10_000)
    meetings = make_sessions(course, 3)
    order = buying.service(buyer, course)
    buying.pay(stripe, order)
    me = host(ana)
    for meeting, status in zip(
        meetings, ["partially_refunded", "partially_refunded", "refunded"], strict=True
    ):
        act(me, call_off_url(meeting))
        settle_everything(stripe)
        assert buying.status_of(order) == status
    amounts = Refund.objects.order_by("pk").values_list("card_minor", flat=True)
    assert list(amounts) == [3_333, 3_333, 3_334]
    assert Booking.objects.get().status == "canceled"


def test_a_course_without_its_first_meeting_begins_with_the_second(
    stripe: Sandbox, ana: Practitioner, buyer: APIClient
) -> None:
    course = make_service(ServiceType.COURSE, ana)
    meetings = make_sessions(course, 3)
    buying.pay(stripe, buying.service(buyer, course))
    act(host(ana), call_off_url(meetings[0]))
    settle_everything(stripe)
    [shown] = buying.bookings(buyer)
    assert [seat["id"] for seat in shown["sessions"]] == [str(meeting.pk) for meeting in meetings[1:]]
    assert Booking.objects.get().starts_at == meetings[1].starts_at
    assert Booking.objects.get().ends_at == meetings[2].ends_at


def test_a_bonus_session_is_given_back_to_be_scheduled_again(
    stripe: Sandbox, ana: Practitioner, buyer: APIClient
) -> None:
    lesson = make_service(ServiceType.SESSION, ana, usd=5_000)
    bundle = make_service(
        ServiceType.BUNDLE,
        ana,
        bundle_of=lesson,
        bundle_quantity=1,
        bundle_bonus=1,
        validity_days=5,
        usd=5_000,
    )
    buying.pay(stripe, buying.service(buyer, bundle))
    bonus = Booking.objects.get(amount_minor=0)
    slots = buyer.get(f"/api/v1/services/{lesson.pk}/slots/").json()["slots"]
    start = {"start_datetime": slots[20]["start_datetime"]}
    assert buyer.post(f"/api/v1/bookings/{bonus.pk}/schedule/", start).status_code == 200
    me = host(ana)
    change = act(me, f"/api/v1/roster/bookings/{bonus.pk}/call-off/")
    settle_everything(stripe)
    [row] = progress(me, change)["rows"]
    assert (row["act"], row["amount"]) == ("reschedule", "0.00")
    bonus.refresh_from_db()
    assert bonus.needs_scheduling
    assert bonus.valid_until is not None
    assert bonus.valid_until > clock.now() + timedelta(days=29)
    assert buyer.post(f"/api/v1/bookings/{bonus.pk}/schedule/", start).status_code == 200
