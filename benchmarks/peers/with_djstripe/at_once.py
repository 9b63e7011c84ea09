"""A Stripe that answers at once, in the same process: dj-stripe is measured, and no network."""

import json
import os
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from stripe import HTTPClient

CREATED = 1_790_000_000
LIVE = {"livemode": False, "created": CREATED, "metadata": {}}


class AtOnce(HTTPClient):
    """Knows one customer, one card and any number of payments."""

    name = "at once"

    def request(
        self, method: str, url: str, headers: Mapping[str, str] | None, post_data: Any = None
    ) -> tuple[str, int, dict[str, str]]:
        kind, _, id = urlsplit(url).path.removeprefix("/v1/").partition("/")
        return json.dumps(ANSWERS[kind](id)), 200, {"request-id": "req_at_once"}

    def request_stream(
        self, method: str, url: str, headers: Mapping[str, str] | None, post_data: Any = None
    ) -> tuple[Iterator[bytes], int, dict[str, str]]:
        body, status, answered = self.request(method, url, headers, post_data)
        return iter([body.encode()]), status, answered

    def close(self) -> None:
        """There is no connection to close."""


def account(id: str) -> dict[str, Any]:
    return {
        "id": id or "acct_of_the_benchmark", "object": "account", "country": "US", "type": "standard",
        "default_currency": "usd", "charges_enabled": True, "payouts_enabled": True, "details_submitted": True,
        "settings": {"dashboard": {"display_name": "Benchmark"}, "branding": {}}, **LIVE,
    }  # fmt: skip


def customer(id: str) -> dict[str, Any]:
    return {
        "id": id, "object": "customer", "balance": 0, "currency": "usd", "default_source": None,
        "delinquent": False, "email": "buyer@estuary.example", "name": "Maya Lindqvist", "discount": None,
        "invoice_settings": {"default_payment_method": None}, **LIVE,
    }  # fmt: skip


def card(id: str) -> dict[str, Any]:
    return {
        "id": id, "object": "payment_method", "type": "card", "customer": None, "billing_details": {},
        "card": {"brand": "visa", "last4": "4242", "exp_month": 12, "exp_year": 2034}, **LIVE,
    }  # fmt: skip


def payment(id: str) -> dict[str, Any]:
    """Return the payment as the event showed it, because dj-stripe fetches it again."""
    return {**PAYMENT, "id": id}


def charge(id: str) -> dict[str, Any]:
    return {
        "id": id, "object": "charge", "amount": 5000, "amount_captured": 5000, "amount_refunded": 0,
        "currency": "usd", "captured": True, "paid": True, "refunded": False, "disputed": False,
        "status": "succeeded", "balance_transaction": None, "customer": None, "payment_intent": None,
        "payment_method_details": {"type": "card", "card": {}}, "refunds": {"object": "list", "data": []},
        "billing_details": {}, "fraud_details": {}, **LIVE,
    }  # fmt: skip


PAYMENT = json.loads(os.environ["BENCHMARK_PAYMENT"])
ANSWERS = {
    "account": account,
    "accounts": account,
    "customers": customer,
    "payment_methods": card,
    "payment_intents": payment,
    "charges": charge,
}
