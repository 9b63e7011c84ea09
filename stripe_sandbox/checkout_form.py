"""What the hosted page asks of a buyer besides the payment: a phone number, and fields of the shop's own.

https://docs.stripe.com/payments/checkout/custom-fields
"""

from typing import Any

from stripe_sandbox.errors import InvalidParameter
from stripe_sandbox.store import Obj

MOST_FIELDS = 3
KEY_LENGTH, LABEL_LENGTH, ANSWER_LENGTH = 200, 50, 255
KINDS: dict[str, Obj] = {
    "dropdown": {"default_value": None, "options": [], "value": None},
    "numeric": {"default_value": None, "maximum_length": None, "minimum_length": None, "value": None},
    "text": {"default_value": None, "maximum_length": None, "minimum_length": None, "value": None},
}
EXAMPLE_PHONE = "+15555550123"


def custom_fields(params: dict[str, Any]) -> list[Obj]:
    """Return a session's fields, all without an answer; refuse too many, and keys and labels that Stripe refuses."""
    requested = params.get("custom_fields") or []
    if len(requested) > MOST_FIELDS:
        message = f"You can have up to {MOST_FIELDS} custom fields."
        raise InvalidParameter(message, param="custom_fields")
    keys = [field["key"] for field in requested]
    for index, field in enumerate(requested):
        _check(field, f"custom_fields[{index}]", is_taken=keys.index(field["key"]) != index)
    return [_field(field) for field in requested]


def answers(session: Obj, buyer: dict[str, Any]) -> dict[str, str]:
    """Return the buyer's answers; refuse a missing one, and one that the field does not allow."""
    entries = buyer.get("custom_fields", {})
    values = {}
    for field in session["custom_fields"]:
        key, answer = field["key"], str(entries.get(field["key"]) or "").strip()
        if not answer and not field["optional"]:
            raise InvalidParameter(f"{field['label']['custom']} is missing.", param=key)
        if answer:
            _check_answer(field, answer)
            values[key] = answer
    if session["phone_number_collection"]["enabled"] and not buyer.get("phone"):
        raise InvalidParameter("Enter a phone number.", param="phone")
    return values


def examples(session: Obj) -> dict[str, Any]:
    """Return what a buyer enters who is asked for nothing in particular."""
    required_fields = {
        field["key"]: _example(field) for field in session["custom_fields"] if not field["optional"]
    }
    phone = EXAMPLE_PHONE if session["phone_number_collection"]["enabled"] else None
    return {"custom_fields": required_fields, "phone": phone}


def with_answers(session: Obj) -> list[Obj]:
    """Return the fields of a completed session."""
    entries = session["_answers"]
    return [
        field | {field["type"]: field[field["type"]] | {"value": entries.get(field["key"])}}
        for field in session["custom_fields"]
    ]


def _field(field: dict[str, Any]) -> Obj:
    kind = field["type"]
    return {
        "key": field["key"],
        "label": {"custom": field["label"]["custom"], "type": "custom"},
        "optional": field.get("optional", False),
        "type": kind,
        kind: KINDS[kind] | field.get(kind, {}),
    }


def _check(field: dict[str, Any], where: str, *, is_taken: bool) -> None:
    key, label = field["key"], field["label"]["custom"]
    if not key.isalnum() or len(key) > KEY_LENGTH:
        message = f"Invalid key: up to {KEY_LENGTH} letters and digits."
        raise InvalidParameter(message, param=f"{where}[key]")
    if is_taken:
        message = f"The key {key} is used twice."
        raise InvalidParameter(message, param=f"{where}[key]")
    if len(label) > LABEL_LENGTH:
        message = f"Invalid string: {label[:10]}…; must be at most {LABEL_LENGTH} characters"
        raise InvalidParameter(message, param=f"{where}[label][custom]")
    if field["type"] == "dropdown":
        _check_options(field.get("dropdown", {}), f"{where}[dropdown]")


def _check_options(dropdown: dict[str, Any], where: str) -> None:
    values = [option["value"] for option in dropdown.get("options", [])]
    if not values:
        raise InvalidParameter(f"Missing required param: {where}.", code="parameter_missing", param=where)
    if dropdown.get("default_value", values[0]) not in values:
        message = f"The default value must be one of {', '.join(values)}."
        raise InvalidParameter(message, param=f"{where}[default_value]")


def _check_answer(field: Obj, answer: str) -> None:
    kind, label, key = field["type"], field["label"]["custom"], field["key"]
    limits = field[kind]
    if kind == "dropdown":
        if answer not in [option["value"] for option in limits["options"]]:
            raise InvalidParameter(f"Choose one of the options of {label}.", param=key)
        return
    shortest, longest = limits["minimum_length"] or 0, limits["maximum_length"] or ANSWER_LENGTH
    if not shortest <= len(answer) <= longest:
        message = f"{label} must have between {shortest} and {longest} characters."
        raise InvalidParameter(message, param=key)
    if kind == "numeric" and not (answer.isascii() and answer.isdigit()):
        raise InvalidParameter(f"{label} must have digits only.", param=key)


def _example(field: Obj) -> str:
    kind = field[field["type"]]
    if kind["default_value"]:
        return str(kind["default_value"])
    if field["type"] == "dropdown":
        return str(kind["options"][0]["value"])
    return "1" * (kind["minimum_length"] or 1)
