"""docs/reference/interface.md shows each sentence of the description by a test, and its names are there."""

import re
from importlib import import_module

import pytest
from django.db import connection
from django.urls import resolve

from estuary.accounts.models import User
from estuary.config.environment import BASE_DIR
from estuary.payments.models import PaymentMethod

PAGE = BASE_DIR / "docs" / "reference" / "interface.md"
ROW = re.compile(r"^\| (?!the description says|---)(.+) \| (.+) \|$", re.MULTILINE)
TEST_ID = re.compile(r"`tests/[\w/]+\.py::test_\w+`")


def rows_of(section: str) -> list[tuple[str, str]]:
    return ROW.findall(section)


def test_every_sentence_is_shown_by_a_test_and_none_by_half() -> None:
    *sections, future = PAGE.read_text(encoding="utf-8").split("\n## ")[1:]
    assert future.startswith("What it calls future")
    rows = [row for section in sections for row in rows_of(section)]
    assert len(rows) >= 60
    for sentence, shown_by in rows:
        assert re.fullmatch(rf"{TEST_ID.pattern}(?:, {TEST_ID.pattern})*", shown_by), sentence
    assert len({sentence for sentence, _ in rows}) == len(rows)
    assert len(rows_of(future)) == 4


@pytest.mark.parametrize(
    ("module", "names"),
    [
        ("utils", ["create_order", "create_payment_intent", "create_checkout_session"]),
        ("api", ["CreatePaymentView", "MethodListView", "DefaultMethodView", "MethodView"]),
        ("webhooks", ["stripe_webhook", "HANDLERS"]),
        ("client", ["create_intent", "create_session", "create_refund"]),
        ("urls", ["urlpatterns"]),
    ],
)
def test_the_files_of_the_description_have_what_it_says(module: str, names: list[str]) -> None:
    # The project's routes bring the converters that those of the payments use.
    import_module("estuary.config.urls")
    there = import_module(f"estuary.payments.{module}")
    assert [name for name in names if not hasattr(there, name)] == []


@pytest.mark.parametrize(
    "address", ["create/", "methods/", "methods/default/", "methods/123/", "methods/pm_1/", "webhook/"]
)
def test_the_addresses_of_the_description_lead_to_the_payments(address: str) -> None:
    assert resolve(f"/api/v1/payments/{address}").func.__module__.startswith("estuary.payments.")


def test_the_libraries_of_the_description_are_used() -> None:
    declared = (BASE_DIR / "pyproject.toml").read_text(encoding="utf-8")
    for library in ("stripe", "django", "djangorestframework"):
        assert re.search(rf'^    "{library}[<>=~\[]', declared, re.MULTILINE), library


def test_a_saved_card_has_the_fields_of_the_description() -> None:
    fields = {field.name for field in PaymentMethod._meta.get_fields()}
    assert fields >= {
        *("user", "stripe_payment_method_id", "card_brand", "last4", "exp_month", "exp_year", "is_default")
    }
    assert PaymentMethod._meta.get_field("user").related_model is User


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("brand", "name"),
    [
        ("visa", "Visa"),
        ("mastercard", "Mastercard"),
        ("amex", "American Express"),
        ("eftpos_au", "eftpos Australia"),
        ("a_brand_of_tomorrow", "a_brand_of_tomorrow"),
    ],
)
def test_brands_have_the_names_that_people_know(brand: str, name: str) -> None:
    user = User.objects.create_user(f"{brand}@example.com", "a-long-and-odd-one-7")
    moment = "2026-01-01T00:00:00Z"
    card = PaymentMethod(
        user=user, stripe_payment_method_id=f"pm_{brand}", brand=brand, last4="4242", exp_month=1, exp_year=2030,
        added_at=moment, synced_at=moment,
    )  # fmt: skip
    card.save()
    assert card.card_brand == name
    assert PaymentMethod.objects.get(card_brand=name) == card


@pytest.mark.django_db
def test_the_name_of_a_brand_is_computed_when_it_is_read() -> None:
    """So adding its column rewrites no table, and an older release that writes Stripe's word goes on."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT attgenerated FROM pg_attribute"
            " WHERE attrelid = 'payments_paymentmethod'::regclass AND attname = 'card_brand_name'"
        )
        assert cursor.fetchone() == ("v",)
