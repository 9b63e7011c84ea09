"""Staff call off and move dates in the admin: a preview first, then exactly that, on record."""

from datetime import datetime, timedelta
from urllib.parse import urlencode

import pytest
from django.test import Client
from django.urls import reverse

from estuary.accounts.models import AuditLogEntry, Practitioner, User
from estuary.bookings.order_lines import ScheduleRequest
from estuary.catalog.models import ServiceSession, ServiceType
from estuary.common import clock
from estuary.payments.dates.affected import local_time_as_text
from estuary.payments.models import DateChange
from estuary.payments.models.date_changes import MESSAGE_MAX
from tests.api.staff import admin_client, messages_on
from tests.factories import a_free_slot, buy, make_service, make_sessions

pytestmark = pytest.mark.django_db

ALLOWED = ("orders.view_order", "payments.add_refund", "bookings.change_booking", "payments.view_datechange")
LONG = "The hall has no heating this week. " * 20 + "Bring a towel."


@pytest.fixture
def session(ana: Practitioner) -> ServiceSession:
    [date] = make_sessions(make_service(ServiceType.WORKSHOP, ana, name="Breathwork"))
    return date


def page_of(session: ServiceSession) -> str:
    return reverse("admin:payments_datechange_session", args=[session.pk])


def confirm(staff: Client, url: str, **more: str) -> str:
    """Confirm what the page shows, as its form does, and return the address that follows."""
    shown = staff.get(url)
    assert shown.status_code == 200
    form = {"preview_id": shown.context["confirm"]["preview_id"].value(), **more}
    answer = staff.post(url, form)
    assert answer.status_code == 302, answer.context["messages"]
    return str(answer.headers["Location"])


def test_staff_see_each_consequence_and_call_a_date_off(session: ServiceSession, maya: User) -> None:
    buy(maya, session.service, wish=ScheduleRequest(session_id=session.pk))
    staff = admin_client(*ALLOWED)
    text = staff.get(page_of(session)).content.decode()
    assert all(
        words in text for words in ("Maya Lindqvist", "100.00 USD", "All of it goes back", "Call it off")
    )
    address = confirm(staff, page_of(session), message="The hall is closed.", reason="Told by the owner")
    change = DateChange.objects.get()
    assert (change.by_staff, change.message, change.reason) == (
        True,
        "The hall is closed.",
        "Told by the owner",
    )
    shown = staff.get(address).content.decode()
    assert change.title in shown
    assert all(words in shown for words in ("The hall is closed.", "100.00 USD", "All of it goes back"))
    session.refresh_from_db()
    assert session.is_called_off
    assert "Told by the owner" in AuditLogEntry.objects.latest("pk").change_message


def test_staff_see_the_dates_that_nobody_has_booked_before_and_after(
    session: ServiceSession, ana: Practitioner
) -> None:
    staff = admin_client(*ALLOWED)
    day = f"{session.starts_at:%Y-%m-%d}"
    days = reverse("admin:payments_datechange_days", args=[ana.pk])
    url = f"{days}?first_day={day}&last_day={day}&start_time=&end_time="
    shown = staff.get(url).content.decode()
    line = f"Breathwork, {local_time_as_text(session.starts_at, ana)}"
    assert ("1 date goes off sale" in shown, line in shown) == (True, True)
    assert line in staff.get(confirm(staff, url)).content.decode()


def test_what_changed_since_is_shown_and_nothing_is_done(session: ServiceSession, maya: User) -> None:
    staff = admin_client(*ALLOWED)
    shown = staff.get(page_of(session))
    buy(maya, session.service, wish=ScheduleRequest(session_id=session.pk))
    form = {"preview_id": shown.context["confirm"]["preview_id"].value()}
    answer = staff.post(page_of(session), {**form, "message": LONG, "reason": "By phone"})
    assert "nothing was done" in messages_on(answer)
    assert "Maya Lindqvist" in answer.content.decode() and LONG in answer.content.decode()
    assert not DateChange.objects.exists()
    kept = {field.name: field.value() for field in answer.context["confirm"]}
    assert (kept["message"], kept["reason"]) == (LONG, "By phone")
    assert staff.post(page_of(session), kept).status_code == 302
    assert DateChange.objects.get().message == LONG


def test_what_was_written_to_the_guests_is_kept_while_another_time_is_chosen(
    session: ServiceSession, ana: Practitioner, maya: User
) -> None:
    buy(maya, session.service, wish=ScheduleRequest(session_id=session.pk))
    staff, url = admin_client(*ALLOWED), reverse("admin:payments_datechange_move", args=[session.pk])
    new = session.starts_at + timedelta(days=1)
    shown = staff.get(url, times(new))
    other = make_service(ServiceType.WORKSHOP, ana)
    ServiceSession.objects.create(service=other, starts_at=new, ends_at=new + timedelta(hours=2), capacity=3)
    typed = {"message": LONG, "reason": "By phone"}
    body = {"preview_id": shown.context["confirm"]["preview_id"].value(), **typed}
    refused = staff.post(f"{url}?{urlencode(times(new))}", body)
    assert "another" in messages_on(refused) and LONG in refused.content.decode()
    later = new + timedelta(days=1)
    again = staff.post(url, {**times(later), **typed, "show": "1"})
    assert again.status_code == 200 and LONG in again.content.decode()
    body = {field.name: field.value() for field in again.context["confirm"]}
    assert staff.post(url, {**times(later), **body}).status_code == 302
    change = DateChange.objects.get()
    assert (change.message, change.reason, change.starts_at) == (LONG, "By phone", later)


def test_a_message_that_is_too_long_or_for_a_date_that_is_off_already_is_kept(
    session: ServiceSession, maya: User
) -> None:
    buy(maya, session.service, wish=ScheduleRequest(session_id=session.pk))
    staff = admin_client(*ALLOWED)
    body = {"preview_id": staff.get(page_of(session)).context["confirm"]["preview_id"].value()}
    too_long = "x" * (MESSAGE_MAX + 1)
    assert too_long in staff.post(page_of(session), {**body, "message": too_long}).content.decode()
    ServiceSession.objects.filter(pk=session.pk).update(called_off_at=clock.now())
    refused = staff.post(page_of(session), {**body, "message": LONG})
    assert refused.status_code == 200 and LONG in refused.content.decode()
    assert not DateChange.objects.exists()


def times(begin: datetime) -> dict[str, str]:
    return {
        "starts_at_0": f"{begin:%Y-%m-%d}", "starts_at_1": f"{begin:%H:%M}", "ends_at_0": "", "ends_at_1": "",
    }  # fmt: skip


def test_times_that_are_chosen_before_anything_is_written_stay_in_the_address(
    session: ServiceSession,
) -> None:
    url = reverse("admin:payments_datechange_move", args=[session.pk])
    chosen = times(session.starts_at + timedelta(days=1))
    answer = admin_client(*ALLOWED).post(url, {**chosen, "show": "1"})
    assert (answer.status_code, answer.headers["Location"]) == (302, f"{url}?{urlencode(chosen)}")


def test_staff_move_a_date(session: ServiceSession, maya: User) -> None:
    booking = buy(maya, session.service, wish=ScheduleRequest(session_id=session.pk))
    staff = admin_client(*ALLOWED)
    new = session.starts_at + timedelta(days=1)
    url = reverse("admin:payments_datechange_move", args=[session.pk])
    assert "Show what would happen" in staff.get(url).content.decode()
    query = f"?starts_at_0={new:%Y-%m-%d}&starts_at_1={new:%H:%M}&ends_at_0=&ends_at_1="
    confirm(staff, url + query)
    session.refresh_from_db()
    booking.refresh_from_db()
    assert session.starts_at == booking.starts_at == new


def test_staff_call_off_the_days_of_a_practitioner_and_a_booking(ana: Practitioner, maya: User) -> None:
    lesson = make_service(ServiceType.SESSION, ana)
    booking = buy(maya, lesson, wish=ScheduleRequest(starts_at=a_free_slot(lesson)))
    staff = admin_client(*ALLOWED)
    assert booking.starts_at
    day = booking.starts_at.date().isoformat()
    url = reverse("admin:payments_datechange_days", args=[ana.pk]) + f"?first_day={day}&last_day={day}"
    assert "Maya Lindqvist" in staff.get(url).content.decode()
    confirm(staff, reverse("admin:payments_datechange_booking", args=[booking.pk]))
    confirm(staff, url)
    assert list(DateChange.objects.order_by("pk").values_list("kind", flat=True)) == [
        "call_off",
        "call_off_days",
    ]


def test_a_time_that_is_taken_is_told_on_the_page(session: ServiceSession, ana: Practitioner) -> None:
    [taken] = make_sessions(make_service(ServiceType.WORKSHOP, ana), in_days=12)
    url = reverse("admin:payments_datechange_move", args=[session.pk])
    query = f"?starts_at_0={taken.starts_at:%Y-%m-%d}&starts_at_1={taken.starts_at:%H:%M}"
    answer = admin_client(*ALLOWED).get(url + query)
    assert answer.status_code == 200
    assert "There is another date" in messages_on(answer)


@pytest.mark.parametrize("missing", ALLOWED[:3])
def test_who_may_not_refund_or_cancel_may_not_call_off(session: ServiceSession, missing: str) -> None:
    staff = admin_client(*(right for right in ALLOWED if right != missing))
    assert staff.get(page_of(session)).status_code == staff.post(page_of(session)).status_code == 403
    assert not DateChange.objects.exists()


def test_a_date_that_is_not_there_is_a_404() -> None:
    assert admin_client().get(reverse("admin:payments_datechange_session", args=[999_999])).status_code == 404


def test_the_pages_of_services_bookings_and_practitioners_lead_there(
    session: ServiceSession, ana: Practitioner, maya: User
) -> None:
    booking = buy(maya, session.service, wish=ScheduleRequest(session_id=session.pk))
    staff = admin_client()
    for row in (session.service, booking):
        url = reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_change", args=[row.pk])
        assert page_of(session) in staff.get(url).content.decode()
    url = reverse("admin:accounts_practitioner_change", args=[ana.pk])
    assert reverse("admin:payments_datechange_days", args=[ana.pk]) in staff.get(url).content.decode()
