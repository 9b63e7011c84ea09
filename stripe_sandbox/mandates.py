"""Mandates, by which a buyer lets a bank account be debited: https://docs.stripe.com/api/mandates."""

from typing import Any

from stripe_sandbox.endpoint_call import Call, Routes
from stripe_sandbox.state import SandboxState
from stripe_sandbox.store import Obj

# Stripe takes address and browser from the request with which Stripe.js confirms.
ACCEPTED_IN_BROWSER = {"type": "online", "online": {"ip_address": "127.0.0.1", "user_agent": "Stripe.js"}}


def accept(
    state: SandboxState, method: Obj, mandate_data: Any, *, single_use: Obj | None = None
) -> str | None:
    """Store the mandate of a bank account and return its id; None for a card, and without an acceptance."""
    acceptance = (mandate_data or {}).get("customer_acceptance")
    if method["type"] == "card" or not acceptance:
        return None
    mandate = state.store.mandates.add(_new_mandate(state, method, acceptance, single_use))
    method["_mandate"] = mandate["id"]
    return str(mandate["id"])


def retrieve(call: Call) -> Obj:
    return call.target(call.state.store.mandates)


def _new_mandate(state: SandboxState, method: Obj, acceptance: Obj, single_use: Obj | None) -> Obj:
    kind, mandate_id = method["type"], state.ids.new("mandate")
    details: Obj = {}
    if kind == "sepa_debit":
        details = {"reference": mandate_id[-12:].upper(), "url": f"{state.settings.public_url}/c/mandate"}
    use = "single_use" if single_use else "multi_use"
    return {
        "id": mandate_id,
        "object": "mandate",
        "customer_acceptance": {"accepted_at": state.now} | acceptance,
        "livemode": False,
        use: single_use or {},
        "payment_method": method["id"],
        "payment_method_details": {kind: details, "type": kind},
        "status": "active",
        "type": use,
    }


ROUTES: Routes = {"GET /v1/mandates/{id}": retrieve}
