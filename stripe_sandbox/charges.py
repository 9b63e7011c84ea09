"""Charges, one for each attempt to pay: https://docs.stripe.com/api/charges."""

from dataclasses import dataclass

from stripe_sandbox import balance, cards, paging, payment_methods
from stripe_sandbox.bank_accounts import METHODS_BY_CURRENCY
from stripe_sandbox.cards import Decline
from stripe_sandbox.endpoint_call import Call, Routes, assign
from stripe_sandbox.state import SandboxState
from stripe_sandbox.store import Obj

CAPTURE_WINDOW_S = 7 * 24 * 3600


@dataclass(frozen=True)
class Attempt:
    """The result of one attempt to charge."""

    decline: Decline | None = None
    pending: bool = False
    captured: bool = True
    authenticated: bool = False


# Fields of a charge that are null at first or always.
_UNSET = (
    "application application_fee application_fee_amount balance_transaction destination dispute "
    "failure_balance_transaction on_behalf_of order outcome receipt_number receipt_url review source "
    "source_transfer transfer_data"
)
UNSET: Obj = dict.fromkeys(_UNSET.split())


def make(state: SandboxState, intent: Obj, method: Obj, attempt: Attempt) -> Obj:
    """Create the charge of an attempt and emit its event."""
    payment_methods.record_checks(method)
    charge = _new_charge(state, intent, method, attempt)
    state.store.charges.add(charge)
    intent["_charges"].append(charge["id"])
    if attempt.decline:
        state.emit("charge.failed", charge)
    elif attempt.pending:
        state.emit("charge.pending", charge)
    else:
        state.emit("charge.succeeded", charge)
    return charge


def settle(state: SandboxState, charge: Obj) -> None:
    """Mark a pending charge as paid."""
    charge |= {"status": "succeeded", "paid": True, "captured": True, "amount_captured": charge["amount"]}
    charge["outcome"] |= {"seller_message": "Payment complete."}
    state.emit("charge.succeeded", charge)


def fail(state: SandboxState, charge: Obj, decline: Decline) -> None:
    """Mark a pending charge as failed."""
    charge |= {"status": "failed", "paid": False, "captured": False, "amount_captured": 0}
    charge |= {
        "failure_code": decline.code,
        "failure_message": decline.message,
        "outcome": _outcome(charge, decline),
    }
    state.emit("charge.failed", charge)


def record_in_balance(state: SandboxState, charge: Obj) -> None:
    """Add a captured charge to the balance, as Stripe does a moment after the payment."""
    amount = charge["amount_captured"]
    transaction = balance.record(state, "charge", "charge", amount, charge, fee=balance.fee_of(amount))
    with state.updating("charge.updated", charge):
        charge["balance_transaction"] = transaction["id"]
        charge["receipt_url"] = f"{state.settings.public_url}/c/receipt/{charge['id']}"


def capture(state: SandboxState, charge: Obj, amount: int) -> None:
    """Capture an authorized charge, in full or in part."""
    charge |= {"captured": True, "amount_captured": amount}
    intent = state.store.payment_intents.get(charge["payment_intent"])
    if intent:
        charge |= {name: intent[name] for name in ("statement_descriptor", "statement_descriptor_suffix")}
    state.emit("charge.captured", charge)


def retrieve(call: Call) -> Obj:
    return call.target(call.state.store.charges)


def update(call: Call) -> Obj:
    charge = retrieve(call)
    with call.state.updating("charge.updated", charge):
        assign(
            charge, call.params, ["description", "metadata", "receipt_email", "shipping", "transfer_group"]
        )
        if "fraud_details" in call.params:
            charge["fraud_details"] |= {k: v for k, v in call.params["fraud_details"].items() if v}
        if "customer" in call.params:
            call.referred(call.state.store.customers, "customer")
            charge["customer"] = call.params["customer"]
    return charge


def list_(call: Call) -> Obj:
    return paging.page(
        call.state.store.charges, call.path, call.params, "customer", "payment_intent", "transfer_group"
    )


def refunds_of(state: SandboxState, charge: Obj) -> Obj:
    """Return the list that `expand[]=refunds` asks for."""
    refunds = [state.store.refunds.get(refund_id) for refund_id in reversed(charge["_refunds"])]
    return paging.page_of([refund for refund in refunds if refund], f"/v1/charges/{charge['id']}/refunds")


def _new_charge(state: SandboxState, intent: Obj, method: Obj, attempt: Attempt) -> Obj:
    decline, paid = attempt.decline, not attempt.decline and not attempt.pending
    prefix = "ch" if method["type"] == "card" else "py"
    charge: Obj = UNSET | {
        "id": state.ids.new(prefix),
        "object": "charge",
        "amount": intent["amount"],
        "amount_captured": intent["amount"] if paid and attempt.captured else 0,
        "amount_refunded": 0,
        "billing_details": method["billing_details"],
        "calculated_statement_descriptor": "ESTUARY SANDBOX" if method["type"] == "card" else None,
        "captured": paid and attempt.captured,
        "created": state.now,
        "currency": intent["currency"],
        "customer": intent["customer"],
        "description": intent["description"],
        "disputed": False,
        "failure_code": decline.code if decline else None,
        "failure_message": decline.message if decline else None,
        "fraud_details": {},
        "livemode": False,
        "metadata": dict(intent["metadata"]),
        "paid": paid,
        "payment_intent": intent["id"],
        "payment_method": method["id"],
        "payment_method_details": _details(state, intent, method, attempt),
        "radar_options": {},
        "receipt_email": intent["receipt_email"],
        "refunded": False,
        "shipping": intent["shipping"],
        "statement_descriptor": intent["statement_descriptor"],
        "statement_descriptor_suffix": intent["statement_descriptor_suffix"],
        "status": "failed" if decline else "pending" if attempt.pending else "succeeded",
        "transfer_group": intent["transfer_group"],
        "_refunds": [],
        "_number": method["_number"],
    }
    charge["outcome"] = _outcome(charge, decline)
    return charge


def _outcome(charge: Obj, decline: Decline | None) -> Obj:
    """Return the decision of the bank and Radar: https://docs.stripe.com/declines."""
    card = cards.by_number(charge["_number"]) if charge["payment_method_details"]["type"] == "card" else None
    risk = card.risk if card else "not_assessed"
    blocked = decline is not None and decline.by_radar
    outcome: Obj = {
        "advice_code": decline.advice if decline else None,
        "network_advice_code": None,
        "network_decline_code": decline.network_code if decline else None,
        "network_status": "approved_by_network",
        "reason": None,
        "risk_level": risk,
        "seller_message": "Payment complete.",
        "type": "authorized",
    }
    if card:
        outcome["risk_score"] = {"normal": 20, "elevated": 70, "highest": 99}[risk]
    if decline:
        outcome |= {
            "network_status": "not_sent_to_network" if blocked else "declined_by_network",
            "reason": "highest_risk_level" if blocked else decline.decline_code,
            "seller_message": "Stripe blocked this payment as too risky."
            if blocked
            else "The bank did not return any further details with this decline.",
            "type": "blocked" if blocked else "issuer_declined",
        }
    return outcome


def _details(state: SandboxState, intent: Obj, method: Obj, attempt: Attempt) -> Obj:
    kind = method["type"]
    return {
        kind: _card_details(state, intent, method, attempt)
        if kind == "card"
        else _bank_details(state, method)
    } | {"type": kind}


def _bank_details(state: SandboxState, method: Obj) -> Obj:
    kind = method["type"]
    part = method[kind]
    if kind == METHODS_BY_CURRENCY["eur"]:
        names = ["bank_code", "branch_code", "country", "fingerprint", "last4"]
        return {name: part[name] for name in names} | {"mandate": method.get("_mandate")}
    names = ["account_holder_type", "account_type", "bank_name", "fingerprint", "last4", "routing_number"]
    details = {name: part[name] for name in names} | {"payment_reference": None}
    return details | ({"mandate": method["_mandate"]} if method.get("_mandate") else {})


def _card_details(state: SandboxState, intent: Obj, method: Obj, attempt: Attempt) -> Obj:
    card = method["card"]
    is_hold = not attempt.captured and not attempt.decline
    details: Obj = {
        "amount_authorized": None if attempt.decline else intent["amount"],
        "authorization_code": None if attempt.decline else "123456",
        "brand": card["brand"],
        "checks": dict(card["checks"]),
        "country": card["country"],
        "electronic_commerce_indicator": "05" if attempt.authenticated else None,
        "exp_month": card["exp_month"],
        "exp_year": card["exp_year"],
        "extended_authorization": {"status": "disabled"},
        "fingerprint": card["fingerprint"],
        "funding": card["funding"],
        "incremental_authorization": {"status": _increments(intent)},
        "installments": None,
        "last4": card["last4"],
        "mandate": None,
        "multicapture": {"status": "unavailable"},
        "network": card["brand"],
        "network_token": {"used": False},
        "network_transaction_id": state.ids.text(15).upper(),
        "overcapture": {"maximum_amount_capturable": intent["amount"], "status": "unavailable"},
        "regulated_status": card["regulated_status"],
        "three_d_secure": _three_d_secure() if attempt.authenticated else None,
        "transaction_link_id": None,
        "wallet": None,
    }
    return details | ({"capture_before": state.now + CAPTURE_WINDOW_S} if is_hold else {})


def _increments(intent: Obj) -> str:
    requested = (intent["payment_method_options"].get("card") or {}).get("request_incremental_authorization")
    return "available" if requested == "if_available" else "unavailable"


def _three_d_secure() -> Obj:
    return {
        "authentication_flow": "challenge",
        "electronic_commerce_indicator": "05",
        "exemption_indicator": None,
        "result": "authenticated",
        "result_reason": None,
        "transaction_id": "d4f6d6c1-6d36-4b5a-9d5c-5a2f4c0e7f3b",
        "version": "2.2.0",
    }


ROUTES: Routes = {
    "GET /v1/charges": list_,
    "GET /v1/charges/{id}": retrieve,
    "POST /v1/charges/{id}": update,
}
