"""Stripe as the buyer's browser, the buyer's bank and the merchant's dashboard meet it: over HTTP, at the sandbox."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import httpx

from demo.selfcheck.failure import SelfCheckFailed, describe_response, need

type Json = dict[str, Any]

GOOD, DECLINED, CHALLENGED = "4242424242424242", "4000000000000002", "4000002500003155"
EXPIRY = {"exp_month": "12", "exp_year": "2034", "cvc": "123"}


@dataclass(frozen=True, slots=True)
class Browser:
    """What Stripe.js and the hosted page do, with no more than the publishable key and a client_secret."""

    http: httpx.Client
    publishable_key: str

    def pay(self, client_secret: str, number: str) -> Json:
        """Confirm with a new card, as ``confirmCardPayment`` does; the intent is paid, or waits for its buyer."""
        return self._paid(self.try_to_pay(client_secret, number))

    def pay_with_saved(self, client_secret: str, payment_method: str) -> Json:
        """Confirm with a saved card, as ``confirmCardPayment(secret, {payment_method: "pm_…"})`` does."""
        return self._paid(self._confirm(client_secret, {"payment_method": payment_method}))

    def try_to_pay(self, client_secret: str, number: str) -> httpx.Response:
        """Confirm with a new card that may well be declined, and return the answer whatever it is."""
        card = {f"payment_method_data[card][{name}]": value for name, value in EXPIRY.items()}
        return self._confirm(
            client_secret,
            {"payment_method_data[type]": "card", "payment_method_data[card][number]": number, **card},
        )

    def pay_on_page(self, checkout_url: str, number: str) -> str:
        """Fill in the hosted page and send it; returns where the page sends the buyer back to."""
        path = urlsplit(checkout_url).path
        page = self.http.get(path)
        need(page.status_code == 200, describe_response(page))
        entered = {
            "choice": "new",
            "number": number,
            "expiry": "12 / 34",
            "cvc": "123",
            "name": "Ada Example",
        }
        if "readonly" not in page.text:  # else the page knows the buyer's address already
            entered["email"] = "ada@example.com"
        answer = self.http.post(path, data=entered)
        need(answer.is_redirect, describe_response(answer))
        return str(answer.headers["location"])

    def _confirm(self, client_secret: str, fields: dict[str, str]) -> httpx.Response:
        intent_id = client_secret.partition("_secret_")[0]
        sent = {
            "client_secret": client_secret,
            "key": self.publishable_key,
            "use_stripe_sdk": "true",
            **fields,
        }
        return self.http.post(f"/v1/payment_intents/{intent_id}/confirm", data=sent)

    @staticmethod
    def _paid(answer: httpx.Response) -> Json:
        if not answer.is_success:
            raise SelfCheckFailed(describe_response(answer))
        return dict(answer.json())


@dataclass(frozen=True, slots=True)
class Dashboard:
    """What the merchant's own people see and do at Stripe, and the bank's page."""

    http: httpx.Client
    secret_key: str

    def refund(self, payment_intent: str) -> None:
        self._control("refund", id=payment_intent)

    def complete_challenge(self, payment_intent: str) -> None:
        """Pass the bank's 3-D Secure page."""
        self._control("complete_challenge", id=payment_intent)

    def payment_intent(self, intent_id: str) -> Json:
        return self._get(f"/v1/payment_intents/{intent_id}")

    def intent_of_page(self, checkout_url: str) -> str:
        """Return the payment intent behind a hosted page; Stripe makes it when the buyer pays."""
        session_id = urlsplit(checkout_url).path.rpartition("/")[2]
        return str(self._get(f"/v1/checkout/sessions/{session_id}")["payment_intent"])

    def charges(self) -> Iterator[Json]:
        """Return every charge there is."""
        return self._all("/v1/charges")

    def events(self) -> Iterator[Json]:
        """Return every event there is, delivered or not."""
        return self._all("/v1/events")

    def _all(self, path: str) -> Iterator[Json]:
        query = {"limit": "100"}
        while True:
            page = self._get(path, **query)
            yield from page["data"]
            if not page["has_more"]:
                return
            query["starting_after"] = page["data"][-1]["id"]

    def wait_for_intent(self, intent_id: str, status: str, within_s: float = 10) -> None:
        deadline = time.monotonic() + within_s
        while (current := self.payment_intent(intent_id)["status"]) != status:
            need(time.monotonic() < deadline, f"{intent_id} is {current} at Stripe, not {status}")
            time.sleep(0.1)

    def _get(self, path: str, **query: str) -> Json:
        answer = self.http.get(path, params=query, headers={"Authorization": f"Bearer {self.secret_key}"})
        need(answer.is_success, describe_response(answer))
        return dict(answer.json())

    def _control(self, verb: str, **arguments: str) -> None:
        answer = self.http.post(f"/_sandbox/{verb}", json=arguments)
        need(answer.is_success, describe_response(answer))
