"""The fields of a customer that are absent until `expand` asks for them."""

from collections.abc import Callable

from stripe_sandbox.state import SandboxState
from stripe_sandbox.store import Obj

# What a customer has at Stripe and never here.
EMPTY_LISTS = ("subscriptions", "tax_ids")


def credit_balance_of(state: SandboxState, customer: Obj) -> Obj:
    """Return the balance of invoices in each currency."""
    return {customer["currency"]: customer["balance"]} if customer["currency"] else {}


def tax_of(state: SandboxState, customer: Obj) -> Obj:
    """Return where the customer is for taxes, which the sandbox does not compute."""
    return {
        "automatic_tax": "unrecognized_location",
        "ip_address": None,
        "location": None,
        "provider": "stripe",
    }


def _empty_list(name: str) -> Callable[[SandboxState, Obj], Obj]:
    def none_of(state: SandboxState, customer: Obj) -> Obj:
        url = f"/v1/customers/{customer['id']}/{name}"
        return {"object": "list", "data": [], "has_more": False, "url": url}

    return none_of


INCLUDES = {
    ("customer", "invoice_credit_balance"): credit_balance_of,
    ("customer", "tax"): tax_of,
} | {("customer", name): _empty_list(name) for name in EMPTY_LISTS}
