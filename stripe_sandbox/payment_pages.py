"""The undocumented API of hosted pages, with which Stripe's command line tool pays sessions."""

from typing import Any

from stripe_sandbox import checkout, checkout_form, confirmation, payment_methods
from stripe_sandbox.endpoint_call import Call, Routes
from stripe_sandbox.errors import InvalidParameter, InvalidState
from stripe_sandbox.state import SandboxState
from stripe_sandbox.store import Obj

# The command line tool has no bank controls, so a delayed payment settles by itself.
SETTLE_AFTER_S = 1.0
FIELDS: dict[str, dict[str, Any]] = {
    "POST /v1/payment_pages/{id}/confirm": {"payment_method": "str", "expected_amount": "int"},
}


def retrieve(call: Call) -> Obj:
    return _page(call.target(call.state.store.checkout_sessions))


def confirm(call: Call) -> Obj:
    """Pay an open session with a payment method; `expected_amount` must be the session's total."""
    state = call.state
    session = call.target(state.store.checkout_sessions)
    for name in ("payment_method", "expected_amount"):
        if name not in call.params:
            raise InvalidParameter(f"Missing required param: {name}.", code="parameter_missing", param=name)
    if call.params["expected_amount"] != (session["amount_total"] or 0):
        raise InvalidState("The expected amount is not the session's.", code="checkout_amount_mismatch")
    method = payment_methods.resolve(state, call.params["payment_method"])
    details = method["billing_details"]
    buyer = checkout_form.examples(session) | {"email": details["email"], "name": details["name"]}
    buyer |= {"phone": details["phone"]} if details["phone"] else {}
    checkout.pay(state, session, method, buyer)
    if state.settings.automatic_after_s is None:
        _settle_soon(state, session, method)
    return _page(session)


def _settle_soon(state: SandboxState, session: Obj, method: Obj) -> None:
    intent = state.store.payment_intents.get(session["payment_intent"])
    if intent is not None and intent["status"] == "processing":
        state.timers.after(SETTLE_AFTER_S, lambda: confirmation.settle_by_itself(state, intent, method))


def _page(session: Obj) -> Obj:
    total = session["amount_total"] or 0
    return {
        "id": "ppage_" + session["id"].removeprefix("cs_test_")[:24],
        "object": "checkout.session",
        "currency": session["currency"],
        "livemode": False,
        "mode": session["mode"],
        "payment_intent": session["payment_intent"],
        "payment_method_types": session["payment_method_types"],
        "payment_status": session["payment_status"],
        "session_id": session["id"],
        "setup_intent": session["setup_intent"],
        "state": {"open": "active", "complete": "succeeded", "expired": "expired"}[session["status"]],
        "total_summary": {"due": total, "subtotal": session["amount_subtotal"] or 0, "total": total},
    }


ROUTES: Routes = {
    "GET /v1/payment_pages/{id}": retrieve,
    "POST /v1/payment_pages/{id}/confirm": confirm,
}
