"""Which parameters each endpoint obeys or echoes. All others of Stripe's are refused by name, so none is ignored.

A new endpoint, or a parameter that gets a meaning here, gets its place in the table of its resource in this package.
`make stripe-contract` tries each parameter and prints how it is treated.
"""

from typing import Any

from stripe_sandbox.parameters import (
    account,
    charges,
    checkout,
    customers,
    payment_intents,
    products,
    setup_intents,
)
from stripe_sandbox.parameters.refusal import refuse_unmodeled
from stripe_sandbox.parameters.table import Modeled, Table

_MODULES = (account, charges, checkout, customers, payment_intents, products, setup_intents)
# Every endpoint takes it, and the renderer obeys it.
EXPAND: Table = {"expand": Modeled("obeyed")}
TABLES: dict[str, Table] = {
    endpoint: table | EXPAND for module in _MODULES for endpoint, table in module.PARAMETERS.items()
}


def keep_modeled(endpoint: str, params: dict[str, Any]) -> dict[str, Any]:
    """Return validated parameters without empty ones that are not modeled; refuse any other by name."""
    return refuse_unmodeled(TABLES.get(endpoint, EXPAND), params)
