"""Checkout Sessions with a hosted page: https://docs.stripe.com/api/checkout/sessions."""

from typing import Any
from urllib.parse import urlsplit

from stripe_sandbox import (
    checkout_form,
    confirmation,
    customers,
    method_options,
    method_types,
    money,
    paging,
    payment_intents,
    setup_intents,
    statement_descriptors,
    versions,
)
from stripe_sandbox.checkout_lines import lines_of
from stripe_sandbox.endpoint_call import Call, Routes, assign
from stripe_sandbox.errors import InvalidParameter, InvalidState
from stripe_sandbox.state import SandboxState
from stripe_sandbox.store import Obj

SHORTEST_S, LONGEST_S = 30 * 60, 24 * 3600
CUSTOM_TEXT = dict.fromkeys(["after_submit", "shipping_address", "submit", "terms_of_service_acceptance"])
DETAILS = dict.fromkeys(["address", "business_name", "email", "individual_name", "name", "phone"])
PAID = ("succeeded", "requires_capture")
# Fields of a session that are null at first or always.
_UNSET = (
    "client_secret collected_information consent currency_conversion customer_account invoice "
    "invoice_creation payment_intent payment_link permissions recovered_from setup_intent "
    "shipping_address_collection shipping_cost subscription wallet_options"
)
UNSET: Obj = dict.fromkeys(_UNSET.split())


def create(call: Call) -> Obj:
    state, params = call.state, call.params
    customer = call.referred(state.store.customers, "customer")
    _check(state, params)
    lines = lines_of(state, params.get("line_items", []))
    session = _new_session(state, params, lines, customer)
    state.store.checkout_sessions.add(session)
    if session["mode"] == "setup":
        _add_setup_intent(state, session, params)
    state.timers.at(session["expires_at"], lambda: _expire_by_itself(state, session))
    return session


def retrieve(call: Call) -> Obj:
    return call.target(call.state.store.checkout_sessions)


def update(call: Call) -> Obj:
    session = retrieve(call)
    assign(session, call.params, ["metadata"])
    return session


def list_(call: Call) -> Obj:
    email = call.params.get("customer_details", {}).get("email")

    def has_email(session: Obj) -> bool:
        return email is None or (session["customer_details"] or {}).get("email") == email

    table = call.state.store.checkout_sessions
    return paging.page(table, call.path, call.params, "customer", "payment_intent", "status", keep=has_email)


def list_line_items(call: Call) -> Obj:
    return paging.page_of(retrieve(call)["_lines"], call.path, call.params)


def line_items_of(state: SandboxState, session: Obj) -> Obj:
    """Return the list that `expand[]=line_items` asks for."""
    return paging.page_of(session["_lines"], f"/v1/checkout/sessions/{session['id']}/line_items")


def expire(call: Call) -> Obj:
    return expire_session(call.state, retrieve(call))


def expire_session(state: SandboxState, session: Obj) -> Obj:
    """Expire an open session and cancel its payment."""
    if session["status"] != "open":
        raise InvalidState(
            'Only Checkout Sessions with a status in ["open"] can be expired. '
            f"This Session has a status of {session['status']}."
        )
    session |= {"status": "expired", "url": None}
    intent = state.store.payment_intents.get(session["payment_intent"])
    if intent is not None and intent["status"] in payment_intents.CANCELABLE:
        payment_intents.cancel_intent(state, intent, "expired")
    setup = state.store.setup_intents.get(session["setup_intent"])
    if setup is not None and setup["status"] in setup_intents.CONFIRMABLE:
        setup_intents.cancel_intent(state, setup, "abandoned")
    state.emit("checkout.session.expired", session)
    return session


def pay(state: SandboxState, session: Obj, method: Obj, buyer: dict[str, Any]) -> None:
    """Pay, or save the card, as the buyer on the hosted page; a decline is raised and the session stays open."""
    if session["status"] != "open":
        raise InvalidState(f"This Checkout Session is {session['status']}.")
    session |= {"_buyer": buyer, "_answers": checkout_form.answers(session, buyer)}
    options = confirmation.ConfirmOptions(use_stripe_sdk=True)
    if session["mode"] == "setup":
        setup = state.store.setup_intents.get(session["setup_intent"])
        assert setup is not None
        setup_intents.set_up(state, setup, method, options)
        return
    intent = state.store.payment_intents.get(session["payment_intent"]) or _create_intent(
        state, session, buyer
    )
    if buyer.get("save") and not intent["setup_future_usage"] and intent["customer"]:
        intent["setup_future_usage"] = "on_session"
        method["allow_redisplay"] = "always"
    elif session["_allow_redisplay"]:
        method["allow_redisplay"] = session["_allow_redisplay"]
    elif method_options.future_usage_of(intent, method["type"]) and method["customer"] is None:
        method["allow_redisplay"] = "limited"
    confirmation.confirm(state, intent, method, options)


def follow_payment(state: SandboxState, intent: Obj) -> None:
    """Update the session after its payment has changed."""
    session = state.store.checkout_sessions.get(intent.get("_session"))
    if session is None:
        return
    paid = intent["status"] == "succeeded"
    if session["status"] == "open" and intent["status"] in (*PAID, "processing"):
        _complete(state, session, paid)
    elif session["status"] == "complete" and session["payment_status"] == "unpaid":
        if paid:
            session["payment_status"] = "paid"
            state.emit("checkout.session.async_payment_succeeded", session)
        elif intent["status"] == "requires_payment_method":
            state.emit("checkout.session.async_payment_failed", session)


def _complete(state: SandboxState, session: Obj, paid: bool) -> None:
    buyer = session["_buyer"]
    existing = session["customer_details"] or {}
    details = DETAILS | {"tax_exempt": "none", "tax_ids": []} | existing
    details |= {name: buyer[name] for name in ("email", "name", "phone", "address") if buyer.get(name)}
    session |= {
        "status": "complete",
        "url": None,
        "payment_status": "no_payment_required"
        if session["mode"] == "setup"
        else "paid"
        if paid
        else "unpaid",
        "customer_details": details,
        "custom_fields": checkout_form.with_answers(session),
        "collected_information": {"business_name": None, "individual_name": None, "shipping_details": None},
    }
    state.emit("checkout.session.completed", session)


def _create_intent(state: SandboxState, session: Obj, buyer: dict[str, Any]) -> Obj:
    """Create the PaymentIntent when the buyer pays, as Checkout does since 2022-08-01."""
    if session["customer"] is None and session["customer_creation"] == "always":
        customer = customers.make(state, {"email": buyer.get("email"), "name": buyer.get("name")})
        session["customer"] = customer["id"]
    data = dict(session["_payment_intent_data"])
    fields = data | {
        "amount": session["amount_total"],
        "currency": session["currency"],
        "payment_method_types": session["payment_method_types"],
        "payment_method_options": session["payment_method_options"],
    }
    if session["customer"]:
        fields["customer"] = session["customer"]
    intent = payment_intents.make(state, fields, versions.DEFAULT)
    intent["_session"] = session["id"]
    state.store.payment_intents.add(intent)
    session["payment_intent"] = intent["id"]
    state.emit("payment_intent.created", intent)
    return intent


def _add_setup_intent(state: SandboxState, session: Obj, params: dict[str, Any]) -> None:
    fields = dict(params.get("setup_intent_data", {})) | {
        "payment_method_types": session["payment_method_types"],
        "payment_method_options": session["payment_method_options"],
    }
    if session["customer"]:
        fields["customer"] = session["customer"]
    intent = state.store.setup_intents.add(setup_intents.make(state, fields))
    intent["_session"] = session["id"]
    session["setup_intent"] = intent["id"]
    state.emit("setup_intent.created", intent)


def _expire_by_itself(state: SandboxState, session: Obj) -> None:
    if session["status"] == "open":
        expire_session(state, session)


def _check(state: SandboxState, params: dict[str, Any]) -> None:
    mode = params.get("mode")
    if mode is None:
        raise InvalidParameter("Missing required param: mode.", code="parameter_missing", param="mode")
    if mode == "subscription":
        raise InvalidParameter("The sandbox has no subscriptions yet.", param="mode")
    if params.get("ui_mode", "hosted_page") != "hosted_page":
        raise InvalidParameter("The sandbox serves hosted pages only.", param="ui_mode")
    if mode == "payment" and not params.get("line_items"):
        message = "You must provide at least one line item in `payment` mode."
        raise InvalidParameter(message, code="parameter_missing", param="line_items")
    if "success_url" not in params:
        raise InvalidParameter(
            "Missing required param: success_url.", code="parameter_missing", param="success_url"
        )
    for name in ("success_url", "cancel_url"):
        parts = urlsplit(params.get(name, "https://example.com"))
        if parts.scheme not in ("http", "https") or not parts.netloc:
            raise InvalidParameter("Not a valid URL", code="url_invalid", param=name)
    if "customer" in params and "customer_email" in params:
        message = "You may only specify one of these parameters: customer, customer_email."
        raise InvalidParameter(message, param="customer_email")
    _check_expiry(state, params.get("expires_at"))


def _check_expiry(state: SandboxState, expires_at: int | None) -> None:
    if expires_at is None:
        return
    if expires_at < state.now + SHORTEST_S:
        message = "The `expires_at` timestamp must be at least 30 minutes from Checkout Session creation."
        raise InvalidParameter(message, param="expires_at")
    if expires_at > state.now + LONGEST_S:
        message = "The `expires_at` timestamp must be less than 24 hours from Checkout Session creation."
        raise InvalidParameter(message, param="expires_at")


def _total(params: dict[str, Any], lines: list[Obj]) -> tuple[int | None, str | None]:
    if params["mode"] == "setup":
        return None, params.get("currency")
    currency = lines[0]["currency"]
    if any(line["currency"] != currency for line in lines):
        message = "All prices on a Checkout Session must use the same currency."
        raise InvalidParameter(message, param="line_items")
    if params.get("currency") and params["currency"].lower() != currency:
        message = f"The prices of this Checkout Session are in {currency}, not in {params['currency']}."
        raise InvalidParameter(message, param="currency")
    total = sum(line["amount_total"] for line in lines)
    least = money.minimum(currency)
    if total < least:
        message = "The Checkout Session's total amount due must add up to at least "
        raise InvalidParameter(
            f"{message}{money.display(least, currency)} {currency}", code="amount_too_small"
        )
    money.check_amount(total, currency, "line_items")
    return total, currency


def _new_session(state: SandboxState, params: dict[str, Any], lines: list[Obj], customer: Obj | None) -> Obj:
    total, currency = _total(params, lines)
    session_id = "cs_test_" + state.ids.text(58)
    explicit = params.get("payment_method_types")
    offered = method_types.allowed_types(params, currency or state.settings.currency, "Checkout Session")
    types = explicit or offered
    statement_descriptors.check(
        types, params.get("payment_intent_data", {}), "payment_intent_data[statement_descriptor]"
    )
    email = customer["email"] if customer else params.get("customer_email")
    details = DETAILS | {"email": email, "tax_exempt": "none", "tax_ids": None}
    customer_details = details if email or customer else None
    session: Obj = {
        "id": session_id,
        "object": "checkout.session",
        # On by default in the dashboard.
        "adaptive_pricing": {"enabled": True} | params.get("adaptive_pricing", {}),
        "after_expiration": None,
        "allow_promotion_codes": params.get("allow_promotion_codes"),
        "allowed_payment_method_types": params.get("allowed_payment_method_types"),
        "amount_subtotal": total,
        "amount_total": total,
        "currency": currency,
        "customer": customer["id"] if customer else None,
        "customer_details": customer_details,
        "customer_email": params.get("customer_email"),
        "payment_method_configuration_details": None if explicit else method_types.configuration(state),
        "payment_method_options": _options(params),
        "payment_method_types": types,
        "_lines": lines,
        "_payment_intent_data": params.get("payment_intent_data", {}),
        "_allow_redisplay": params.get("payment_method_data", {}).get("allow_redisplay"),
        "_buyer": {},
    }
    return session | _standing_fields(state, params, session_id)


def _options(params: dict[str, Any]) -> Obj:
    options: Obj = {"card": {"request_three_d_secure": "automatic"}}
    method_options.apply_options({"payment_method_options": options}, params)
    return options


def _standing_fields(state: SandboxState, params: dict[str, Any], session_id: str) -> Obj:
    payment = params["mode"] == "payment"
    creation = params.get("customer_creation", "if_required" if payment else "always")
    saved = {
        "payment_method_save": None,
        "allow_redisplay_filters": ["always"],
        "payment_method_remove": "disabled",
    }
    return UNSET | {
        "automatic_tax": {"enabled": False, "liability": None, "provider": None, "status": None},
        "billing_address_collection": params.get("billing_address_collection"),
        "cancel_url": params.get("cancel_url"),
        "client_reference_id": params.get("client_reference_id"),
        "consent_collection": params.get("consent_collection"),
        "created": state.now,
        "custom_fields": checkout_form.custom_fields(params),
        "custom_text": CUSTOM_TEXT | params.get("custom_text", {}),
        "customer_creation": None if "customer" in params else creation,
        "discounts": [] if payment else None,
        "expires_at": params.get("expires_at", state.now + LONGEST_S),
        "integration_identifier": params.get("integration_identifier"),
        "livemode": False,
        "locale": params.get("locale"),
        "managed_payments": {"enabled": False},
        "metadata": dict(params.get("metadata") or {}),
        "mode": params["mode"],
        "origin_context": params.get("origin_context"),
        "payment_method_collection": "if_required" if payment else "always",
        "payment_status": "unpaid" if payment else "no_payment_required",
        "phone_number_collection": params.get("phone_number_collection", {"enabled": False}),
        "saved_payment_method_options": saved | params.get("saved_payment_method_options", {}),
        "shipping_options": [],
        "status": "open",
        "submit_type": params.get("submit_type"),
        "success_url": params["success_url"],
        "total_details": {"amount_discount": 0, "amount_shipping": 0, "amount_tax": 0} if payment else None,
        "ui_mode": "hosted_page",
        "url": f"{state.settings.public_url}/c/pay/{session_id}",
    }


ROUTES: Routes = {
    "POST /v1/checkout/sessions": create,
    "GET /v1/checkout/sessions": list_,
    "GET /v1/checkout/sessions/{id}": retrieve,
    "POST /v1/checkout/sessions/{id}": update,
    "POST /v1/checkout/sessions/{id}/expire": expire,
    "GET /v1/checkout/sessions/{id}/line_items": list_line_items,
}
