"""Every list and every page of the admin answers, to those who may see it, in a fixed number of queries."""

import re
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group
from django.contrib.contenttypes.models import ContentType
from django.core.management import call_command
from django.test import Client
from django.urls import reverse

from estuary.accounts.models import User
from estuary.bookings.models import RosterFeed
from estuary.catalog.models import Service, ServiceType
from estuary.common import clock
from estuary.common.admin.base import StaffAdmin
from estuary.orders.models import Order
from estuary.payments.models import (
    Dispute,
    FraudNotice,
    GuestMessage,
    PaymentMethod,
    Refund,
    StripeCustomer,
    WebhookEvent,
)
from stripe_sandbox import Sandbox
from tests.api.staff import admin_client, created, give_credits, make_staff
from tests.factories import PASSWORD, make_practitioner, make_service, make_user, pay, place
from tests.sandbox_bridge import settle_everything

type Pinned = Callable[[int], AbstractContextManager[object]]

LISTS = {
    "orders_order": 4,
    "bookings_booking": 4,
    "bookings_reservation": 4,
    "credits_creditaccount": 4,
    "credits_credittransaction": 4,
    "catalog_service": 5,
    "accounts_practitioner": 4,
    "accounts_user": 4,
    "accounts_auditlogentry": 5,
    "auth_group": 4,
    "payments_datechange": 4,
    "payments_guestmessage": 4,
    "bookings_rosterfeed": 4,
    "payments_refund": 4,
    "payments_dispute": 5,
    "payments_fraudnotice": 4,
    "payments_paymentmethod": 4,
    "payments_stripecustomer": 4,
    "payments_webhookevent": 4,
}


def test_every_page_is_one_of_ours() -> None:
    """A library's own page would know neither our rules of who may do what nor the audit trail."""
    foreign = [page for page in admin.site._registry.values() if not isinstance(page, StaffAdmin)]
    assert not foreign


@pytest.fixture
def marketplace(db: None) -> None:
    call_command("seed", verbosity=0)


@pytest.fixture
def busy(marketplace: None) -> Order:
    """A package that was paid half by credits, with every kind of row that a page may show."""
    buyer = make_user()
    give_credits(buyer, 5_000)
    order = place(buyer, Service.objects.get(slug="reset-week"))
    Refund.objects.create(order=order, currency="usd", card_minor=100, credits_minor=50, origin="staff")
    a_dispute(order)
    a_fraud_notice(order)
    StripeCustomer.objects.create(user=buyer, email=buyer.email, stripe_customer_id="cus_1")
    a_card(buyer, "pm_1")
    an_event("evt_1", clock.now())
    pay(place(make_user(), Service.objects.get(slug="reset-week")))
    Group.objects.create(name="Support")
    return order


@pytest.mark.filterwarnings("error")  # of what Django will drop
@pytest.mark.parametrize(("name", "queries"), LISTS.items())
def test_a_list_answers_in_as_many_queries_however_long_it_is(
    busy: Order, django_assert_num_queries: Pinned, name: str, queries: int
) -> None:
    client = admin_client()
    url = reverse(f"admin:{name}_changelist")
    with django_assert_num_queries(queries):
        assert client.get(url).status_code == 200
    many_more()
    with django_assert_num_queries(queries):
        assert client.get(url).status_code == 200


def many_more() -> None:
    """More rows of every kind, of other buyers."""
    at = clock.now()
    for number in range(4):
        buyer = make_user("Tom Achterberg")
        give_credits(buyer, 1_000)
        order = place(buyer, Service.objects.get(slug="reset-week"))
        pay(order)
        Refund.objects.create(order=order, currency="usd", card_minor=100, credits_minor=0, origin="staff")
        a_dispute(order)
        a_fraud_notice(order)
        StripeCustomer.objects.create(user=buyer, email=buyer.email, stripe_customer_id=f"cus_x{number}")
        a_card(buyer, f"pm_x{number}")
        an_event(f"evt_x{number}", at)
        host, booking = make_practitioner("Ben Okri"), order.bookings.first()
        RosterFeed.objects.create(practitioner=host, token_hash=f"{number}")
        GuestMessage.objects.create(practitioner=host, booking=booking, text="Bring a towel.")
        Group.objects.create(name=f"Support {number}")


def a_dispute(order: Order) -> None:
    at = clock.now()
    Dispute.objects.create(
        order=order,
        stripe_dispute_id=f"du_{order.pk}",
        stripe_payment_intent_id=f"pi_{order.pk}",
        amount_minor=100,
        currency="usd",
        reason="general",
        status="needs_response",
        due_by=at,
        opened_at=at,
    )


def a_fraud_notice(order: Order) -> None:
    FraudNotice.objects.create(
        order=order,
        stripe_notice_id=f"issfr_{order.pk}",
        kind="early_fraud_warning",
        stripe_payment_intent_id=f"pi_{order.pk}",
        reason="misc",
        opened_at=clock.now(),
    )


def a_card(buyer: User, method_id: str) -> None:
    at = clock.now()
    PaymentMethod.objects.create(
        user=buyer,
        stripe_payment_method_id=method_id,
        brand="visa",
        last4="4242",
        exp_month=4,
        exp_year=2030,
        added_at=at,
        synced_at=at,
    )


def an_event(event_id: str, at: datetime) -> None:
    WebhookEvent.objects.create(
        stripe_event_id=event_id,
        type="payment_intent.created",
        livemode=False,
        payload={"data": {"object": {"id": "pi_1"}}},
        due_at=at,
        created_at=at,
        received_at=at,
    )


def test_every_row_of_every_kind_has_a_page(busy: Order) -> None:
    client = admin_client()
    for model in admin.site._registry:
        row = model._default_manager.first()
        if row is None or not model._meta.label.startswith(
            ("orders", "bookings", "credits", "catalog", "accounts", "payments")
        ):
            continue
        url = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_change", args=[row.pk])
        assert client.get(url).status_code == 200, url


def test_the_forms_for_new_rows_answer(marketplace: None) -> None:
    client = admin_client()
    for name in ("catalog_service", "accounts_practitioner", "accounts_user"):
        assert client.get(reverse(f"admin:{name}_add")).status_code == 200


@pytest.mark.parametrize(
    "name",
    [
        "orders_order",
        "bookings_booking",
        "credits_creditaccount",
        "credits_credittransaction",
        "payments_refund",
        "payments_dispute",
        "payments_fraudnotice",
        "payments_paymentmethod",
        "payments_stripecustomer",
        "payments_webhookevent",
    ],
)
def test_history_is_written_by_nobody(busy: Order, name: str) -> None:
    client = admin_client()
    assert client.get(reverse(f"admin:{name}_add")).status_code == 403
    row = admin.site._registry
    model = next(one for one in row if f"{one._meta.app_label}_{one._meta.model_name}" == name)
    instance = model._default_manager.first()
    if instance is not None:
        assert client.post(reverse(f"admin:{name}_change", args=[instance.pk]), {"x": "y"}).status_code == 403
        assert (
            client.post(reverse(f"admin:{name}_delete", args=[instance.pk]), {"post": "yes"}).status_code
            == 403
        )


def test_the_overview_counts_today_in_fourteen_queries(
    busy: Order, django_assert_num_queries: Pinned
) -> None:
    WebhookEvent.objects.update(status="dead")
    client = admin_client()
    with django_assert_num_queries(14):
        answer = client.get("/admin/")
    figures = {figure.name: figure for figure in answer.context["figures"]}
    assert figures["Orders today"].value == "2"
    assert figures["Dead events"].value == "1"
    assert figures["Dead events"].alarm
    assert figures["Refunds on their way"].value == "1"
    assert busy.public_id in answer.content.decode()


def test_the_overview_shows_nothing_that_one_may_not_look_at(busy: Order) -> None:
    answer = admin_client("payments.view_webhookevent").get("/admin/")
    assert [figure.name for figure in answer.context["figures"]] == [
        "Unsettled events",
        "Dead events",
        "Payments without an event",
    ]
    assert busy.public_id not in answer.content.decode()


@pytest.mark.parametrize("path", ["/admin/no-such-page/", "/admin/orders/no-such-list/", "/admin/orders/"])
def test_an_unknown_page_is_a_page_of_the_admin(db: None, path: str) -> None:
    answer = admin_client("payments.view_refund").get(path, headers={"Accept": "text/html,*/*;q=0.8"})
    assert answer.status_code == 404
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    page = answer.content.decode()
    assert "Page not found" in page and "Refunds" in page
    assert "To the overview" in page and f"Reference {answer.headers['X-Request-ID']}" in page
    problem = admin_client("payments.view_refund").get(path, headers={"Accept": "application/json"})
    assert (problem.status_code, problem.json()["code"]) == (404, "not_found")


def test_an_unknown_page_says_nothing_to_who_is_not_signed_in(db: None) -> None:
    answer = Client().get("/admin/no-such-page/", headers={"Accept": "text/html"})
    assert (answer.status_code, answer.headers["Location"]) == (
        302,
        "/admin/login/?next=/admin/no-such-page/",
    )


def test_buyers_have_no_business_here(db: None) -> None:
    client = Client()
    client.force_login(make_user(), "estuary.accounts.staff.sign_in.StaffBackend")
    assert client.get("/admin/orders/order/").status_code == 302


def test_staff_sign_in_by_e_mail_address_and_password(db: None) -> None:
    staff = make_staff(is_superuser=True)
    answer = Client().post("/admin/login/?next=/admin/", {"username": staff.email, "password": PASSWORD})
    assert (answer.status_code, answer.headers["Location"]) == (302, "/admin/")
    by_itself = Client().post("/admin/login/", {"username": staff.email, "password": PASSWORD})
    assert (by_itself.status_code, by_itself.headers["Location"]) == (302, "/admin/")


def test_the_admin_brings_its_styles_along_without_a_collectstatic(db: None) -> None:
    answer = Client().get("/static/unfold/css/styles.css")
    assert answer.status_code == 200
    answer.close()


def test_staff_cannot_promote_themselves(db: None) -> None:
    staff = make_staff("accounts.view_user", "accounts.change_user")
    chief = make_staff(is_superuser=True)
    client = Client()
    client.force_login(staff, "estuary.accounts.staff.sign_in.StaffBackend")
    form = {"email": staff.email, "first_name": "Sam", "last_name": "Okafor", "is_superuser": "on"}
    client.post(reverse("admin:accounts_user_change", args=[staff.pk]), form)
    assert not User.objects.get(pk=staff.pk).is_superuser
    assert client.post(reverse("admin:accounts_user_change", args=[chief.pk]), form).status_code == 403
    assert client.post(reverse("admin:auth_user_password_change", args=[chief.pk]), {}).status_code == 403


@pytest.mark.django_db(transaction=True)
def test_the_page_of_an_order_shows_all_that_belongs_to_it_in_a_fixed_number_of_queries(
    stripe: Sandbox, django_assert_num_queries: Pinned
) -> None:
    ana = make_practitioner()
    items = [make_service(ServiceType.SESSION, ana), make_service(ServiceType.SESSION, ana)]
    package = make_service(ServiceType.PACKAGE, ana, holds=items)
    buyer = make_user()
    purchase = created(buyer, service_id=str(package.pk), payment_type="intent")
    stripe.control.confirm(purchase["payment_intent_id"], card="4242424242424242")
    settle_everything(stripe)
    order = Order.objects.get(public_id=purchase["order_id"])
    client = admin_client()
    ContentType.objects.clear_cache()  # else it depends on which test ran before
    with django_assert_num_queries(21):
        answer = client.get(reverse("admin:orders_order_change", args=[order.pk]))
    page = answer.content.decode()
    for shown in (
        purchase["payment_intent_id"],
        "payment_intent.succeeded",
        items[0].name,
        "The buyer ordered",
    ):
        assert shown in page


@pytest.mark.parametrize(
    "field", ["public_id", "stripe_payment_intent_id", "stripe_checkout_session_id", "email"]
)
def test_an_order_is_found_by_any_of_its_ids(busy: Order, field: str) -> None:
    Order.objects.filter(pk=busy.pk).update(
        stripe_payment_intent_id="pi_9", stripe_checkout_session_id="cs_9"
    )
    busy.refresh_from_db()
    other = place(make_user("Tom"), Service.objects.get(slug="reset-week"))
    term = busy.user.email if field == "email" else getattr(busy, field)
    page = admin_client().get("/admin/orders/order/", {"q": term}).content.decode()
    assert busy.public_id in page
    assert other.public_id not in page


def test_moments_are_written_alike_on_all_pages(busy: Order) -> None:
    """Day before month and 24 hours: a list that Django writes by itself says it as one of ours does."""
    client, at = admin_client(), f"{busy.created_at:%d %b %Y, %H:%M}"
    zoned = re.compile(rf"{at}(:\d\d)? UTC")
    Refund.objects.update(created_at=busy.created_at)
    for path in ("orders/order", "payments/refund"):
        page = client.get(f"/admin/{path}/").content.decode()
        assert zoned.search(re.sub("<[^>]+>", "", page)) and ".m." not in page


def test_the_search_finds_what_its_reader_may_see_each_time_anew(marketplace: None) -> None:
    """Nothing that was found is kept: who was erased, or may be seen no more, is not found a moment later."""
    everything, orders_alone = admin_client(), admin_client("orders.view_order")
    for _ in range(2):
        assert "orders" in everything.get("/admin/search/?s=order").content.decode().lower()
        assert "services" not in orders_alone.get("/admin/search/?s=service").content.decode().lower()
