"""What the objects have in common: JSON, and ids that may be expanded."""

from collections.abc import Mapping
from typing import Any

Json = Mapping[str, Any]


def id_of(value: Any) -> str:
    """Return the id of an expandable field: an id, an expanded object, or nothing."""
    if isinstance(value, Mapping):
        return str(value.get("id", ""))
    return str(value or "")
