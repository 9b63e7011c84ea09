"""Confirming a payment: what the bank says, the challenge, the charge, and how the intent ends up.

https://docs.stripe.com/payments/paymentintents/lifecycle
"""

import time
from dataclasses import dataclass
from typing import Any

from stripe_sandbox import bank_accounts, cards, charges, disputes, payment_methods
from stripe_sandbox.cards import Decline
from stripe_sandbox.charges import Attempt
from stripe_sandbox.errors import InvalidState
from stripe_sandbox.render import public
from stripe_sandbox.state import World
from stripe_sandbox.store import Obj

CONFIRMABLE = ("requires_payment_method", "requires_confirmation", "requires_action")
AUTHENTICATION_FAILED = (
    "We are unable to authenticate your payment method. "
    "Please choose a different payment method and try again."
)


@dataclass(frozen=True)
class Manner:
    """How the buyer, or the shop without the buyer, confirms."""

    off_session: bool = False
    return_url: str | None = None
    use_stripe_sdk: bool = False
    error_on_requires_action: bool = False


def confirm(world: World, intent: Obj, method: Obj, manner: Manner) -> None:
    """Try to take the money; a decline is recorded on the intent and raised as a card error."""
    check_usable(world, method, intent)
    intent |= {"payment_method": method["id"], "last_payment_error": None, "next_action": None}
    intent["_manner"] = manner
    if method["type"] != "card":
        _process(world, intent, method)
        return
    verdict = authentication(world, method, manner, intent["payment_method_options"])
    if verdict == "challenge":
        if manner.error_on_requires_action:
            decline(world, intent, method, cards.AUTHENTICATION_REQUIRED)
        _challenge(world, intent, method, manner)
        return
    refusal = cards.AUTHENTICATION_REQUIRED if verdict == "refuse" else bank_refusal(world, method)
    if refusal:
        decline(world, intent, method, refusal)
    succeed(world, intent, method, authenticated=False)


def check_usable(world: World, method: Obj, intent: Obj) -> None:
    """Refuse another customer's method, a consumed one, and a type that the intent does not take."""
    owner = method["customer"]
    if owner and owner != intent["customer"]:
        raise InvalidState(
            f"The `payment_method` parameter supplied {method['id']} belongs to the Customer {owner}. "
            "Please include the Customer in the `customer` parameter on the PaymentIntent.",
            param="payment_method",
        )
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


def authentication(world: World, method: Obj, manner: Manner, options: Any) -> str:
    """Return `challenge`, `refuse` (needed, and the buyer is away) or `none`."""
    card = cards.by_number(method["_number"])
    asked = ((options or {}).get("card") or {}).get("request_three_d_secure") in ("any", "challenge")
    exempt = manner.off_session and (
        card.authentication == "off_session_ok"
        or (card.authentication == "unless_set_up" and method["_set_up"])
    )
    needed = card.authentication != "none" and not exempt
    if manner.off_session:
        return "refuse" if needed else "none"
    return "challenge" if needed or (asked and card.brand != "amex") else "none"


def bank_refusal(world: World, method: Obj) -> Decline | None:
    """Return why the bank refuses a charge, if it does."""
    card = cards.by_number(method["_number"])
    now = time.gmtime(world.now)
    if (method["card"]["exp_year"], method["card"]["exp_month"]) < (now.tm_year, now.tm_mon):
        return cards.EXPIRED
    if card.cvc_check == "fail" and method["_cvc_given"]:
        return cards.INCORRECT_CVC
    return card.decline


def succeed(world: World, intent: Obj, method: Obj, *, authenticated: bool) -> None:
    """Charge, or hold the money when capture is manual."""
    capture_now = intent["capture_method"] != "manual"
    _keep_method(world, intent, method, authenticated)
    charge = charges.make(world, intent, method, Attempt(captured=capture_now, authenticated=authenticated))
    intent |= {"latest_charge": charge["id"], "next_action": None}
    if not capture_now:
        intent |= {"status": "requires_capture", "amount_capturable": intent["amount"]}
        world.emit("payment_intent.amount_capturable_updated", intent)
        world.notice(intent)
        return
    _received(world, intent, charge)


def capture(world: World, intent: Obj, amount: int) -> None:
    """Take the held money, all of it or less."""
    charge = world.store.charges.get(intent["latest_charge"])
    assert charge is not None
    charges.capture(world, charge, amount)
    intent["amount_capturable"] = 0
    _received(world, intent, charge)


def decline(world: World, intent: Obj, method: Obj, refusal: Decline) -> None:
    """Record a failed charge and raise the 402."""
    charge = charges.make(world, intent, method, Attempt(decline=refusal))
    intent["latest_charge"] = charge["id"]
    error = payment_methods.declined(refusal, charge=charge["id"])
    error.extra["payment_method"] = public(method)
    _failed(world, intent, error.body()["error"])
    error.extra["payment_intent"] = public(intent)
    raise error


def pass_challenge(world: World, intent: Obj, method: Obj) -> None:
    """The buyer authenticated: ask the bank; a decline is recorded, and raised as a card error."""
    refusal = bank_refusal(world, method)
    if refusal:
        intent["next_action"] = None
        decline(world, intent, method, refusal)
    succeed(world, intent, method, authenticated=True)


def fail_challenge(world: World, intent: Obj, method: Obj) -> None:
    """The buyer did not authenticate: no charge was tried."""
    error = InvalidState(AUTHENTICATION_FAILED, code="payment_intent_authentication_failure")
    error.extra["payment_method"] = public(method)
    _failed(world, intent, error.body()["error"])


def settle(world: World, intent: Obj) -> None:
    """The money of a processing payment arrived."""
    charge = world.store.charges.get(intent["latest_charge"])
    assert charge is not None
    charges.settle(world, charge)
    _received(world, intent, charge)


def fail_settlement(world: World, intent: Obj, refusal: Decline) -> None:
    """The money of a processing payment did not arrive."""
    charge = world.store.charges.get(intent["latest_charge"])
    method = world.store.payment_methods.get(intent["payment_method"])
    assert charge is not None and method is not None
    charges.fail(world, charge, refusal)
    error = payment_methods.declined(refusal, charge=charge["id"])
    error.extra["payment_method"] = public(method)
    _failed(world, intent, error.body()["error"])
    world.notice(intent)


def settle_by_itself(world: World, intent: Obj, method: Obj) -> None:
    if intent["status"] != "processing":
        return
    refusal = bank_accounts.by_number(method["_number"], method["type"]).failure
    if refusal:
        fail_settlement(world, intent, refusal)
    else:
        settle(world, intent)


def _challenge(world: World, intent: Obj, method: Obj, manner: Manner) -> None:
    url = f"{world.settings.public_url}/c/authenticate/{intent['id']}?client_secret={intent['client_secret']}"
    intent |= {"status": "requires_action", "next_action": next_action(world, url, manner)}
    world.emit("payment_intent.requires_action", intent)


def next_action(world: World, url: str, manner: Manner) -> Obj:
    """Return where the buyer authenticates: https://docs.stripe.com/payments/3d-secure."""
    if manner.return_url and not manner.use_stripe_sdk:
        return {"redirect_to_url": {"return_url": manner.return_url, "url": url}, "type": "redirect_to_url"}
    source = world.ids.new("src")
    details = {"source": source, "stripe_js": url, "type": "three_d_secure_redirect"}
    return {"type": "use_stripe_sdk", "use_stripe_sdk": details}


def _process(world: World, intent: Obj, method: Obj) -> None:
    """Begin a payment whose outcome is known in days: https://docs.stripe.com/payments/ach-direct-debit."""
    _keep_method(world, intent, method, authenticated=False)
    charge = charges.make(world, intent, method, Attempt(pending=True))
    intent |= {"status": "processing", "latest_charge": charge["id"], "processing": None}
    world.emit("payment_intent.processing", intent)
    world.notice(intent)
    if world.settings.automatic_after_s is not None:
        world.timers.after(world.settings.automatic_after_s, lambda: settle_by_itself(world, intent, method))


def _keep_method(world: World, intent: Obj, method: Obj, authenticated: bool) -> None:
    if intent["setup_future_usage"] == "off_session" and (authenticated or method["type"] != "card"):
        method["_set_up"] = True
    if method["customer"] is not None:
        return
    if intent["setup_future_usage"] and intent["customer"]:
        payment_methods.attach_to(world, method, intent["customer"])
    elif not intent["setup_future_usage"]:
        method["_consumed_by"] = intent["id"]


def _received(world: World, intent: Obj, charge: Obj) -> None:
    intent |= {"status": "succeeded", "amount_received": charge["amount_captured"], "amount_capturable": 0}
    intent |= {"next_action": None, "last_payment_error": None}
    world.emit("payment_intent.succeeded", intent)
    world.notice(intent)
    charges.book(world, charge)
    card = cards.CARDS.get(charge["_number"])
    if card and card.dispute:
        disputes.open_dispute(world, charge, reason=card.dispute, inquiry=card.inquiry)


def _failed(world: World, intent: Obj, error: Obj) -> None:
    intent |= {"status": "requires_payment_method", "payment_method": None, "next_action": None}
    intent["last_payment_error"] = error
    world.emit("payment_intent.payment_failed", intent)
