"""``python -m tests.browser.receipt_pictures`` takes pictures of receipts: as PDF, and as the page on a phone.

The PDFs are of names and amounts that are hard to lay out. Nothing is stored but the pictures.
"""

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import django
from playwright.sync_api import expect

from estuary.config.environment import BASE_DIR
from tests.browser.conftest import PHONE
from tests.browser.shopper import Shopper
from tests.browser.stack import start_stack
from tests.browser.test_receipt import NUMBER
from tests.chromium import open_chromium

FOLDER = Path(BASE_DIR, ".var", "receipt-pictures")
AT = datetime(2026, 11, 29, 23, 50, tzinfo=UTC)
# As wide as a phone shows an A4 page, at three of its dots for each of ours.
PPI = PHONE["width"] * 3 / 8.27

PARTIES: dict[str, Any] = {
    "seller": "house",
    "seller_name": "Riverside Yoga & Söhne Lda • €",
    "seller_address": "12 Riverside Walk\n1200-109 Lisboa",
    "seller_country": "PT",
    "seller_tax_id": "PT501234567",
    "seller_email": "books@riverside.example",
    "seller_time_zone": "Europe/Lisbon",
    "buyer_name": "Zoë Müller-Łukasiewicz שלום עולם محمد علي Иван 山田 #strong[x] *b* <b>$x$</b>",
    "buyer_address": "ul. Łódzka 12\n00-001 Żółwiów\nPolska",
    "buyer_email": "zoe@example.com",
    "year": 2026,
    "issued_at": AT,
    "issued_on": date(2026, 11, 30),
    "currency": "usd",
    "tax_rate": Decimal("8.875"),
    "tax_label": "VAT",
}


def line(description: str, amount_minor: int, quantity: int = 1, *dates: str) -> dict[str, Any]:
    details = "with Ana Ribeiro" if dates else ""
    return {
        "description": description,
        "details": details,
        "quantity": quantity,
        "amount_minor": amount_minor,
        "dates": list(dates),
    }


def draw_documents() -> None:
    from estuary.documents.models import CreditNote, Receipt
    from estuary.documents.render import render_pdf, render_png
    from estuary.orders.models import Order

    lines = [
        line("Deep tissue massage", 100_000, 3, "2026-12-01", "2026-12-08", "2026-12-15"),
        line(("A name of two hundred characters, and then " * 6)[:200], 20_000),
        line("W" * 200, 3_450),
    ]
    receipt = Receipt(
        order=Order(public_id="ord_7x2kabcdefghijkmnpqr"), number="R-2026-000042", paid_at=AT, lines=lines,
        total_minor=123_450, credits_minor=3_450, charged_minor=120_000, taxable_minor=123_450, tax_minor=10_063,
        method_type="card", method_brand="visa", method_last4="4242", **PARTIES,
    )  # fmt: skip
    note = CreditNote(
        receipt=receipt, number="CN-2026-000007", charged_minor=5_000, credits_minor=1_000, tax_minor=489,
        lines=[line("Refund of Deep tissue massage", 6_000)], **PARTIES,
    )  # fmt: skip
    for name, document in (("receipt", receipt), ("credit-note", note)):
        (FOLDER / f"{name}.pdf").write_bytes(render_pdf(document))
        (FOLDER / f"{name}.png").write_bytes(render_png(document, ppi=PPI))


def photograph_page() -> None:
    with start_stack() as plan, open_chromium() as chromium:
        page = chromium.new_page(
            base_url=plan.web_url, viewport=PHONE, locale="en-US", timezone_id="Europe/Berlin"
        )
        shopper = Shopper(page).has_account().chooses("Sound bath at dusk").types_card()
        shopper.pays("35.00").is_thanked()
        page.get_by_role("link", name="Receipt").click()
        expect(page.get_by_text(NUMBER)).to_be_visible()
        page.screenshot(path=FOLDER / "page-on-a-phone.png", full_page=True)
        page.emulate_media(media="print")
        page.screenshot(path=FOLDER / "page-in-print.png", full_page=True)


def main() -> None:
    django.setup()
    FOLDER.mkdir(parents=True, exist_ok=True)
    draw_documents()
    photograph_page()
    print(f"The pictures are in {FOLDER.relative_to(BASE_DIR)}/")  # noqa: T201


if __name__ == "__main__":
    main()
