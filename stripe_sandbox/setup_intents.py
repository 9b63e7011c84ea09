"""SetupIntents, which save a payment method without a payment: https://docs.stripe.com/api/setup_intents."""

from typing import Any

from stripe_sandbox import (
    cards,
    confirmation,
    confirmation_tokens,
    mandates,
    method_options,
    method_types,
    paging,
    payment_intents,
    payment_methods,
    versions,
)
from stripe_sandbox.cards import Decline
from stripe_sandbox.confirmation import ConfirmOptions
from stripe_sandbox.endpoint_call import Call, Routes, assign
from stripe_sandbox.errors import InvalidParameter, InvalidState, StripeError
from stripe_sandbox.payment_intents import check_client_secret, method_from_request, unexpected
from stripe_sandbox.public_view import public
from stripe_sandbox.state import SandboxState
from stripe_sandbox.store import Obj

CONFIRMABLE = ("requires_payment_method", "requires_confirmation", "requires_action")
# What may change in any status.
ALWAYS_EDITABLE = {"customer", "description", "metadata"}
# Fields of a SetupIntent that are null at first or always.
_UNSET = (
    "application cancellation_reason customer_account flow_directions last_setup_error latest_attempt "
    "mandate next_action on_behalf_of payment_method single_use_mandate"
)
UNSET: Obj = dict.fromkeys(_UNSET.split())
METHOD_MISSING = (
    "You cannot confirm this SetupIntent because it's missing a payment method. You can either "
    "update the SetupIntent with a payment method and then confirm it again, or confirm it again "
    "directly with a payment method or ConfirmationToken."
)


def create(call: Call) -> Obj:
    state, params = call.state, call.params
    versions.refuse_method_types(call.version, params)
    call.referred(state.store.customers, "customer")
    for name in ("return_url", "confirmation_token"):
        if name in params and not params.get("confirm"):
            raise InvalidParameter(f"You can only provide `{name}` when `confirm` is true.", param=name)
    confirmation_tokens.bring(call)
    params = call.params
    intent = make(state, params)
    method = method_from_request(call, intent)
    if method:
        check_usable(state, method, intent)
        intent |= {"payment_method": method["id"], "status": "requires_confirmation"}
    if params.get("confirm"):
        if method is None:
            raise InvalidState(METHOD_MISSING, code="setup_intent_unexpected_state")
        _check_return_url(call, intent)
    state.store.setup_intents.add(intent)
    state.emit("setup_intent.created", intent)
    if params.get("confirm"):
        confirmation_tokens.mark_used(call, intent)
        _confirm(call, intent)
    return intent


def retrieve(call: Call) -> Obj:
    intent = call.target(call.state.store.setup_intents)
    check_client_secret(call, intent)
    return intent


def update(call: Call) -> Obj:
    versions.refuse_method_types(call.version, call.params)
    intent = retrieve(call)
    if intent["status"] not in CONFIRMABLE and set(call.params) - ALWAYS_EDITABLE:
        raise unexpected(intent, f"You cannot update this SetupIntent because it {_ended(intent)}.")
    call.referred(call.state.store.customers, "customer")
    assign(intent, call.params, ["customer", "description", "metadata"])
    _apply_types_and_options(call, intent)
    method = method_from_request(call, intent)
    if method:
        check_usable(call.state, method, intent)
        intent |= {"payment_method": method["id"], "status": "requires_confirmation", "next_action": None}
    return intent


def confirm(call: Call) -> Obj:
    intent = retrieve(call)
    if intent["status"] not in CONFIRMABLE:
        names = ("payment_method", "payment_method_data", "confirmation_token")
        # Stripe looks for the method before it looks at the status.
        if not (intent["payment_method"] or any(call.params.get(name) for name in names)):
            raise unexpected(intent, METHOD_MISSING)
        raise unexpected(intent, f"You cannot confirm this SetupIntent because it {_ended(intent)}.")
    versions.refuse_method_types(call.version, call.params)
    _check_client_context(call, intent)
    confirmation_tokens.bring(call)
    _apply_types_and_options(call, intent)
    method = method_from_request(call, intent)
    if method:
        check_usable(call.state, method, intent)
        intent["payment_method"] = method["id"]
    _check_return_url(call, intent)
    confirmation_tokens.mark_used(call, intent)
    return _confirm(call, intent)


def cancel(call: Call) -> Obj:
    return cancel_intent(call.state, retrieve(call), call.params.get("cancellation_reason"))


def list_(call: Call) -> Obj:
    return paging.page(call.state.store.setup_intents, call.path, call.params, "customer", "payment_method")


def cancel_intent(state: SandboxState, intent: Obj, reason: str | None) -> Obj:
    """Cancel a SetupIntent; refuse a finished one."""
    if intent["status"] == "canceled":
        raise unexpected(intent, "You cannot cancel this SetupIntent because it is already canceled.")
    if intent["status"] not in CONFIRMABLE:
        raise unexpected(
            intent,
            f"You cannot cancel this SetupIntent because it has a status of {intent['status']}. Only a SetupIntent "
            "with one of the following statuses may be canceled: `requires_payment_method`, "
            "`requires_confirmation`, or `requires_action`.",
        )
    intent |= {"status": "canceled", "cancellation_reason": reason, "next_action": None}
    state.emit("setup_intent.canceled", intent)
    return intent


def _ended(intent: Obj) -> str:
    return "has already succeeded" if intent["status"] == "succeeded" else "has been canceled"


def set_up(state: SandboxState, intent: Obj, method: Obj, options: ConfirmOptions) -> None:
    """Set up a payment method; a decline is recorded on the intent and raised as a card error."""
    check_usable(state, method, intent)
    intent |= {"payment_method": method["id"], "last_setup_error": None, "next_action": None}
    if (
        method["type"] == "card"
        and confirmation.authentication(state, method, ConfirmOptions(), intent["payment_method_options"])
        == "challenge"
    ):
        _record_attempt(state, intent, method, "requires_action")
        page = f"{state.settings.public_url}/c/authenticate/{intent['id']}"
        url = f"{page}?client_secret={intent['client_secret']}"
        intent |= {"status": "requires_action", "next_action": confirmation.next_action(state, url, options)}
        state.emit("setup_intent.requires_action", intent)
        return
    _ask_bank(state, intent, method, options.mandate_data)


def pass_challenge(state: SandboxState, intent: Obj, method: Obj) -> None:
    """Complete the set-up after the buyer has authenticated."""
    _ask_bank(state, intent, method)


def fail_challenge(state: SandboxState, intent: Obj, method: Obj) -> None:
    """Record a failed authentication."""
    error = InvalidState(confirmation.AUTHENTICATION_FAILED, code="setup_intent_authentication_failure")
    error.extra["payment_method"] = public(method)
    _mark_failed(state, intent, method, error.body()["error"])


def check_usable(state: SandboxState, method: Obj, intent: Obj) -> None:
    """Refuse a method of another customer, a consumed one, and a type that the intent does not accept."""
    owner = method["customer"]
    if owner and owner != intent["customer"]:
        raise _not_owned(state, method, intent)
    if not owner and method["_consumed_by"]:
        raise InvalidState(payment_methods.CONSUMED, param="payment_method")
    if method["type"] not in intent["payment_method_types"]:
        message = (
            f"The PaymentMethod provided ({method['type']}) is not allowed for this SetupIntent. Please attach a "
            f"PaymentMethod of one of the following types: {', '.join(intent['payment_method_types'])}."
        )
        raise InvalidState(message, code="payment_intent_incompatible_payment_method", param="payment_method")


def _not_owned(state: SandboxState, method: Obj, intent: Obj) -> StripeError:
    """Return the refusal of another customer's method."""
    if intent["customer"]:
        message = (
            f"The PaymentMethod {method['id']} does not belong to the Customer you supplied "
            f"{intent['customer']}. Please use this PaymentMethod with the Customer that it belongs to instead."
        )
    else:
        message = (
            f"The payment method supplied ({method['id']}) belongs to the Customer {method['customer']}. "
            "Please include the Customer in the `customer` parameter on the SetupIntent."
        )
    error = InvalidState(message, param="payment_method")
    if intent["id"] in state.store.setup_intents:
        error.extra["setup_intent"] = public(intent)
    return error


def make(state: SandboxState, params: dict[str, Any]) -> Obj:
    """Return a new SetupIntent, not yet stored."""
    intent_id = state.ids.new("seti", 24)
    types = params.get("payment_method_types")
    automatic, requested = None, params.get("automatic_payment_methods", {})
    if not types:
        automatic = {"allow_redirects": "always", "enabled": True} | requested
        currency = state.settings.currency
        offered = method_types.allowed_types(params, currency, "Setup Intent")
        types = offered if automatic["enabled"] else ["card"]
        automatic = automatic if automatic["enabled"] else None
    intent: Obj = UNSET | {
        "id": intent_id,
        "object": "setup_intent",
        "allowed_payment_method_types": params.get("allowed_payment_method_types"),
        "automatic_payment_methods": automatic,
        "client_secret": f"{intent_id}_secret_{state.ids.text(31)}",
        "created": state.now,
        "customer": params.get("customer"),
        "description": params.get("description"),
        "excluded_payment_method_types": params.get("excluded_payment_method_types") or None,
        "livemode": False,
        "managed_payments": {"enabled": False},
        "metadata": {},
        "payment_method_configuration_details": method_types.configuration(state) if automatic else None,
        "payment_method_options": method_options.options_of(types, params, method_options.SETUP_CARD),
        "payment_method_types": types,
        "status": "requires_payment_method",
        "usage": params.get("usage", "off_session"),
        # The dashboard enables no type that redirects, so only the request itself can allow redirects.
        "_redirects": bool(requested and automatic and automatic["allow_redirects"] == "always"),
    }
    assign(intent, params, ["metadata"])
    return intent


def _check_client_context(call: Call, intent: Obj) -> None:
    """Refuse a SetupIntent that differs from the options of Elements in deferred mode; it has no currency."""
    context = call.params.get("client_context")
    if context:
        usage = {"setup_future_usage": intent["usage"]} if context.get("setup_future_usage") else {}
        currency = {"currency": call.state.settings.currency} if context.get("currency") else {}
        payment_intents.check_context(context, {"mode": "setup"} | currency | usage, "Setup Intent")


def _apply_types_and_options(call: Call, intent: Obj) -> None:
    currency = call.state.settings.currency
    method_types.apply_types(intent, call.params, "Setup Intent", currency)
    method_options.apply_options(intent, call.params)


def _confirm(call: Call, intent: Obj) -> Obj:
    method = call.state.store.payment_methods.get(intent["payment_method"])
    if method is None:
        raise unexpected(intent, METHOD_MISSING)
    set_up(call.state, intent, method, payment_intents.confirm_options(call))
    return intent


def _check_return_url(call: Call, intent: Obj) -> None:
    has_return_url = call.params.get("return_url") or call.params.get("use_stripe_sdk")
    if intent["_redirects"] and call.key_kind == "secret" and not has_return_url:
        message = payment_intents.RETURN_URL_NEEDED.replace("This PaymentIntent", "This SetupIntent")
        raise InvalidState(message, param="return_url")


def _ask_bank(state: SandboxState, intent: Obj, method: Obj, mandate_data: Any = None) -> None:
    refusal = _refusal(method)
    if refusal:
        error = payment_methods.declined(refusal)
        error.extra["payment_method"] = public(method)
        _mark_failed(state, intent, method, error.body()["error"])
        error.extra["setup_intent"] = public(intent)
        raise error
    attempt = _record_attempt(state, intent, method, "succeeded")
    method["_set_up"] = True
    if intent["customer"] and method["customer"] is None:
        payment_methods.attach_to(state, method, intent["customer"])
    payment_methods.record_checks(method)
    intent |= {"status": "succeeded", "next_action": None, "latest_attempt": attempt["id"]}
    intent["mandate"] = mandates.accept(state, method, mandate_data)
    state.emit("setup_intent.succeeded", intent)
    state.notify_watchers(intent)


def _refusal(method: Obj) -> Decline | None:
    if method["type"] != "card":
        return None
    card = cards.by_number(method["_number"])
    if card.cvc_check == "fail" and method["_cvc_given"]:
        return cards.INCORRECT_CVC
    return card.decline if card.decline and not card.attachable else None


def _mark_failed(state: SandboxState, intent: Obj, method: Obj, error: Obj) -> None:
    attempt = _record_attempt(state, intent, method, "failed", error)
    intent |= {"status": "requires_payment_method", "payment_method": None, "next_action": None}
    intent |= {"last_setup_error": error, "latest_attempt": attempt["id"]}
    state.emit("setup_intent.setup_failed", intent)


def _record_attempt(
    state: SandboxState, intent: Obj, method: Obj, status: str, error: Obj | None = None
) -> Obj:
    """Record an attempt, or the end of one that waited for the buyer."""
    waiting = state.store.setup_attempts.get(intent["latest_attempt"])
    if waiting and waiting["status"] == "requires_action" and waiting["payment_method"] == method["id"]:
        waiting |= {"status": status, "setup_error": error}
        return waiting
    attempt = state.store.setup_attempts.add(
        {
            "id": state.ids.new("setatt"),
            "object": "setup_attempt",
            "application": None,
            "created": state.now,
            "customer": intent["customer"],
            "customer_account": None,
            "flow_directions": None,
            "livemode": False,
            "on_behalf_of": None,
            "payment_method": method["id"],
            "payment_method_details": {method["type"]: _attempt_details(method), "type": method["type"]},
            "setup_error": error,
            "setup_intent": intent["id"],
            "status": status,
            "usage": intent["usage"],
        }
    )
    intent["latest_attempt"] = attempt["id"]
    return attempt


def _attempt_details(method: Obj) -> Obj:
    if method["type"] != "card":
        return {}
    names = (
        "brand",
        "checks",
        "country",
        "exp_month",
        "exp_year",
        "fingerprint",
        "funding",
        "last4",
        "wallet",
    )
    kept = {name: method["card"][name] for name in names}
    return kept | {"network": method["card"]["brand"], "three_d_secure": None}


ROUTES: Routes = {
    "POST /v1/setup_intents": create,
    "GET /v1/setup_intents": list_,
    "GET /v1/setup_intents/{id}": retrieve,
    "POST /v1/setup_intents/{id}": update,
    "POST /v1/setup_intents/{id}/confirm": confirm,
    "POST /v1/setup_intents/{id}/cancel": cancel,
}
PUBLISHABLE = {"GET /v1/setup_intents/{id}", "POST /v1/setup_intents/{id}/confirm"}
