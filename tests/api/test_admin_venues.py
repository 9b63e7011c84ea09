"""Venues and links to join in staff's hands: what can't be is said on the form, and a link is in no audit trail."""

import pytest
from django.contrib.admin.models import LogEntry
from django.urls import reverse

from estuary.accounts.models import Practitioner
from estuary.catalog.models import Service, ServiceType
from estuary.catalog.venues import Venue
from tests.api.staff import admin_client, errors_on
from tests.api.test_admin_catalog import save
from tests.factories import make_practitioner, make_service, make_sessions

pytestmark = pytest.mark.django_db

LINK = "https://meet.example/abc"
ADD = "admin:catalog_venue_add"
FIELDS = {"name": "Studio", "address": "A street 1\nLisbon", "time_zone": "Europe/Lisbon"}


@pytest.fixture
def studio(ana: Practitioner) -> Venue:
    return Venue.objects.create(
        practitioner=ana, name="Studio", address="A street 1", time_zone="Europe/Lisbon"
    )


@pytest.fixture
def workshop(ana: Practitioner) -> Service:
    service = make_service(ServiceType.WORKSHOP, ana)
    make_sessions(service)
    return service


def test_staff_add_a_venue_and_give_a_service_its_place(workshop: Service) -> None:
    client = admin_client()
    assert client.post(reverse(ADD), FIELDS).status_code == 302
    studio = Venue.objects.get()
    save(workshop, venue=str(studio.pk))
    workshop.refresh_from_db()
    assert (workshop.venue, workshop.location) == (studio, "Studio")
    page = client.get(reverse("admin:catalog_venue_change", args=[studio.pk]))
    assert "A street 1" in page.content.decode()
    assert (
        client.post(reverse("admin:catalog_venue_delete", args=[studio.pk]), {"post": "yes"}).status_code
        == 403
    )


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", "Two\nlines"),
        ("name", "x" * 121),
        ("address", "\n".join("1234567")),
        ("address", "a\x00b"),
        ("time_zone", "Berlin"),
        ("map_url", "http://maps.example/"),
    ],
)
def test_what_no_venue_can_have_is_an_error_on_the_form(field: str, value: str) -> None:
    answer = admin_client().post(reverse(ADD), FIELDS | {field: value})
    assert answer.status_code in {200, 400}
    assert not Venue.objects.exists()


@pytest.mark.parametrize(
    "link",
    [
        "http://meet.example/abc",
        "javascript:alert(1)",
        "meet.example/abc",
        "https://",
        "https://user:password@meet.example/",
        "https://meet.example/a b",
        "https://[meet.example/",
    ],
)
def test_a_link_to_join_is_https_and_nothing_else(workshop: Service, link: str) -> None:
    assert "begins with https://" in errors_on(save(workshop, join_url=link))
    assert "begins with https://" in errors_on(save(workshop, sessions__0__join_url=link))
    workshop.refresh_from_db()
    assert workshop.join_url == ""


def test_a_service_and_a_date_get_their_links_which_no_audit_trail_repeats(workshop: Service) -> None:
    save(workshop, join_url=LINK, sessions__0__join_url=f"{LINK}-today")
    workshop.refresh_from_db()
    assert (workshop.join_url, workshop.sessions.get().join_url) == (LINK, f"{LINK}-today")
    trail = " ".join(LogEntry.objects.values_list("change_message", flat=True))
    assert "join_url" in trail and "meet.example" not in trail


def test_anothers_place_is_refused_and_a_set_has_no_place_of_its_own(
    workshop: Service, studio: Venue
) -> None:
    ben = make_practitioner("Ben Okri")
    bens_service = make_service(ServiceType.SESSION, ben)
    assert "belongs to Ana Ribeiro" in errors_on(save(bens_service, venue=str(studio.pk)))
    package = make_service(ServiceType.PACKAGE, ben, holds=[workshop])
    for field, value in (("venue", str(studio.pk)), ("join_url", LINK)):
        assert "have their own" in errors_on(save(package, **{field: value}))
