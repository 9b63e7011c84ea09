"""The routes: the function of each endpoint."""

from collections.abc import Callable

from stripe_sandbox import (
    accounts,
    balance,
    captures,
    cash_balances,
    charges,
    checkout,
    confirmation_tokens,
    customer_balance,
    customer_fields,
    customer_sources,
    customers,
    disputes,
    events,
    mandates,
    payment_intents,
    payment_methods,
    payment_pages,
    products,
    radar,
    refunds,
    search,
    setup_attempts,
    setup_intents,
    tokens,
    webhook_endpoints,
)
from stripe_sandbox.endpoint_call import Handler
from stripe_sandbox.state import SandboxState
from stripe_sandbox.store import Obj

_MODULES = (
    accounts, balance, captures, cash_balances, charges, checkout, confirmation_tokens, customer_balance,
    customer_sources, customers, disputes, events, mandates, payment_intents, payment_methods, payment_pages, products,
    radar, refunds, search, setup_attempts, setup_intents, tokens, webhook_endpoints,
)  # fmt: skip
ROUTES: dict[str, Handler] = {
    endpoint: handler for module in _MODULES for endpoint, handler in module.ROUTES.items()
}

# Parameters of endpoints that Stripe does not document.
UNDOCUMENTED_FIELDS = payment_pages.FIELDS | events.FIELDS
# Endpoints that Stripe.js calls with a publishable key.
PUBLISHABLE = {
    "POST /v1/payment_methods", "POST /v1/tokens", *payment_intents.PUBLISHABLE, *setup_intents.PUBLISHABLE,
}  # fmt: skip
INCLUDES: dict[tuple[str, str], Callable[[SandboxState, Obj], Obj | None]] = {
    ("charge", "refunds"): charges.refunds_of,
    ("checkout.session", "line_items"): checkout.line_items_of,
    **cash_balances.INCLUDES,
    **customer_fields.INCLUDES,
    **customer_sources.INCLUDES,
}
WATCHERS: list[Callable[[SandboxState, Obj], None]] = [checkout.follow_payment]


def _by_length() -> dict[tuple[str, int], list[tuple[list[str], str]]]:
    table: dict[tuple[str, int], list[tuple[list[str], str]]] = {}
    for endpoint in ROUTES:
        method, path = endpoint.split(" ")
        parts = path.split("/")
        table.setdefault((method, len(parts)), []).append((parts, endpoint))
    for rows in table.values():
        rows.sort(key=lambda row: sum(part.startswith("{") for part in row[0]))
    return table


_TABLE = _by_length()


def find(method: str, path: str) -> tuple[str, dict[str, str]] | None:
    """Return the endpoint and the ids in the path; fixed parts take precedence over ids."""
    parts = path.split("/")
    for pattern, endpoint in _TABLE.get((method, len(parts)), ()):
        if all(p == part or (p.startswith("{") and part) for p, part in zip(pattern, parts, strict=True)):
            return endpoint, {
                p[1:-1]: part for p, part in zip(pattern, parts, strict=True) if p.startswith("{")
            }
    return None
