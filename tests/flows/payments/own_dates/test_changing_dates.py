"""A practitioner changes or deletes a date; what guests have bought stays theirs."""

from datetime import datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.core.mail import EmailMessage
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from estuary.accounts.models import AuditLogEntry, Practitioner
from estuary.bookings.models import Reservation
from estuary.catalog.calendar import CalendarEntry
from estuary.catalog.models import ServiceSession, ServiceType
from estuary.common import clock
from stripe_sandbox import Sandbox
from tests.factories import make_practitioner, make_service, make_sessions
from tests.flows import buying
from tests.flows.buying import Json
from tests.flows.payments.dates.acting import act, buy_seat, call_off_url, host, move_url, preview
from tests.flows.payments.mailing.reading import calendar_entries
from tests.flows.payments.own_dates.acting import add, change, in_days, look, problem, url_of
from tests.sandbox_bridge import settle_everything

pytestmark = pytest.mark.django_db(transaction=True)

CHANGING = 20


@pytest.fixture
def date(ana: Practitioner) -> ServiceSession:
    workshop = make_service(ServiceType.WORKSHOP, ana, name="Breathwork")
    [session] = make_sessions(workshop, capacity=4)
    return session


def picture(session: ServiceSession) -> Any:
    session.refresh_from_db()
    entry = CalendarEntry.objects.get(pk=session.calendar_entry_id)
    return session.starts_at, session.ends_at, session.capacity, session.join_url, entry.during


def refused(host: APIClient, session: ServiceSession, status: int, code: str, **values: Any) -> Json:
    before = picture(session)
    body = problem(change(host, session, **values), status, code)
    assert picture(session) == before
    return body


def test_seats_are_added_and_taken_away_but_never_those_that_are_taken(
    stripe: Sandbox, ana: Practitioner, date: ServiceSession, buyer: APIClient, other: APIClient
) -> None:
    me = host(ana)
    buy_seat(stripe, buyer, date)
    buying.service(other, date.service, service_session_id=str(date.pk))  # holds a seat, unpaid
    refusal = refused(me, date, 409, "capacity_below_taken", capacity=1)
    assert (refusal["taken"], "2 seats are" in refusal["detail"]) == (2, True)
    assert change(me, date, capacity=2).json()["capacity"] == 2
    shown = buyer.get(f"/api/v1/services/{date.service_id}/sessions/").json()["results"]
    assert [one["sold_out"] for one in shown] == [True]
    assert change(me, date, capacity=3).status_code == 200
    texts = [entry.change_message for entry in AuditLogEntry.objects.order_by("pk")]
    assert ["2 seats instead of 4" in texts[0], "3 seats instead of 2" in texts[1]] == [True, True]


def test_a_time_is_changed_while_nobody_has_a_seat(ana: Practitioner, date: ServiceSession) -> None:
    me = host(ana)
    start, end = in_days(12, 6), in_days(12, 9)
    answer = change(me, date, start_datetime=start.isoformat(), end_datetime=end.isoformat())
    assert answer.status_code == 200, answer.json()
    assert picture(date)[:2] == (start, end)
    assert (picture(date)[-1].lower, picture(date)[-1].upper) == (start, end)
    assert change(me, date, end_datetime=in_days(12, 8).isoformat()).status_code == 200


def test_a_date_that_only_begins_at_another_time_lasts_as_long_as_before(
    ana: Practitioner, date: ServiceSession
) -> None:
    me, lasts = host(ana), date.ends_at - date.starts_at
    for start in (date.starts_at - timedelta(days=1), date.starts_at + timedelta(days=3)):
        answer = change(me, date, start_datetime=start.isoformat())
        assert answer.status_code == 200, answer.json()
        assert picture(date)[:2] == (start, start + lasts)
    assert change(me, date, start_datetime=start.isoformat()).status_code == 200
    assert picture(date)[:2] == (start, start + lasts)


def test_a_time_with_guests_is_moved_with_them(
    stripe: Sandbox, ana: Practitioner, date: ServiceSession, buyer: APIClient
) -> None:
    me = host(ana)
    held = buying.service(buyer, date.service, service_session_id=str(date.pk))
    new = (date.starts_at + timedelta(hours=1)).isoformat()
    refusal = refused(me, date, 409, "date_has_guests", start_datetime=new)
    assert refusal["preview"] == move_url(date)
    assert [row["act"] for row in preview(me, refusal["preview"], start_datetime=new)["rows"]] == [
        "end_order"
    ]
    buying.pay(stripe, held)
    refused(me, date, 409, "date_has_guests", end_datetime=(date.ends_at + timedelta(hours=1)).isoformat())
    assert [row["act"] for row in preview(me, refusal["preview"], start_datetime=new)["rows"]] == ["move"]


def test_guests_are_told_of_a_new_link_and_nobody_else_sees_it(
    stripe: Sandbox,
    ana: Practitioner,
    date: ServiceSession,
    buyer: APIClient,
    other: APIClient,
    mailoutbox: list[EmailMessage],
) -> None:
    me, link = host(ana), "https://meet.example/new-room?a=1&b=2"
    buy_seat(stripe, buyer, date)
    buying.service(other, date.service, service_session_id=str(date.pk))
    mailoutbox.clear()
    assert change(me, date, join_url=link).json()["join_url"] == link
    settle_everything(stripe)
    [mail] = mailoutbox
    assert mail.subject == "Breathwork has a new link to join"
    assert link in str(mail.body)
    assert "Its time stays the same" in str(mail.body)
    [booking] = buying.bookings(buyer)
    assert booking["join_url"] == link
    assert "meet.example" not in str(other.get(f"/api/v1/services/{date.service_id}/sessions/").json())
    assert "meet.example" not in str(other.get(f"/api/v1/services/{date.service_id}/").json())
    assert "meet.example" not in AuditLogEntry.objects.get().change_message
    assert change(me, date, join_url=link).status_code == 200
    settle_everything(stripe)
    assert len(mailoutbox) == 1


def test_guests_of_a_link_that_is_removed_are_sent_to_no_link_below(
    stripe: Sandbox, ana: Practitioner, date: ServiceSession, buyer: APIClient, mailoutbox: list[EmailMessage]
) -> None:
    me = host(ana)
    buy_seat(stripe, buyer, date)
    assert change(me, date, join_url="https://meet.example/room").status_code == 200
    settle_everything(stripe)
    mailoutbox.clear()
    assert change(me, date, join_url="").status_code == 200
    settle_everything(stripe)
    [mail] = mailoutbox
    assert mail.subject == "Breathwork has no link to join any more"
    assert "link below" not in str(mail.body)
    assert "does not work any more" in str(mail.body)
    mailoutbox.clear()
    # Of two changes the guests read how it is after both.
    for link in ("https://meet.example/a", "https://meet.example/b"):
        assert change(me, date, join_url=link).status_code == 200
    settle_everything(stripe)
    assert {mail.subject for mail in mailoutbox} == {"Breathwork has a new link to join"}
    assert all("meet.example/b" in str(mail.body) for mail in mailoutbox)
    assert len(mailoutbox) == 2


def test_a_new_link_of_one_date_is_that_date_s_alone(
    stripe: Sandbox, ana: Practitioner, buyer: APIClient, mailoutbox: list[EmailMessage]
) -> None:
    course = make_service(ServiceType.COURSE, ana, name="Six evenings")
    _, second = make_sessions(course, 2)
    buying.pay(stripe, buying.service(buyer, course))
    mailoutbox.clear()
    assert change(host(ana), second, join_url="https://meet.example/b").status_code == 200
    settle_everything(stripe)
    [mail] = mailoutbox
    assert mail.subject == "A date of Six evenings has a new link to join"
    assert calendar_starts(mail) == [second.starts_at]


def test_guests_of_a_date_that_has_begun_are_told_of_its_new_link_until_it_is_over(
    stripe: Sandbox, ana: Practitioner, date: ServiceSession, buyer: APIClient, mailoutbox: list[EmailMessage]
) -> None:
    buy_seat(stripe, buyer, date)
    mailoutbox.clear()
    link = "https://meet.example/other-room"
    with time_machine.travel(date.starts_at + timedelta(minutes=3), tick=True):
        assert change(host(ana), date, join_url=link).status_code == 200
        settle_everything(stripe)
    [mail] = mailoutbox
    assert mail.subject == "Breathwork has a new link to join"
    assert link in str(mail.body)
    assert calendar_starts(mail) == [date.starts_at]
    with time_machine.travel(date.ends_at - timedelta(minutes=1), tick=True):
        assert change(host(ana), date, join_url="https://meet.example/late").status_code == 200
    with time_machine.travel(date.ends_at + timedelta(minutes=1), tick=True):
        settle_everything(stripe)
    assert len(mailoutbox) == 1


def calendar_starts(mail: EmailMessage) -> list[datetime]:
    return [entry.starts_at for entry in calendar_entries(mail)]


def test_what_changed_elsewhere_is_not_written_over(ana: Practitioner, date: ServiceSession) -> None:
    me = host(ana)
    old = look(me, date)
    assert change(me, date, capacity=9).status_code == 200
    refusal = problem(
        me.patch(url_of(date), {"version": old["version"], "capacity": 5}), 409, "date_outdated"
    )
    assert (refusal["date"]["capacity"], refusal["date"]["version"]) == (9, look(me, date)["version"])
    # Sent again after its answer was lost, it is there already.
    assert me.patch(url_of(date), {"version": old["version"], "capacity": 9}).status_code == 200
    problem(me.patch(url_of(date), {"capacity": 5}), 400, "invalid_request")


def test_a_seat_that_is_bought_meanwhile_makes_no_change_outdated(
    stripe: Sandbox, ana: Practitioner, date: ServiceSession, buyer: APIClient
) -> None:
    me = host(ana)
    old = look(me, date)
    buy_seat(stripe, buyer, date)
    assert me.patch(url_of(date), {"version": old["version"], "capacity": 5}).json()["taken"] == 1


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"start_datetime": "2020-01-07T10:00:00Z", "end_datetime": "2020-01-07T11:00:00Z"}, "slot_in_past"),
        (
            {"start_datetime": "2099-01-07T10:00:00Z", "end_datetime": "2099-01-07T11:00:00Z"},
            "beyond_horizon",
        ),
        ({"end_datetime": in_days(2).isoformat()}, "invalid_request"),
        ({"end_datetime": in_days(80).isoformat()}, "invalid_request"),
        ({"capacity": 0}, "invalid_request"),
        ({"capacity": 1_000_000}, "invalid_request"),
        ({"capacity": "5"}, "invalid_request"),
        ({"join_url": "https://meet.example/\u202e"}, "invalid_request"),
        ({"join_url": "https://meet.example/<b>"}, "invalid_request"),
        ({"start_datetime": None}, "invalid_request"),
    ],
)
def test_what_no_date_can_become_is_refused(
    ana: Practitioner, date: ServiceSession, values: Json, code: str
) -> None:
    refused(host(ana), date, 400, code, **values)


def test_a_date_is_not_moved_onto_another_one(ana: Practitioner, date: ServiceSession) -> None:
    me = host(ana)
    add(me, make_service(ServiceType.COURSE, ana, name="Yoga"), in_days(20))
    refusal = refused(
        me,
        date,
        409,
        "practitioner_taken",
        start_datetime=in_days(20, 17).isoformat(),
        end_datetime=in_days(20, 19).isoformat(),
    )
    assert [one["kind"] for one in refusal["conflicts"]] == ["date"]


def test_what_has_begun_or_was_called_off_stays(ana: Practitioner, date: ServiceSession) -> None:
    with time_machine.travel(date.starts_at + timedelta(minutes=5), tick=True):
        me = host(ana)
        refused(me, date, 409, "date_begun", capacity=9)
        assert change(me, date, join_url="https://meet.example/other-room").status_code == 200
    with time_machine.travel(date.ends_at + timedelta(minutes=5), tick=True):
        refused(host(ana), date, 409, "date_begun", join_url="https://meet.example/late")
    me = host(ana)
    act(me, call_off_url(date))
    refused(me, date, 409, "already_called_off", capacity=9)


def test_another_practitioners_date_is_not_there(
    ana: Practitioner, date: ServiceSession, buyer: APIClient
) -> None:
    bela = host(make_practitioner("Bela Novak"))
    for client, status in ((bela, 404), (buyer, 403)):
        assert client.get(url_of(date)).status_code == status
        assert client.patch(url_of(date), {"version": "x", "capacity": 9}).status_code == status
        assert client.delete(url_of(date)).status_code == status
    assert picture(date)[2] == 4


def test_a_date_that_nobody_ever_booked_is_deleted_and_its_time_is_free(
    ana: Practitioner, date: ServiceSession
) -> None:
    me = host(ana)
    assert look(me, date)["can_delete"]
    assert me.delete(url_of(date)).status_code == 204
    assert not CalendarEntry.objects.exists()
    assert me.delete(url_of(date)).status_code == 404
    assert "Deleted by the practitioner" in AuditLogEntry.objects.get().change_message
    add(me, date.service, date.starts_at)


def test_a_date_that_was_held_once_is_called_off_instead(
    stripe: Sandbox, ana: Practitioner, date: ServiceSession, buyer: APIClient
) -> None:
    me = host(ana)
    held = buying.service(buyer, date.service, service_session_id=str(date.pk))
    problem(me.delete(url_of(date)), 409, "date_was_booked")
    assert buyer.post(f"/api/v1/orders/{held['order_id']}/cancel/").status_code == 200
    assert Reservation.objects.get().status == "released"
    problem(me.delete(url_of(date)), 409, "date_was_booked")
    assert not look(me, date)["can_delete"]
    act(me, call_off_url(date))
    problem(me.delete(url_of(date)), 409, "date_was_booked")


def test_a_deleted_date_of_a_closed_day_leaves_the_day_closed(
    ana: Practitioner, date: ServiceSession
) -> None:
    CalendarEntry.objects.filter(pk=date.calendar_entry_id).update(is_closed=True)
    assert host(ana).delete(url_of(date)).status_code == 204
    [entry] = CalendarEntry.objects.all()
    assert entry.is_closed and entry.during.lower == date.starts_at


def test_a_date_that_leaves_a_closed_day_leaves_the_day_closed(
    ana: Practitioner, date: ServiceSession
) -> None:
    CalendarEntry.objects.filter(pk=date.calendar_entry_id).update(is_closed=True)
    old = date.starts_at
    new = (old + timedelta(days=1)).isoformat()
    answer = change(
        host(ana), date, start_datetime=new, end_datetime=(old + timedelta(days=1, hours=2)).isoformat()
    )
    assert answer.status_code == 200, answer.json()
    rows = CalendarEntry.objects.order_by("during").values_list("during__startswith", "is_closed")
    assert list(rows) == [(old, True), (old + timedelta(days=1), False)]


def test_changing_a_date_costs_as_much_with_many_guests(
    stripe: Sandbox, ana: Practitioner, date: ServiceSession, buyer: APIClient
) -> None:
    me = host(ana)
    buy_seat(stripe, buyer, date)
    version = look(me, date)["version"]
    with CaptureQueriesContext(connection) as queries:
        body = {"version": version, "capacity": 6, "join_url": "https://meet.example/room"}
        assert me.patch(url_of(date), body).status_code == 200
    statements = [query["sql"] for query in queries if query["sql"] not in {"BEGIN", "COMMIT"}]
    assert len(statements) <= CHANGING, "\n".join(sql[:120] for sql in statements)
    assert clock.now() < date.starts_at
