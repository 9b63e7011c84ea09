"""Links of the admin lead to what they name: whatever is in an address, and with the count that they stand beside."""

from datetime import timedelta
from html import unescape
from typing import Any
from urllib.parse import unquote

import pytest
from django.test import Client
from django.urls import reverse

from estuary.accounts.models import User
from estuary.bookings.order_lines import ScheduleRequest
from estuary.catalog.models import ServiceType
from estuary.common import clock
from estuary.common.admin import pagination
from estuary.orders.models import Order
from estuary.payments.models import PaymentMethod, Refund
from tests.api.staff import admin_client, give_credits
from tests.api.test_admin_pages import a_dispute, a_fraud_notice
from tests.factories import a_free_slot, buy, make_practitioner, make_service, make_user, place

pytestmark = pytest.mark.django_db

ODD = ("anna+yoga@estuary.example", "anna&co@estuary.example", "a#1%41?x=b@estuary.example")


def buyer_of_everything(email: str) -> User:
    buyer = make_user("Anna Kovacs")
    User.objects.filter(pk=buyer.pk).update(email=email)
    buyer.refresh_from_db()
    give_credits(buyer, 1_000)
    yoga = make_service(ServiceType.SESSION, make_practitioner(), name="Yoga")
    buy(buyer, yoga, wish=ScheduleRequest(starts_at=a_free_slot(yoga)))
    at = clock.now()
    PaymentMethod.objects.create(
        user=buyer, stripe_payment_method_id=f"pm_{buyer.pk}", brand="visa", last4="4242", exp_month=4,
        exp_year=2030, added_at=at, synced_at=at,
    )  # fmt: skip
    return buyer


@pytest.mark.parametrize("email", ODD)
def test_a_buyer_s_lists_are_found_whatever_is_in_the_address(email: str) -> None:
    buyer = buyer_of_everything(email)
    client = admin_client()
    sections = client.get(reverse("admin-buyer", args=[buyer.pk])).context["sections"]
    urls = {section.title: section.all_at for section in sections if section.all_at}
    assert {"Orders", "Bookings", "Movements of credits", "Cards"} <= urls.keys()
    for title in ("Orders", "Bookings", "Movements of credits", "Cards"):
        answer = client.get(urls[title])
        assert (answer.context["cl"].query, len(answer.context["cl"].result_list)) == (email, 1), title


@pytest.mark.parametrize("email", ODD)
def test_a_guest_s_address_is_written_to_whole(email: str) -> None:
    starts_at = buyer_of_everything(email).bookings.get().starts_at
    assert starts_at
    page = admin_client().get(reverse("admin-attendees"), {"day": f"{starts_at:%Y-%m-%d}"}).content.decode()
    address = unescape(page).partition("mailto:")[2].partition('"')[0]
    assert not set("?&#") & set(address) and unquote(address) == email


@pytest.fixture
def busy() -> None:
    """Rows of today and of yesterday, and of every state that a figure counts or leaves out."""
    ana = make_practitioner()
    yoga = make_service(ServiceType.SESSION, ana)
    at, day = clock.now(), timedelta(days=1)
    bought = [
        buy(make_user(), yoga, wish=ScheduleRequest(starts_at=a_free_slot(yoga, nth=4 * number))).order
        for number in range(4)
    ]
    Order.objects.filter(pk__in=[order.pk for order in bought]).update(paid_at=at, captured_minor=10_000)
    Order.objects.filter(pk=bought[0].pk).update(created_at=at - day, paid_at=at - day)
    for number, (status, settled_at) in enumerate(
        [("requested", None), ("pending", None), ("succeeded", at), ("succeeded", at - day), ("failed", at)]
    ):
        Refund.objects.create(
            order=bought[number % 4], currency="usd", card_minor=100, credits_minor=0, origin="staff",
            status=status, settled_at=settled_at, stripe_refund_id=f"re_{number}" if settled_at else "",
        )  # fmt: skip
    Refund.objects.create(
        order=bought[0], currency="usd", card_minor=10_000, credits_minor=0, origin="automatic", status="succeeded",
        settled_at=at, stripe_refund_id="re_of_another_payment", is_unmatched=True,
    )  # fmt: skip
    for number, (status, minutes) in enumerate([("pending", 2), ("failed", 3), ("pending", 12)]):
        slot = ScheduleRequest(starts_at=a_free_slot(yoga, nth=20 + 4 * number))
        order = place(make_user(), yoga, wish=slot)
        expires_at = at + timedelta(minutes=minutes)
        Order.objects.filter(pk=order.pk).update(status=status, expires_at=expires_at)
    a_dispute(bought[1])
    a_fraud_notice(bought[2])


def figures(client: Client) -> dict[str, Any]:
    return {figure.name: figure for figure in client.get("/admin/").context["figures"]}


def rows_behind(client: Client, figure: Any) -> list[Any]:
    answer = client.get(figure.url)
    assert answer.status_code == 200, figure.url
    return list(answer.context["cl"].result_list)


def test_a_figure_of_the_overview_leads_to_as_many_rows_as_it_counts(
    busy: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A filter without an index would look among the newest rows only.
    monkeypatch.setattr(pagination, "NEWEST", 0)
    client = admin_client()
    counts = {"Orders today": 6, "Refunds on their way": 2, "Holds that end within 5 minutes": 2}
    counts |= {"Open disputes": 1, "Fraud warnings and reviews": 1}
    shown = figures(client)
    for name, count in counts.items():
        assert (shown[name].value, len(rows_behind(client, shown[name]))) == (str(count), count), name
    for name in ("Paid, not handed over", "Unsettled events", "Dead events"):
        assert len(rows_behind(client, shown[name])) == int(shown[name].value), name


def test_a_sum_of_the_overview_leads_to_the_rows_that_it_is_made_of(busy: None) -> None:
    client = admin_client()
    shown = figures(client)
    captured = rows_behind(client, shown["Captured today"])
    assert [row.paid_at is not None for row in captured] == [True] * 3
    assert shown["Captured today"].value == f"{sum(row.captured_minor for row in captured) / 100:.2f} USD"
    refunded = rows_behind(client, shown["Refunded today"])
    assert [row.status for row in refunded] == ["succeeded"]
    assert shown["Refunded today"].value == "1.00 USD"
