"""Confirmation tokens, with which a server confirms what a buyer entered.

https://docs.stripe.com/api/confirmation_tokens
"""

from typing import Any

from stripe_sandbox import payment_methods
from stripe_sandbox.endpoint_call import Call, Routes, shipping
from stripe_sandbox.errors import InvalidParameter, InvalidState
from stripe_sandbox.public_view import public
from stripe_sandbox.store import Obj

EXPIRES_AFTER_S = 12 * 3600
# What a token brings to a confirmation, unless the request says otherwise.
BROUGHT = ("return_url", "setup_future_usage", "mandate_data")
# Fields of a payment method that its preview lacks, since the method does not exist yet.
UNSEEN = ("id", "object", "created", "livemode", "metadata", "radar_options", "shared_payment_granted_token")


def create(call: Call) -> Obj:
    """Make a token as Stripe.js does; Stripe's test helper takes a saved method or a test's name too."""
    state, params = call.state, call.params
    if ("payment_method" in params) == ("payment_method_data" in params):
        message = "You must provide either `payment_method` or `payment_method_data`."
        raise InvalidParameter(message, code="parameter_missing", param="payment_method_data")
    if "payment_method" in params:
        method = payment_methods.resolve(state, params["payment_method"])
    else:
        method = payment_methods.make(state, params["payment_method_data"])
    preview = public(method)
    return state.store.confirmation_tokens.add(
        {
            "id": state.ids.new("ctoken"),
            "object": "confirmation_token",
            "created": state.now,
            "expires_at": state.now + EXPIRES_AFTER_S,
            "livemode": False,
            "mandate_data": None,
            "payment_intent": None,
            "payment_method_options": None,
            "payment_method_preview": {name: preview[name] for name in preview if name not in UNSEEN},
            "return_url": params.get("return_url"),
            "setup_future_usage": params.get("setup_future_usage"),
            "setup_intent": None,
            "shipping": _shipping(params.get("shipping")),
            "use_stripe_sdk": call.key_kind == "publishable",
            "_method": method["id"],
            "_shipping": params.get("shipping"),
        }
    )


def retrieve(call: Call) -> Obj:
    return call.target(call.state.store.confirmation_tokens)


def bring(call: Call) -> None:
    """Add to the parameters of a confirmation what its token holds; refuse a used or expired token."""
    token = call.referred(call.state.store.confirmation_tokens, "confirmation_token")
    if token is None:
        return
    if "payment_method" in call.params or "payment_method_data" in call.params:
        message = "You may only specify one of these parameters: confirmation_token, payment_method."
        raise InvalidParameter(message, param="confirmation_token")
    kind = "payment_intent" if call.path.startswith("/v1/payment_intents") else "setup_intent"
    if token["payment_intent"] or token["setup_intent"]:
        raise _invalid(
            kind, f"The ConfirmationToken {token['id']} has already been used to confirm an intent."
        )
    if token["expires_at"] <= call.state.now:
        raise _invalid(kind, f"The ConfirmationToken {token['id']} has expired.")
    brought: dict[str, Any] = {name: token[name] for name in BROUGHT if token[name] is not None}
    if token["_shipping"] and kind == "payment_intent":
        brought["shipping"] = token["_shipping"]
    call.params = brought | call.params | {"payment_method": token["_method"]}


def mark_used(call: Call, intent: Obj) -> None:
    """Name the intent on the token that confirms it."""
    token = call.referred(call.state.store.confirmation_tokens, "confirmation_token")
    if token is not None:
        token[intent["object"]] = intent["id"]


def _invalid(kind: str, message: str) -> InvalidState:
    return InvalidState(message, code=f"{kind}_confirmation_token_invalid", param="confirmation_token")


def _shipping(params: Any) -> Obj | None:
    details = shipping(params)
    return {name: details[name] for name in ("address", "name", "phone")} if details else None


ROUTES: Routes = {
    "POST /v1/test_helpers/confirmation_tokens": create,
    "GET /v1/confirmation_tokens/{id}": retrieve,
}
