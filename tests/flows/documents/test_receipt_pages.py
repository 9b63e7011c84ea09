"""Who may read a receipt, and what its PDF is: private, the same each time, and readable by others' programs."""

import io
import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pypdf import PdfReader
from pytest_django import Settings
from rest_framework.test import APIClient

from estuary.accounts.models import Practitioner, User
from estuary.catalog.models import ServiceType
from estuary.documents import api
from estuary.documents.issuing import issue_due_documents
from estuary.documents.models import CreditNote, Receipt
from estuary.documents.seller import Seller
from stripe_sandbox import Sandbox
from tests.api.staff import admin_client
from tests.factories import a_free_slot, make_service, signed_in
from tests.flows import buying
from tests.flows.buying import Json, pay
from tests.flows.documents.conftest import SELLER, receipt
from tests.sandbox_bridge import settle_everything

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def bought(stripe: Sandbox, buyer: APIClient) -> Json:
    order = buying.buy_credits(stripe, buyer, "40.00")
    issue_due_documents()
    return order


def address(order: Json) -> str:
    return f"/api/v1/orders/{order['order_id']}/receipt/"


def text_of(pdf: bytes) -> str:
    """Return the text of a PDF as another program reads it, without the marks at which long words may break."""
    pages = [page.extract_text() for page in PdfReader(io.BytesIO(pdf)).pages]
    return "\n".join(pages).replace("\u200b", "")


# --- Who may read it ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("tail", ["", "pdf/"])
def test_a_receipt_is_its_buyers_alone(bought: Json, other: APIClient, staff: APIClient, tail: str) -> None:
    assert APIClient().get(address(bought) + tail).status_code == 401
    for stranger in (other, staff):
        problem = stranger.get(address(bought) + tail)
        assert (problem.status_code, problem.json()["code"]) == (404, "not_found")
        assert problem["Content-Type"] == "application/problem+json"


def test_a_receipt_that_is_not_numbered_yet_says_so(stripe: Sandbox, buyer: APIClient) -> None:
    order = buying.credits(buyer, "40.00")
    assert receipt(buyer, order, 409)["code"] == "no_receipt"
    pay(stripe, order)
    for tail in ("", "pdf/"):
        answer = buyer.get(address(order) + tail)
        assert (answer.status_code, answer.json()["code"]) == (409, "receipt_not_ready")
        assert int(answer["Retry-After"]) > 0
        assert len(answer.json()["detail"].split()) > 5


def test_a_credit_note_is_its_buyers_alone(
    stripe: Sandbox, bought: Json, buyer: APIClient, other: APIClient, staff: APIClient
) -> None:
    buying.refund(staff, bought)
    settle_everything(stripe)
    issue_due_documents()
    number = receipt(buyer, bought)["credit_notes"][0]["number"]
    file = f"/api/v1/orders/{bought['order_id']}/credit-notes/{number}/pdf/"
    assert other.get(file).status_code == 404
    assert buyer.get(file.replace(number, "CN-2026-999999")).status_code == 404
    answer = buyer.get(file)
    assert answer["Content-Disposition"] == f'attachment; filename="credit-note-{number}.pdf"'
    printed = text_of(answer.content)
    assert all(word in printed for word in (number, Receipt.objects.get().number, "40.00 USD", "Credit note"))


# --- The file -----------------------------------------------------------------------------------------------


def test_the_pdf_says_what_the_receipt_says(
    stripe: Sandbox, buyer: APIClient, maya: User, ana: Practitioner
) -> None:
    session = make_service(ServiceType.SESSION, ana, name="Massage <b>*tief*</b> #strong[x] $y$ \\ “Ω€•”")
    order = buying.service(buyer, session, start_datetime=a_free_slot(session).isoformat())
    pay(stripe, order)
    issue_due_documents()
    answer = buyer.get(address(order) + "pdf/")
    number = Receipt.objects.get().number
    assert (answer.status_code, answer["Content-Type"]) == (200, "application/pdf")
    assert answer["Content-Disposition"] == f'attachment; filename="receipt-{number}.pdf"'
    assert answer["Cache-Control"] == "private, no-cache"
    printed = text_of(answer.content)
    for text in (
        number,
        SELLER.name,
        "12 Riverside Walk",
        "Tax ID PT501234567",
        "Maya Lindqvist",
        maya.email,
        "Massage <b>*tief*</b> #strong[x] $y$ \\ “Ω€•”",
        "with Ana Ribeiro",
        "100.00 USD",
        "Paid by Visa •••• 4242",
        "VAT exempt.",
        order["order_id"],
    ):
        assert text in printed, text


def test_the_pdf_is_the_same_bytes_each_time_and_not_sent_twice(bought: Json, buyer: APIClient) -> None:
    first, second = (buyer.get(address(bought) + "pdf/") for _ in range(2))
    assert first.content == second.content
    again = buyer.get(address(bought) + "pdf/", headers={"If-None-Match": first["ETag"]})
    assert (again.status_code, again.content, again["ETag"]) == (304, b"", first["ETag"])
    page = buyer.get(address(bought))
    assert buyer.get(address(bought), headers={"If-None-Match": page["ETag"]}).status_code == 304
    assert page["Cache-Control"] == "private, no-cache"


def test_a_file_that_the_caller_has_is_not_rendered(
    bought: Json, buyer: APIClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    etag = buyer.get(address(bought) + "pdf/")["ETag"]
    monkeypatch.setattr(api, "render_pdf", lambda *_: pytest.fail("it was rendered"))
    assert buyer.get(address(bought) + "pdf/", headers={"If-None-Match": etag}).status_code == 304


@pytest.mark.parametrize("accept", ["application/pdf", "text/html", "image/png", "*/*"])
def test_a_pdf_is_a_pdf_whatever_is_accepted(bought: Json, buyer: APIClient, accept: str) -> None:
    assert buyer.get(address(bought) + "pdf/", headers={"Accept": accept}).status_code == 200


def test_names_of_many_scripts_and_any_length_fit_on_the_page(
    stripe: Sandbox, buyer: APIClient, maya: User, settings: Settings
) -> None:
    settings.SELLER = Seller(name="Ж" * 200, address="\n".join("street " * 20 for _ in range(6)))
    User.objects.filter(pk=maya.pk).update(first_name="שלום محمد 山田 Ωμέγα", last_name="W" * 120)
    order = buying.buy_credits(stripe, buyer, "40.00")
    issue_due_documents()
    printed = re.sub(r"\s", "", text_of(buyer.get(address(order) + "pdf/").content))
    assert "山田Ωμέγα" in printed
    assert printed.count("Ж") >= 200
    assert "W" * 120 in printed


# --- What it costs ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("tail", ["", "pdf/"])
def test_a_receipt_costs_four_queries_however_much_was_returned(
    stripe: Sandbox, bought: Json, buyer: APIClient, staff: APIClient, tail: str
) -> None:
    for number in range(3):
        buying.refund(staff, bought, amount="5.00", reason=f"part {number}")
    settle_everything(stripe)
    issue_due_documents()
    assert CreditNote.objects.count() == 3
    buyer = signed_in(User.objects.get(orders__public_id=bought["order_id"]))
    with CaptureQueriesContext(connection) as queries:
        assert buyer.get(address(bought) + tail).status_code == 200
    assert len(queries) <= 4, [query["sql"][:120] for query in queries]


# --- Staff --------------------------------------------------------------------------------------------------


def test_staff_who_may_see_receipts_find_them_by_number_and_open_them(bought: Json) -> None:
    row = Receipt.objects.get()
    client = admin_client("documents.view_receipt", "orders.view_order")
    search_page = client.get("/admin/documents/receipt/", {"q": row.number}).content.decode()
    assert row.number in search_page
    assert row.number not in client.get("/admin/documents/receipt/", {"q": "R-1999-000001"}).content.decode()
    page = client.get(f"/admin/documents/receipt/{row.pk}/change/").content.decode()
    assert "Riverside Yoga Lda" in page
    file = client.get(f"/admin/documents/receipt/{row.pk}/pdf/")
    assert (file.status_code, file["Content-Type"]) == (200, "application/pdf")
    order = client.get(f"/admin/orders/order/{row.order_id}/change/").content.decode()
    assert (row.number in order, f"/admin/documents/receipt/{row.pk}/pdf/" in order) == (True, True)


def test_staff_without_the_right_see_no_receipt(bought: Json) -> None:
    row = Receipt.objects.get()
    client = admin_client("orders.view_order")
    assert client.get("/admin/documents/receipt/").status_code == 403
    assert client.get(f"/admin/documents/receipt/{row.pk}/pdf/").status_code == 403
    order = client.get(f"/admin/orders/order/{row.order_id}/change/").content.decode()
    assert (row.number in order, "/pdf/" in order) == (True, False)


def test_nobody_can_change_or_delete_a_receipt_in_the_admin(bought: Json) -> None:
    row = Receipt.objects.get()
    client = admin_client()
    assert client.get(f"/admin/documents/receipt/{row.pk}/delete/").status_code == 403
    assert client.post(f"/admin/documents/receipt/{row.pk}/change/", {"number": "R-1"}).status_code == 403
    assert client.get("/admin/documents/receipt/add/").status_code == 403
