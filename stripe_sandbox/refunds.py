"""Refunds: https://docs.stripe.com/refunds and https://docs.stripe.com/api/refunds."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from stripe_sandbox import balance, cards, disputes, money, paging, radar
from stripe_sandbox.endpoint_call import Call, Routes, assign, merge_metadata
from stripe_sandbox.errors import InvalidParameter, InvalidState, StripeError, no_such
from stripe_sandbox.state import SandboxState
from stripe_sandbox.store import Obj


def create(call: Call) -> Obj:
    charge = _charge_of(call)
    return refund_charge(call.state, charge, call.params.get("amount"), call.params)


def retrieve(call: Call) -> Obj:
    return call.target(call.state.store.refunds)


def update(call: Call) -> Obj:
    refund = retrieve(call)
    with updating_refund(call.state, refund):
        assign(refund, call.params, ["metadata"])
    return refund


def cancel(call: Call) -> Obj:
    refund = retrieve(call)
    if refund["status"] != "requires_action":
        raise InvalidState("Canceling this refund is unsupported.")
    return refund


def list_(call: Call) -> Obj:
    return paging.page(call.state.store.refunds, call.path, call.params, "charge", "payment_intent")


def create_for_charge(call: Call) -> Obj:
    charge = _charge_in_path(call)
    return refund_charge(call.state, charge, call.params.get("amount"), call.params)


def list_of_charge(call: Call) -> Obj:
    fields = call.params | {"charge": _charge_in_path(call)["id"]}
    return paging.page(call.state.store.refunds, call.path, fields, "charge")


def retrieve_of_charge(call: Call) -> Obj:
    charge, refund = _charge_in_path(call), call.state.store.refunds.get(call.ids["refund"])
    if refund is None or refund["charge"] != charge["id"]:
        raise no_such("refund", call.ids["refund"], "refund", in_path=True)
    return refund


def update_of_charge(call: Call) -> Obj:
    refund = retrieve_of_charge(call)
    with updating_refund(call.state, refund):
        assign(refund, call.params, ["metadata"])
    return refund


def _charge_in_path(call: Call) -> Obj:
    charge = call.state.store.charges.get(call.ids["id"])
    if charge is None:
        raise no_such("charge", call.ids["id"], "charge", in_path=True)
    return charge


def refund_charge(state: SandboxState, charge: Obj, amount: int | None, params: dict[str, Any]) -> Obj:
    """Refund what is left of a charge, or an amount; refuse more than is left, and disputed charges."""
    refundable = charge["amount_captured"] - charge["amount_refunded"]
    refunded = refundable if amount is None else amount
    _check(state, charge, refunded, refundable)
    refund = state.store.refunds.add(_new_refund(state, charge, refunded, params))
    charge["_refunds"].append(refund["id"])
    before = charge["amount_refunded"]
    charge["amount_refunded"] += refunded
    charge["refunded"] = charge["amount_refunded"] >= charge["amount_captured"]
    state.emit("refund.created", refund)
    previous = {"amount_refunded": before} | ({"refunded": False} if charge["refunded"] else {})
    state.emit("charge.refunded", charge, previous)
    if charge["refunded"]:
        radar.follow_charge(state, charge, "refunded")
    _add_reference(state, refund)
    _finish_by_itself(state, refund, charge)
    return refund


def release_hold(state: SandboxState, intent: Obj) -> None:
    """Release an authorized charge that was never captured."""
    charge = state.store.charges.get(intent["latest_charge"])
    assert charge is not None
    refund = state.store.refunds.add(
        _new_refund(state, charge, charge["amount"], {}) | {"balance_transaction": None}
    )
    charge["_refunds"].append(refund["id"])
    charge |= {"amount_refunded": charge["amount"], "refunded": True}
    state.emit("refund.created", refund)
    state.emit("charge.refunded", charge, {"amount_refunded": 0, "refunded": False})
    radar.follow_charge(state, charge, "canceled")


def succeed(state: SandboxState, refund: Obj) -> Obj:
    """Let a pending refund succeed."""
    if refund["status"] != "pending":
        raise InvalidState(f"Refund {refund['id']} is {refund['status']}, not pending.")
    with updating_refund(state, refund):
        refund["status"] = "succeeded"
        refund.pop("pending_reason", None)
    return refund


def fail(state: SandboxState, refund: Obj, reason: str = "expired_or_canceled_card") -> Obj:
    """Let a refund fail at the buyer's bank; the money returns to the balance."""
    if refund["status"] not in ("pending", "succeeded"):
        raise InvalidState(f"Refund {refund['id']} is {refund['status']} and cannot fail.")
    charge = state.store.charges.get(refund["charge"])
    assert charge is not None
    charge["amount_refunded"] -= refund["amount"]
    charge["refunded"] = False
    transaction = balance.record(
        state, "refund_failure", "refund_failure", refund["amount"], refund, text="REFUND FAILURE"
    )
    with updating_refund(state, refund):
        refund |= {
            "status": "failed",
            "failure_reason": reason,
            "failure_balance_transaction": transaction["id"],
        }
        refund.pop("pending_reason", None)
    state.emit("refund.failed", refund)
    return refund


@contextmanager
def updating_refund(state: SandboxState, refund: Obj) -> Iterator[None]:
    """Emit both events that Stripe sends for a changed refund."""
    with state.updating("charge.refund.updated", refund), state.updating("refund.updated", refund):
        yield


def _charge_of(call: Call) -> Obj:
    store, charge_id = call.state.store, call.params.get("charge")
    charge, intent = store.charges.get(charge_id), call.referred(store.payment_intents, "payment_intent")
    if charge_id and charge is None:
        raise no_such("charge", charge_id, "id", in_path=True)
    if charge is None and intent is None:
        message = "One of the following params should be provided for this request: payment_intent or charge."
        raise InvalidParameter(message, code="parameter_missing")
    if intent is None:
        assert charge is not None
        return charge
    if charge is not None and charge["payment_intent"] != intent["id"]:
        raise InvalidParameter("The charge does not belong to the payment_intent.", param="charge")
    latest = store.charges.get(intent["latest_charge"])
    if latest is None or latest["status"] != "succeeded":
        raise InvalidState(
            f"This PaymentIntent ({intent['id']}) does not have a successful charge to refund."
        )
    return latest


def _check(state: SandboxState, charge: Obj, amount: int, refundable: int) -> None:
    if charge["status"] != "succeeded":
        raise InvalidState(
            f"This PaymentIntent ({charge['payment_intent']}) does not have a successful charge to refund."
        )
    if not charge["captured"]:
        raise InvalidState(
            f"This uncaptured Charge was created by a PaymentIntent ({charge['payment_intent']}). You must cancel "
            "the PaymentIntent to reverse the authorization instead of refunding the Charge directly. For more "
            "information, see https://stripe.com/docs/payments/place-a-hold-on-a-payment-method"
        )
    if any(not dispute["is_charge_refundable"] for dispute in disputes.disputes_of(state, charge)):
        raise InvalidState(
            f"Charge {charge['id']} has been charged back; cannot issue a refund.", code="charge_disputed"
        )
    if refundable <= 0:
        raise InvalidState(
            f"Charge {charge['id']} has already been refunded.", code="charge_already_refunded"
        )
    if amount < 1:
        message = "This value must be greater than or equal to 1."
        raise InvalidParameter(message, code="parameter_invalid_integer", param="amount")
    if amount > refundable:
        raise _too_much(amount, refundable, charge["currency"])
    money.check_step(amount, charge["currency"])


def _too_much(amount: int, refundable: int, currency: str) -> StripeError:
    requested, rest = money.display(amount, currency), money.display(refundable, currency)
    return InvalidState(
        f"Refund amount ({requested}) is greater than unrefunded amount on charge ({rest})", param="amount"
    )


def _new_refund(state: SandboxState, charge: Obj, amount: int, params: dict[str, Any]) -> Obj:
    card = cards.CARDS.get(charge["_number"])
    kind = charge["payment_method_details"]["type"]
    pending = bool(card and card.refund == "pends")
    refund: Obj = {
        "id": state.ids.new("re" if kind == "card" else "pyr"),
        "object": "refund",
        "amount": amount,
        "balance_transaction": None,
        "charge": charge["id"],
        "created": state.now,
        "currency": charge["currency"],
        "customer": charge["customer"],
        "customer_account": None,
        "destination_details": _destination(kind),
        "metadata": {},
        "payment_intent": charge["payment_intent"],
        "payment_method": charge["payment_method"],
        "reason": params.get("reason"),
        "receipt_number": None,
        "source_transfer_reversal": None,
        "status": "pending" if pending else "succeeded",
        "transfer_reversal": None,
    }
    if pending:
        refund["pending_reason"] = "processing"
    if params.get("metadata"):
        merge_metadata(refund, params["metadata"])
    transaction = balance.record(state, "refund", "refund", -amount, refund, text="REFUND FOR CHARGE")
    refund["balance_transaction"] = transaction["id"]
    return refund


def _destination(kind: str) -> Obj:
    if kind != "card":
        return {"type": kind}
    card = {"reference_status": "pending", "reference_type": "acquirer_reference_number", "type": "refund"}
    return {"card": card, "type": "card"}


def _finish_by_itself(state: SandboxState, refund: Obj, charge: Obj) -> None:
    """With `automatic_after_s`, let Stripe's asynchronous test refunds end after a while."""
    wait, card = state.settings.automatic_after_s, cards.CARDS.get(charge["_number"])
    if wait is None or card is None or card.refund == "succeeds":
        return
    ending = succeed if card.refund == "pends" else fail
    before = refund["status"]

    def finish() -> None:
        if refund["status"] == before:
            ending(state, refund)

    state.timers.after(wait, finish)


def _add_reference(state: SandboxState, refund: Obj) -> None:
    """Add the reference number of a card refund, which Stripe does a moment later."""
    if refund["destination_details"]["type"] == "card" and refund["status"] == "succeeded":
        with updating_refund(state, refund):
            number = f"{state.now % 10**10:010d}{len(state.store.refunds):05d}"
            refund["destination_details"]["card"] |= {"reference": number, "reference_status": "available"}


ROUTES: Routes = {
    "POST /v1/refunds": create,
    "GET /v1/refunds": list_,
    "GET /v1/refunds/{id}": retrieve,
    "POST /v1/refunds/{id}": update,
    "POST /v1/refunds/{id}/cancel": cancel,
    "POST /v1/charges/{id}/refunds": create_for_charge,
    "GET /v1/charges/{id}/refunds": list_of_charge,
    "GET /v1/charges/{id}/refunds/{refund}": retrieve_of_charge,
    "POST /v1/charges/{id}/refunds/{refund}": update_of_charge,
}
