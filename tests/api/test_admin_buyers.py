"""The page of a buyer: everything about one person, each part for those who may view it, in as many queries always."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from html import unescape
from itertools import chain

import pytest
from django.contrib.contenttypes.models import ContentType
from django.urls import reverse

from estuary.accounts.models import User
from estuary.accounts.staff import audit
from estuary.catalog.models import ServiceType
from estuary.documents.issuing import issue_due_documents
from estuary.documents.models import CreditNote
from estuary.payments.admin.people import buyer_page
from estuary.payments.customers.consents import SAVE_CARD
from estuary.payments.models import DateChange
from stripe_sandbox import Sandbox
from tests.api.staff import admin_client, give_credits, make_staff
from tests.factories import (
    REFUNDING,
    a_free_slot,
    make_practitioner,
    make_service,
    make_sessions,
    make_user,
    signed_in,
)
from tests.flows import buying
from tests.flows.payments.dates.acting import act, buy_seat, call_off_url, host
from tests.sandbox_bridge import settle_everything

pytestmark = pytest.mark.django_db(transaction=True)

type Pinned = Callable[[int], AbstractContextManager[object]]

PARTS = {
    "orders.view_order": "Orders",
    "bookings.view_booking": "Bookings",
    "payments.view_datechange": "Called-off and moved dates",
    "credits.view_creditaccount": "Credits",
    "credits.view_credittransaction": "Movements of credits",
    "payments.view_paymentmethod": "Cards",
    "accounts.view_auditlogentry": "What staff did to the account",
    "documents.view_receipt": "Receipts",
    "documents.view_creditnote": "Credit notes",
}
# Parts that need no permission of their own.
ALONGSIDE = {
    "orders.view_order": ["Mails"],
    "bookings.view_booking": ["Moved bookings"],
    "payments.view_paymentmethod": ["Consent to save a card"],
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
    order = buying.create(
        signed_in(buyer),
        service_id=str(yoga.pk),
        scheduling_data={"start_datetime": start},
        save_payment_method=True,
        consent_wording=SAVE_CARD.id,
    )
    buying.pay(stripe, order)
    buying.refund(signed_in(make_staff(*REFUNDING)), order, amount="5.00")
    settle_everything(stripe)
    issue_due_documents()
    audit.record(make_staff(), buyer, "Changed the address")
    return buyer


def test_everything_about_a_person_is_on_one_page(maya: User) -> None:
    page = admin_client().get(url_of(maya))
    sections = {section.title: str(section.rows) for section in page.context["sections"]}
    assert sections.keys() == {*PARTS.values(), *chain(*ALONGSIDE.values())}
    order = maya.orders.get()
    assert order.public_id in sections["Orders"] and "Visa •••• 4242" in sections["Orders"]
    assert "Private yoga" in sections["Bookings"]
    assert "10.00 USD" in sections["Credits"] and "10.00 USD" in sections["Movements of credits"]
    assert "pm_" in sections["Cards"]
    assert "Changed the address" in sections["What staff did to the account"]
    assert "Completed" in sections["Mails"] and "ord_" in sections["Mails"]
    assert SAVE_CARD.text in unescape(sections["Consent to save a card"])
    assert maya.orders.get().receipt.number in sections["Receipts"]
    assert CreditNote.objects.get().number in sections["Credit notes"]
    assert maya.email in page.content.decode()


def test_it_takes_as_many_queries_however_much_there_is(
    maya: User, stripe: Sandbox, django_assert_num_queries: Pinned, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = admin_client()
    ContentType.objects.clear_cache()  # else it depends on which test ran before
    with django_assert_num_queries(19):
        client.get(url_of(maya))
    for _ in range(3):
        buying.buy_credits(stripe, signed_in(maya))
        audit.record(make_staff(), maya, "Changed the name")
    with django_assert_num_queries(18):
        client.get(url_of(maya))
    monkeypatch.setattr(buyer_page, "SHOWN", 2)
    orders = client.get(url_of(maya)).context["sections"][0]
    assert (orders.title, len(orders.rows)) == ("Orders, the newest 2", 2)


@pytest.mark.parametrize(("permission", "title"), PARTS.items())
def test_each_part_is_shown_to_those_who_may_view_it(maya: User, permission: str, title: str) -> None:
    page = admin_client("accounts.view_user", permission).get(url_of(maya))
    assert {section.title for section in page.context["sections"]} == {title, *ALONGSIDE.get(permission, [])}


def test_moves_and_called_off_dates_of_a_buyer_are_listed(stripe: Sandbox) -> None:
    ana = make_practitioner()
    evening = make_service(ServiceType.WORKSHOP, ana, name="Sauna evening")
    first, second = make_sessions(evening, 2)
    buyer = make_user("Maya Lindqvist")
    buy_seat(stripe, signed_in(buyer), first)
    [booking] = buying.bookings(signed_in(buyer))
    moved = signed_in(buyer).post(
        f"/api/v1/bookings/{booking['id']}/move/", {"service_session_id": str(second.pk)}
    )
    assert moved.status_code == 200, moved.json()
    act(host(ana), call_off_url(second))
    settle_everything(stripe)
    page = admin_client().get(url_of(buyer))
    sections = {section.title: str(section.rows) for section in page.context["sections"]}
    assert "the buyer" in sections["Moved bookings"]
    assert DateChange.objects.get().public_id in sections["Called-off and moved dates"]
    assert "called off Sauna evening" in sections["Called-off and moved dates"]


def test_nobody_else_opens_it(maya: User) -> None:
    assert admin_client("catalog.view_service").get(url_of(maya)).status_code == 403
    assert admin_client("orders.view_order").get(url_of(maya)).status_code == 200
    assert signed_in(maya).get(url_of(maya)).status_code == 302
    assert admin_client().get(reverse("admin-buyer", args=[10**9])).status_code == 404


def test_an_order_leads_to_its_buyer(maya: User) -> None:
    page = admin_client().get(reverse("admin:orders_order_change", args=[maya.orders.get().pk]))
    assert url_of(maya) in page.content.decode()
