"""What a buyer sends along with an order is shown to buyer, staff and whoever delivers it, and to nobody else."""

import pytest
from django.test import Client
from rest_framework.test import APIClient

from estuary.accounts.models import Practitioner
from estuary.catalog.models import ServiceType
from stripe_sandbox import Sandbox
from tests.api.staff import admin_client
from tests.factories import a_free_slot, make_practitioner, make_service, make_sessions, signed_in
from tests.flows import buying
from tests.flows.buying import pay

pytestmark = pytest.mark.django_db(transaction=True)

SENT = {"allergies": "nuts & <seeds>", "guests": 2, "wishes": ["quiet", "blanket"]}


def guests(practitioner: Practitioner) -> list[buying.Json]:
    meetings = signed_in(practitioner.user).get("/api/v1/roster/").json()["results"]
    return [guest for meeting in meetings for guest in meeting["guests"]]


def order_page(order: buying.Json) -> str:
    client: Client = admin_client()
    return client.get(f"/admin/orders/order/{buying.order_of(order).pk}/change/").content.decode()


@pytest.mark.parametrize("type", [ServiceType.WORKSHOP, ServiceType.SESSION])
def test_service_data_is_on_the_order_in_the_admin_and_on_the_roster(
    stripe: Sandbox, buyer: APIClient, ana: Practitioner, type: ServiceType
) -> None:
    service = make_service(type, ana)
    scheduling = {}
    if type == ServiceType.WORKSHOP:
        make_sessions(service)
    else:
        scheduling = {"start_datetime": a_free_slot(service).isoformat()}
    order = buying.create(buyer, service_id=str(service.pk), service_data=SENT, scheduling_data=scheduling)
    assert buying.detail(buyer, order)["service_data"] == SENT
    assert guests(ana) == []
    pay(stripe, order)
    assert buying.detail(buyer, order)["service_data"] == SENT
    assert [guest["service_data"] for guest in guests(ana)] == [SENT]
    page = order_page(order)
    assert "nuts &amp; &lt;seeds&gt;" in page
    assert "[&quot;quiet&quot;, &quot;blanket&quot;]" in page


def test_another_practitioner_and_another_buyer_see_nothing_of_it(
    stripe: Sandbox, buyer: APIClient, other: APIClient, ana: Practitioner
) -> None:
    bruno = make_practitioner("Bruno Costa")
    workshop = make_service(ServiceType.WORKSHOP, ana)
    make_sessions(workshop)
    order = buying.create(buyer, service_id=str(workshop.pk), service_data=SENT)
    pay(stripe, order)
    assert guests(bruno) == []
    assert other.get(f"/api/v1/orders/{order['order_id']}/").status_code == 404


def test_an_order_without_it_says_so_to_staff(stripe: Sandbox, buyer: APIClient) -> None:
    order = buying.credits(buyer)
    assert buying.detail(buyer, order)["service_data"] == {}
    assert "sent nothing along with the order" in order_page(order)


def test_an_order_has_the_times_that_were_asked_for_and_the_same_request_goes_on_with_it(
    stripe: Sandbox, buyer: APIClient, ana: Practitioner
) -> None:
    yoga, massage = (make_service(ServiceType.SESSION, ana, name=name) for name in ("Yoga", "Massage"))
    package = make_service(ServiceType.PACKAGE, ana, holds=[yoga, massage])
    items = [{"service_id": str(yoga.pk), "start_datetime": a_free_slot(yoga).isoformat()}]
    asked = {"service_id": str(package.pk), "scheduling_data": {"items": items}, "service_data": SENT}
    order = buying.create(buyer, **asked)
    detail = buying.detail(buyer, order)
    assert [item["service_id"] for item in detail["scheduling_data"]["items"]] == [str(yoga.pk)]
    again = {name: detail[name] for name in ("scheduling_data", "service_data")}
    assert buying.create(buyer, **(asked | again))["order_id"] == order["order_id"]
