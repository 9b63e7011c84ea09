"""JSON that comes by the thousand, read by orjson: a fifth of what the standard library takes."""

import json
from typing import Any

import orjson


class FastDecoder(json.JSONDecoder):
    """A ``decoder`` for Django's JSONField."""

    def decode(self, s: str, _w: Any = None) -> Any:
        return orjson.loads(s)
