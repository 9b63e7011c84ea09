"""PaymentIntents: https://docs.stripe.com/api/payment_intents."""

from typing import Any

from stripe_sandbox import (
    confirmation,
    confirmation_tokens,
    mandates,
    method_options,
    method_types,
    money,
    paging,
    payment_methods,
    refunds,
    statement_descriptors,
    versions,
)
from stripe_sandbox.endpoint_call import Call, Routes, assign, shipping
from stripe_sandbox.errors import InvalidParameter, InvalidState, StripeError, no_such
from stripe_sandbox.public_view import public
from stripe_sandbox.state import SandboxState
from stripe_sandbox.store import Obj

CANCELABLE = ("requires_payment_method", "requires_capture", "requires_confirmation", "requires_action")
EDITABLE = ("requires_payment_method", "requires_confirmation", "requires_action")
DESCRIPTORS = ["statement_descriptor", "statement_descriptor_suffix"]
PLAIN = ["description", "receipt_email", "transfer_group", *DESCRIPTORS]
# Fields that only an unpaid intent may change.
MONEY = ["amount", "currency", "customer", "setup_future_usage", "capture_method", "payment_method"]
RETURN_URL_NEEDED = (
    "This PaymentIntent is configured to accept payment methods enabled in your Dashboard. Because some of "
    "these payment methods might redirect your customer off of your page, you must provide a `return_url`. "
    "If you don't want to accept redirect-based payment methods, set `automatic_payment_methods[enabled]` "
    "to `true` and `automatic_payment_methods[allow_redirects]` to `never` when creating Setup Intents and "
    "Payment Intents."
)
# Fields of an intent that are null at first or always.
_UNSET = (
    "application application_fee_amount canceled_at cancellation_reason customer_account description "
    "last_payment_error latest_charge next_action on_behalf_of payment_method payment_record processing "
    "receipt_email review shared_payment_granted_token shipping source statement_descriptor "
    "statement_descriptor_suffix transfer_data transfer_group"
)
UNSET: Obj = dict.fromkeys(_UNSET.split())
SERVER_CONFIRMS = (
    "This PaymentIntent cannot be confirmed using your publishable key because its `confirmation_method` is set to "
    "`manual`. Please use your secret key instead, or create a PaymentIntent with `confirmation_method` set to "
    "`automatic`."
)
METHOD_MISSING = (
    "You cannot confirm this PaymentIntent because it's missing a payment method. You can either "
    "update the PaymentIntent with a payment method and then confirm it again, or confirm it again "
    "directly with a payment method or ConfirmationToken."
)


def create(call: Call) -> Obj:
    state, params = call.state, call.params
    versions.refuse_method_types(call.version, params)
    call.referred(state.store.customers, "customer")
    _check_confirm_parameters(params)
    confirmation_tokens.bring(call)
    params = call.params
    intent = make(state, params, call.version)
    method = method_from_request(call, intent)
    if method:
        confirmation.check_usable(state, method, intent)
        intent |= {"payment_method": method["id"], "status": "requires_confirmation"}
    if params.get("confirm"):
        if method is None:
            raise InvalidState(_method_missing(intent), code="payment_intent_unexpected_state")
        _check_return_url(call, intent)
    state.store.payment_intents.add(intent)
    state.emit("payment_intent.created", intent)
    if params.get("confirm"):
        confirmation_tokens.mark_used(call, intent)
        _confirm(call, intent)
    return intent


def retrieve(call: Call) -> Obj:
    intent = call.target(call.state.store.payment_intents)
    check_client_secret(call, intent)
    return intent


def update(call: Call) -> Obj:
    state, params = call.state, call.params
    versions.refuse_method_types(call.version, params)
    intent = retrieve(call)
    locked = [name for name in MONEY if name in params and params[name] != intent[name]]
    if locked and intent["status"] not in EDITABLE:
        raise unexpected(
            intent,
            f"This PaymentIntent's {locked[0]} could not be updated because it has a status of "
            f"{intent['status']}. "
            f"You may only update the {locked[0]} of a PaymentIntent with one of the following statuses: "
            f"{', '.join(EDITABLE)}.",
            param=locked[0],
        )
    call.referred(state.store.customers, "customer")
    _apply_money(intent, params)
    method_types.apply_types(intent, params, "Payment Intent", intent["currency"])
    method_options.apply_options(intent, params)
    apply_common(intent, params)
    method = method_from_request(call, intent)
    if method:
        confirmation.check_usable(state, method, intent)
        intent |= {"payment_method": method["id"], "status": "requires_confirmation", "next_action": None}
    return intent


def confirm(call: Call) -> Obj:
    intent = retrieve(call)
    if intent["status"] not in confirmation.CONFIRMABLE:
        raise unexpected(intent, _not_confirmable(intent))
    if intent["confirmation_method"] == "manual" and call.key_kind == "publishable":
        raise InvalidState(SERVER_CONFIRMS, code="payment_intent_invalid_parameter")
    versions.refuse_method_types(call.version, call.params)
    _check_client_context(intent, call.params)
    confirmation_tokens.bring(call)
    apply_common(intent, call.params)
    method_types.apply_types(intent, call.params, "Payment Intent", intent["currency"])
    method_options.apply_options(intent, call.params)
    for name in ("setup_future_usage", "capture_method"):
        if call.params.get(name):
            intent[name] = call.params[name]
    method = method_from_request(call, intent)
    if method:
        confirmation.check_usable(call.state, method, intent)
        intent["payment_method"] = method["id"]
    _check_return_url(call, intent)
    confirmation_tokens.mark_used(call, intent)
    return _confirm(call, intent)


def cancel(call: Call) -> Obj:
    intent = call.target(call.state.store.payment_intents)
    if intent.get("_session"):
        raise unexpected(
            intent,
            "You cannot cancel this PaymentIntent because it was created by a Checkout Session. "
            f"Expire the session {intent['_session']} instead.",
        )
    return cancel_intent(call.state, intent, call.params.get("cancellation_reason"))


def list_(call: Call) -> Obj:
    return paging.page(call.state.store.payment_intents, call.path, call.params, "customer")


def make(state: SandboxState, params: dict[str, Any], version: str) -> Obj:
    """Return a new intent, not yet stored, after checking amount and currency."""
    currency = money.check_currency(params["currency"])
    amount = money.check_amount(params["amount"], currency)
    intent_id = state.ids.new("pi")
    automatic, types = method_types.of_request(params, currency)
    intent: Obj = UNSET | {
        "id": intent_id,
        "object": "payment_intent",
        "allowed_payment_method_types": params.get("allowed_payment_method_types"),
        "amount": amount,
        "amount_capturable": 0,
        "amount_details": {"tip": {}},
        "amount_received": 0,
        "automatic_payment_methods": automatic,
        "capture_method": params.get("capture_method", "automatic_async"),
        "client_secret": f"{intent_id}_secret_{state.ids.text(25)}",
        "confirmation_method": params.get("confirmation_method", "automatic"),
        "created": state.now,
        "currency": currency,
        "customer": params.get("customer"),
        "excluded_payment_method_types": params.get("excluded_payment_method_types") or None,
        "livemode": False,
        "managed_payments": {"enabled": False},
        "metadata": {},
        "payment_method_configuration_details": method_types.configuration(state) if automatic else None,
        "payment_method_options": method_options.options_of(types, params),
        "payment_method_types": types,
        "setup_future_usage": params.get("setup_future_usage"),
        "status": "requires_payment_method",
        "_charges": [],
    }
    apply_common(intent, params)
    return intent


def cancel_intent(state: SandboxState, intent: Obj, reason: str | None) -> Obj:
    """Cancel an intent and release its hold; refuse a paid or processing one."""
    if intent["status"] not in CANCELABLE:
        raise unexpected(
            intent,
            f"You cannot cancel this PaymentIntent because it has a status of {intent['status']}. "
            f"Only a PaymentIntent with one of the following statuses may be canceled: "
            f"{', '.join(CANCELABLE)}.",
        )
    is_hold = intent["status"] == "requires_capture"
    intent |= {
        "status": "canceled", "canceled_at": state.now, "cancellation_reason": reason, "amount_capturable": 0,
        "next_action": None,
    }  # fmt: skip
    if is_hold:
        refunds.release_hold(state, intent)
    state.emit("payment_intent.canceled", intent)
    return intent


def method_from_request(call: Call, intent: Obj) -> Obj | None:
    """Return the payment method that the request names or describes."""
    params = call.params
    if params.get("payment_method_data"):
        return payment_methods.make(call.state, params["payment_method_data"])
    name = params.get("payment_method")
    return payment_methods.resolve(call.state, name) if name else None


def apply_common(intent: Obj, params: dict[str, Any]) -> None:
    statement_descriptors.check(intent["payment_method_types"], params)
    assign(intent, params, [*PLAIN, "metadata"])
    if "shipping" in params:
        intent["shipping"] = shipping(params["shipping"])


def check_client_secret(call: Call, intent: Obj) -> None:
    """Refuse a wrong client secret, and a publishable key without one."""
    client_secret = call.params.get("client_secret")
    if (call.key_kind == "publishable" or client_secret is not None) and client_secret != intent[
        "client_secret"
    ]:
        raise no_such(
            "payment_intent" if intent["id"].startswith("pi_") else "setupintent",
            intent["id"],
            "intent",
            in_path=True,
        )


def unexpected(intent: Obj, message: str, param: str | None = None) -> StripeError:
    """Return the 400 for an intent whose status forbids the request, with the intent attached."""
    code = f"{intent['object']}_unexpected_state"
    error = InvalidState(message, code=code, param=param)
    error.extra[intent["object"]] = public(intent)
    return error


def confirm_options(call: Call) -> confirmation.ConfirmOptions:
    params = call.params
    return confirmation.ConfirmOptions(
        off_session=params.get("off_session") not in (None, False),
        return_url=params.get("return_url"),
        use_stripe_sdk=bool(params.get("use_stripe_sdk")) or (call.key_kind == "publishable"),
        error_on_requires_action=bool(params.get("error_on_requires_action")),
        mandate_data=_acceptance(call),
    )


def _acceptance(call: Call) -> Any:
    in_browser = {"customer_acceptance": mandates.ACCEPTED_IN_BROWSER}
    return call.params.get("mandate_data") or (in_browser if call.key_kind == "publishable" else None)


def _confirm(call: Call, intent: Obj) -> Obj:
    method = call.state.store.payment_methods.get(intent["payment_method"])
    if method is None:
        raise unexpected(intent, _method_missing(intent))
    confirmation.confirm(call.state, intent, method, confirm_options(call))
    return intent


def _method_missing(intent: Obj) -> str:
    if not intent["customer"]:
        return METHOD_MISSING
    return (
        "You cannot confirm this PaymentIntent because it's missing a payment method. To confirm the PaymentIntent "
        f"with {intent['customer']}, specify a payment method attached to this customer along with the customer ID."
    )


def _check_confirm_parameters(params: dict[str, Any]) -> None:
    for name in (
        "off_session",
        "return_url",
        "error_on_requires_action",
        "mandate_data",
        "confirmation_token",
    ):
        if params.get(name) and not params.get("confirm"):
            message = f"You can only provide `{name}` when `confirm` is true."
            raise InvalidParameter(message, param=name)
    if params.get("off_session") is True and params.get("setup_future_usage"):
        message = "You cannot provide `setup_future_usage` together with `off_session=true`."
        raise InvalidParameter(message, param="setup_future_usage")


def _check_client_context(intent: Obj, params: dict[str, Any]) -> None:
    """Refuse an intent that differs from the options of Elements in deferred mode.

    https://docs.stripe.com/payments/accept-a-payment-deferred
    """
    context = params.get("client_context")
    if not context:
        return
    expected = {"mode": "payment", "currency": intent["currency"]}
    check_context(context, expected | {"setup_future_usage": intent["setup_future_usage"]}, "Payment Intent")


def check_context(context: dict[str, Any], expected: dict[str, Any], what: str) -> None:
    """Compare the options of Elements with those of an intent."""
    for name, required in expected.items():
        value = context.get(name)
        if value != required:
            raise InvalidState(
                f"The provided {name} ({value or 'null'}) does not match the expected {name} "
                f"({required or 'null'}). Try confirming with a {what} that is configured to use "
                "the same parameters as Stripe Elements."
            )


def _check_return_url(call: Call, intent: Obj) -> None:
    automatic = intent["automatic_payment_methods"]
    redirects = automatic is not None and automatic["allow_redirects"] == "always"
    params = call.params
    # Off session nobody is there to be redirected.
    is_settled = params.get("return_url") or params.get("use_stripe_sdk") or params.get("off_session")
    if redirects and call.key_kind == "secret" and not is_settled:
        raise InvalidState(RETURN_URL_NEEDED, param="return_url")


def _not_confirmable(intent: Obj) -> str:
    if intent["status"] == "succeeded":
        reason = "it has already succeeded after being previously confirmed."
        return f"You cannot confirm this PaymentIntent because {reason}"
    return (
        f"You cannot confirm this PaymentIntent because it has a status of {intent['status']}. "
        f"Only a PaymentIntent with one of the following statuses may be confirmed: "
        f"{', '.join(confirmation.CONFIRMABLE)}."
    )


def _apply_money(intent: Obj, params: dict[str, Any]) -> None:
    currency = money.check_currency(params["currency"] if "currency" in params else intent["currency"])
    amount = money.check_amount(params["amount"] if "amount" in params else intent["amount"], currency)
    intent |= {"amount": amount, "currency": currency}
    for name in ("customer", "setup_future_usage", "capture_method"):
        if name in params:
            intent[name] = params[name] or None


ROUTES: Routes = {
    "POST /v1/payment_intents": create,
    "GET /v1/payment_intents": list_,
    "GET /v1/payment_intents/{id}": retrieve,
    "POST /v1/payment_intents/{id}": update,
    "POST /v1/payment_intents/{id}/confirm": confirm,
    "POST /v1/payment_intents/{id}/cancel": cancel,
}
# Endpoints that Stripe.js calls with a publishable key.
PUBLISHABLE = {"GET /v1/payment_intents/{id}", "POST /v1/payment_intents/{id}/confirm"}
