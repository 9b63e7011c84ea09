"""Confirming a payment: authentication, the bank's decision, the charge, and the intent's new status.

https://docs.stripe.com/payments/paymentintents/lifecycle
"""

import time
from dataclasses import dataclass
from typing import Any

from stripe_sandbox import (
    bank_accounts,
    cards,
    charges,
    disputes,
    mandates,
    method_options,
    payment_methods,
    radar,
)
from stripe_sandbox.cards import Decline
from stripe_sandbox.charges import Attempt
from stripe_sandbox.errors import InvalidState, StripeError
from stripe_sandbox.public_view import public
from stripe_sandbox.state import SandboxState
from stripe_sandbox.store import Obj

CONFIRMABLE = ("requires_payment_method", "requires_confirmation", "requires_action")
AUTHENTICATION_FAILED = (
    "We are unable to authenticate your payment method. "
    "Please choose a different payment method and try again."
)


@dataclass(frozen=True)
class ConfirmOptions:
    """The options of a confirmation, on session or off session."""

    off_session: bool = False
    return_url: str | None = None
    use_stripe_sdk: bool = False
    error_on_requires_action: bool = False
    mandate_data: Any = None


def confirm(state: SandboxState, intent: Obj, method: Obj, confirm_options: ConfirmOptions) -> None:
    """Charge the payment method; a decline is recorded on the intent and raised as a card error."""
    check_usable(state, method, intent)
    intent |= {"payment_method": method["id"], "last_payment_error": None, "next_action": None}
    intent["_confirm_options"] = confirm_options
    if method["type"] != "card":
        _start_processing(state, intent, method, confirm_options)
        return
    if intent.pop("_authenticated", None) == method["id"]:
        _charge_authenticated(state, intent, method)
        return
    verdict = authentication(state, method, confirm_options, intent["payment_method_options"])
    if verdict == "challenge":
        if confirm_options.error_on_requires_action:
            decline(state, intent, method, cards.AUTHENTICATION_REQUIRED)
        _challenge(state, intent, method, confirm_options)
        return
    refusal = cards.AUTHENTICATION_REQUIRED if verdict == "refuse" else bank_refusal(state, method)
    if refusal:
        decline(state, intent, method, refusal)
    succeed(state, intent, method, authenticated=False)


def check_usable(state: SandboxState, method: Obj, intent: Obj) -> None:
    """Refuse a method of another customer, a consumed one, and a type that the intent does not accept."""
    owner = method["customer"]
    if owner and owner != intent["customer"]:
        raise _not_owned(state, method, intent)
    if not owner and method["_consumed_by"] not in (None, intent["id"]):
        raise InvalidState(payment_methods.CONSUMED, param="payment_method")
    if method["type"] not in intent["payment_method_types"]:
        raise InvalidState(
            f"The PaymentMethod provided ({method['type']}) is not allowed for this PaymentIntent. Please "
            "attach a "
            f"PaymentMethod of one of the following types: {', '.join(intent['payment_method_types'])}.",
            code="payment_intent_incompatible_payment_method",
            param="payment_method",
        )


def _not_owned(state: SandboxState, method: Obj, intent: Obj) -> StripeError:
    """Return the refusal of another customer's method; without a customer Stripe names the parameter `source`."""
    if intent["customer"]:
        error = InvalidState(
            f"The PaymentMethod {method['id']} does not belong to the Customer you supplied "
            f"{intent['customer']}. Please use this PaymentMethod with the Customer that it belongs to instead.",
            param="payment_method",
        )
    else:
        error = InvalidState(
            f"The `payment_method` parameter supplied {method['id']} belongs to the Customer "
            f"{method['customer']}. Please include the Customer in the `customer` parameter on the PaymentIntent.",
            code="parameter_missing",
            param="source",
        )
    if intent["id"] in state.store.payment_intents:
        error.extra["payment_intent"] = public(intent)
    return error


def authentication(state: SandboxState, method: Obj, confirm_options: ConfirmOptions, options: Any) -> str:
    """Return `challenge`, `none`, or `refuse` when authentication is required off session."""
    card = cards.by_number(method["_number"])
    is_requested = ((options or {}).get("card") or {}).get("request_three_d_secure") in ("any", "challenge")
    exempt = confirm_options.off_session and (
        card.authentication == "off_session_ok"
        or (card.authentication == "unless_set_up" and method["_set_up"])
    )
    is_required = card.authentication != "none" and not exempt
    if confirm_options.off_session:
        return "refuse" if is_required else "none"
    return "challenge" if is_required or (is_requested and card.brand != "amex") else "none"


def bank_refusal(state: SandboxState, method: Obj) -> Decline | None:
    """Return the bank's decline of a charge, if any."""
    card = cards.by_number(method["_number"])
    now = time.gmtime(state.now)
    if (method["card"]["exp_year"], method["card"]["exp_month"]) < (now.tm_year, now.tm_mon):
        return cards.EXPIRED
    if card.cvc_check == "fail" and method["_cvc_given"]:
        return cards.INCORRECT_CVC
    return card.decline


def succeed(state: SandboxState, intent: Obj, method: Obj, *, authenticated: bool) -> None:
    """Charge the method, or authorize only when capture is manual."""
    capture_now = method_options.capture_method_of(intent, method["type"]) != "manual"
    _attach_or_consume(state, intent, method, authenticated)
    charge = charges.make(state, intent, method, Attempt(captured=capture_now, authenticated=authenticated))
    intent |= {"latest_charge": charge["id"], "next_action": None}
    if not capture_now:
        intent |= {"status": "requires_capture", "amount_capturable": intent["amount"]}
        state.emit("payment_intent.amount_capturable_updated", intent)
        state.notify_watchers(intent)
        return
    _mark_succeeded(state, intent, charge)


def capture(state: SandboxState, intent: Obj, amount: int) -> None:
    """Capture an authorized payment, in full or in part."""
    charge = state.store.charges.get(intent["latest_charge"])
    assert charge is not None
    charges.capture(state, charge, amount)
    intent["amount_capturable"] = 0
    _mark_succeeded(state, intent, charge)


def decline(state: SandboxState, intent: Obj, method: Obj, refusal: Decline) -> None:
    """Record the decline and raise the 402; without the authentication that it needs, nothing is charged."""
    error = payment_methods.declined(refusal)
    if refusal is not cards.AUTHENTICATION_REQUIRED:
        charge = charges.make(state, intent, method, Attempt(decline=refusal))
        intent["latest_charge"] = error.extra["charge"] = charge["id"]
    _mark_failed(state, intent, method, error)
    error.extra["payment_intent"] = public(intent)
    raise error


def pass_challenge(state: SandboxState, intent: Obj, method: Obj) -> None:
    """Charge after the buyer has authenticated, or leave that to the server's next confirmation.

    A decline is recorded and raised as a card error.
    """
    if intent["confirmation_method"] == "manual":
        intent |= {"status": "requires_confirmation", "next_action": None, "_authenticated": method["id"]}
        return
    _charge_authenticated(state, intent, method)


def _charge_authenticated(state: SandboxState, intent: Obj, method: Obj) -> None:
    refusal = bank_refusal(state, method)
    if refusal:
        intent["next_action"] = None
        decline(state, intent, method, refusal)
    succeed(state, intent, method, authenticated=True)


def fail_challenge(state: SandboxState, intent: Obj, method: Obj) -> None:
    """Record a failed authentication; no charge is attempted."""
    error = InvalidState(AUTHENTICATION_FAILED, code="payment_intent_authentication_failure")
    _mark_failed(state, intent, method, error)


def settle(state: SandboxState, intent: Obj) -> None:
    """Let a processing payment succeed."""
    charge = state.store.charges.get(intent["latest_charge"])
    assert charge is not None
    charges.settle(state, charge)
    _mark_succeeded(state, intent, charge)


def fail_settlement(state: SandboxState, intent: Obj, refusal: Decline) -> None:
    """Let a processing payment fail."""
    charge = state.store.charges.get(intent["latest_charge"])
    method = state.store.payment_methods.get(intent["payment_method"])
    assert charge is not None and method is not None
    charges.fail(state, charge, refusal)
    error = payment_methods.declined(refusal, charge=charge["id"])
    _mark_failed(state, intent, method, error)
    state.notify_watchers(intent)


def settle_by_itself(state: SandboxState, intent: Obj, method: Obj) -> None:
    if intent["status"] != "processing":
        return
    refusal = bank_accounts.by_number(method["_number"], method["type"]).failure
    if refusal:
        fail_settlement(state, intent, refusal)
    else:
        settle(state, intent)


def _challenge(state: SandboxState, intent: Obj, method: Obj, confirm_options: ConfirmOptions) -> None:
    url = f"{state.settings.public_url}/c/authenticate/{intent['id']}?client_secret={intent['client_secret']}"
    intent |= {"status": "requires_action", "next_action": next_action(state, url, confirm_options)}
    state.emit("payment_intent.requires_action", intent)


def next_action(state: SandboxState, url: str, confirm_options: ConfirmOptions) -> Obj:
    """Return the redirect or the Stripe.js action for 3-D Secure: https://docs.stripe.com/payments/3d-secure."""
    if confirm_options.return_url and not confirm_options.use_stripe_sdk:
        return {
            "redirect_to_url": {"return_url": confirm_options.return_url, "url": url},
            "type": "redirect_to_url",
        }
    source = state.ids.new("src")
    details = {"source": source, "stripe_js": url, "type": "three_d_secure_redirect"}
    return {"type": "use_stripe_sdk", "use_stripe_sdk": details}


def _start_processing(state: SandboxState, intent: Obj, method: Obj, confirm_options: ConfirmOptions) -> None:
    """Start a payment that settles after days: https://docs.stripe.com/payments/ach-direct-debit."""
    _attach_or_consume(state, intent, method, authenticated=False)
    saved = method_options.future_usage_of(intent, method["type"])
    single_use = None if saved else {"amount": intent["amount"], "currency": intent["currency"]}
    mandates.accept(state, method, confirm_options.mandate_data, single_use=single_use)
    charge = charges.make(state, intent, method, Attempt(pending=True))
    intent |= {"status": "processing", "latest_charge": charge["id"], "processing": None}
    state.emit("payment_intent.processing", intent)
    state.notify_watchers(intent)
    if state.settings.automatic_after_s is not None:
        state.timers.after(state.settings.automatic_after_s, lambda: settle_by_itself(state, intent, method))


def _attach_or_consume(state: SandboxState, intent: Obj, method: Obj, authenticated: bool) -> None:
    usage = method_options.future_usage_of(intent, method["type"])
    if usage == "off_session" and (authenticated or method["type"] != "card"):
        method["_set_up"] = True
    if method["customer"] is not None:
        return
    if usage and intent["customer"]:
        payment_methods.attach_to(state, method, intent["customer"])
    elif not usage:
        method["_consumed_by"] = intent["id"]


def _mark_succeeded(state: SandboxState, intent: Obj, charge: Obj) -> None:
    intent |= {"status": "succeeded", "amount_received": charge["amount_captured"], "amount_capturable": 0}
    intent |= {"next_action": None, "last_payment_error": None}
    _dispute_at_once(state, charge)
    state.emit("payment_intent.succeeded", intent)
    state.notify_watchers(intent)
    charges.record_in_balance(state, charge)
    card = cards.CARDS.get(charge["_number"])
    if card and card.issuer_warns:
        radar.warn(state, charge)


def _dispute_at_once(state: SandboxState, charge: Obj) -> None:
    """Open the disputes of a test card, which Stripe reports before the payment."""
    card = cards.CARDS.get(charge["_number"])
    if card is None or card.dispute is None:
        return
    part = charge["amount_captured"] // card.disputes
    for left in reversed(range(card.disputes)):
        amount = part if left else None
        disputes.open_dispute(state, charge, reason=card.dispute, inquiry=card.inquiry, amount=amount)


def _mark_failed(state: SandboxState, intent: Obj, method: Obj, error: StripeError) -> None:
    error.extra["payment_method"] = public(method)
    intent |= {"status": "requires_payment_method", "payment_method": None, "next_action": None}
    intent["last_payment_error"] = error.body()["error"] | {"payment_method_type": method["type"]}
    state.emit("payment_intent.payment_failed", intent)
