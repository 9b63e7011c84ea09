"""A strict JSON parser: it keeps decimals exact and rejects input that only an attack or a bug sends."""

import json
import re
from collections.abc import Mapping
from decimal import Decimal
from typing import IO, Any, NoReturn

from rest_framework.parsers import JSONParser

from estuary.common.body_limits import BodyTooLarge
from estuary.common.errors import EstuaryError

MAX_JSON_DEPTH = 32
MAX_JSON_BYTES = 64 * 1024
# PostgreSQL can't store NUL, nor a surrogate without its pair.
UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


class MalformedJSON(EstuaryError):
    code, status, title = "malformed_json", 400, "The request could not be read"


class StrictJSONParser(JSONParser):
    """Parse JSON with numbers as Decimal; reject duplicate keys, NaN, NUL, lone surrogates and deep nesting."""

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        body = stream.read(MAX_JSON_BYTES + 1)
        if len(body) > MAX_JSON_BYTES:
            raise BodyTooLarge(f"The body is larger than {MAX_JSON_BYTES // 1024} KB. Send less.")
        return parse_strict_json(body)


def parse_strict_json(body: bytes | str) -> Any:
    """Return the parsed body, with numbers as Decimal; raises MalformedJSON."""
    try:
        parsed = json.loads(
            body.decode() if isinstance(body, bytes) else body,
            parse_float=Decimal,
            parse_constant=_reject_constant,
            object_pairs_hook=_reject_duplicate_keys,
        )
        _reject_bad_text_and_depth(parsed)
    except RecursionError:
        raise MalformedJSON("The JSON is nested too deeply.") from None
    except ArithmeticError:
        raise MalformedJSON("The body has a number that is too large or too small to be one.") from None
    except ValueError as error:
        raise MalformedJSON(f"The body is not valid JSON: {error}.") from None
    return parsed


def _reject_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON number")


def _reject_duplicate_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a key appears twice in one object")
    return members


def _reject_bad_text_and_depth(value: Any, depth: int = 0) -> None:
    if depth > MAX_JSON_DEPTH:
        raise ValueError("nested too deeply")
    if isinstance(value, str) and UNSTORABLE.search(value):
        raise ValueError("it contains a character that no text has")
    if isinstance(value, dict):
        for key, inner in value.items():
            _reject_bad_text_and_depth(key, depth)
            _reject_bad_text_and_depth(inner, depth + 1)
    elif isinstance(value, list):
        for inner in value:
            _reject_bad_text_and_depth(inner, depth + 1)
