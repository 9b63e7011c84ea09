"""Capturing what a payment has authorized: https://docs.stripe.com/payments/place-a-hold-on-a-payment-method."""

from typing import Any

from stripe_sandbox import confirmation, money
from stripe_sandbox.endpoint_call import Call, Routes, assign
from stripe_sandbox.errors import InvalidState
from stripe_sandbox.payment_intents import unexpected
from stripe_sandbox.public_view import public
from stripe_sandbox.store import Obj

MAX_INCREMENTS = 10


def capture(call: Call) -> Obj:
    intent: Obj = call.target(call.state.store.payment_intents)
    if intent["status"] != "requires_capture":
        raise unexpected(intent, _not_capturable(intent))
    amount = _amount_to_capture(intent, call.params)
    assign(intent, call.params, ["metadata", "statement_descriptor_suffix"])
    confirmation.capture(call.state, intent, amount)
    return intent


def _not_capturable(intent: Obj) -> str:
    if intent["status"] == "succeeded" and intent["capture_method"] == "manual":
        return (
            "The remaining amount on this PaymentIntent could not be captured because the remainder of the "
            "authorized amount has been released."
        )
    if intent["status"] == "succeeded":
        return "This PaymentIntent could not be captured because it has already been captured."
    return (
        f"This PaymentIntent could not be captured because it has a status of {intent['status']}. "
        "Only a PaymentIntent with one of the following statuses may be captured: requires_capture."
    )


def _amount_to_capture(intent: Obj, params: dict[str, Any]) -> int:
    """Return the amount; the refusals carry the intent, and for zero Stripe names the parameter `amount`."""
    named = params.get("amount_to_capture")
    amount = int(intent["amount_capturable"] if named is None else named)
    if amount < 0:
        error = InvalidState("Invalid non-negative integer", param="amount_to_capture")
    elif amount == 0:
        message = "This value must be greater than or equal to 1."
        error = InvalidState(message, code="parameter_invalid_integer", param="amount")
    elif amount > intent["amount_capturable"]:
        error = InvalidState(
            "The payment could not be captured because the requested capture amount is greater than the amount you "
            "can capture for this charge. Contact us via https://support.stripe.com/contact/ for help.",
            code="amount_too_large",
        )
    else:
        return money.check_step(amount, intent["currency"], "amount_to_capture")
    error.extra["payment_intent"] = public(intent)
    raise error


def increment_authorization(call: Call) -> Obj:
    """Raise the amount of a hold to a new total: https://docs.stripe.com/payments/incremental-authorization."""
    state, params = call.state, call.params
    intent: Obj = call.target(state.store.payment_intents)
    charge = state.store.charges.get(intent["latest_charge"])
    if intent["status"] != "requires_capture" or charge is None:
        raise unexpected(
            intent,
            "This PaymentIntent's authorization could not be incremented because it has a status of "
            f"{intent['status']}. Only a PaymentIntent with one of the following statuses may be incremented: "
            "requires_capture.",
        )
    _check_increment(intent, charge, params["amount"])
    intent |= {"amount": params["amount"], "amount_capturable": params["amount"]}
    intent["_increments"] = intent.get("_increments", 0) + 1
    assign(intent, params, ["description", "metadata", "statement_descriptor"])
    with state.updating("charge.updated", charge):
        charge |= {"amount": params["amount"], "description": intent["description"]}
        details = charge["payment_method_details"]["card"]
        details["amount_authorized"] = details["overcapture"]["maximum_amount_capturable"] = params["amount"]
    state.emit("payment_intent.amount_capturable_updated", intent)
    return intent


def _check_increment(intent: Obj, charge: Obj, amount: int) -> None:
    details = charge["payment_method_details"].get("card", {})
    if details.get("incremental_authorization", {}).get("status") != "available":
        raise InvalidState(
            "This PaymentIntent is not eligible for incremental authorization. Confirm it with "
            "`payment_method_options[card][request_incremental_authorization]` set to `if_available`.",
            code="payment_intent_unexpected_state",
            payment_intent=public(intent),
        )
    if intent.get("_increments", 0) >= MAX_INCREMENTS:
        raise unexpected(intent, f"An authorization can be incremented at most {MAX_INCREMENTS} times.")
    money.check_amount(amount, intent["currency"])
    if amount <= intent["amount"]:
        message = f"The amount must be greater than the authorized one, which is {intent['amount']}."
        raise InvalidState(message, param="amount", payment_intent=public(intent))


ROUTES: Routes = {
    "POST /v1/payment_intents/{id}/capture": capture,
    "POST /v1/payment_intents/{id}/increment_authorization": increment_authorization,
}
