"""The catalogue in staff's hands: what can't be is said in words on the form, and nothing that was sold is lost."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.db.models import F
from django.urls import reverse

from estuary.accounts.models import Practitioner
from estuary.bookings.order_lines import ScheduleRequest
from estuary.catalog.admin.sessions import SessionFormSet
from estuary.catalog.calendar import CalendarEntry
from estuary.catalog.models import (
    PackageItem,
    Service,
    ServicePrice,
    ServiceSession,
    ServiceType,
)
from tests.api.staff import admin_client, errors_on, form_data, messages_on
from tests.factories import (
    a_free_slot,
    make_practitioner,
    make_service,
    make_sessions,
    make_user,
    place,
)

SESSIONS = "sessions-{}"


@pytest.fixture
def ana(db: None) -> Practitioner:
    return make_practitioner()


@pytest.fixture
def workshop(ana: Practitioner) -> Service:
    """With two dates, a week from each other."""
    service = make_service(ServiceType.WORKSHOP, ana)
    make_sessions(service, 2)
    return service


def url_of(row: Any) -> str:
    return reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_change", args=[row.pk])


def save(row: Any, **fields: str) -> Any:
    """Open the page of a row, change these fields (``sessions__0__capacity``), and save."""
    client = admin_client()
    form = form_data(client.get(url_of(row)))
    answer = client.post(
        url_of(row), form | {name.replace("__", "-"): value for name, value in fields.items()}
    )
    return answer if answer.status_code == 200 else client.get(answer.headers["Location"])


def at(number: int, session: ServiceSession, *, hours: int = 0, ends: int = 2) -> dict[str, str]:
    """The fields of date ``number`` on the form, ``hours`` after the start of ``session``."""
    begins = session.starts_at + timedelta(hours=hours)
    stops = begins + timedelta(hours=ends)
    return {
        f"sessions__{number}__starts_at_0": f"{begins:%Y-%m-%d}",
        f"sessions__{number}__starts_at_1": f"{begins:%H:%M}",
        f"sessions__{number}__ends_at_0": f"{stops:%Y-%m-%d}",
        f"sessions__{number}__ends_at_1": f"{stops:%H:%M}",
    }


def a_new_date(after: ServiceSession, **when: int) -> dict[str, str]:
    count = after.service.sessions.count()
    return {
        "sessions__TOTAL_FORMS": str(count + 1),
        f"sessions__{count}__capacity": "5",
        **at(count, after, **when),
    }


def test_a_page_that_is_saved_as_it_is_changes_nothing(workshop: Service) -> None:
    before = list(ServiceSession.objects.values()), list(ServicePrice.objects.values())
    answer = save(workshop)
    assert "changed successfully" in messages_on(answer)
    assert (list(ServiceSession.objects.values()), list(ServicePrice.objects.values())) == before


def test_a_date_is_added_moved_and_deleted_with_the_calendar(workshop: Service) -> None:
    first = workshop.sessions.all()[0]
    save(workshop, **a_new_date(first, hours=24))
    assert workshop.sessions.count() == 3
    assert CalendarEntry.objects.count() == 3
    save(workshop, **at(0, first, hours=48))
    first.refresh_from_db()
    assert first.calendar_entry.during.lower == first.starts_at
    save(workshop, sessions__0__DELETE="on")
    assert CalendarEntry.objects.count() == 2


def test_the_date_that_is_ticked_is_deleted_and_no_other(workshop: Service) -> None:
    first, second = workshop.sessions.all()
    save(workshop, sessions__0__DELETE="on", **at(1, second, hours=1))
    [left] = workshop.sessions.all()
    assert (left.pk, left.starts_at) == (second.pk, second.starts_at + timedelta(hours=1))
    assert not CalendarEntry.objects.filter(pk=first.calendar_entry_id).exists()


def test_a_date_over_another_service_of_the_practitioner_is_an_error_on_the_form(workshop: Service) -> None:
    other = make_service(ServiceType.COURSE, workshop.practitioner)
    first = workshop.sessions.get(pk=workshop.sessions.all()[0].pk)
    session = make_sessions(other, 1, in_days=30)[0]
    answer = save(other, **at(0, first, hours=1))
    assert "The practitioner is taken at that time" in errors_on(answer)
    session.refresh_from_db()
    assert session.starts_at > first.ends_at


def test_a_date_over_a_slot_that_is_held_is_an_error_too(workshop: Service) -> None:
    single = make_service(ServiceType.SESSION, workshop.practitioner)
    slot = a_free_slot(single)
    place(make_user(), single, wish=ScheduleRequest(starts_at=slot))
    first = workshop.sessions.all()[0]
    hours = int((slot - first.starts_at).total_seconds() // 3600)
    assert "is taken at that time" in errors_on(save(workshop, **at(0, first, hours=hours)))


def test_two_dates_on_one_form_must_not_overlap_each_other(workshop: Service) -> None:
    second = workshop.sessions.all()[1]
    assert "overlaps another date" in errors_on(save(workshop, **at(0, second, hours=1)))


def test_a_date_that_somebody_takes_meanwhile_is_told_and_no_500(
    workshop: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = make_service(ServiceType.COURSE, workshop.practitioner)
    make_sessions(other, 1, in_days=30)
    monkeypatch.setattr(SessionFormSet, "_taken", lambda *_: [])
    typed = "Three evenings by the river. " * 40
    answer = save(other, description=typed, **at(0, workshop.sessions.all()[0], hours=1))
    assert "The practitioner is taken at that time" in errors_on(answer)
    assert typed in answer.content.decode()
    other.refresh_from_db()
    assert other.description == ""


def test_a_course_that_was_bought_gets_no_further_date(workshop: Service) -> None:
    course = make_service(ServiceType.COURSE, workshop.practitioner)
    first, _ = make_sessions(course, 2, in_days=30)
    save(course, **a_new_date(first, hours=24))
    assert course.sessions.count() == 3
    place(make_user(), course)
    answer = save(course, **a_new_date(first, hours=48))
    assert "Guests have bought this course as it is" in errors_on(answer)
    assert course.sessions.count() == 3


def test_a_date_ends_after_it_begins(workshop: Service) -> None:
    first = workshop.sessions.all()[0]
    assert "must end after it begins" in errors_on(save(workshop, **at(0, first, ends=-1)))


def test_fewer_seats_than_are_taken_is_an_error_on_the_form(workshop: Service) -> None:
    workshop.sessions.update(taken=3)
    answer = save(workshop, sessions__0__capacity="2")
    assert "taken already (3)" in errors_on(answer)
    assert save(workshop, sessions__0__capacity="3").status_code == 200
    assert workshop.sessions.all()[0].capacity == 3


def test_seats_sold_while_the_form_was_open_are_not_forgotten(workshop: Service) -> None:
    client = admin_client()
    form = form_data(client.get(url_of(workshop)))
    workshop.sessions.update(taken=F("taken") + 4)
    client.post(url_of(workshop), form | {"sessions-0-capacity": "20"})
    session = workshop.sessions.all()[0]
    assert (session.capacity, session.taken) == (20, 4)


def test_a_date_with_seats_taken_is_neither_moved_nor_deleted(workshop: Service) -> None:
    session = workshop.sessions.all()[0]
    place(make_user(), workshop, wish=ScheduleRequest(session_id=session.pk))
    assert "can't be moved" in errors_on(save(workshop, **at(0, session, hours=3)))
    assert "would require deleting" in errors_on(save(workshop, sessions__0__DELETE="on"))
    assert workshop.sessions.count() == 2


def test_prices_are_written_as_people_write_them(workshop: Service) -> None:
    save(workshop, prices__0__amount="49.90")
    assert workshop.prices.get(currency="usd").amount_minor == 4_990
    for amount, words in (
        ("0", "greater than zero"),
        ("1.234", "decimal places"),
        ("0.10", "less than 0.50 USD"),
    ):
        assert words in errors_on(save(workshop, prices__0__amount=amount)), amount
    assert "three letters" in errors_on(save(workshop, prices__0__currency="1"))
    assert "already exists" in errors_on(save(workshop, prices__0__currency="EUR"))


def test_a_package_holds_services_and_no_packages(ana: Practitioner) -> None:
    single = make_service(ServiceType.SESSION, ana)
    package, other = (make_service(ServiceType.PACKAGE, ana, holds=[single]) for _ in range(2))
    answer = save(package, items__0__service=str(other.pk))
    assert "not one of the available choices" in errors_on(answer)
    assert "needs something in it" in errors_on(save(package, items__0__DELETE="on"))
    assert PackageItem.objects.filter(package=package).count() == 1


def test_a_bundle_needs_a_session_service(ana: Practitioner, workshop: Service) -> None:
    single = make_service(ServiceType.SESSION, ana)
    bundle = make_service(ServiceType.BUNDLE, ana, bundle_of=single, bundle_quantity=5)
    assert "not one of the available choices" in errors_on(save(bundle, bundle_of=str(workshop.pk)))
    assert "choose a session service" in errors_on(save(bundle, bundle_of=""))
    assert "at least 1" in errors_on(save(bundle, bundle_quantity="0"))
    url = reverse("admin:catalog_service_add")
    client = admin_client()
    single_with_bundle = form_data(client.get(url)) | {"type": "session", "bundle_of": str(single.pk)}
    assert "Only a bundle" in errors_on(client.post(url, single_with_bundle))


def test_a_new_package_is_not_on_sale_before_it_holds_something(ana: Practitioner) -> None:
    client = admin_client()
    url = reverse("admin:catalog_service_add")
    form = form_data(client.get(url)) | {
        "name": "The week",
        "slug": "the-week",
        "type": "package",
        "practitioner": str(ana.pk),
        "prices-0-currency": "usd",
        "prices-0-amount": "120",
    }
    answer = client.post(url, form, follow=True)
    assert "not on sale yet" in messages_on(answer)
    service = Service.objects.get(slug="the-week")
    assert not service.active
    assert service.prices.get().amount_minor == 12_000


def test_a_service_that_was_ordered_is_not_deleted(workshop: Service) -> None:
    place(make_user(), workshop, wish=ScheduleRequest(session_id=workshop.sessions.all()[0].pk))
    client = admin_client()
    url = reverse("admin:catalog_service_delete", args=[workshop.pk])
    assert client.post(url, {"post": "yes"}).status_code == 403
    client.post(
        "/admin/catalog/service/",
        {"action": "delete_selected", "_selected_action": [str(workshop.pk)], "post": "yes"},
    )
    assert Service.objects.filter(pk=workshop.pk).exists()
    unsold = make_service(ServiceType.SESSION, workshop.practitioner)
    client.post(reverse("admin:catalog_service_delete", args=[unsold.pk]), {"post": "yes"})
    assert not Service.objects.filter(pk=unsold.pk).exists()


def test_weekly_hours_are_checked_in_words(ana: Practitioner) -> None:
    assert "must end after it begins" in errors_on(save(ana, availability__0__ends="08:00"))
    assert "overlaps another window" in errors_on(save(ana, availability__1__weekday="0"))
    assert "changed successfully" in messages_on(save(ana, availability__0__starts="10:00"))


def test_a_day_with_other_hours_is_written_beside_the_weekly_ones(ana: Practitioner) -> None:
    def day(number: int, day: str, starts: str = "", ends: str = "") -> dict[str, str]:
        row = {"day": day, "starts": starts, "ends": ends, "practitioner": str(ana.pk), "id": ""}
        count = {"availability_exceptions__TOTAL_FORMS": str(number + 1)}
        return count | {f"availability_exceptions__{number}__{name}": value for name, value in row.items()}

    first, second = "2030-12-24", "2030-12-25"
    assert "changed successfully" in messages_on(
        save(ana, **(day(0, first, "10:00", "24:00") | day(1, second)))
    )
    assert [str(row) for row in ana.availability_exceptions.all()] == [
        "24 Dec 2030 10:00–24:00",
        "25 Dec 2030 closed",
    ]
    for row, words in (
        (day(2, first, "23:00", "23:30"), "overlaps another window"),
        (day(2, first), "A closed day has no other row"),
        (day(2, second, "09:00", "10:00"), "A closed day has no other row"),
        (day(2, "2030-12-26", "09:00"), "Write both times, or none"),
        (day(2, "2030-12-26", "", "09:00"), "Write both times, or none"),
        (day(2, "2030-12-26", "22:00", "02:00"), "as two"),
    ):
        assert words in errors_on(save(ana, **row)), row
    assert ana.availability_exceptions.count() == 2


def test_a_seat_is_held_for_a_day_at_most(workshop: Service) -> None:
    for seconds, words in (("86401", "less than or equal to 86400"), ("5", "greater than or equal to 10")):
        assert words in errors_on(save(workshop, hold_s=seconds))
    assert "changed successfully" in messages_on(save(workshop, hold_s="86400"))
    for hold_s in (0, 86_401):
        with pytest.raises(IntegrityError, match="service_hold_at_most_a_day"), transaction.atomic():
            Service.objects.filter(pk=workshop.pk).update(hold_s=hold_s)


def test_a_price_is_in_a_currency_that_stripe_takes(workshop: Service) -> None:
    assert "Stripe does not take XYZ" in errors_on(save(workshop, prices__0__currency="xyz"))
    assert "changed successfully" in messages_on(save(workshop, prices__0__currency="GBP"))


def hours_of(practitioner: Practitioner, **fields: str) -> Any:
    practitioner.availability.exclude(pk=practitioner.availability.all()[0].pk).delete()
    return save(practitioner, **{f"availability__0__{name}": value for name, value in fields.items()})


@pytest.mark.parametrize("midnight", ["24:00", "00:00", "24:00:00"])
def test_hours_until_midnight_are_written_shown_and_saved_again(ana: Practitioner, midnight: str) -> None:
    assert "changed successfully" in messages_on(hours_of(ana, starts="18:00", ends=midnight))
    window = ana.availability.get()
    assert str(window) == "Monday 18:00–24:00"
    page = admin_client().get(url_of(ana))
    assert form_data(page)["availability-0-ends"] in {"24:00", "00:00:00"}
    assert 'value="24:00"' in page.content.decode()
    assert "changed successfully" in messages_on(save(ana))
    assert "changed successfully" in messages_on(save(ana, availability__0__ends="21:30"))
    assert str(ana.availability.get()) == "Monday 18:00–21:30"


def test_a_window_that_ends_at_midnight_overlaps_what_is_in_the_evening(ana: Practitioner) -> None:
    answer = save(ana, availability__0__ends="24:00", availability__1__weekday="0", availability__1__starts="22:00",
                  availability__1__ends="23:00")  # fmt: skip
    assert "overlaps another window" in errors_on(answer)
    assert "as two" in errors_on(save(ana, availability__0__starts="22:00", availability__0__ends="02:00"))


def test_what_is_beyond_sense_is_an_error_on_the_form_that_says_the_limit(workshop: Service) -> None:
    for field, value, words in (
        ("free_cancel_hours", "200000000", "less than or equal to 8784"),
        ("validity_days", "9000000", "less than or equal to 3660"),
        ("slot_step_min", "2147483647", "less than or equal to 1440"),
        ("sale_ends_at_0", "9999-12-31", "from 2000 to 2100"),
        ("sessions__0__starts_at_0", "0001-01-01", "from 2000 to 2100"),
        ("sessions__0__ends_at_0", "2099-01-01", "is the year right?"),
        ("sessions__0__capacity", "2147483647", "less than or equal to 10000"),
        ("name", "Yoga\r\nBcc: all@example.com", "on one line"),
    ):
        more = {"sale_ends_at_1": "12:00"} if field == "sale_ends_at_0" else {}
        assert words in errors_on(save(workshop, **{field: value}, **more)), field
