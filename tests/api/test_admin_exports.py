"""Exports: who may, what is in them, and that a file of any length is read a batch at a time."""

import csv
import gc
import io
from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from estuary.catalog.models import ServiceType
from estuary.common.admin.csv_files import cell
from estuary.orders.models import Order
from estuary.payments.admin.exports import tables
from estuary.payments.admin.exports.tables import EXPORTS, read
from stripe_sandbox import Sandbox
from tests.api.staff import admin_client, give_credits
from tests.factories import (
    REFUNDING,
    a_free_slot,
    make_practitioner,
    make_service,
    make_staff,
    make_user,
    place,
    signed_in,
)
from tests.flows import buying
from tests.flows.payments.settlement.test_late_second_payments import second_payment
from tests.query_plans import as_if_large, read_whole
from tests.sandbox_bridge import settle_everything

URL = "/admin/exports/"
TODAY = {"first": "2000-01-01", "last": "2100-01-01", "currency": ""}
COUNTS = {"orders": 2, "payments": 1, "refunds": 1, "ledger": 1, "bookings": 1}


@pytest.fixture
def sold(stripe: Sandbox) -> Order:
    """A paid session in EUR, refunded in part, of a buyer with credits; and an unpaid order in USD."""
    buyer = make_user("Maya Lindqvist")
    give_credits(buyer, -1_050)
    yoga = make_service(ServiceType.SESSION, make_practitioner(), name="=Yoga", usd=10_000)
    start = a_free_slot(yoga).isoformat()
    order = buying.create(
        signed_in(buyer), service_id=str(yoga.pk), currency="eur", scheduling_data={"start_datetime": start}
    )
    buying.pay(stripe, order)
    buying.refund(
        signed_in(make_staff("Sam Okafor", *REFUNDING)), order, amount="12.50", reason="+1 for the cold room"
    )
    buying.credits(signed_in(make_user("Tom Achterberg")))
    return buying.order_of(order)


def exported(client: Client, table: str, **fields: str) -> list[dict[str, str]]:
    answer = client.post(URL, {**TODAY, "table": table, **fields})
    assert answer.status_code == 200, answer.content
    text = b"".join(answer).decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text)))


@pytest.mark.django_db(transaction=True)
def test_every_table_is_exported_with_decimals_currencies_and_utc(sold: Order) -> None:
    client = admin_client()
    rows = {table: exported(client, table) for table in EXPORTS}
    assert {table: len(of_table) for table, of_table in rows.items()} == COUNTS
    order = rows["orders"][0]
    assert (order["Order"], order["Currency"], order["Total"], order["Refunded"]) == (
        sold.public_id, "EUR", "90.00", "12.50",
    )  # fmt: skip
    assert order["Placed (UTC)"] == f"{sold.created_at:%Y-%m-%d %H:%M:%S}"
    [payment] = rows["payments"]
    assert (payment["Captured"], payment["Card"]) == ("90.00", "Visa •••• 4242")
    assert (payment["Payment"], payment["Charge"][:3]) == (sold.stripe_payment_intent_id, "ch_")
    [refund] = rows["refunds"]
    assert (refund["Amount"], refund["To the card"], refund["Reason"]) == (
        "12.50", "12.50", "'+1 for the cold room",
    )  # fmt: skip
    [movement] = rows["ledger"]
    assert (movement["Amount"], movement["Currency"]) == ("-10.50", "USD")
    [booking] = rows["bookings"]
    assert (booking["Service"], booking["Share of the price"], booking["Currency"]) == (
        "'=Yoga",
        "90.00",
        "EUR",
    )


@pytest.mark.django_db(transaction=True)
def test_credits_that_went_back_are_no_part_of_what_was_captured(stripe: Sandbox) -> None:
    buyer = make_user("Maya Lindqvist")
    give_credits(buyer, 2_000)
    yoga = make_service(ServiceType.SESSION, make_practitioner(), usd=10_000)
    order = buying.with_credits(signed_in(buyer), yoga)
    buying.pay(stripe, order)
    buying.refund(signed_in(make_staff("Sam Okafor", *REFUNDING)), order)
    client = admin_client()
    [payment] = exported(client, "payments")
    assert (payment["Captured"], payment["Refunded since"]) == ("80.00", "80.00")
    assert exported(client, "orders")[0]["Refunded"] == "100.00"


@pytest.mark.django_db(transaction=True)
def test_a_refund_of_another_payment_is_named_so_and_no_part_of_the_orders_figures(stripe: Sandbox) -> None:
    created = buying.buy_credits(stripe, signed_in(make_user("Maya Lindqvist")), "100.00")
    buying.refund(signed_in(make_staff("Sam Okafor", *REFUNDING)), created, amount="15.00")
    stripe.control.confirm(second_payment(buying.order_of(created)), card="4242424242424242")
    settle_everything(stripe)
    client = admin_client()
    [payment], [order] = exported(client, "payments"), exported(client, "orders")
    refunds = exported(client, "refunds")
    assert sorted((row["To the card"], row["Status"], row["Of another payment"]) for row in refunds) == [
        ("100.00", "succeeded", "yes"),
        ("15.00", "succeeded", "no"),
    ]
    own = sum(Decimal(row["To the card"]) for row in refunds if row["Of another payment"] == "no")
    assert {own} == {Decimal(payment["Refunded since"]), Decimal(order["Refunded"])}


@pytest.mark.django_db(transaction=True)
def test_days_and_currencies_narrow_it(sold: Order) -> None:
    client, day = admin_client(), f"{sold.created_at:%Y-%m-%d}"
    before = f"{sold.created_at - timedelta(days=1):%Y-%m-%d}"
    assert len(exported(client, "orders", first=day, last=day)) == 2
    assert exported(client, "orders", first=before, last=before) == []
    assert [row["Currency"] for row in exported(client, "orders", currency="EUR")] == ["EUR"]
    assert exported(client, "ledger", currency="eur") == []


def test_each_export_is_in_the_audit_trail(db: None) -> None:
    client = admin_client()
    exported(client, "refunds", first="2026-11-01", last="2026-11-30", currency="eur")
    assert LogEntry.objects.get().change_message == "Exported refunds, 2026-11-01 to 2026-11-30, EUR"


@pytest.mark.parametrize("table", EXPORTS)
def test_only_those_who_may_view_a_table_export_it(db: None, table: str) -> None:
    client = admin_client(EXPORTS[table].permission)
    assert exported(client, table) == []
    for other, export in EXPORTS.items():
        if export.permission != EXPORTS[table].permission:
            refused = client.post(URL, {**TODAY, "table": other})
            assert (refused.status_code, "Select a valid choice" in refused.content.decode()) == (400, True)
    assert LogEntry.objects.count() == 1
    assert admin_client("catalog.view_service").get(URL).status_code == 403
    assert Client().post(URL, {**TODAY, "table": table}).status_code == 302


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"first": "2026-02-30"}, "Enter a valid date"),
        ({"first": ""}, "This field is required"),
        ({"first": "2026-12-02", "last": "2026-12-01"}, "swap them"),
        ({"last": "9999-12-31"}, "Is the year right?"),
        ({"first": "0001-01-01"}, "Is the year right?"),
        ({"currency": "euros"}, "at most 3 characters"),
        ({"currency": "xxx"}, "three letters"),
        ({"table": "auth_user"}, "Select a valid choice"),
    ],
)
def test_what_can_be_no_export_is_refused_in_words(db: None, fields: dict[str, str], words: str) -> None:
    answer = admin_client().post(URL, {**TODAY, "table": "orders", **fields})
    assert answer.status_code == 400
    assert words in answer.content.decode()
    assert not LogEntry.objects.exists()


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@a", "\tx", "\rx", "\nx", "＝1"])
def test_no_text_is_a_formula(text: str) -> None:
    assert cell(text) == f"'{text}"


@pytest.mark.parametrize(
    ("text", "shown"),
    [("x;=A1", "x;'=A1"), ('x; "=A1', "x; \"'=A1"), ("x\n+1", "x\n'+1"), ("a-b; c+d", "a-b; c+d")],
)
def test_no_part_of_a_text_is_one_where_a_semicolon_separates_cells(text: str, shown: str) -> None:
    assert cell(text) == shown


def test_numbers_stay_numbers() -> None:
    at = datetime(2026, 11, 30, 1, 2, 3, tzinfo=timezone.get_fixed_timezone(60))
    assert [cell(value) for value in (Decimal("-1.50"), -3, None, True, at)] == [
        "-1.50", "-3", "", "yes", "2026-11-30 00:02:03",
    ]  # fmt: skip


@pytest.fixture
def many(db: None, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Sixty orders, many of one moment, where a batch has seven; returns their ids, the oldest first."""
    monkeypatch.setattr(tables, "BATCH", 7)
    session, buyer = make_service(ServiceType.BUNDLE, make_practitioner(), **_bundle()), make_user()
    order = place(buyer, session)
    at = order.created_at
    copies = []
    for number in range(1, 60):
        copy = Order.objects.get(pk=order.pk)
        copy.pk, copy.public_id, copy.status = None, f"ord_{number:020}", "canceled"
        copy.created_at = at + timedelta(seconds=number // 20)
        copies.append(copy)
    Order.objects.bulk_create(copies)
    return [order.public_id, *(copy.public_id for copy in copies)]


def _bundle() -> dict[str, Any]:
    one = make_service(ServiceType.SESSION, make_practitioner("Bo Li"))
    return {"bundle_of": one, "bundle_quantity": 3}


def read_all(name: str) -> Iterator[Any]:
    order = Order.objects.earliest("created_at")
    begin = order.created_at
    return read(EXPORTS[name], begin=begin, end=begin + timedelta(days=1))


def test_a_file_of_any_length_is_read_a_batch_at_a_time(many: list[str]) -> None:
    """Measured in rows: how many orders are alive while the file is sent, and what is read for its first line."""
    rows = read_all("orders")
    gc.collect()
    before = _living_orders()
    with CaptureQueriesContext(connection) as queries:
        seen = [next(rows)[1]]
    assert len(queries) == 1
    most_alive = 0
    for row in rows:
        seen.append(row[1])
        most_alive = max(most_alive, _living_orders() - before)
    assert seen == many
    assert most_alive <= 3 * tables.BATCH < len(many)


def _living_orders() -> int:
    return sum(type(thing) is Order for thing in gc.get_objects())


def test_each_batch_is_read_by_index(many: list[str]) -> None:
    for name in EXPORTS:
        with as_if_large() as plans:
            list(read_all(name))
        batches = [plan for plan in plans if "LIMIT 7" in plan]
        assert batches, name
        assert read_whole(batches) == [], name


def test_the_answer_is_streamed(many: list[str]) -> None:
    with CaptureQueriesContext(connection) as queries:
        answer = admin_client().post(URL, {**TODAY, "table": "orders"})
    assert answer.streaming
    assert not any("orders_order" in query["sql"] for query in queries)
    lines = b"".join(answer).decode("utf-8-sig").splitlines()
    assert [line.split(",")[1] for line in lines[1:]] == many


def test_the_page_offers_what_one_may_export(db: None) -> None:
    page = admin_client("payments.view_refund").get(reverse("admin-exports"))
    assert [name for name, _ in page.context["form"].fields["table"].choices] == ["refunds"]
