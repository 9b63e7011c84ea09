"""Copies of stored objects for the outside: without the sandbox's own keys, and what a publishable key may see."""

import json

from stripe_sandbox.store import Obj

# What a publishable key may see of an intent.
_CLIENT_VIEW = (
    "id object amount amount_details automatic_payment_methods canceled_at cancellation_reason "
    "capture_method client_secret confirmation_method created currency description last_payment_error "
    "last_setup_error livemode next_action payment_method payment_method_configuration_details "
    "payment_method_types processing receipt_email setup_future_usage shipping source status usage"
)
CLIENT_VIEW = frozenset(_CLIENT_VIEW.split())


def copy_json[T](value: T) -> T:
    """Return a deep copy of JSON data."""
    copied: T = json.loads(json.dumps(value))
    return copied


def public(obj: Obj) -> Obj:
    """Return a deep copy without the sandbox's own keys."""
    return copy_json({key: value for key, value in obj.items() if key[0] != "_"})


def difference(before: Obj, after: Obj) -> Obj:
    """Return the old values of what changed, as `previous_attributes` of an event does."""
    changed: Obj = {}
    for key in before.keys() | after.keys():
        old, new = before.get(key), after.get(key)
        if old == new:
            continue
        changed[key] = difference(old, new) if isinstance(old, dict) and isinstance(new, dict) else old
    return dict(sorted(changed.items()))


def client_view(obj: Obj) -> Obj:
    """Return an intent as a publishable key sees it."""
    if obj.get("object") not in ("payment_intent", "setup_intent"):
        return obj
    return {key: value for key, value in obj.items() if key in CLIENT_VIEW}
