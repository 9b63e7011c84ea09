"""Validates and types a request's parameters, as https://docs.stripe.com/error-codes describes."""

import json
import re
from decimal import Decimal, InvalidOperation
from functools import cache
from pathlib import Path
from typing import Any

from stripe_sandbox.errors import InvalidParameter, StripeError

METADATA_KEYS, METADATA_KEY_LENGTH, METADATA_VALUE_LENGTH = 50, 40, 500
STRING_LENGTH = 5000
EMAILS = ("email", "receipt_email", "customer_email")
EMAIL = re.compile(r"[^@\s]+@[^@\s]+")
DESCRIPTORS = ("statement_descriptor", "statement_descriptor_suffix")
DESCRIPTOR_LENGTH = 22
# Texts that Stripe allows to be empty, though neither its documentation nor its SDK says so.
_FREE_TEXT = (
    "name description email phone nickname city country line1 line2 postal_code state carrier "
    "tracking_number receipt_email statement_descriptor statement_descriptor_suffix transfer_group "
    "unit_label url"
)
FREE_TEXT = frozenset(_FREE_TEXT.split())


@cache
def schemas() -> dict[str, Any]:
    """Return the parameters of every endpoint, by `METHOD /path/{id}`."""
    loaded: dict[str, Any] = json.loads(Path(__file__).with_name("params.json").read_text())
    return loaded


def validate(
    endpoint: str, raw: dict[str, Any], extra_fields: dict[str, Any] | None = None
) -> dict[str, Any]:
    """Return the typed parameters; `extra_fields` are accepted from some versions or keys."""
    schema = schemas().get(endpoint, {"fields": {}})
    if extra_fields:
        schema = schema | {"fields": schema["fields"] | extra_fields}
    params = _fields(schema, raw, "")
    if not endpoint.startswith("GET "):
        _check_formats(params, "")
    return params


def _fields(schema: dict[str, Any], raw: dict[str, Any], path: str) -> dict[str, Any]:
    fields = schema["fields"]
    unknown = [_join(path, name) for name in raw if name not in fields]
    if unknown:
        plural = "s" if len(unknown) > 1 else ""
        message = f"Received unknown parameter{plural}: {', '.join(unknown)}"
        raise InvalidParameter(message, code="parameter_unknown", param=unknown[0])
    for name in schema.get("required", ()):
        if name not in raw:
            where = _join(path, name)
            raise InvalidParameter(f"Missing required param: {where}.", code="parameter_missing", param=where)
    return {name: _value(fields[name], value, _join(path, name)) for name, value in raw.items()}


def _check_formats(params: dict[str, Any], path: str) -> None:
    """Refuse what is no email address, and descriptors that no bank statement has room for."""
    for name, value in params.items():
        where = _join(path, name)
        if isinstance(value, dict) and name != "metadata":
            _check_formats(value, where)
        elif name in EMAILS and value and not EMAIL.fullmatch(str(value)):
            raise InvalidParameter(f"Invalid email address: {value}", code="email_invalid", param=where)
        elif name in DESCRIPTORS and len(str(value)) > DESCRIPTOR_LENGTH:
            message = f"Invalid string: {value[:10]}…; must be at most {DESCRIPTOR_LENGTH} characters"
            raise InvalidParameter(message, param=where)


def _value(node: Any, value: Any, path: str) -> Any:
    if isinstance(node, str):
        return SCALARS[node](value, path)
    if "unsettable" in node:
        return "" if value == "" else _value(node["unsettable"], value, path)
    if value == "" and "list" not in node:
        raise _empty(path)
    if "fields" in node:
        return _fields(node, _hash(value, path), path)
    if "list" in node:
        return [_value(node["list"], item, f"{path}[{i}]") for i, item in enumerate(_list(value, path))]
    if "enum" in node:
        return _member(node["enum"], value, path)
    return _any_of(node["any_of"], value, path)


def _any_of(nodes: list[Any], value: Any, path: str) -> Any:
    failure: StripeError | None = None
    for node in nodes:
        try:
            return _value(node, value, path)
        except StripeError as error:
            failure = failure or error
    assert failure
    raise failure


def _member(members: list[Any], value: Any, path: str) -> Any:
    for member in members:
        if str(member) == value or (member is True and value == "true"):
            return member
    names = [str(m) for m in members]
    listed = names[0] if len(names) == 1 else f"one of {', '.join(names[:-1])}, or {names[-1]}"
    raise InvalidParameter(f"Invalid {path}: must be {listed}", param=path)


def _integer(value: Any, path: str) -> int:
    text = str(value)
    if not text.lstrip("-").isascii() or not text.lstrip("-").isdigit() or len(text) > 18:
        raise InvalidParameter(f"Invalid integer: {text}", code="parameter_invalid_integer", param=path)
    return int(text)


def _boolean(value: Any, path: str) -> bool:
    if value not in ("true", "false"):
        raise InvalidParameter(f"Invalid boolean: {value}", param=path)
    return bool(value == "true")


def _decimal(value: Any, path: str) -> str:
    try:
        Decimal(str(value))
    except InvalidOperation:
        raise InvalidParameter(f"Invalid decimal: {value}", param=path) from None
    return str(value)


def _string(value: Any, path: str) -> str:
    if not isinstance(value, str):
        raise InvalidParameter("Invalid string: " + json.dumps(value), param=path)
    if value == "" and path.rpartition("[")[2].rstrip("]") not in FREE_TEXT:
        raise _empty(path)
    if len(value) > STRING_LENGTH:
        message = f"Invalid string: {value[:10]}…; must be at most {STRING_LENGTH} characters"
        raise InvalidParameter(message, param=path)
    return value


def _map(value: Any, path: str) -> Any:
    """Check a metadata hash: https://docs.stripe.com/api/metadata."""
    pairs = _hash(value, path)
    if len(pairs) > METADATA_KEYS:
        message = f"You can only have up to {METADATA_KEYS} metadata keys."
        raise InvalidParameter(message, param=path)
    for key, text in pairs.items():
        if len(key) > METADATA_KEY_LENGTH:
            message = (
                f"Metadata keys must be at most {METADATA_KEY_LENGTH} characters; {key!r} has {len(key)}."
            )
            raise InvalidParameter(message, param=path)
        if not isinstance(text, str):
            raise InvalidParameter(
                f"Metadata values must be strings; {key!r} is a hash.", param=f"{path}[{key}]"
            )
        if len(text) > METADATA_VALUE_LENGTH:
            message = f"Metadata values can have up to {METADATA_VALUE_LENGTH} characters, "
            message += f"but you passed in a value that is {len(text)} characters. Invalid: {text[:20]}…"
            raise InvalidParameter(message, param=f"{path}[{key}]")
    return pairs


def _any(value: Any, path: str) -> Any:
    return value


def _hash(value: Any, path: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise InvalidParameter("Invalid object", param=path)
    return value


def _list(value: Any, path: str) -> list[Any]:
    if value == "":
        return []
    if not isinstance(value, dict) or not all(key.isdigit() for key in value):
        raise InvalidParameter("Invalid array", param=path)
    return [value[key] for key in sorted(value, key=int)]


def _empty(path: str) -> StripeError:
    message = (
        f"You passed an empty string for '{path}'. We assume empty values are an attempt to unset a "
        f"parameter; however '{path}' cannot be unset. You should remove '{path}' from your request or "
        "supply a non-empty value."
    )
    return InvalidParameter(message, code="parameter_invalid_empty", param=path)


def _join(path: str, name: str) -> str:
    return f"{path}[{name}]" if path else name


SCALARS = {
    "int": _integer, "bool": _boolean, "decimal": _decimal, "str": _string, "map": _map, "any": _any,
}  # fmt: skip
