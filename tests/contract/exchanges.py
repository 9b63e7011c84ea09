"""Requests with their answers, and the places of the API where a scenario must have been."""

import dataclasses
from typing import Any

from tests.contract.openapi import template_of

# Every endpoint that the sandbox serves, as Stripe's OpenAPI document writes it.
ENDPOINTS = [
    "GET /v1/account",
    "GET /v1/balance",
    "GET /v1/balance_transactions",
    "GET /v1/balance_transactions/{id}",
    "GET /v1/charges",
    "GET /v1/charges/search",
    "GET /v1/charges/{charge}",
    "POST /v1/charges/{charge}",
    "GET /v1/charges/{charge}/refunds",
    "POST /v1/charges/{charge}/refunds",
    "GET /v1/charges/{charge}/refunds/{refund}",
    "POST /v1/charges/{charge}/refunds/{refund}",
    "GET /v1/checkout/sessions",
    "POST /v1/checkout/sessions",
    "GET /v1/checkout/sessions/{session}",
    "POST /v1/checkout/sessions/{session}",
    "POST /v1/checkout/sessions/{session}/expire",
    "GET /v1/checkout/sessions/{session}/line_items",
    "GET /v1/confirmation_tokens/{confirmation_token}",
    "GET /v1/customers",
    "POST /v1/customers",
    "GET /v1/customers/search",
    "DELETE /v1/customers/{customer}",
    "GET /v1/customers/{customer}",
    "POST /v1/customers/{customer}",
    "GET /v1/customers/{customer}/balance_transactions",
    "POST /v1/customers/{customer}/balance_transactions",
    "GET /v1/customers/{customer}/balance_transactions/{transaction}",
    "POST /v1/customers/{customer}/balance_transactions/{transaction}",
    "GET /v1/customers/{customer}/sources",
    "POST /v1/customers/{customer}/sources",
    "DELETE /v1/customers/{customer}/sources/{id}",
    "GET /v1/customers/{customer}/sources/{id}",
    "POST /v1/customers/{customer}/sources/{id}",
    "GET /v1/customers/{customer}/cash_balance",
    "POST /v1/customers/{customer}/cash_balance",
    "GET /v1/customers/{customer}/cash_balance_transactions",
    "GET /v1/customers/{customer}/cash_balance_transactions/{transaction}",
    "POST /v1/test_helpers/customers/{customer}/fund_cash_balance",
    "GET /v1/customers/{customer}/payment_methods",
    "GET /v1/customers/{customer}/payment_methods/{payment_method}",
    "GET /v1/disputes",
    "GET /v1/disputes/{dispute}",
    "POST /v1/disputes/{dispute}",
    "POST /v1/disputes/{dispute}/close",
    "GET /v1/events",
    "GET /v1/events/{id}",
    "GET /v1/mandates/{mandate}",
    "GET /v1/payment_intents",
    "POST /v1/payment_intents",
    "GET /v1/payment_intents/search",
    "GET /v1/payment_intents/{intent}",
    "POST /v1/payment_intents/{intent}",
    "POST /v1/payment_intents/{intent}/cancel",
    "POST /v1/payment_intents/{intent}/capture",
    "POST /v1/payment_intents/{intent}/confirm",
    "POST /v1/payment_intents/{intent}/increment_authorization",
    "GET /v1/payment_methods",
    "POST /v1/payment_methods",
    "GET /v1/payment_methods/{payment_method}",
    "POST /v1/payment_methods/{payment_method}",
    "POST /v1/payment_methods/{payment_method}/attach",
    "POST /v1/payment_methods/{payment_method}/detach",
    "GET /v1/prices",
    "POST /v1/prices",
    "GET /v1/prices/search",
    "GET /v1/prices/{price}",
    "POST /v1/prices/{price}",
    "GET /v1/products",
    "POST /v1/products",
    "GET /v1/products/search",
    "DELETE /v1/products/{id}",
    "GET /v1/products/{id}",
    "POST /v1/products/{id}",
    "GET /v1/radar/early_fraud_warnings",
    "GET /v1/radar/early_fraud_warnings/{early_fraud_warning}",
    "GET /v1/refunds",
    "POST /v1/refunds",
    "GET /v1/refunds/{refund}",
    "POST /v1/refunds/{refund}",
    "GET /v1/reviews",
    "GET /v1/reviews/{review}",
    "POST /v1/reviews/{review}/approve",
    "GET /v1/setup_attempts",
    "GET /v1/setup_intents",
    "POST /v1/setup_intents",
    "GET /v1/setup_intents/{intent}",
    "POST /v1/setup_intents/{intent}",
    "POST /v1/setup_intents/{intent}/cancel",
    "POST /v1/setup_intents/{intent}/confirm",
    "POST /v1/test_helpers/confirmation_tokens",
    "POST /v1/tokens",
    "GET /v1/tokens/{token}",
    "GET /v1/webhook_endpoints",
    "POST /v1/webhook_endpoints",
    "DELETE /v1/webhook_endpoints/{webhook_endpoint}",
    "GET /v1/webhook_endpoints/{webhook_endpoint}",
    "POST /v1/webhook_endpoints/{webhook_endpoint}",
]
EVENT_TYPES = [
    "cash_balance.funds_available",
    "charge.captured",
    "charge.dispute.closed",
    "charge.dispute.created",
    "charge.dispute.funds_reinstated",
    "charge.dispute.funds_withdrawn",
    "charge.dispute.updated",
    "charge.failed",
    "charge.pending",
    "charge.refund.updated",
    "charge.refunded",
    "charge.succeeded",
    "charge.updated",
    "checkout.session.async_payment_failed",
    "checkout.session.async_payment_succeeded",
    "checkout.session.completed",
    "checkout.session.expired",
    "customer.created",
    "customer.deleted",
    "customer.source.created",
    "customer.source.deleted",
    "customer.source.updated",
    "customer.updated",
    "customer_cash_balance_transaction.created",
    "payment_intent.amount_capturable_updated",
    "payment_intent.canceled",
    "payment_intent.created",
    "payment_intent.payment_failed",
    "payment_intent.processing",
    "payment_intent.requires_action",
    "payment_intent.succeeded",
    "payment_method.attached",
    "payment_method.automatically_updated",
    "payment_method.detached",
    "payment_method.updated",
    "price.created",
    "price.updated",
    "product.created",
    "product.deleted",
    "product.updated",
    "radar.early_fraud_warning.created",
    "radar.early_fraud_warning.updated",
    "refund.created",
    "refund.failed",
    "refund.updated",
    "review.closed",
    "review.opened",
    "setup_intent.canceled",
    "setup_intent.created",
    "setup_intent.requires_action",
    "setup_intent.setup_failed",
    "setup_intent.succeeded",
]


@dataclasses.dataclass(frozen=True)
class Exchange:
    """One request to the API and what came back."""

    step: str
    method: str
    path: str
    params: dict[str, Any]
    status: int
    answer: dict[str, Any]
    # Whether a browser sent it, with a publishable key.
    is_client: bool

    @property
    def endpoint(self) -> str:
        """The method and the path's template, such as `GET /v1/refunds/{refund}`."""
        return f"{self.method} {template_of(self.method, self.path) or self.path}"

    @property
    def has_card_data(self) -> bool:
        """Whether raw card data were sent, which the server's library has no parameters for."""
        data = self.params.get("payment_method_data", self.params)
        return isinstance(data.get("card"), dict) and "number" in data["card"]
