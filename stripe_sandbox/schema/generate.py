"""Write params.json, the parameters of each endpoint, from the annotations in the installed `stripe` package.

Run `python -m stripe_sandbox.schema.generate` after an upgrade of the SDK.
"""

import ast
import importlib.util
import json
from pathlib import Path
from typing import Any

# Endpoint -> the SDK's class of its parameters; `checkout/` names the SDK's sub-package.
ENDPOINTS = {
    "POST /v1/customers": "CustomerCreateParams",
    "GET /v1/customers": "CustomerListParams",
    "GET /v1/customers/{id}": "CustomerRetrieveParams",
    "POST /v1/customers/{id}": "CustomerUpdateParams",
    "DELETE /v1/customers/{id}": "CustomerDeleteParams",
    "GET /v1/customers/search": "CustomerSearchParams",
    "POST /v1/customers/{id}/balance_transactions": "CustomerBalanceTransactionCreateParams",
    "GET /v1/customers/{id}/balance_transactions": "CustomerBalanceTransactionListParams",
    "GET /v1/customers/{id}/balance_transactions/{transaction}": "CustomerBalanceTransactionRetrieveParams",
    "POST /v1/customers/{id}/balance_transactions/{transaction}": "CustomerBalanceTransactionUpdateParams",
    "GET /v1/customers/{id}/cash_balance": "CustomerCashBalanceRetrieveParams",
    "POST /v1/customers/{id}/cash_balance": "CustomerCashBalanceUpdateParams",
    "GET /v1/customers/{id}/cash_balance_transactions": "CustomerCashBalanceTransactionListParams",
    "GET /v1/customers/{id}/cash_balance_transactions/{transaction}": "CustomerCashBalanceTransactionRetrieveParams",
    "POST /v1/test_helpers/customers/{id}/fund_cash_balance": "test_helpers/CustomerFundCashBalanceParams",
    "POST /v1/customers/{id}/sources": "CustomerPaymentSourceCreateParams",
    "GET /v1/customers/{id}/sources": "CustomerPaymentSourceListParams",
    "GET /v1/customers/{id}/sources/{source}": "CustomerPaymentSourceRetrieveParams",
    "POST /v1/customers/{id}/sources/{source}": "CustomerPaymentSourceUpdateParams",
    "DELETE /v1/customers/{id}/sources/{source}": "CustomerPaymentSourceDeleteParams",
    "GET /v1/customers/{id}/payment_methods": "CustomerPaymentMethodListParams",
    "GET /v1/customers/{id}/payment_methods/{payment_method}": "CustomerPaymentMethodRetrieveParams",
    "POST /v1/payment_methods": "PaymentMethodCreateParams",
    "GET /v1/payment_methods": "PaymentMethodListParams",
    "GET /v1/payment_methods/{id}": "PaymentMethodRetrieveParams",
    "POST /v1/payment_methods/{id}": "PaymentMethodUpdateParams",
    "POST /v1/payment_methods/{id}/attach": "PaymentMethodAttachParams",
    "POST /v1/payment_methods/{id}/detach": "PaymentMethodDetachParams",
    "POST /v1/tokens": "TokenCreateParams",
    "GET /v1/tokens/{id}": "TokenRetrieveParams",
    "POST /v1/payment_intents": "PaymentIntentCreateParams",
    "GET /v1/payment_intents": "PaymentIntentListParams",
    "GET /v1/payment_intents/{id}": "PaymentIntentRetrieveParams",
    "POST /v1/payment_intents/{id}": "PaymentIntentUpdateParams",
    "POST /v1/payment_intents/{id}/confirm": "PaymentIntentConfirmParams",
    "POST /v1/payment_intents/{id}/capture": "PaymentIntentCaptureParams",
    "POST /v1/payment_intents/{id}/cancel": "PaymentIntentCancelParams",
    "POST /v1/payment_intents/{id}/increment_authorization": "PaymentIntentIncrementAuthorizationParams",
    "GET /v1/payment_intents/search": "PaymentIntentSearchParams",
    "POST /v1/setup_intents": "SetupIntentCreateParams",
    "GET /v1/setup_intents": "SetupIntentListParams",
    "GET /v1/setup_intents/{id}": "SetupIntentRetrieveParams",
    "POST /v1/setup_intents/{id}": "SetupIntentUpdateParams",
    "POST /v1/setup_intents/{id}/confirm": "SetupIntentConfirmParams",
    "POST /v1/setup_intents/{id}/cancel": "SetupIntentCancelParams",
    "GET /v1/setup_attempts": "SetupAttemptListParams",
    "GET /v1/confirmation_tokens/{id}": "ConfirmationTokenRetrieveParams",
    "POST /v1/test_helpers/confirmation_tokens": "test_helpers/ConfirmationTokenCreateParams",
    "GET /v1/charges": "ChargeListParams",
    "GET /v1/charges/{id}": "ChargeRetrieveParams",
    "POST /v1/charges/{id}": "ChargeUpdateParams",
    "GET /v1/charges/search": "ChargeSearchParams",
    "GET /v1/charges/{id}/refunds": "ChargeListRefundsParams",
    "POST /v1/charges/{id}/refunds": "RefundCreateParams",
    "GET /v1/charges/{id}/refunds/{refund}": "ChargeRetrieveRefundParams",
    "POST /v1/charges/{id}/refunds/{refund}": "RefundUpdateParams",
    "POST /v1/refunds": "RefundCreateParams",
    "GET /v1/refunds": "RefundListParams",
    "GET /v1/refunds/{id}": "RefundRetrieveParams",
    "POST /v1/refunds/{id}": "RefundUpdateParams",
    "POST /v1/refunds/{id}/cancel": "RefundCancelParams",
    "GET /v1/disputes": "DisputeListParams",
    "GET /v1/disputes/{id}": "DisputeRetrieveParams",
    "POST /v1/disputes/{id}": "DisputeUpdateParams",
    "POST /v1/disputes/{id}/close": "DisputeCloseParams",
    "GET /v1/radar/early_fraud_warnings": "radar/EarlyFraudWarningListParams",
    "GET /v1/radar/early_fraud_warnings/{id}": "radar/EarlyFraudWarningRetrieveParams",
    "GET /v1/reviews": "ReviewListParams",
    "GET /v1/reviews/{id}": "ReviewRetrieveParams",
    "POST /v1/reviews/{id}/approve": "ReviewApproveParams",
    "GET /v1/balance": "BalanceRetrieveParams",
    "GET /v1/balance_transactions": "BalanceTransactionListParams",
    "GET /v1/balance_transactions/{id}": "BalanceTransactionRetrieveParams",
    "GET /v1/mandates/{id}": "MandateRetrieveParams",
    "GET /v1/events": "EventListParams",
    "GET /v1/events/{id}": "EventRetrieveParams",
    "POST /v1/webhook_endpoints": "WebhookEndpointCreateParams",
    "GET /v1/webhook_endpoints": "WebhookEndpointListParams",
    "GET /v1/webhook_endpoints/{id}": "WebhookEndpointRetrieveParams",
    "POST /v1/webhook_endpoints/{id}": "WebhookEndpointUpdateParams",
    "DELETE /v1/webhook_endpoints/{id}": "WebhookEndpointDeleteParams",
    "POST /v1/checkout/sessions": "checkout/SessionCreateParams",
    "GET /v1/checkout/sessions": "checkout/SessionListParams",
    "GET /v1/checkout/sessions/{id}": "checkout/SessionRetrieveParams",
    "POST /v1/checkout/sessions/{id}": "checkout/SessionUpdateParams",
    "POST /v1/checkout/sessions/{id}/expire": "checkout/SessionExpireParams",
    "GET /v1/checkout/sessions/{id}/line_items": "checkout/SessionLineItemListParams",
    "POST /v1/products": "ProductCreateParams",
    "GET /v1/products": "ProductListParams",
    "GET /v1/products/{id}": "ProductRetrieveParams",
    "POST /v1/products/{id}": "ProductUpdateParams",
    "DELETE /v1/products/{id}": "ProductDeleteParams",
    "GET /v1/products/search": "ProductSearchParams",
    "POST /v1/prices": "PriceCreateParams",
    "GET /v1/prices": "PriceListParams",
    "GET /v1/prices/{id}": "PriceRetrieveParams",
    "POST /v1/prices/{id}": "PriceUpdateParams",
    "GET /v1/prices/search": "PriceSearchParams",
    "GET /v1/account": "AccountRetrieveParams",
}

# In these maps the sandbox models a few types in depth and knows the others by name only.
METHOD_MAPS = {"payment_method_options", "payment_method_data"}
METHODS_IN_DEPTH = {
    "card",
    "us_bank_account",
    "sepa_debit",
    "type",
    "billing_details",
    "metadata",
    "allow_redisplay",
}

# Stripe extends these `Literal` sets at will, so unknown members are accepted.
OPEN_NAMES = {
    "enabled_events",
    "api_version",
    "payment_method_types",
    "locale",
    "currency",
    "country",
    "type",
}

Node = Any


class Reader:
    """Turns the classes of one SDK module into plain nodes."""

    def __init__(self, path: Path) -> None:
        tree = ast.parse(path.read_text())
        self.classes = {node.name: node for node in tree.body if isinstance(node, ast.ClassDef)}

    def fields(self, name: str) -> Node:
        nodes: dict[str, Node] = {}
        required: list[str] = []
        for statement in self.classes[name].body:
            if not isinstance(statement, ast.AnnAssign) or not isinstance(statement.target, ast.Name):
                continue
            field, annotation = statement.target.id, self._unquote(statement.annotation)
            if isinstance(annotation, ast.Subscript) and ast.unparse(annotation.value) == "NotRequired":
                annotation = self._unquote(annotation.slice)
            else:
                required.append(field)
            nodes[field] = self._limit(field, self.node(annotation, field))
        return {"fields": nodes, "required": required} if required else {"fields": nodes}

    def node(self, annotation: ast.expr, field: str) -> Node:
        annotation = self._unquote(annotation)
        if isinstance(annotation, ast.Name):
            return (
                self.fields(annotation.id) if annotation.id in self.classes else self._scalar(annotation.id)
            )
        if isinstance(annotation, ast.BinOp):
            return self._union(self._members(annotation), field)
        if isinstance(annotation, ast.Subscript):
            return self._subscript(annotation, field)
        return "any"

    def _subscript(self, annotation: ast.Subscript, field: str) -> Node:
        outer = ast.unparse(annotation.value)
        inner = annotation.slice.elts if isinstance(annotation.slice, ast.Tuple) else [annotation.slice]
        if outer == "Union":
            return self._union(list(inner), field)
        if outer == "List":
            return {"list": self.node(inner[0], field)}
        if outer == "Literal":
            return {"enum": [ast.literal_eval(item) for item in inner]}
        return "map"

    def _members(self, annotation: ast.expr) -> list[ast.expr]:
        if isinstance(annotation, ast.BinOp):
            return self._members(annotation.left) + self._members(annotation.right)
        return [annotation]

    def _union(self, members: list[ast.expr], field: str) -> Node:
        nodes = [self.node(member, field) for member in members]
        unset = any(node == {"enum": [""]} for node in nodes)
        nodes = [node for node in nodes if node != {"enum": [""]}]
        enums = [node for node in nodes if isinstance(node, dict) and "enum" in node]
        if enums:
            nodes = ["str"] if field in OPEN_NAMES else [n for n in nodes if n != "str"]
        if "map" in nodes:
            nodes = ["map"]
        node = nodes[0] if len(nodes) == 1 else {"any_of": nodes}
        return {"unsettable": node} if unset else node

    @staticmethod
    def _scalar(name: str) -> str:
        return {"int": "int", "str": "str", "bool": "bool", "Decimal": "decimal", "float": "decimal"}.get(
            name, "any"
        )

    @staticmethod
    def _unquote(annotation: ast.expr) -> ast.expr:
        if isinstance(annotation, ast.Constant) and isinstance(annotation.value, str):
            return ast.parse(annotation.value, mode="eval").body
        return annotation

    @staticmethod
    def _limit(field: str, node: Node) -> Node:
        if field in METHOD_MAPS and isinstance(node, dict) and "fields" in node:
            node["fields"] = {k: v if k in METHODS_IN_DEPTH else "any" for k, v in node["fields"].items()}
        return node


def snake(name: str) -> str:
    return "".join("_" + c.lower() if c.isupper() else c for c in name)


def add_cards(result: dict[str, Node]) -> None:
    """Add `card` to `payment_method_data`: Stripe.js sends it, the SDK's annotations lack it."""
    card = result["POST /v1/payment_methods"]["fields"]["card"]
    for node in result.values():
        data = node["fields"].get("payment_method_data", {})
        if "type" in data.get("fields", {}):
            data["fields"]["card"] = card


def read_params() -> dict[str, Node]:
    """Return the parameters of each endpoint."""
    spec = importlib.util.find_spec("stripe")
    assert spec and spec.origin
    params = Path(spec.origin).parent / "params"
    result: dict[str, Node] = {}
    for endpoint, where in ENDPOINTS.items():
        folder, _, name = where.rpartition("/")
        result[endpoint] = Reader(params / folder / f"{snake(name)}.py").fields(name)
    add_cards(result)
    return result


def main() -> None:
    target = Path(__file__).with_name("params.json")
    target.write_text(json.dumps(read_params(), separators=(",", ":"), sort_keys=True) + "\n")


if __name__ == "__main__":
    main()
