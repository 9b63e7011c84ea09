"""Where something takes place: anybody sees a venue, and only who has booked sees a link to join."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from rest_framework.test import APIClient

from estuary.accounts.models import Practitioner, User
from estuary.bookings.models import Booking
from estuary.catalog.models import Service, ServiceType
from estuary.catalog.venues import Venue
from estuary.privacy.export import export_person
from stripe_sandbox import Sandbox
from tests.factories import a_free_slot, make_practitioner, make_service, make_sessions
from tests.flows import buying
from tests.flows.privacy.erasing import erase
from tests.sandbox_bridge import settle_everything

pytestmark = pytest.mark.django_db(transaction=True)

LINK, OF_THE_DATE = "https://meet.example/sound-bath?pwd=s3cret", "https://meet.example/only-this-evening"


@pytest.fixture
def studio(ana: Practitioner) -> Venue:
    return Venue.objects.create(
        practitioner=ana,
        name="Studio Kreuzberg",
        address="Oranienstraße 25\n10999 Berlin",
        time_zone="Europe/Berlin",
        directions="Bell “Keller”.",
    )


@pytest.fixture
def online(ana: Practitioner) -> Service:
    workshop = make_service(ServiceType.WORKSHOP, ana, name="Sound bath", join_url=LINK)
    make_sessions(workshop, 2)
    return workshop


def booked(stripe: Sandbox, buyer: APIClient, service: Service, **scheduling: Any) -> dict[str, Any]:
    buying.pay(stripe, buying.service(buyer, service, **scheduling))
    return buying.bookings(buyer)[0]


def seat_in(workshop: Service, number: int = 0) -> dict[str, str]:
    return {"service_session_id": str(workshop.sessions.all()[number].pk)}


def test_a_place_is_shown_with_its_address_its_zone_and_a_way_there(
    stripe: Sandbox, buyer: APIClient, ana: Practitioner, studio: Venue
) -> None:
    massage = make_service(ServiceType.SESSION, ana, venue=studio, location="Berlin")
    place = APIClient().get(f"/api/v1/services/{massage.pk}/").json()["venue"]
    assert (place["name"], place["time_zone"]) == ("Studio Kreuzberg", "Europe/Berlin")
    assert place["address_lines"] == ["Oranienstraße 25", "10999 Berlin"]
    assert place["directions_url"].startswith("https://")
    assert "Oranienstra%C3%9Fe%2025" in place["directions_url"]
    slots = APIClient().get(f"/api/v1/services/{massage.pk}/slots/").json()
    assert slots["time_zone"] == "Europe/Berlin"
    shown = booked(stripe, buyer, massage, start_datetime=a_free_slot(massage).isoformat())
    assert (shown["venue"], shown["join_url"]) == (place, None)
    [in_order] = buyer.get(f"/api/v1/orders/{shown['order_id']}/").json()["bookings"]
    assert in_order["venue"] == place


def test_a_package_tells_which_parts_are_where(ana: Practitioner, studio: Venue, online: Service) -> None:
    massage = make_service(ServiceType.SESSION, ana, venue=studio)
    package = make_service(ServiceType.PACKAGE, ana, holds=[massage, online])
    shown = APIClient().get(f"/api/v1/services/{package.pk}/").json()
    places = [part["service"]["venue"] and part["service"]["venue"]["name"] for part in shown["contents"]]
    assert (shown["venue"], places) == (None, ["Studio Kreuzberg", None])
    assert [part["service"]["location"] for part in shown["contents"]][1] == "Online"
    bundle = make_service(ServiceType.BUNDLE, ana, bundle_of=massage, bundle_quantity=3)
    assert APIClient().get(f"/api/v1/services/{bundle.pk}/").json()["venue"]["name"] == "Studio Kreuzberg"


def test_who_has_booked_sees_the_link_and_no_longer_after_cancelling(
    stripe: Sandbox, buyer: APIClient, other: APIClient, online: Service
) -> None:
    online.sessions.filter(pk=online.sessions.all()[1].pk).update(join_url=OF_THE_DATE)
    order = buying.service(buyer, online, **seat_in(online))
    assert LINK not in str(buyer.get(f"/api/v1/orders/{order['order_id']}/").json())
    buying.pay(stripe, order)
    [shown] = buying.bookings(buyer)
    assert (shown["join_url"], shown["sessions"][0]["join_url"]) == (LINK, LINK)
    assert booked(stripe, other, online, **seat_in(online, 1))["join_url"] == OF_THE_DATE
    assert other.get(f"/api/v1/bookings/{shown['id']}/").status_code == 404
    assert buyer.post(f"/api/v1/bookings/{shown['id']}/cancel/").status_code == 200
    settle_everything(stripe)
    [shown] = buying.bookings(buyer)
    assert (shown["status"], shown["join_url"], shown["sessions"]) == ("canceled", None, [])


def test_each_meeting_of_a_course_has_its_link_and_what_is_over_or_has_no_time_has_none(
    stripe: Sandbox, buyer: APIClient, maya: User, ana: Practitioner
) -> None:
    later = APIClient()
    later.force_authenticate(maya)
    course = make_service(ServiceType.COURSE, ana, join_url=LINK)
    last = make_sessions(course, 3)[-1]
    type(last).objects.filter(pk=last.pk).update(join_url=OF_THE_DATE)
    shown = booked(stripe, buyer, course)
    assert [meeting["join_url"] for meeting in shown["sessions"]] == [LINK, LINK, OF_THE_DATE]
    for number, after in enumerate(([None, LINK, OF_THE_DATE], [None, None, OF_THE_DATE], [None] * 3)):
        over = course.sessions.order_by("starts_at")[number].ends_at
        with time_machine.travel(over - timedelta(minutes=1)):
            assert buying.bookings(later)[0]["sessions"][number]["join_url"] is not None
        with time_machine.travel(over + timedelta(minutes=1)):
            [shown] = buying.bookings(later)
        assert [meeting["join_url"] for meeting in shown["sessions"]] == after
        assert shown["join_url"] is None or number < 2
    Booking.objects.update(status=Booking.Status.COMPLETED)
    [shown] = buying.bookings(buyer)
    assert {meeting["join_url"] for meeting in shown["sessions"]} == {None}
    talk = make_service(ServiceType.SESSION, ana, join_url=LINK)
    alone = booked(stripe, buyer, talk, start_datetime=a_free_slot(talk).isoformat())
    assert alone["join_url"] == LINK
    with time_machine.travel(Booking.objects.get(pk=alone["id"]).ends_at or "", tick=True):
        assert buying.bookings(later)[0]["join_url"] is None
    bundle = booked(stripe, buyer, make_service(ServiceType.BUNDLE, ana, bundle_of=talk, bundle_quantity=2))
    assert {part["join_url"] for part in bundle["children"]} == {None}


def test_a_link_is_in_no_catalogue_no_snapshot_no_log_and_nothing_that_goes_to_stripe(
    stripe: Sandbox, buyer: APIClient, other: APIClient, online: Service, capfd: pytest.CaptureFixture[str]
) -> None:
    shown = booked(stripe, buyer, online, **seat_in(online))
    hosted = buying.service(other, online, **seat_in(online))
    anybody = APIClient()
    for url in ("", f"{online.pk}/", f"{online.pk}/sessions/"):
        assert "s3cret" not in anybody.get(f"/api/v1/services/{url}").content.decode()
    assert "s3cret" not in str(stripe.requests)
    assert "s3cret" not in str(buying.order_of(shown).snapshot) + str(buying.order_of(hosted).snapshot)
    assert "s3cret" not in other.get(f"/api/v1/orders/{hosted['order_id']}/").content.decode()
    logged = capfd.readouterr()
    assert "s3cret" not in logged.out + logged.err


def test_the_export_of_a_buyer_has_no_link_and_an_erased_practitioner_leaves_none(
    stripe: Sandbox, maya: User, online: Service, studio: Venue, ana: Practitioner
) -> None:
    online.sessions.update(join_url=OF_THE_DATE)
    assert "meet.example" not in str(export_person(maya))
    own = str(export_person(ana.user))
    assert LINK in own and OF_THE_DATE in own and "Oranienstraße" in own
    erase(ana.user_id)
    online.refresh_from_db()
    studio.refresh_from_db()
    assert (online.join_url, set(online.sessions.values_list("join_url", flat=True))) == ("", {""})
    assert (studio.name, studio.address, studio.directions) == ("", "", "")


def test_a_place_that_many_use_stays_when_one_of_them_is_erased(
    stripe: Sandbox, ana: Practitioner, studio: Venue
) -> None:
    Venue.objects.filter(pk=studio.pk).update(practitioner=None)
    make_service(ServiceType.SESSION, make_practitioner("Ben Okri"), venue=studio)
    erase(ana.user_id)
    studio.refresh_from_db()
    assert studio.name == "Studio Kreuzberg"
