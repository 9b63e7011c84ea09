"""Staff save the form of a service's dates while a buyer takes a seat: whoever comes second sees what the first did."""

import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection

from estuary.accounts.models import Practitioner
from estuary.bookings.models import Reservation
from estuary.bookings.order_lines import ScheduleRequest
from estuary.catalog.admin.sessions import SessionFormSet
from estuary.catalog.calendar import CalendarEntry
from estuary.catalog.models import Service, ServiceSession, ServiceType
from estuary.common import clock
from estuary.common.errors import EstuaryError
from estuary.orders.models import OrderLine
from estuary.payments.doctor.fulfilment import FULFILMENT_RULES
from estuary.payments.doctor.runner import run_checks
from tests.api.staff import errors_on, messages_on
from tests.api.test_admin_catalog import a_new_date, at, save
from tests.factories import make_service, make_sessions, make_user, place
from tests.flows.locks import somebody_waits_for_a_lock
from tests.servers import wait_until

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def healthy() -> Any:
    """Afterwards seats and times agree."""
    yield
    assert run_checks(FULFILMENT_RULES, at=clock.now()).violations == []


@pytest.fixture
def workshop(ana: Practitioner) -> Service:
    """With two dates, a week from each other."""
    service = make_service(ServiceType.WORKSHOP, ana)
    make_sessions(service, 2)
    return service


def buying_meanwhile(
    monkeypatch: pytest.MonkeyPatch, service: Service, **wish: Any
) -> tuple[Callable[[], None], list[str]]:
    """Let a buyer order as soon as the form of dates is valid; return what waits for that, and how it ended."""
    user, ended = make_user(), []

    def buy() -> None:
        try:
            place(user, service, wish=ScheduleRequest(**wish))
            ended.append("bought")
        except EstuaryError as error:
            ended.append(error.code)
        finally:
            connection.close()

    buyer, clean = threading.Thread(target=buy), SessionFormSet.clean

    def clean_and_let_buy(formset: Any) -> None:
        clean(formset)
        buyer.start()
        wait_until(lambda: not buyer.is_alive() or somebody_waits_for_a_lock())

    monkeypatch.setattr(SessionFormSet, "clean", clean_and_let_buy)
    return buyer.join, ended


def test_a_date_is_not_moved_under_a_guest_who_buys_while_its_form_is_saved(
    workshop: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = workshop.sessions.all()[0]
    wait, ended = buying_meanwhile(monkeypatch, workshop, session_id=first.pk)
    assert "changed successfully" in messages_on(save(workshop, **at(0, first, hours=48)))
    wait()
    moved, line = ServiceSession.objects.get(pk=first.pk), OrderLine.objects.get()
    assert ended == ["bought"]
    assert moved.starts_at > first.starts_at
    assert (line.starts_at, line.ends_at) == (moved.starts_at, moved.ends_at)


def test_a_date_that_is_deleted_while_a_guest_buys_it_is_sold_to_nobody(
    workshop: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = workshop.sessions.all()[0]
    wait, ended = buying_meanwhile(monkeypatch, workshop, session_id=first.pk)
    assert "changed successfully" in messages_on(save(workshop, sessions__0__DELETE="on"))
    wait()
    assert ended == ["session_not_offered"]
    assert not ServiceSession.objects.filter(pk=first.pk).exists()


def test_a_course_gets_no_date_that_a_guest_who_buys_meanwhile_has_no_seat_in(
    ana: Practitioner, monkeypatch: pytest.MonkeyPatch
) -> None:
    course = make_service(ServiceType.COURSE, ana)
    first, _ = make_sessions(course, 2)
    wait, ended = buying_meanwhile(monkeypatch, course)
    assert "changed successfully" in messages_on(save(course, **a_new_date(first, hours=24)))
    wait()
    assert ended == ["dates_changed"]
    assert (course.sessions.count(), Reservation.objects.count()) == (3, 0)


def test_fewer_seats_than_a_guest_takes_meanwhile_are_an_error_of_that_guest(
    workshop: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = workshop.sessions.all()[0]
    wait, ended = buying_meanwhile(monkeypatch, workshop, session_id=first.pk)
    answer = save(workshop, sessions__0__capacity="0")
    assert "changed successfully" in messages_on(answer), errors_on(answer)
    wait()
    assert ended == ["sold_out"]


def test_a_date_that_is_deleted_from_a_closed_day_leaves_the_day_closed(workshop: Service) -> None:
    first = workshop.sessions.all()[0]
    CalendarEntry.objects.filter(pk=first.calendar_entry_id).update(is_closed=True)
    assert "changed successfully" in messages_on(save(workshop, sessions__0__DELETE="on"))
    assert not ServiceSession.objects.filter(pk=first.pk).exists()
    closed = CalendarEntry.objects.filter(is_closed=True).values_list(
        "during__startswith", "during__endswith"
    )
    assert list(closed) == [(first.starts_at, first.ends_at)]
