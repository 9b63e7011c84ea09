"""The page of a buyer: everything about one person, each part for those who may view it, in as many queries always."""

from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest
from django.contrib.contenttypes.models import ContentType
from django.urls import reverse

from estuary.accounts import staff_audit
from estuary.accounts.models import User
from estuary.catalog.models import ServiceType
from estuary.payments.admin.people import buyer_page
from stripe_sandbox import Sandbox
from tests.api.staff import admin_client, give_credits, make_staff
from tests.factories import a_free_slot, make_practitioner, make_service, make_user, signed_in
from tests.flows import buying

pytestmark = pytest.mark.django_db(transaction=True)

type Pinned = Callable[[int], AbstractContextManager[object]]

PARTS = {
    "orders.view_order": "Orders",
    "bookings.view_booking": "Bookings",
    "credits.view_creditaccount": "Credits",
    "credits.view_credittransaction": "Movements of credits",
    "payments.view_paymentmethod": "Cards",
    "accounts.view_auditlogentry": "What staff did to the account",
}


def url_of(buyer: User) -> str:
    return reverse("admin-buyer", args=[buyer.pk])


@pytest.fixture
def maya(stripe: Sandbox) -> User:
    """A buyer with one row of everything."""
    buyer = make_user("Maya Lindqvist")
    give_credits(buyer, 1_000)
    yoga = make_service(ServiceType.SESSION, make_practitioner(), name="Private yoga")
    start = a_free_slot(yoga).isoformat()
    made = buying.create(signed_in(buyer), service_id=str(yoga.pk), scheduling_data={"start_datetime": start})
    buying.pay(stripe, made)
    staff_audit.record(make_staff(), buyer, "Changed the address")
    return buyer


def test_everything_about_a_person_is_on_one_page(maya: User) -> None:
    page = admin_client().get(url_of(maya))
    sections = {section.title: str(section.rows) for section in page.context["sections"]}
    assert list(sections) == list(PARTS.values())
    order = maya.orders.get()
    assert order.public_id in sections["Orders"] and "Visa •••• 4242" in sections["Orders"]
    assert "Private yoga" in sections["Bookings"]
    assert "10.00 USD" in sections["Credits"] and "10.00 USD" in sections["Movements of credits"]
    assert "pm_" in sections["Cards"]
    assert "Changed the address" in sections["What staff did to the account"]
    assert maya.email in page.content.decode()


def test_it_takes_as_many_queries_however_much_there_is(
    maya: User, stripe: Sandbox, django_assert_num_queries: Pinned, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = admin_client()
    ContentType.objects.clear_cache()  # else it depends on which test ran before
    with django_assert_num_queries(13):
        client.get(url_of(maya))
    for _ in range(3):
        buying.buy_credits(stripe, signed_in(maya))
        staff_audit.record(make_staff(), maya, "Changed the name")
    with django_assert_num_queries(12):
        client.get(url_of(maya))
    monkeypatch.setattr(buyer_page, "SHOWN", 2)
    orders = client.get(url_of(maya)).context["sections"][0]
    assert (orders.title, len(orders.rows)) == ("Orders, the newest 2", 2)


@pytest.mark.parametrize(("permission", "title"), PARTS.items())
def test_each_part_is_shown_to_those_who_may_view_it(maya: User, permission: str, title: str) -> None:
    page = admin_client("accounts.view_user", permission).get(url_of(maya))
    assert [section.title for section in page.context["sections"]] == [title]


def test_nobody_else_opens_it(maya: User) -> None:
    assert admin_client("catalog.view_service").get(url_of(maya)).status_code == 403
    assert admin_client("orders.view_order").get(url_of(maya)).status_code == 200
    assert signed_in(maya).get(url_of(maya)).status_code == 302
    assert admin_client().get(reverse("admin-buyer", args=[10**9])).status_code == 404


def test_an_order_leads_to_its_buyer(maya: User) -> None:
    page = admin_client().get(reverse("admin:orders_order_change", args=[maya.orders.get().pk]))
    assert url_of(maya) in page.content.decode()
