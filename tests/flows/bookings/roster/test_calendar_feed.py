"""A practitioner's calendar by a secret address: what two foreign parsers read, and who reads it no more."""

import json
import logging
from dataclasses import dataclass
from datetime import datetime, timedelta
from io import StringIO
from typing import Any

import ics
import pytest
import time_machine
import vobject
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from prometheus_client import generate_latest
from rest_framework.test import APIClient

from estuary.accounts.models import Practitioner, User
from estuary.accounts.recovery import account_recovered
from estuary.bookings.models import Booking, RosterFeed
from estuary.bookings.order_lines import ScheduleRequest
from estuary.bookings.roster import feed_api
from estuary.catalog.models import ServiceSession, ServiceType
from estuary.catalog.venues import Venue
from estuary.common import clock
from estuary.common.observability import logging as logs
from estuary.common.observability.metrics import SCRAPE_REGISTRY
from tests.attacks.visitor import subjects_mailed_to
from tests.factories import (
    a_free_slot,
    buy,
    cancel_booking,
    make_practitioner,
    make_service,
    make_sessions,
    make_user,
    signed_in,
)

pytestmark = pytest.mark.django_db(transaction=True)

FEED = "/api/v1/roster/feed/"


@dataclass(frozen=True)
class Event:
    """What a calendar makes of one meeting."""

    uid: str
    sequence: int
    status: str
    starts_at: datetime
    ends_at: datetime
    title: str
    location: str


def address_of(practitioner: Practitioner) -> str:
    """Make a new address, and return its path."""
    answer = signed_in(practitioner.user).post(FEED)
    assert answer.status_code == 201, answer.json()
    url: str = answer.json()["url"]
    return url[url.index("/api/") :]


def read(path: str, **headers: str) -> Any:
    return Client().get(path, headers=headers)


def events_of(path: str) -> dict[str, Event]:
    """Return the events by uid, of which both parsers read the same."""
    answer = read(path)
    assert answer.status_code == 200
    text = answer.content.decode()
    first, second = _by_vobject(text), _by_ics(text)
    assert first == second
    return first


def _by_vobject(text: str) -> dict[str, Event]:
    calendar: Any = vobject.readOne(text)
    events = [
        Event(
            uid=event.uid.value,
            sequence=int(event.sequence.value),
            status=event.status.value,
            starts_at=event.dtstart.value,
            ends_at=event.dtend.value,
            title=event.summary.value,
            location=event.location.value if hasattr(event, "location") else "",
        )
        for event in calendar.contents.get("vevent", [])
    ]
    return {event.uid: event for event in events}


def _by_ics(text: str) -> dict[str, Event]:
    calendar: Any = ics.Calendar(text)
    events = []
    for event in calendar.events:
        extra = {line.name: line.value for line in event.extra}
        events.append(
            Event(
                uid=event.uid,
                sequence=int(extra["SEQUENCE"]),
                status=event.status,
                starts_at=event.begin.datetime,
                ends_at=event.end.datetime,
                title=event.name,
                location=event.location or "",
            )
        )
    return {event.uid: event for event in events}


def test_two_parsers_read_dates_with_guests_places_and_what_was_called_off(
    maya: User, ana: Practitioner
) -> None:
    venue = Venue.objects.create(
        name="The Barn; Hall, 2", address="1 Lane\nLisbon", time_zone="Europe/Lisbon"
    )
    bath = make_service(
        ServiceType.WORKSHOP, ana, venue=venue, name="Sound bath, at dusk; – ünïcode " + "x" * 90
    )
    yoga = make_service(ServiceType.SESSION, ana, name="Yoga", join_url="https://meet.example/yoga")
    session, off = make_sessions(bath, 2)
    buy(maya, bath, wish=ScheduleRequest(session_id=session.pk))
    slot = buy(maya, yoga, wish=ScheduleRequest(starts_at=a_free_slot(yoga)))
    gone = buy(maya, yoga, wish=ScheduleRequest(starts_at=a_free_slot(yoga)))
    cancel_booking(gone)
    ServiceSession.objects.filter(pk=off.pk).update(called_off_at=clock.now())

    path = address_of(ana)
    events = {uid.partition("@")[0]: event for uid, event in events_of(path).items()}
    assert events.keys() == {
        f"roster-date-{session.pk}",
        f"roster-date-{off.pk}",
        f"roster-booking-{slot.pk}",
        f"roster-booking-{gone.pk}",
    }
    date = events[f"roster-date-{session.pk}"]
    assert (date.title, date.status, date.sequence) == (f"{bath.name} (1 of 8)", "CONFIRMED", 0)
    assert (date.starts_at, date.ends_at) == (session.starts_at, session.ends_at)
    assert date.location == "The Barn; Hall, 2, 1 Lane, Lisbon"
    assert events[f"roster-date-{off.pk}"].status == "CANCELLED"
    assert events[f"roster-date-{off.pk}"].sequence == 1
    assert events[f"roster-booking-{slot.pk}"].title == "Yoga: Maya Lindqvist"
    assert events[f"roster-booking-{gone.pk}"].status == "CANCELLED"
    text = read(path).content.decode().replace("\r\n ", "")
    assert "DESCRIPTION:Maya Lindqvist" in text
    assert "https://meet.example/yoga" in text
    assert f"/roster/?day={session.starts_at.date().isoformat()}" in text
    assert "METHOD" not in text
    assert all(len(line.encode()) <= 75 for line in read(path).content.decode().split("\r\n"))


def test_neither_addresses_nor_notes_nor_payments_are_in_it(maya: User, ana: Practitioner) -> None:
    [session] = make_sessions(make_service(ServiceType.WORKSHOP, ana))
    booking = buy(maya, session.service, wish=ScheduleRequest(session_id=session.pk))
    booking.order.service_data = {"Allergies": "almond oil"}
    booking.order.disputed = True
    booking.order.save()
    User.objects.filter(pk=maya.pk).update(first_name="", last_name="")
    text = read(address_of(ana)).content.decode()
    assert "ma…@…" in text
    for secret in (maya.email, "lmond", "isputed", "USD", booking.order.public_id):
        assert secret not in text


def test_a_meeting_keeps_its_uid_and_raises_its_sequence_when_it_is_moved(
    maya: User, ana: Practitioner
) -> None:
    [session] = make_sessions(make_service(ServiceType.WORKSHOP, ana))
    path = address_of(ana)
    [before] = events_of(path).values()
    # Seats that are taken make no new version.
    buy(maya, session.service, wish=ScheduleRequest(session_id=session.pk))
    [booked] = events_of(path).values()
    assert (booked.uid, booked.sequence) == (before.uid, before.sequence)
    session.refresh_from_db()
    session.starts_at += timedelta(hours=1)
    session.ends_at += timedelta(hours=1)
    session.save()
    [moved] = events_of(path).values()
    assert (moved.uid, moved.sequence) == (before.uid, before.sequence + 1)
    assert moved.starts_at == session.starts_at


def test_a_month_back_and_a_year_ahead_are_in_it(ana: Practitioner) -> None:
    workshop = make_service(ServiceType.WORKSHOP, ana)
    make_sessions(workshop, in_days=365)
    make_sessions(workshop, in_days=370)
    path = address_of(ana)
    assert len(events_of(path)) == 1
    with time_machine.travel(clock.now() + timedelta(days=394), tick=True):
        assert len(events_of(path)) == 2
    with time_machine.travel(clock.now() + timedelta(days=402), tick=True):
        assert events_of(path) == {}


def test_it_is_shown_once_and_a_new_address_ends_the_old_one(ana: Practitioner) -> None:
    client = signed_in(ana.user)
    assert client.get(FEED).json() == {"active": False, "created_at": None, "url": None}
    old = address_of(ana)
    state = client.get(FEED).json()
    assert (state["active"], state["url"]) == (True, None)
    new = address_of(ana)
    assert read(old).status_code == 404
    assert read(new).status_code == 200
    assert client.delete(FEED).status_code == 204
    assert client.delete(FEED).status_code == 204
    assert read(new).status_code == 404
    assert client.get(FEED).json()["active"] is False


def test_only_the_hash_of_the_token_is_stored(ana: Practitioner) -> None:
    token = address_of(ana).rpartition("/")[2].removesuffix(".ics")
    assert len(token.removeprefix("calkey_")) == 32
    feed = RosterFeed.objects.get()
    assert token not in str(feed.__dict__)
    assert len(feed.token_hash) == 64


def test_a_wrong_token_an_ended_one_and_one_of_somebody_who_left_are_alike(ana: Practitioner) -> None:
    ended, left = address_of(ana), make_practitioner("Bruno Costa")
    signed_in(ana.user).delete(FEED)
    of_left = address_of(left)
    User.objects.filter(pk=left.user_id).update(is_active=False)
    wrong = "/api/v1/calendar/calkey_" + "a" * 32 + ".ics"
    for odd in (wrong, ended, of_left, "/api/v1/calendar/x.ics", "/api/v1/calendar/%F0%9F%8E%A3.ics"):
        with CaptureQueriesContext(connection) as queries:
            answer = read(odd)
        problem = answer.json()
        assert (answer.status_code, problem["code"]) == (404, "not_found")
        assert "make a new one" in problem["detail"]
        feed_queries = [query["sql"] for query in queries if "rosterfeed" in query["sql"]]
        assert len(feed_queries) == 1


def test_a_feed_is_the_practitioners_alone(buyer: APIClient, ana: Practitioner) -> None:
    path = address_of(ana)
    for method in ("get", "post", "delete"):
        answer = getattr(buyer, method)(FEED)
        assert (answer.status_code, answer.json()["code"]) == (403, "practitioners_only")
        assert getattr(APIClient(), method)(FEED).status_code == 401
    assert read(path).status_code == 200


def test_an_unchanged_calendar_is_not_sent_again(maya: User, ana: Practitioner) -> None:
    [session] = make_sessions(make_service(ServiceType.WORKSHOP, ana))
    path = address_of(ana)
    first = read(path, accept="text/calendar")
    assert first["Content-Type"] == "text/calendar; charset=utf-8"
    assert first["Cache-Control"] == "private, no-cache"
    assert "noindex" in first["X-Robots-Tag"]
    assert first["Referrer-Policy"] == "no-referrer"
    again = read(path, if_none_match=first["ETag"])
    assert (again.status_code, again.content) == (304, b"")
    assert again["ETag"] == first["ETag"]
    buy(maya, session.service, wish=ScheduleRequest(session_id=session.pk))
    changed = read(path, if_none_match=first["ETag"])
    assert (changed.status_code, changed["ETag"] == first["ETag"]) == (200, False)
    head = Client().head(path)
    assert (head.status_code, head.content) == (200, b"")


def test_it_takes_the_same_number_of_queries_however_many_dates_it_has(maya: User, ana: Practitioner) -> None:
    path, counts = address_of(ana), set()
    for number in range(1, 4):
        [session] = make_sessions(make_service(ServiceType.WORKSHOP, ana), in_days=number + 4)
        yoga = make_service(ServiceType.SESSION, ana)
        for _ in range(number):
            buy(make_user(), session.service, wish=ScheduleRequest(session_id=session.pk))
        buy(maya, yoga, wish=ScheduleRequest(starts_at=a_free_slot(yoga)))
        with CaptureQueriesContext(connection) as queries:
            assert read(path).status_code == 200
        counts.add(len([query for query in queries if "cache" not in query["sql"]]))
    # The feed with its practitioner, sessions, seats with guests, slots with guests.
    assert counts == {4}


def test_whoever_asks_too_often_has_to_wait(ana: Practitioner, monkeypatch: pytest.MonkeyPatch) -> None:
    path = address_of(ana)
    monkeypatch.setattr(feed_api, "READS_BY_FEED", "2/h/key")
    assert [read(path).status_code for _ in range(3)] == [200, 200, 429]
    answer = read(path)
    assert (answer.json()["code"], answer["Retry-After"]) == ("too_many_requests", "3600")
    cache.clear()
    monkeypatch.setattr(feed_api, "READS_BY_ADDRESS", "2/m/ip")
    wrong = "/api/v1/calendar/calkey_" + "b" * 32 + ".ics"
    assert [read(wrong).status_code for _ in range(3)] == [404, 404, 429]


def test_addresses_are_not_made_without_end(ana: Practitioner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed_api, "NEW_ADDRESSES", "2/h/user")
    client = signed_in(ana.user)
    assert [client.post(FEED).status_code for _ in range(3)] == [201, 201, 429]


def test_an_owner_who_takes_the_account_back_ends_the_feed_and_hears_of_it(ana: Practitioner) -> None:
    path = address_of(ana)
    for _ in range(2):
        account_recovered.send(User, user=ana.user)
    assert read(path).status_code == 404
    subject = "[Estuary] Your calendar feed has ended: make a new address, and give it to your calendar"
    assert subjects_mailed_to(ana.user.email) == [subject]


def test_the_token_is_in_no_line_of_the_log_and_in_no_metric(ana: Practitioner) -> None:
    path = address_of(ana)
    token = path.rpartition("/")[2].removesuffix(".ics")
    stream = StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(logs.build_formatter(logs.JSON))
    logging.getLogger().addHandler(handler)
    try:
        assert read(path).status_code == 200
        assert read(path.replace(token, token[:-1] + "0")).status_code in {200, 404}
    finally:
        logging.getLogger().removeHandler(handler)
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert any("/api/v1/calendar/calkey_[redacted]" in str(line) for line in lines)
    assert token.removeprefix("calkey_")[:20] not in stream.getvalue()
    assert token.encode() not in generate_latest(SCRAPE_REGISTRY)


def test_a_canceled_booking_of_another_practitioner_is_not_in_it(maya: User, ana: Practitioner) -> None:
    bruno = make_practitioner("Bruno Costa")
    yoga = make_service(ServiceType.SESSION, bruno)
    buy(maya, yoga, wish=ScheduleRequest(starts_at=a_free_slot(yoga)))
    assert Booking.objects.count() == 1
    assert events_of(address_of(ana)) == {}
    assert len(events_of(address_of(bruno))) == 1
