"""`payment_method_options`: the options of one type of payment method override those of its intent.

https://docs.stripe.com/api/payment_intents/create#create_payment_intent-payment_method_options
"""

from typing import Any

from stripe_sandbox.store import Obj

CARD = {"installments": None, "mandate_options": None, "network": None, "request_three_d_secure": "automatic"}
SETUP_CARD = {"mandate_options": None, "network": None, "request_three_d_secure": "automatic"}
BANK_ACCOUNT = {"mandate_options": {}, "verification_method": "automatic"}


def options_of(types: list[str], params: dict[str, Any], card: Obj = CARD) -> Obj:
    """Return the options of each type of an intent, with those that a request gives."""
    blank: Obj = {"card": card, "us_bank_account": BANK_ACCOUNT}
    options: Obj = {kind: dict(blank.get(kind, {})) for kind in types}
    apply_options({"payment_method_options": options}, params)
    return options


def apply_options(intent: Obj, params: dict[str, Any]) -> None:
    """Set the options that a request gives; an empty one unsets."""
    for kind, values in (params.get("payment_method_options") or {}).items():
        options = intent["payment_method_options"].setdefault(kind, {})
        for name, value in (values or {}).items():
            if value == "":
                options.pop(name, None)
            elif name != "installments":
                options[name] = value


def capture_method_of(intent: Obj, kind: str) -> str:
    """Return when a payment by this type of method is captured."""
    own = _own(intent, kind, "capture_method")
    return str(own or intent["capture_method"])


def future_usage_of(intent: Obj, kind: str) -> str | None:
    """Return for what a method of this type is saved; None: it is not saved."""
    own = _own(intent, kind, "setup_future_usage")
    usage = own or intent["setup_future_usage"]
    return None if usage in (None, "none") else str(usage)


def _own(intent: Obj, kind: str, name: str) -> Any:
    return ((intent["payment_method_options"] or {}).get(kind) or {}).get(name)
