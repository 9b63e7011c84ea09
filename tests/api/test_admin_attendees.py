"""Who comes to a date: the dates of a day, the people of one, to print and as a file."""

import csv
import io
import re
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import timedelta

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.urls import reverse

from estuary.bookings.order_lines import ScheduleRequest
from estuary.catalog.models import ServiceSession, ServiceType
from estuary.common import clock
from estuary.orders.models import Order
from tests.api.staff import admin_client
from tests.factories import a_free_slot, buy, make_practitioner, make_service, make_sessions, make_user, place

type Pinned = Callable[[int], AbstractContextManager[object]]


@pytest.fixture
def date(db: None) -> ServiceSession:
    """A workshop's date with two who paid, of whom one disputes it, and one who has not paid yet."""
    workshop = make_service(ServiceType.WORKSHOP, make_practitioner("Rui Alves"), name="Sound bath")
    [date] = make_sessions(workshop)
    wish = ScheduleRequest(session_id=date.pk)
    for name in ("Maya Lindqvist", "=Tom Achterberg"):
        buy(make_user(name), workshop, wish=wish)
    place(make_user("Zoe Unpaid"), workshop, wish=wish)
    Order.objects.filter(user__last_name="Achterberg").update(disputed=True, service_data={"wish": "@window"})
    return ServiceSession.objects.get(pk=date.pk)


def url_of(date: ServiceSession) -> str:
    return reverse("admin-attendees-session", args=[date.pk])


def rows_of(client: Client, date: ServiceSession) -> list[dict[str, str]]:
    answer = client.get(url_of(date), {"format": "csv"})
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert answer.headers["Content-Disposition"].startswith('attachment; filename="attendees-')
    text = b"".join(answer).decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text)))


def test_a_date_lists_who_has_booked_with_mail_and_payment(date: ServiceSession) -> None:
    page = admin_client("bookings.view_booking").get(url_of(date))
    people = [(row.name, row.payment, row.is_contested) for row in page.context["attendees"]]
    assert people == [("=Tom Achterberg", "disputed", True), ("Maya Lindqvist", "paid", False)]
    shown = page.content.decode()
    assert all(row.email in shown and row.order.public_id in shown for row in page.context["attendees"])
    assert "3 of 8 seats taken or held" in shown and "Zoe" not in shown
    assert "window.print()" in shown
    columns = re.findall(r'<th scope="col" role="columnheader"[^>]*>([^<]+)', shown)
    assert columns == ["Name", "Payment", "Booking", "E-mail", "Sent by the buyer", "Order"]


def test_the_file_has_the_same_people_and_no_formula(date: ServiceSession) -> None:
    first, second = rows_of(admin_client("bookings.view_booking"), date)
    assert (first["Name"], first["Payment"]) == ("'=Tom Achterberg", "disputed")
    assert first["Sent by the buyer"] == "wish: @window"
    assert (second["Name"], second["Share"], second["Currency"]) == ("Maya Lindqvist", "100.00", "USD")
    assert second["E-mail"] == Order.objects.get(user__first_name="Maya").user.email
    assert "Exported the attendees of Sound bath" in LogEntry.objects.get().change_message


def test_a_day_lists_its_dates_and_the_one_on_ones(date: ServiceSession) -> None:
    client = admin_client("bookings.view_booking")
    yoga = make_service(ServiceType.SESSION, make_practitioner(), name="Private yoga")
    slot = a_free_slot(yoga)
    buy(make_user("Ada Byron"), yoga, wish=ScheduleRequest(starts_at=slot))
    url = reverse("admin-attendees")
    group = client.get(url, {"day": f"{date.starts_at:%Y-%m-%d}"}).context["meetings"]
    assert [(meeting.service, meeting.taken) for meeting in group] == [("Sound bath", 3)]
    [alone] = client.get(url, {"day": f"{slot:%Y-%m-%d}"}).context["meetings"]
    assert (alone.service, alone.attendee.name, alone.attendee.payment) == (
        "Private yoga",
        "Ada Byron",
        "paid",
    )
    assert client.get(url).context["meetings"] == []


@pytest.mark.parametrize("day", ["x", "2026-13-01", "0001-01-01", "9999-12-31", "2026-11-30; DROP"])
def test_a_day_that_is_none_is_said_to_be_none(db: None, day: str) -> None:
    answer = admin_client().get(reverse("admin-attendees"), {"day": day})
    assert answer.status_code == 400
    assert "Write the day as year, month and day" in answer.content.decode()


def test_only_those_who_may_view_bookings_see_them(date: ServiceSession) -> None:
    for url in (url_of(date), f"{url_of(date)}?format=csv", reverse("admin-attendees")):
        assert admin_client("orders.view_order").get(url).status_code == 403
    assert not LogEntry.objects.exists()
    assert admin_client().get(reverse("admin-attendees-session", args=[10**9])).status_code == 404


def test_the_pages_take_as_many_queries_however_many_come(
    date: ServiceSession, django_assert_num_queries: Pinned
) -> None:
    client = admin_client()
    day_url = f"{reverse('admin-attendees')}?day={date.starts_at:%Y-%m-%d}"
    client.get("/admin/")
    for _ in range(2):
        with django_assert_num_queries(4):
            client.get(url_of(date))
        with django_assert_num_queries(4):
            client.get(day_url)
        for name in ("Ida Wells", "Jo March"):
            buy(make_user(name), date.service, wish=ScheduleRequest(session_id=date.pk))
        other = make_service(ServiceType.WORKSHOP, make_practitioner("Bo Li"))
        ServiceSession.objects.create(
            service=other, starts_at=date.starts_at, ends_at=date.starts_at + timedelta(hours=1), capacity=3
        )


def test_a_date_that_was_called_off_says_so_on_screen_on_paper_and_in_the_file(date: ServiceSession) -> None:
    client = admin_client("bookings.view_booking")
    day = {"day": f"{date.starts_at:%Y-%m-%d}"}
    assert "Called off" not in client.get(reverse("admin-attendees"), day).content.decode()
    ServiceSession.objects.filter(pk=date.pk).update(called_off_at=clock.now())
    [meeting] = client.get(reverse("admin-attendees"), day).context["meetings"]
    assert meeting.is_called_off
    assert "Called off" in client.get(reverse("admin-attendees"), day).content.decode()
    page = client.get(url_of(date))
    assert page.context["title"] == "Attendees of Sound bath (called off)"
    printed = page.content.decode().partition('id="attendees"')[2]
    # Those whose order the change has not reached yet are told apart from those who come.
    assert "Called off" in printed and "2 still booked" in printed and "Maya Lindqvist" in printed
    answer = client.get(url_of(date), {"format": "csv"})
    assert "-called-off.csv" in answer.headers["Content-Disposition"]
    assert all(row["Booking"].endswith(", date called off") for row in rows_of(client, date))
    assert "called off" in LogEntry.objects.latest("pk").change_message


def test_of_a_date_that_was_called_off_nobody_is_said_not_to_have_booked(db: None) -> None:
    workshop = make_service(ServiceType.WORKSHOP, make_practitioner("Rui Alves"), name="Sound bath")
    [date] = make_sessions(workshop)
    ServiceSession.objects.filter(pk=date.pk).update(called_off_at=clock.now())
    text = admin_client().get(url_of(date)).content.decode()
    assert "Nobody has booked" not in text and "It does not take place" in text
    day = {"day": f"{date.starts_at:%Y-%m-%d}"}
    assert "seats taken" not in admin_client().get(reverse("admin-attendees"), day).content.decode()
