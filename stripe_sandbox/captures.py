"""Capturing what a payment has authorized: https://docs.stripe.com/payments/place-a-hold-on-a-payment-method."""

from typing import Any

from stripe_sandbox import confirmation
from stripe_sandbox.endpoint_call import Call, Routes, merge_metadata
from stripe_sandbox.errors import InvalidState
from stripe_sandbox.payment_intents import unexpected
from stripe_sandbox.public_view import public
from stripe_sandbox.store import Obj


def capture(call: Call) -> Obj:
    intent: Obj = call.target(call.state.store.payment_intents)
    if intent["status"] != "requires_capture":
        raise unexpected(intent, _not_capturable(intent))
    amount = _amount_to_capture(intent, call.params)
    if "metadata" in call.params:
        merge_metadata(intent, call.params["metadata"])
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
    amount = int(params.get("amount_to_capture", intent["amount_capturable"]))
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
        return amount
    error.extra["payment_intent"] = public(intent)
    raise error


ROUTES: Routes = {"POST /v1/payment_intents/{id}/capture": capture}
