"""The types of payment methods that an intent or a Checkout Session takes.

https://docs.stripe.com/payments/dynamic-payment-methods
"""

from typing import Any

from stripe_sandbox import bank_accounts
from stripe_sandbox.errors import InvalidParameter
from stripe_sandbox.state import SandboxState
from stripe_sandbox.store import Obj


def configuration(state: SandboxState) -> Obj:
    """Return the account's payment method configuration."""
    return {"id": f"pmc_{state.settings.account_id[5:]}", "parent": None}


def of_request(params: dict[str, Any], currency: str) -> tuple[Obj | None, list[str]]:
    """Return the automatic settings and the allowed types: the dashboard's, without the excluded ones."""
    types = params.get("payment_method_types")
    if types:
        return None, types
    automatic = {"allow_redirects": "always", "enabled": True} | params.get("automatic_payment_methods", {})
    if not automatic["enabled"]:
        return None, ["card"]
    return automatic, allowed_types(params, currency, "Payment Intent")


def allowed_types(params: dict[str, Any], currency: str, what: str) -> list[str]:
    """Return the dashboard's types for a currency, without those that the request excludes; refuse an empty list."""
    allowed = params.get("allowed_payment_method_types")
    excluded = params.get("excluded_payment_method_types") or []
    kept = [
        kind for kind in offered_types(currency) if kind not in excluded and (not allowed or kind in allowed)
    ]
    if not kept:
        raise InvalidParameter(
            f"No valid payment method types for this {what}.", param="payment_method_types"
        )
    return kept


def apply_types(intent: Obj, params: dict[str, Any], what: str, currency: str) -> None:
    """Apply changes of the allowed types by an update or a confirmation."""
    if params.get("payment_method_types"):
        intent |= {
            "payment_method_types": params["payment_method_types"],
            "automatic_payment_methods": None,
            "payment_method_configuration_details": None,
        }
    names = ("allowed_payment_method_types", "excluded_payment_method_types")
    if intent["automatic_payment_methods"] and any(name in params for name in names):
        intent |= {name: params[name] or None for name in names if name in params}
        intent["payment_method_types"] = allowed_types(intent, currency, what)


def offered_types(currency: str) -> list[str]:
    """Return the types that the dashboard enables for a currency."""
    delayed = bank_accounts.METHODS_BY_CURRENCY.get(currency)
    return ["card", delayed] if delayed else ["card"]
