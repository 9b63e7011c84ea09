"""A page of the admin that was opened before somebody else's change is not saved over it."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from estuary.accounts.models import Practitioner
from estuary.catalog.models import Service, ServicePrice, ServiceSession, ServiceType
from estuary.catalog.venues import Venue
from tests.api.staff import admin_client, errors_on, form_data
from tests.factories import make_practitioner, make_service, make_sessions, make_staff, make_user


@pytest.fixture
def ana(db: None) -> Practitioner:
    return make_practitioner()


def open_page(row: Any) -> tuple[Client, str, dict[str, str]]:
    """Open the page of a row, and return what a browser would send if it were saved as it is."""
    client = admin_client()
    url = reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_change", args=[row.pk])
    answer = client.get(url)
    stamp = answer.context["as_shown"]
    assert f'name="as_shown" value="{stamp}"' in answer.content.decode()
    return client, url, form_data(answer) | {"as_shown": stamp}


def change_price(service: Service) -> None:
    ServicePrice.objects.filter(service=service).update(amount_minor=8_000)


def take_off_sale(service: Service) -> None:
    Service.objects.filter(pk=service.pk).update(active=False)


def add_seats(service: Service) -> None:
    ServiceSession.objects.filter(service=service).update(capacity=20)


@pytest.mark.parametrize("change", [change_price, take_off_sale, add_seats])
def test_a_service_keeps_what_somebody_else_has_changed_meanwhile(ana: Practitioner, change: Any) -> None:
    workshop = make_service(ServiceType.WORKSHOP, ana, usd=6_000)
    [date] = make_sessions(workshop)
    client, url, form = open_page(workshop)
    change(workshop)
    as_changed = [*Service.objects.values(), *ServicePrice.objects.values(), *ServiceSession.objects.values()]
    answer = client.post(url, form | {"summary": "Without the typo."})
    assert answer.status_code == 200
    assert "changed since you opened the page" in errors_on(answer)
    assert form_data(answer)["summary"] == "Without the typo."
    now = [*Service.objects.values(), *ServicePrice.objects.values(), *ServiceSession.objects.values()]
    assert now == as_changed
    again = form | {"summary": "Without the typo.", "as_shown": answer.context["as_shown"]}
    assert client.post(url, again).status_code == 302
    workshop.refresh_from_db()
    date.refresh_from_db()
    assert (workshop.summary, workshop.active) == ("Without the typo.", True)
    assert date.capacity == int(form["sessions-0-capacity"])


def test_the_page_names_who_has_changed_it(ana: Practitioner) -> None:
    venue = Venue.objects.create(name="Riverside", address="Quay 1", time_zone="Europe/Lisbon")
    first, url, form = open_page(venue)
    second, _, other = open_page(venue)
    assert second.post(url, other | {"address": "Somewhere else 1"}).status_code == 302
    answer = first.post(url, form | {"name": "River side"})
    assert "Somewhere else 1" in errors_on(answer)
    assert Venue.objects.get().name == "Riverside"


def test_practitioners_and_rights_keep_what_was_changed_meanwhile(ana: Practitioner) -> None:
    client, url, form = open_page(ana)
    Practitioner.objects.filter(pk=ana.pk).update(headline="Teacher of teachers")
    assert client.post(url, form | {"bio": "Thirty years."}).status_code == 200
    member = make_staff("orders.view_order")
    client, url, form = open_page(member)
    member.user_permissions.clear()
    assert client.post(url, form | {"first_name": "Ines"}).status_code == 200
    member.refresh_from_db()
    assert (member.user_permissions.count(), member.first_name == "Ines") == (0, False)


def test_seats_that_are_sold_meanwhile_and_a_sign_in_do_not_count(ana: Practitioner) -> None:
    workshop = make_service(ServiceType.WORKSHOP, ana)
    make_sessions(workshop)
    client, url, form = open_page(workshop)
    ServiceSession.objects.update(taken=1)
    assert client.post(url, form | {"summary": "Soon."}).status_code == 302
    person = make_user("Tom Achterberg")
    client, url, form = open_page(person)
    Client().force_login(person, "django.contrib.auth.backends.ModelBackend")
    answer = client.post(url, {name: value for name, value in form.items() if value != "[]"})
    assert answer.status_code == 302, errors_on(answer)
