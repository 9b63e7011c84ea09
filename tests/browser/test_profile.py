"""A person's profile on a phone: who one is, how one signs in, what receipts say, and the end of the account."""

import json
import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from demo.plan import Plan
from tests.browser.conftest import PHONE
from tests.browser.shopper import NAME, PASSWORD, Shopper


@pytest.fixture
def mails(stack: Plan) -> Path:
    return stack.logs / "worker.log"


def joined_by_code(page: Page, mails: Path) -> Shopper:
    shopper = Shopper(page)
    page.goto("/sign-up/")
    page.get_by_label("Your name").fill(NAME)
    page.get_by_label("E-mail").fill(shopper.email)
    page.get_by_role("button", name="Mail me a code").click()
    page.get_by_label("Code from the mail").fill(shopper.reads_code(mails))
    page.wait_for_url("/")
    return shopper


def proves_by_password(page: Page) -> None:
    dialog = page.get_by_role("dialog", name="Is it you?")
    dialog.get_by_label("Your password").fill(PASSWORD)
    dialog.get_by_role("button", name="Go on").click()


def test_a_name_is_changed_and_a_bad_one_is_refused_with_a_sentence(shopper: Shopper) -> None:
    page = shopper.page
    page.goto("/profile/")
    name = page.get_by_label("Your name")
    expect(name).to_have_value(NAME)
    name.fill("Nora \u202egnp.exe")
    page.get_by_role("button", name="Save the name").click()
    shopper.is_told("on one line")
    name.fill("Nora Berg")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Saved", exact=True)).to_be_visible()
    page.goto("/profile/")
    expect(name).to_have_value("Nora Berg")


@pytest.mark.exhaustive
def test_what_receipts_say_is_kept(shopper: Shopper) -> None:
    page = shopper.page
    page.goto("/profile/")
    page.get_by_label("Name or company").fill("Berg & Co")
    page.get_by_label("Address").fill("Kungsgatan 2\n411 19 Göteborg")
    page.get_by_role("button", name="Save for receipts").click()
    expect(page.get_by_text("Saved", exact=True)).to_be_visible()
    page.goto("/profile/")
    expect(page.get_by_label("Address")).to_have_value("Kungsgatan 2\n411 19 Göteborg")


def test_an_address_changes_after_the_password_and_by_the_mailed_link(shopper: Shopper, mails: Path) -> None:
    page, new = shopper.page, f"{50 * 'n'}.{Shopper(shopper.page).email}"
    page.goto("/profile/")
    page.get_by_label("New e-mail").fill(new)
    page.get_by_role("button", name="Change the e-mail").click()
    proves_by_password(page)
    expect(page.get_by_text(f"Open the link that we mailed to {new}")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    link = re.compile(rf"^To: {re.escape(new)}$.*?(/verify-email/\?key=\S+)", re.DOTALL | re.MULTILINE)
    while (match := link.search(mails.read_text(errors="replace"))) is None:
        page.wait_for_timeout(100)
    page.goto(match[1])
    page.get_by_role("button", name="Confirm my address").click()
    expect(page.get_by_text("your address is confirmed")).to_be_visible()
    expect(page.get_by_role("button", name=f"Your account, {new}")).to_be_visible()
    page.goto("/profile/")
    expect(page.get_by_text(new, exact=True)).to_be_visible()
    expect(page.get_by_text("Confirmed", exact=True)).to_be_visible()


@pytest.mark.exhaustive
def test_an_address_that_was_confirmed_elsewhere_is_shown_once_the_profile_is_looked_at(
    shopper: Shopper,
) -> None:
    page = shopper.page
    page.evaluate(
        """() => {
          const session = JSON.parse(localStorage.getItem("estuary.session"));
          session.account.email = "before@buyer.example";
          localStorage.setItem("estuary.session", JSON.stringify(session));
        }"""
    )
    page.goto("/credits/")
    expect(page.get_by_role("button", name="Your account, before@buyer.example")).to_be_visible()
    page.goto("/profile/")
    expect(page.get_by_role("button", name=f"Your account, {shopper.email}")).to_be_visible()
    expect(page.get_by_label("Your name")).to_have_value(NAME)


@pytest.mark.exhaustive
def test_who_joined_by_code_sets_a_password_after_another_code(page: Page, mails: Path) -> None:
    shopper = joined_by_code(page, mails)
    first = shopper.reads_code(mails)
    page.goto("/profile/")
    expect(page.get_by_text("You sign in by mailed codes")).to_be_visible()
    page.get_by_label("New password").fill(PASSWORD)
    page.get_by_role("button", name="Set a password").click()
    dialog = page.get_by_role("dialog", name="Is it you?")
    dialog.get_by_role("button", name="Mail me a code").click()
    while (code := shopper.reads_code(mails)) == first:
        page.wait_for_timeout(100)
    dialog.get_by_label("Code from the mail").fill(code)
    expect(page.get_by_text("Your password is saved").locator("visible=true").first).to_be_visible()
    shopper.signs_in(shopper.email, PASSWORD)


def test_ones_data_is_downloaded_and_the_account_deleted(shopper: Shopper) -> None:
    page = shopper.page
    page.goto("/profile/")
    page.get_by_role("button", name="Download my data").click()
    with page.expect_download() as download:
        proves_by_password(page)
    data = json.loads(Path(download.value.path()).read_text(encoding="utf-8"))
    assert data["accounts_user"][0]["email"] == shopper.email
    page.get_by_role("button", name="Delete my account").click()
    dialog = page.get_by_role("dialog", name="Delete your account?")
    dialog.get_by_role("button", name="Delete my account").click()
    page.wait_for_url("/")
    expect(page.get_by_role("banner").get_by_role("link", name="Sign in")).to_be_visible()
    page.goto("/sign-in/")
    shopper.gives_credentials(shopper.email)
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page.get_by_role("main").get_by_role("alert")).to_be_visible()


@pytest.mark.exhaustive
def test_an_account_with_a_booking_to_come_says_what_to_do_first(shopper: Shopper) -> None:
    page = shopper.chooses("Sound bath at dusk").types_card().pays("35.00").is_thanked().page
    page.goto("/profile/")
    page.get_by_role("button", name="Delete my account").click()
    dialog = page.get_by_role("dialog", name="Delete your account?")
    dialog.get_by_role("button", name="Delete my account").click()
    proves_by_password(page)
    expect(dialog.get_by_text("You have a booking that is still to take place")).to_be_visible()
    dialog.get_by_role("button", name="Keep my account").click()
    page.goto("/bookings/")
    expect(page.get_by_role("article")).to_have_count(1)
