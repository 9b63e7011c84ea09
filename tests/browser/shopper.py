"""What a person does in the shop, in the words a person would use."""

import json
import re
import secrets
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Self
from zoneinfo import ZoneInfo

from playwright.sync_api import Frame, Locator, Page, expect

GOOD, DECLINED, ASKS = "4242 4242 4242 4242", "4000 0000 0000 0002", "4000 0025 0000 3155"
MASTERCARD = "5555 5555 5555 4444"
PASSWORD = "sea-otter-on-the-rocks"
NAME = "Nora Newcomer"
NUMBER, EXPIRY, CVC = (
    re.compile("card number", re.I),
    re.compile("expir", re.I),
    re.compile("cvc|security", re.I),
)
THANKS = re.compile("^Thank you")
PATIENCE_S = 60  # a busy machine is slow, not wrong


def points_at(target: Locator) -> None:
    """Move the pointer over it, until the browser knows.

    Just after a page has scrolled, it may still take a point for the frame of another origin that was there.
    """
    target.hover()
    while not target.evaluate("element => element.matches(':hover')"):
        target.page.wait_for_timeout(50)
        target.page.mouse.move(0, 0)
        target.hover()


def press(target: Locator) -> None:
    points_at(target)
    target.click()


class Shopper:
    def __init__(self, page: Page) -> None:
        self.page = page
        self.email = f"{secrets.token_hex(6)}@buyer.example"

    # --- the account --------------------------------------------------------------------------------------
    def signs_up(self) -> Self:
        self.page.goto("/sign-up/")
        self.joins_by_password()
        self.page.wait_for_url("/")
        return self

    def joins_by_password(self, email: str = "") -> Self:
        """Fill the form of newcomers, on whichever page it is, and send it."""
        self.page.get_by_role("button", name="Choose a password instead").click()
        self.page.get_by_label("Your name").fill(NAME)
        self.gives_credentials(email or self.email)
        self.page.get_by_role("button", name="Create account").click()
        return self

    def reads_code(self, mails: Path) -> str:
        """Return the newest code that was mailed to the shopper, from the log of the worker that sends the mails."""
        mailed = re.compile(
            rf"^To: {re.escape(self.email)}$.*?^ +(\d{{4}} \d{{4}})$", re.DOTALL | re.MULTILINE
        )
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            if codes := mailed.findall(mails.read_text(errors="replace")):
                return str(codes[-1])
            self.page.wait_for_timeout(100)
        raise AssertionError(f"No code was mailed to {self.email}.")

    def has_account(self) -> Self:
        """Sign up by API, and store in the browser what the sign-up page stores (frontend/src/api/session.ts)."""
        credentials = {"email": self.email, "password": PASSWORD, "name": NAME}
        answer = self.page.request.post("/_allauth/app/v1/auth/signup", data=credentials).json()
        tokens, user = answer["meta"], answer["data"]["user"]
        session = {
            "refresh": tokens["refresh_token"],
            "session": tokens["session_token"],
            "account": {
                "email": user["email"],
                "name": user["display"],
                "practitioner": user["practitioner"],
            },
        }
        # Storage belongs to an origin, so it is filled from a page of the shop: an empty one, which costs nothing.
        self.page.route("**/empty/", lambda route: route.fulfill(content_type="text/html", body=""))
        self.page.goto("/empty/")
        self.page.evaluate(
            """(session) => {
              localStorage.setItem("estuary.session", session);
              localStorage.setItem("estuary.before", "1");
            }""",
            json.dumps(session),
        )
        self.page.unroute("**/empty/")
        return self

    def signs_in(self, email: str, password: str) -> Self:
        self.page.goto("/sign-in/")
        self.gives_credentials(email, password)
        self.page.get_by_role("button", name="Sign in").click()
        self.page.wait_for_url("/")
        return self

    def gives_credentials(self, email: str, password: str = PASSWORD) -> Self:
        self.page.get_by_label("E-mail").fill(email)
        self.page.get_by_label("Password").fill(password)
        return self

    def opens_roster(self, service: str) -> Self:
        """As a practitioner, open the day of the first date of a workshop."""
        http = self.page.request
        services = http.get("/api/v1/services/?type=workshop&page_size=100").json()["results"]
        [workshop] = [one for one in services if one["name"] == service]
        date = http.get(f"/api/v1/services/{workshop['id']}/sessions/").json()["results"][0]
        zone = ZoneInfo(workshop["practitioner"]["time_zone"])
        day = datetime.fromisoformat(date["start_datetime"]).astimezone(zone).date()
        self.page.goto(f"/roster/?day={day.isoformat()}")
        return self

    # --- choosing -----------------------------------------------------------------------------------------
    def chooses(self, service: str, *, kind: str = "workshop") -> Self:
        """Go from the front page to the checkout of a service, with its first date or slot when it needs one."""
        self.page.goto(f"/?type={kind}")
        self.page.get_by_role("link", name=re.compile(service)).click()
        if kind in {"workshop", "session"}:
            self.page.get_by_role("radio", disabled=False).first.check()
        self.page.get_by_role("link", name="Continue to payment").click()
        self.page.wait_for_url("**/checkout/**")
        return self

    def buys_credits(self, amount: str) -> Self:
        self.page.goto(f"/checkout/?credits={amount}")
        return self.types_card().saves_card().pays(amount).is_thanked()

    # --- paying -------------------------------------------------------------------------------------------
    def types_card(self, number: str = GOOD) -> Self:
        """Fill the card fields, wherever Stripe.js has put them; the card is not saved."""
        self.field(NUMBER).fill(number)
        self.field(EXPIRY).fill("12 / 34")
        self.field(CVC).fill("123")
        return self

    def saves_card(self) -> Self:
        """Tick the box that saves the card, which nobody has ticked beforehand."""
        self.page.get_by_role("switch", name=re.compile("^Save this card")).check()
        return self

    def is_offered(self, text: str) -> bool:
        """Tell whether any frame of the page says this, as a way to pay does."""
        return any(frame.get_by_text(text).count() for frame in self.page.frames)

    def field(self, name: re.Pattern[str]) -> Locator:
        return self._in_any_frame(lambda frame: frame.get_by_role("textbox", name=name))

    def pays(self, amount: str) -> Self:
        press(self.pay_button(amount))
        return self

    def pay_button(self, amount: str) -> Locator:
        return self.page.get_by_role("button", name=f"Pay ${amount}", exact=True)

    def answers_the_bank(self, answer: str) -> Self:
        """Press Complete or Fail in the 3-D Secure challenge."""
        press(
            self._in_any_frame(lambda frame: frame.get_by_role("button", name=re.compile(f"^{answer}", re.I)))
        )
        return self

    def tabs_to(self, target: Locator) -> Self:
        """Press Tab until the focus is on it, as somebody without a mouse would."""
        target.wait_for()
        for _ in range(90):
            if target.evaluate("element => element === element.ownerDocument.activeElement"):
                return self
            self.page.keyboard.press("Tab")
        raise AssertionError(f"Tab never led to {target}.")

    def is_thanked(self) -> Self:
        self.page.wait_for_url("**/checkout/return/**")
        expect(self.page.get_by_role("heading", name=THANKS)).to_be_visible()
        return self

    def is_told(self, text: str) -> Self:
        expect(self.page.get_by_role("alert").filter(has_text=text)).to_be_visible()
        return self

    # --- afterwards ---------------------------------------------------------------------------------------
    def orders(self) -> Locator:
        self.page.goto("/orders/")
        orders = self.page.locator("main li")
        expect(orders.first).to_be_visible()
        return orders

    def bookings(self) -> Locator:
        self.page.goto("/bookings/")
        bookings = self.page.get_by_role("article")
        expect(bookings.first).to_be_visible()
        return bookings

    def _in_any_frame(self, find: Callable[[Frame], Locator]) -> Locator:
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            for frame in self.page.frames:
                locator = find(frame).locator("visible=true")
                if locator.count():
                    return locator.first
            self.page.wait_for_timeout(100)
        raise AssertionError(f"No frame of the page has it. It says: {self.page.inner_text('body')}")
