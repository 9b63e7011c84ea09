"""What staff read on the pages of the admin: times with a zone, sums with marks, ids as they are, a next step."""

import re
from html import unescape

import pytest
from django.contrib import admin
from django.core.management import call_command
from django.test import Client
from django.urls import reverse

from estuary.accounts.models import User
from estuary.bookings.models import Booking
from estuary.catalog.models import Service, ServiceType
from estuary.orders.models import Order
from stripe_sandbox import Sandbox
from tests.api.staff import admin_client
from tests.factories import a_free_slot, make_practitioner, make_service, make_user, place, signed_in
from tests.flows import buying

# A time of day, and what may stand behind it: a zone, seconds of a moment in JSON, or the end of a span.
CLOCK = re.compile(r"\b\d{1,2}:\d\d(?::\d\d)?\b(?!:)(?: [AP]M\b)?")
ZONED = re.compile(r"(?: ?(?:UTC|Z)\b| \(?[A-Z]\w+/\w+|(?:–| – | to .{0,22})\d{1,2}:\d\d)")
# Hours of a week, whose heading names the practitioner's zone, and forms whose labels do.
OF_A_WEEK = {"accounts.practitioner", "catalog.service"}


def text_of(client: Client, url: str) -> str:
    """What a page shows of itself, without its markup."""
    answer = client.get(url)
    assert answer.status_code == 200, url
    page = re.sub(r"(?s)<(script|style|template|head)\b.*?</\1>", " ", answer.content.decode())
    return unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", page)))


def without_zone(text: str) -> list[str]:
    times = [match for match in CLOCK.finditer(text) if not ZONED.match(text, match.end())]
    return [text[max(match.start() - 40, 0) : match.end() + 20] for match in times]


@pytest.fixture
def order(stripe: Sandbox) -> Order:
    """A dear session and a seat, of one buyer; the session was bought by card."""
    call_command("seed", verbosity=0)
    maya = make_user("Maya Lindqvist")
    place(maya, Service.objects.get(slug="reset-week"))
    yoga = make_service(ServiceType.SESSION, make_practitioner(), usd=157_500, name="Private yoga")
    purchase = buying.create(
        signed_in(maya),
        service_id=str(yoga.pk),
        scheduling_data={"start_datetime": a_free_slot(yoga).isoformat()},
    )
    buying.pay(stripe, purchase)
    return buying.order_of(purchase)


def page_of(order: Order) -> str:
    return reverse("admin:orders_order_change", args=[order.pk])


@pytest.mark.django_db(transaction=True)
def test_every_time_on_a_page_names_its_zone(order: Order) -> None:
    client, booking = admin_client(), Booking.objects.get(order=order)
    pages = [
        page_of(order),
        reverse("admin:orders_order_refund", args=[order.pk]),
        reverse("admin:orders_order_cancel_booking", args=[order.pk, booking.pk]),
        reverse("admin:payments_datechange_booking", args=[booking.pk]),
        reverse("admin-buyer", args=[order.user_id]),
        f"{reverse('admin-attendees')}?day={booking.starts_at:%Y-%m-%d}",
        reverse("admin-checkup"),
    ]
    for model in admin.site._registry:
        at, row = f"admin:{model._meta.app_label}_{model._meta.model_name}", model._default_manager.first()
        pages.append(reverse(f"{at}_changelist"))
        if row is not None and model._meta.label_lower not in OF_A_WEEK:
            pages.append(reverse(f"{at}_change", args=[row.pk]))
    unzoned = {url: times for url in pages if (times := without_zone(text_of(client, url)))}
    assert unzoned == {}
    assert f"{booking.starts_at:%a %d %b %Y, %H:%M} UTC" in text_of(client, page_of(order))


@pytest.mark.django_db(transaction=True)
def test_the_times_that_a_booking_may_move_to_name_their_zone(order: Order) -> None:
    booking = Booking.objects.get(order=order)
    url = reverse("admin:payments_datechange_booking_move", args=[booking.pk])
    shown = admin_client().get(url)
    zone = booking.practitioner.time_zone.replace("_", " ")
    assert dict(shown.context["act"].facts)["Now"].endswith(zone)
    assert all(day.endswith(f", {zone}") for day, times in shown.context["form"].fields["time"].choices[1:])


@pytest.mark.django_db(transaction=True)
def test_a_sum_of_thousands_has_a_mark_where_people_read_it(order: Order) -> None:
    client = admin_client()
    refund = reverse("admin:orders_order_refund", args=[order.pk])
    for url in (page_of(order), "/admin/orders/order/", refund, f"/admin/buyers/{order.user_id}/", "/admin/"):
        text = text_of(client, url)
        assert "1,575.00 USD" in text, url
        assert "1575.00" not in text, url
    assert 'value="1,575' not in client.get(refund).content.decode()


@pytest.mark.django_db(transaction=True)
def test_an_id_in_the_breadcrumbs_keeps_its_case(order: Order) -> None:
    text = text_of(admin_client(), page_of(order))
    assert f"Orders chevron_right {order.public_id}" in text
    assert order.public_id.capitalize() not in text


@pytest.mark.django_db(transaction=True)
def test_an_address_in_a_hit_keeps_its_case(order: Order) -> None:
    page = admin_client().get("/admin/search/", {"s": "maya lind"}).content.decode()
    assert order.user.email in page
    assert order.user.email.capitalize() not in page


@pytest.mark.parametrize(
    ("query", "words", "next_step"),
    [
        ("q=ord_none", "No order matches “ord_none”.", "Clear the search"),
        ("status__exact=failed", "No order matches the filters.", "Clear the filters"),
        (
            "q=ord_none&status__exact=failed",
            "No order matches “ord_none” and the filters.",
            "Clear the search and the filters",
        ),
        ("", "There are no orders yet.", ""),
    ],
)
def test_an_empty_list_says_why_and_what_to_do_next(db: None, query: str, words: str, next_step: str) -> None:
    text = text_of(admin_client(), f"/admin/orders/order/?{query}")
    assert words in text
    assert "yielded" not in text
    assert (next_step in text) if next_step else ("Clear the" not in text)


def test_an_empty_list_of_what_staff_add_offers_to_add_one(db: None) -> None:
    User.objects.all().delete()
    text = text_of(admin_client(), "/admin/catalog/venue/?q=nowhere")
    assert "No venue matches “nowhere”." in text and "Add venue" in text
