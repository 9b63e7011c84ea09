"""The fields by which each resource can be searched, and how a clause matches a value.

https://docs.stripe.com/search#supported-query-fields-for-each-resource
"""

import operator
from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from typing import Any, Literal

from stripe_sandbox.errors import InvalidState, StripeError
from stripe_sandbox.search.language import Clause
from stripe_sandbox.store import Obj

Kind = Literal["numeric", "token", "string"]
METADATA = "metadata"
SUBSTRING_LENGTH = 3
FIELDS: dict[str, dict[str, Kind]] = {
    "charges": {
        "amount": "numeric",
        "billing_details.address.postal_code": "token",
        "created": "numeric",
        "currency": "token",
        "customer": "token",
        "disputed": "token",
        "refunded": "token",
        "status": "token",
    },
    "customers": {"created": "numeric", "email": "string", "name": "string", "phone": "string"},
    "payment_intents": {
        "amount": "numeric",
        "created": "numeric",
        "currency": "token",
        "customer": "token",
        "status": "token",
    },
    "prices": {
        "active": "token",
        "currency": "token",
        "lookup_key": "string",
        "product": "token",
        "type": "token",
    },
    "products": {
        "active": "token",
        "description": "string",
        "name": "string",
        "shippable": "token",
        "url": "string",
    },
}
# Of a charge's method of payment, after `payment_method_details.` and its type.
METHOD_FIELDS: dict[str, Kind] = {
    "brand": "token",
    "exp_month": "numeric",
    "exp_year": "numeric",
    "fingerprint": "token",
    "last4": "token",
}
OPERATORS: dict[Kind, tuple[str, ...]] = {
    "numeric": (":", ">", "<", ">=", "<="),
    "token": (":",),
    "string": (":", "~"),
}
COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    ":": operator.eq,
    ">": operator.gt,
    "<": operator.lt,
    ">=": operator.ge,
    "<=": operator.le,
}


def matcher(resource: str, clause: Clause) -> Callable[[Obj], bool]:
    """Return the function that says whether an object matches; refuse a clause that Stripe refuses."""
    kind = _kind(resource, clause)
    _check_operator(clause, kind)
    path = [METADATA, clause.key] if clause.key is not None else clause.field.split(".")
    expected = _number(clause) if kind == "numeric" and clause.value is not None else clause.value

    def matches(obj: Obj) -> bool:
        return _is_match(_value(obj, path), clause, expected) != clause.is_negated

    return matches


def _kind(resource: str, clause: Clause) -> Kind:
    if clause.field == METADATA and clause.key is not None:
        return "string"
    kind = FIELDS[resource].get(clause.field) if clause.key is None else None
    parts = clause.field.split(".")
    if resource == "charges" and parts[0] == "payment_method_details" and len(parts) == 3:
        kind = METHOD_FIELDS.get(parts[2])
    if kind is None:
        raise InvalidState(
            f"Field `{clause.field}` is an unsupported search field for resource `{resource}`. See "
            f"http://stripe.com/docs/search#query-fields-for-{resource.replace('_', '-')} for a list of supported "
            "fields."
        )
    return kind


def _check_operator(clause: Clause, kind: Kind) -> None:
    if clause.operator not in OPERATORS[kind]:
        raise _unsupported(clause, kind)
    if clause.operator == "~" and len(clause.value or "") < SUBSTRING_LENGTH:
        message = (
            f"A substring search needs at least {SUBSTRING_LENGTH} characters; `{clause.value}` is too short."
        )
        raise InvalidState(message)
    if kind != "numeric" and clause.value is not None and not clause.is_quoted:
        raise InvalidState(f'The value of `{clause.field}` must be in quotation marks: "{clause.value}".')


def _unsupported(clause: Clause, kind: Kind) -> StripeError:
    return InvalidState(
        f"The operator `{clause.operator}` is not supported for the field `{clause.field}`, which is {kind}: use "
        f"{' or '.join(f'`{name}`' for name in OPERATORS[kind])}."
    )


def _number(clause: Clause) -> Decimal:
    try:
        return Decimal(clause.value or "")
    except InvalidOperation:
        raise InvalidState(f"The value of `{clause.field}` must be a number, not `{clause.value}`.") from None


def _value(obj: Obj, path: list[str]) -> Any:
    value: Any = obj
    for part in path:
        value = value.get(part) if isinstance(value, dict) else None
    return value


def _is_match(value: Any, clause: Clause, expected: Any) -> bool:
    if expected is None or value is None:
        return expected is None and value is None
    if isinstance(expected, Decimal):
        return COMPARE[clause.operator](value, expected)
    text = str(value).lower() if not isinstance(value, bool) else ("true" if value else "false")
    return expected.lower() in text if clause.operator == "~" else expected.lower() == text
