"""The receipt of an order: there soon after paying, to read, print and save, on a phone and by keyboard."""

import io
import re
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect
from pypdf import PdfReader

from tests.browser.shopper import Shopper
from tests.browser.test_pages import assert_accessible

NUMBER = re.compile(r"R-\d{4}-\d{6}")


def receipt_of_newest_order(shopper: Shopper) -> Locator:
    shopper.orders().get_by_role("link").first.click()
    receipt = shopper.page.get_by_role("region", name="Receipt")
    expect(receipt.get_by_text(NUMBER)).to_be_visible()
    return receipt


def save(page: Page, button: str) -> str:
    """Press Enter on a button and return the text of the PDF that is saved."""
    with page.expect_download() as download:
        page.get_by_role("button", name=button).focus()
        page.keyboard.press("Enter")
    file = Path(download.value.path()).read_bytes()
    assert re.fullmatch(r"(receipt-R|credit-note-CN)-\d{4}-\d{6}\.pdf", download.value.suggested_filename)
    return "\n".join(page.extract_text() for page in PdfReader(io.BytesIO(file)).pages)


def test_a_receipt_is_there_after_paying_and_saved_as_pdf(shopper: Shopper) -> None:
    page = shopper.chooses("Sound bath at dusk").types_card().pays("35.00").is_thanked().page
    page.get_by_role("link", name="Receipt").click()
    receipt = page.get_by_role("region", name="Receipt")
    expect(receipt.get_by_text(NUMBER)).to_be_visible()
    for text in (
        "Estuary Sandbox",
        shopper.email,
        "Sound bath at dusk",
        "Paid by Visa •••• 4242",
        "VAT exempt.",
    ):
        expect(receipt).to_contain_text(text)
    assert_accessible(page)
    number = NUMBER.search(receipt.inner_text())
    assert number is not None
    pdf = save(page, "Save as PDF")
    assert all(text in pdf for text in (number[0], "Sound bath at dusk", "35.00 USD", "Visa •••• 4242"))


@pytest.mark.exhaustive
def test_a_refund_adds_a_credit_note(shopper: Shopper) -> None:
    page = shopper.chooses("Sound bath at dusk").types_card().pays("35.00").is_thanked().page
    shopper.bookings()
    page.get_by_role("button", name="Cancel", exact=True).click()
    page.get_by_role("button", name="Cancel the booking").click()
    expect(page.get_by_text("Nothing is planned yet")).to_be_visible()
    receipt = receipt_of_newest_order(shopper)
    expect(receipt.get_by_role("heading", name="Credit notes")).to_be_visible()
    expect(receipt).to_contain_text("$35.00 to Visa •••• 4242")
    assert_accessible(page)
    pdf = save(page, re.search(r"CN-\d{4}-\d{6}", receipt.inner_text())[0])  # type: ignore[index]
    assert "Refund of Sound bath at dusk" in pdf


@pytest.mark.exhaustive
def test_only_the_receipt_is_printed(shopper: Shopper) -> None:
    page = shopper.buys_credits("40.00").page
    receipt = receipt_of_newest_order(shopper)
    page.emulate_media(media="print")
    expect(receipt).to_be_visible()
    expect(page.get_by_role("button", name="Save as PDF")).to_be_hidden()
    expect(page.get_by_role("heading", name="What happened")).to_be_hidden()
    expect(page.get_by_role("banner")).to_be_hidden()
