"""The examples in the OpenAPI document: exchanges that a test has recorded, and holds equal to what the API answers."""

import json
from functools import cache
from typing import Any

from estuary.config.environment import BASE_DIR

RECORDED = BASE_DIR / "estuary" / "config" / "openapi_examples.json"

type Json = dict[str, Any]


@cache
def recorded_exchanges() -> dict[str, list[Json]]:
    """Return the exchanges by operation, such as ``POST /api/v1/payments/create/``.

    Each has a ``summary``, a ``status``, and ``request`` and ``response`` where there are any.
    """
    exchanges: dict[str, list[Json]] = json.loads(RECORDED.read_text(encoding="utf-8"))
    return exchanges


def add_examples(result: Json, generator: Any, request: Any, public: bool) -> Json:
    """Add the recorded examples to each operation (a postprocessing hook of drf-spectacular)."""
    for path, operations in result["paths"].items():
        for method, operation in operations.items():
            for exchange in recorded_exchanges().get(f"{method.upper()} {path}", ()):
                if "request" in exchange:
                    _add(operation.get("requestBody", {}), exchange, "request")
                _add(operation["responses"].get(str(exchange["status"]), {}), exchange, "response")
    return result


def _add(place: Json, exchange: Json, part: str) -> None:
    """Add one example to a body of the document; a response without a body has no place for one."""
    for media in place.get("content", {}).values():
        name = exchange["summary"].lower().replace(" ", "-").replace(",", "")
        media.setdefault("examples", {})[name] = {"summary": exchange["summary"], "value": exchange[part]}
