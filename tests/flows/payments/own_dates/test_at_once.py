"""A practitioner keeps dates while people buy: no course is sold without one of its dates, no seat twice."""

import pytest

from estuary.accounts.models import Practitioner
from estuary.bookings.models import Reservation
from estuary.catalog.models import ServiceSession, ServiceType
from stripe_sandbox import Sandbox
from tests.factories import make_service, make_sessions, make_user, signed_in
from tests.flows.buying import CREATE
from tests.flows.payments.dates.acting import host
from tests.flows.payments.own_dates.acting import DATES, date_body, in_days, look, url_of
from tests.flows.test_crowds import all_at_once, answer_to

pytestmark = pytest.mark.django_db(transaction=True)

ROUNDS = 4


def test_a_course_is_bought_while_a_date_is_added(stripe: Sandbox, ana: Practitioner) -> None:
    """Either the date came first, and every buyer has a seat in it, or the course was sold, and it is not added."""
    for number in range(ROUNDS):
        course = make_service(ServiceType.COURSE, ana)
        make_sessions(course, 3, in_days=10 + number)
        buyers = [signed_in(make_user(f"Buyer{number}x{one} Crowd")) for one in range(3)]
        body = {"service_id": str(course.pk)}
        me = host(ana)
        new = date_body(course, in_days(60 + number))
        answers = all_at_once([answer_to(me, DATES, new), *(answer_to(one, CREATE, body) for one in buyers)])
        meetings = ServiceSession.objects.filter(service=course).count()
        assert (answers[0], meetings) in {((201, ""), 4), ((409, "course_sold"), 3)}
        for session in ServiceSession.objects.filter(service=course):
            live = Reservation.objects.filter(session=session).exclude(status="released").count()
            assert session.taken == live == answers[1:].count((201, "")), answers
        assert set(answers[1:]) <= {(201, ""), (409, "dates_changed")}, answers


def test_the_same_date_is_added_by_two_tabs_at_once(ana: Practitioner) -> None:
    workshop = make_service(ServiceType.WORKSHOP, ana)
    tabs = [host(ana) for _ in range(4)]
    body = date_body(workshop, weeks=3)
    answers = all_at_once([answer_to(tab, DATES, body) for tab in tabs])
    assert sorted(answers) == [(201, ""), *[(409, "practitioner_taken")] * 3]
    assert ServiceSession.objects.count() == 3


def test_seats_are_taken_away_while_people_buy_them(stripe: Sandbox, ana: Practitioner) -> None:
    [date] = make_sessions(make_service(ServiceType.WORKSHOP, ana), capacity=6)
    body = {
        "service_id": str(date.service_id),
        "scheduling_data": {"service_session_id": str(date.pk)},
    }
    buyers = [signed_in(make_user(f"Buyer{one} Crowd")) for one in range(6)]
    me = host(ana)
    edit = {"version": look(me, date)["version"], "capacity": 3}

    def fewer() -> tuple[int, str]:
        answer = me.patch(url_of(date), edit)
        while answer.status_code == 503:
            answer = me.patch(url_of(date), edit)
        return answer.status_code, str(answer.json().get("code", ""))

    answers = all_at_once([fewer, *(answer_to(one, CREATE, body) for one in buyers)])
    date.refresh_from_db()
    sold = answers[1:].count((201, ""))
    assert date.taken == sold <= date.capacity
    assert (answers[0], date.capacity) in {((200, ""), 3), ((409, "capacity_below_taken"), 6)}
