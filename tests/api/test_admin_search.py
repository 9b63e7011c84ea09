"""The admin's search: by whatever an angry customer has at hand, and never what one may not view."""

from html import unescape
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from estuary.accounts.models import User
from estuary.bookings.models import Booking
from estuary.catalog.models import ServiceType
from estuary.documents.issuing import issue_due_documents
from estuary.documents.models import CreditNote, Receipt
from estuary.documents.staff_pages import find_orders_by_number
from estuary.orders.models import Order
from estuary.payments.admin.search import palette
from estuary.payments.models import Dispute, PaymentMethod, Refund, StripeCustomer, WebhookEvent
from stripe_sandbox import Sandbox
from tests.api.staff import admin_client
from tests.factories import a_free_slot, make_practitioner, make_service, make_user, signed_in
from tests.flows import buying, disputing
from tests.query_plans import as_if_large, read_whole
from tests.sandbox_bridge import settle_everything

pytestmark = pytest.mark.django_db(transaction=True)


def hits(client: Client, term: str) -> list[str]:
    """The title of each hit, the lists of that name left out."""
    answer = client.get("/admin/search/", {"s": term})
    assert answer.status_code == 200
    results = answer.context["results"] if answer.context else []
    return [unescape(str(hit.title)) for hit in results if hit.icon not in {"tag", "list"}]


@pytest.fixture
def order(stripe: Sandbox) -> Order:
    """Bought with a card that was saved, refunded in part and disputed; beside it another's."""
    maya = make_user("Maya Lindqvist")
    yoga = make_service(ServiceType.SESSION, make_practitioner(), name="Private yoga session")
    start = a_free_slot(yoga).isoformat()
    purchase = buying.create(
        signed_in(maya), service_id=str(yoga.pk), scheduling_data={"start_datetime": start}
    )
    buying.pay(stripe, purchase)
    stripe.control.refund(purchase["payment_intent_id"], amount=500)
    settle_everything(stripe)
    disputing.dispute(stripe, purchase)
    buying.pay(stripe, buying.credits(signed_in(make_user("Tom Achterberg"))), "5555555555554444")
    return Order.objects.get(public_id=purchase["order_id"])


def ids_of(order: Order) -> dict[str, str]:
    charge = WebhookEvent.objects.get(
        type="charge.succeeded", payload__data__object__payment_intent=order.stripe_payment_intent_id
    )
    return {
        "ord": order.public_id,
        "pi": order.stripe_payment_intent_id,
        "ch": charge.payload["data"]["object"]["id"],
        "ref": Refund.objects.get().public_id,
        "re": Refund.objects.get().stripe_refund_id,
        "du": Dispute.objects.get().stripe_dispute_id,
    }


def test_an_order_is_found_by_any_id_and_by_a_part_of_one(order: Order) -> None:
    client = admin_client("orders.view_order")
    for kind, stripe_id in ids_of(order).items():
        assert hits(client, stripe_id) == [order.public_id], stripe_id
        if kind in {"ord", "ref"}:
            continue
        parts = [stripe_id[-8:], stripe_id.upper(), f" {stripe_id[-8:].lower()} "]
        parts += [stripe_id[:-4], stripe_id.partition("_")[2][:10]]
        for part in parts:
            if any(sign.isdigit() for sign in part) or "_" in part:
                assert order.public_id in hits(client, part), part


def pasted(stripe_id: str) -> list[str]:
    """What people paste who have an id on a page, in a log or in a mail."""
    return [
        f"https://dashboard.stripe.com/payments/{stripe_id}",
        f"https://dashboard.stripe.com/acct_1MtwBwLkdIwHu7ix/test/payments/{stripe_id}?from=search#timeline",
        f"https://dashboard.stripe.com/test/search?query={stripe_id}",
        f'"id": "{stripe_id}",',
        f"'{stripe_id}'",
        f"({stripe_id})",
        f"\t{stripe_id}\u200b\n",
        f"{stripe_id}_secret_7Hq0RzVbK2sWnXcYd1LmPpEoA",
        f"{stripe_id[:-6]}…",
        f"…{stripe_id[-7:]}",
        f"...{stripe_id[-7:]}",
    ]


def test_what_people_paste_around_an_id_is_left_out(order: Order) -> None:
    Order.objects.filter(pk=order.pk).update(stripe_payment_intent_id="pi_3MtwBwLkdIwHu7ix28a3tqPa")
    client = admin_client("orders.view_order")
    for term in pasted("pi_3MtwBwLkdIwHu7ix28a3tqPa"):
        assert hits(client, term) == [order.public_id], term
        rows = client.get("/admin/orders/order/", {"q": term}).context["cl"].result_list
        assert [row.pk for row in rows] == [order.pk], term


def test_a_piece_without_its_prefix_is_found_at_the_end_at_the_beginning_and_in_the_middle(
    order: Order,
) -> None:
    Order.objects.filter(pk=order.pk).update(stripe_payment_intent_id="pi_3MtwBwLkdIwHuQix28aktqPa")
    client = admin_client("orders.view_order")
    for piece in ("aktqPa", "28aktqPa", "8AKTQPA", "3MtwBwLk", "BwLkdIwHuQix28", order.public_id[6:16]):
        assert hits(client, piece) == [order.public_id], piece


def test_an_order_is_found_by_its_buyer_and_by_the_card_s_last_digits(order: Order) -> None:
    client = admin_client("orders.view_order")
    for term in ("maya", "Lindqvist", "maya lind", order.user.email, "4242"):
        assert hits(client, term) == [order.public_id], term
    assert hits(client, "4444") == [Order.objects.exclude(pk=order.pk).get().public_id]


def test_everything_else_is_found_too(order: Order) -> None:
    client = admin_client()
    booking, card = Booking.objects.get(), PaymentMethod.objects.get(user=order.user)
    customer = StripeCustomer.objects.get(user=order.user).stripe_customer_id
    assert str(card) in hits(client, card.stripe_payment_method_id)
    assert str(card) in hits(client, card.stripe_payment_method_id[:-3])
    assert {"Maya Lindqvist", customer} <= set(hits(client, customer))
    assert {"Maya Lindqvist", customer} <= set(hits(client, customer[:-3]))
    assert hits(client, str(booking.pk)) == [f"Booking {booking.pk}"]
    assert hits(client, "yoga priv") == ["Private yoga session"]
    event = WebhookEvent.objects.order_by("id")[0].stripe_event_id
    assert hits(client, event) == hits(client, event[:-3]) == [event]


def test_a_receipt_s_or_a_credit_note_s_number_finds_its_order(order: Order) -> None:
    issue_due_documents()
    receipt, note = Receipt.objects.get(order=order), CreditNote.objects.get()
    client = admin_client("orders.view_order")
    _, year, sequence = receipt.number.split("-")
    written = [receipt.number, receipt.number.lower(), f"{receipt.number}.pdf", f"Receipt {receipt.number},"]
    for term in (*written, f"R-{year}-{int(sequence)}", f"r {year} {sequence}", note.number):
        assert hits(client, term) == [order.public_id], term
        rows = client.get("/admin/orders/order/", {"q": term}).context["cl"].result_list
        assert [row.pk for row in rows] == [order.pk], term
    assert hits(admin_client("documents.view_receipt"), receipt.number) == [receipt.number]
    assert hits(admin_client("documents.view_creditnote"), note.number) == [note.number]
    assert hits(client, f"R-{year}-999999") == hits(client, f"R-1999-{sequence}") == []


def test_the_numbers_of_receipts_and_credit_notes_are_found_by_index(order: Order) -> None:
    issue_due_documents()
    numbers = [Receipt.objects.get(order=order).number, CreditNote.objects.get().number]
    for number, index in zip(numbers, ("receipt_number_once", "credit_note_number_once"), strict=True):
        with as_if_large() as plans:
            assert list(find_orders_by_number(number)) == [order.pk]
        assert any(index in plan for plan in plans), plans
        assert read_whole(plans) == []


def test_what_is_not_found_is_told_with_what_can_be_searched_for(order: Order) -> None:
    page = admin_client().get("/admin/search/", {"s": "nothing of the kind"}).content.decode()
    assert "Nothing matched your search" in page
    for kind in ("name or e-mail", "ord_", "pi_", "R-2026-000042", "CN-", "last four digits", "service"):
        assert kind in page, kind


def test_an_event_is_found_by_a_part_of_its_id_with_or_without_the_prefix(order: Order) -> None:
    event = WebhookEvent.objects.order_by("id")[0]
    event.stripe_event_id = "evt_1Q8sXy2eZvKYlo2CgT5hWz9K"
    event.save()
    client = admin_client("payments.view_webhookevent")
    for part in ("1Q8sXy2eZvKYlo2CgT5hWz9K", "1Q8sXy2e", "hWz9K", "evt_1Q8sXy", "…hWz9K", "evt_hWz9K"):
        assert hits(client, part) == [event.stripe_event_id], part
    rows = client.get("/admin/payments/webhookevent/", {"q": "hWz9K"}).context["cl"].result_list
    assert [row.pk for row in rows] == [event.pk]


@pytest.mark.parametrize(
    "term",
    ["", " ", "pi_", "pi_3", "qvist", "100%", "___", "\\", "'", "…", "...", "()", "x" * 5_000, "9" * 40],
)
def test_what_can_be_nothing_finds_nothing(order: Order, term: str) -> None:
    assert hits(admin_client(), term) == []


RIGHTS = {
    "accounts.view_user": "Maya Lindqvist",
    "orders.view_order": "ord",
    "payments.view_refund": "ref",
    "payments.view_dispute": "du",
    "payments.view_paymentmethod": "Visa •••• 4242",
    "payments.view_stripecustomer": "cus",
    "payments.view_webhookevent": "evt",
    "bookings.view_booking": "Booking",
    "catalog.view_service": "Private yoga session",
}


def test_nobody_finds_what_they_may_not_view(order: Order) -> None:
    card = PaymentMethod.objects.get(user=order.user)
    customer = StripeCustomer.objects.get(user=order.user).stripe_customer_id
    event = WebhookEvent.objects.order_by("id")[0].stripe_event_id
    terms = [*ids_of(order).values(), "maya", "4242", "yoga", card.stripe_payment_method_id, customer, event]
    terms += [str(Booking.objects.get().pk)]
    for permission, begins in RIGHTS.items():
        client = admin_client(permission)
        titles = {title for term in terms for title in hits(client, term)}
        assert titles, permission
        assert all(title.startswith(begins) for title in titles), (permission, titles)
    assert [hits(admin_client("auth.view_group"), term) for term in terms] == [[]] * len(terms)


def test_a_search_makes_as_many_queries_however_many_rows_there_are(
    order: Order, stripe: Sandbox, django_assert_max_num_queries: Any
) -> None:
    client, last = admin_client(), order.stripe_payment_intent_id[-8:]
    with django_assert_max_num_queries(24):
        client.get("/admin/search/", {"s": last})
    for _ in range(3):
        buying.pay(stripe, buying.credits(signed_in(make_user("Maya Lindgren"))))
    with django_assert_max_num_queries(24):
        client.get("/admin/search/", {"s": last})
    with django_assert_max_num_queries(12):
        client.get("/admin/search/", {"s": "maya lind"})


def test_a_search_that_takes_too_long_is_ended_and_says_so(
    order: Order, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first kind answers, the second is too slow, and the page is none the worse."""

    def sleep(term: str) -> list[int]:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_sleep(30)")
        return []

    slow = palette.Kind(Refund, "payments.view_refund", "undo", sleep, str, str)
    monkeypatch.setattr(palette, "LIMITS", "SET LOCAL statement_timeout = 20")
    monkeypatch.setattr(palette, "KINDS", [palette.KINDS[0], slow])
    titles = hits(admin_client(), "maya")
    assert titles == ["Maya Lindqvist", "This search took too long"]
    with connection.cursor() as cursor:
        cursor.execute("SHOW statement_timeout")
        assert cursor.fetchone() != ("20ms",)


def test_the_lists_find_by_a_part_of_an_id_too(order: Order) -> None:
    client = admin_client()
    ids = ids_of(order)
    card = PaymentMethod.objects.get(user=order.user).stripe_payment_method_id
    for path, term in (
        ("orders/order", ids["ch"][5:]),
        ("orders/order", "4242"),
        ("payments/refund", ids["re"][:-2]),
        ("payments/dispute", ids["du"][:-2]),
        ("payments/paymentmethod", card[:-2]),
        ("payments/paymentmethod", "4242"),
        ("payments/stripecustomer", StripeCustomer.objects.get(user=order.user).stripe_customer_id[:-2]),
    ):
        rows = client.get(f"/admin/{path}/", {"q": term}).context["cl"].result_list
        assert len(rows) == 1, (path, term)
    assert not client.get("/admin/orders/order/", {"q": "1111"}).context["cl"].result_list


@pytest.mark.parametrize(
    ("email", "terms"),
    [
        ("anna_k@estuary.example", ("anna_", "anna_k", "Anna_K@", "anna_k@estuary.example")),
        ("re_anna@estuary.example", ("re_anna", "re_anna@", "re_anna@estuary.example")),
        ("pi_ordering@estuary.example", ("pi_order", "pi_ordering@estuary.example")),
        ("card_sharp@estuary.example", ("card_sharp", "card_sharp@estuary.example")),
        ("r-obert@estuary.example", ("r-obert", "R-obert@estuary.example")),
    ],
)
def test_an_address_that_looks_like_an_id_is_found_as_an_address(
    order: Order, email: str, terms: tuple[str, ...]
) -> None:
    User.objects.filter(pk=order.user_id).update(email=email)
    issue_due_documents()
    client = admin_client()
    for term in terms:
        assert {"Maya Lindqvist", order.public_id} <= set(hits(client, term)), term
        for path in ("orders/order", "accounts/user", "payments/paymentmethod", "payments/dispute",
                     "documents/receipt", "documents/creditnote"):  # fmt: skip
            rows = client.get(f"/admin/{path}/", {"q": term}).context["cl"].result_list
            assert len(rows) == 1, (path, term)


@pytest.mark.parametrize("email", ["maya+{}@estuary.example", "maya&{}@estuary.example"])
def test_more_of_a_kind_are_in_their_list_which_is_searched_for_the_same(email: str) -> None:
    for number in range(palette.SHOWN + 2):
        User.objects.filter(pk=make_user("Maya Lindqvist").pk).update(email=email.format(number))
    make_user("Tom Achterberg")
    client, term = admin_client(), email.partition("{")[0]
    results = client.get("/admin/search/", {"s": term}).context["results"]
    [more] = [hit for hit in results if hit.icon == "list"]
    rows = client.get(str(more.link)).context["cl"]
    assert (rows.query, len(rows.result_list)) == (term, palette.SHOWN + 2)
