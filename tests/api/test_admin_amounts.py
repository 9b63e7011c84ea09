"""Numbers that staff type: a comma is a decimal point, never lost, and what may mean two things is not guessed."""

from collections.abc import Iterator
from html import unescape
from typing import Any

import pytest
from django.contrib import admin
from django.test import Client
from django.urls import reverse

from estuary.accounts.models import User
from estuary.bookings.order_lines import ScheduleRequest
from estuary.catalog.models import ServiceType
from estuary.credits.models import CreditAccount, CreditTransaction
from tests.api.staff import admin_client, balance_of, errors_on, form_data, give_credits
from tests.factories import a_free_slot, buy, make_practitioner, make_service, make_sessions, make_user

pytestmark = pytest.mark.django_db

GIVE = "admin:credits_creditaccount_give"
AMBIGUOUS = ("1,000", "1.000", "1.575,00", "1'000", "30,5,0", "1,5 00")


@pytest.fixture
def anna() -> User:
    buyer = make_user("Anna Kovacs")
    give_credits(buyer, 2_000)
    return buyer


def filled(client: Client, buyer: User, amount: str) -> dict[str, str]:
    """The form of credits with this amount in it, as its page is sent."""
    token = client.get(reverse(GIVE)).context["form"]["token"].value()
    return {"email": buyer.email, "currency": "usd", "amount": amount, "note": "Sorry", "token": token}


def give(buyer: User, amount: str, **more: str) -> Any:
    client = admin_client()
    return client.post(reverse(GIVE), {**filled(client, buyer, amount), **more})


@pytest.mark.parametrize(
    ("amount", "given"),
    [
        *[("30,5", 3_050), ("30.5", 3_050), (" 30 ", 3_000), ("1,575.00", 157_500), ("1234567.00", None)],
        *[("-30,5", -3_050), ("-1,575.00", -157_500), ("−5", -500), ("+5", 500)],
    ],
)
def test_credits_are_given_and_taken_as_they_are_written(anna: User, amount: str, given: int | None) -> None:
    assert give(anna, amount).status_code == (302 if given else 200)
    assert balance_of(anna, "usd") == 2_000 + (given or 0)


@pytest.mark.parametrize("amount", AMBIGUOUS)
def test_credits_that_may_mean_two_sums_are_not_guessed(anna: User, amount: str) -> None:
    answer = give(anna, amount)
    assert answer.status_code == 200 and answer.context["form"].errors.keys() == {"amount"}
    assert CreditTransaction.objects.count() == 1


@pytest.mark.parametrize(
    ("amount", "button", "after"),
    [("30,5", "Give 30.50 USD", "50.50 USD"), ("-25", "Take 25.00 USD back", "-5.00 USD")],
)
def test_the_button_names_the_credits_and_the_page_the_balance_that_follows(
    anna: User, amount: str, button: str, after: str
) -> None:
    client = admin_client()
    shown = client.get(reverse(GIVE), {**filled(client, anna, amount), "preview": "1"})
    text = unescape(shown.content.decode())
    assert all(words in text for words in (button, after, anna.email)), text
    assert balance_of(anna, "usd") == 2_000
    of_account = reverse(
        "admin:credits_creditaccount_adjust_account", args=[CreditAccount.objects.get(user=anna).pk]
    )
    text = client.get(of_account, {"amount": amount, "preview": "1"}).content.decode()
    assert button in text and after in text


@pytest.mark.parametrize("total", ["", "305", "30500", "x"])
def test_a_button_with_another_sum_gives_nothing_and_is_shown_with_the_right_one(
    anna: User, total: str
) -> None:
    answer = give(anna, "30,5", total=total)
    page = answer.content.decode()
    assert "press the button with the sum on it" in page and "Give 30.50 USD" in page
    assert balance_of(anna, "usd") == 2_000
    assert give(anna, "30,5", total="3050").status_code == 302
    assert balance_of(anna, "usd") == 5_050


def test_a_price_is_what_was_typed() -> None:
    service, client = make_service(ServiceType.SESSION, make_practitioner()), admin_client()
    url = reverse("admin:catalog_service_change", args=[service.pk])
    form = form_data(client.get(url))
    name = next(name for name, value in form.items() if name.endswith("-amount") and value == "100.00")
    for typed, minor in (("49,5", 4_950), ("1,575.00", 157_500), ("49.90", 4_990)):
        assert client.post(url, form | {name: typed}).status_code == 302, typed
        assert service.prices.get(currency="usd").amount_minor == minor
    for typed in (*AMBIGUOUS, "-49,5"):
        assert errors_on(client.post(url, form | {name: typed})), typed
    assert service.prices.get(currency="usd").amount_minor == 4_990


def test_a_whole_number_with_a_part_is_refused_and_no_thousand_becomes_one() -> None:
    workshop, client = make_service(ServiceType.WORKSHOP, make_practitioner()), admin_client()
    make_sessions(workshop)
    url = reverse("admin:catalog_service_change", args=[workshop.pk])
    form = form_data(client.get(url))
    for name in ("sessions-0-capacity", "free_cancel_hours"):
        for typed in ("12,5", "1.000", "1,000", "12.5"):
            assert "whole number" in errors_on(client.post(url, form | {name: typed})), (name, typed)
    assert client.post(url, form | {"sessions-0-capacity": "12"}).status_code == 302
    assert workshop.sessions.get().capacity == 12


def forms_of_rows() -> Iterator[str]:
    """Every form for a new row, and that of each row."""
    request: Any = type("Request", (), {"user": User(is_superuser=True, is_staff=True, is_active=True)})()
    for model, page in admin.site._registry.items():
        name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
        if page.has_add_permission(request):
            yield reverse(f"{name}_add")
        for row in model._default_manager.all()[:20]:
            yield reverse(f"{name}_change", args=[row.pk])


def test_no_form_of_the_admin_has_a_field_that_drops_a_comma(anna: User) -> None:
    """A field for numbers drops the comma of 30,5 in silence, so that 305 is sent."""
    ana = make_practitioner()
    single = make_service(ServiceType.SESSION, ana)
    make_service(ServiceType.PACKAGE, ana, holds=[single])
    make_service(ServiceType.BUNDLE, ana, bundle_of=single, bundle_quantity=3)
    for days, type in enumerate((ServiceType.WORKSHOP, ServiceType.COURSE), start=10):
        make_sessions(make_service(type, ana), in_days=days)
    order = buy(anna, single, wish=ScheduleRequest(starts_at=a_free_slot(single))).order
    account = CreditAccount.objects.get(user=anna)
    client = admin_client()
    urls = [
        *forms_of_rows(),
        reverse(GIVE),
        reverse("admin:credits_creditaccount_adjust_account", args=[account.pk]),
        reverse("admin:orders_order_refund", args=[order.pk]),
        reverse("admin-exports"),
        reverse("admin-attendees"),
        reverse("admin:payments_datechange_days", args=[ana.pk]),
    ]
    assert len(urls) > 20
    typed = [url for url in urls if 'type="number"' in client.get(url).content.decode()]
    assert typed == []
