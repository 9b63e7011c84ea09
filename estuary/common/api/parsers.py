"""A JSON parser that keeps decimals exact and refuses what only an attack or a bug would send."""

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import IO, Any, NoReturn

from rest_framework.parsers import JSONParser

from estuary.common.api.errors import EstuaryError
from estuary.common.body_limits import BodyTooLarge

MAX_DEPTH = 32
MAX_BYTES = 64 * 1024


class MalformedJSON(EstuaryError):
    code, status, title = "malformed_json", 400, "The request could not be read"


class StrictJSONParser(JSONParser):
    """Parse JSON with numbers as Decimal; duplicate keys, NaN, NUL, half characters and deep nesting are a 400."""

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        body = stream.read(MAX_BYTES + 1)
        if len(body) > MAX_BYTES:
            raise BodyTooLarge(f"The body is larger than {MAX_BYTES // 1024} KB. Send less.")
        return strict_json(body)


def strict_json(body: bytes | str) -> Any:
    """Return what a body says, with numbers as Decimal; raises MalformedJSON."""
    try:
        parsed = json.loads(
            body.decode() if isinstance(body, bytes) else body,
            parse_float=Decimal,
            parse_constant=_refuse_constant,
            object_pairs_hook=_unique,
        )
        _refuse_odd_text_and_depth(parsed)
    except RecursionError:
        raise MalformedJSON("The JSON is nested too deeply.") from None
    except ArithmeticError:
        raise MalformedJSON("The body has a number that is too large or too small to be one.") from None
    except ValueError as error:
        raise MalformedJSON(f"The body is not valid JSON: {error}.") from None
    return parsed


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON number")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key appears twice in one object")
    return found


def _refuse_odd_text_and_depth(value: Any, depth: int = 0) -> None:
    """Refuse what Python reads and PostgreSQL can't keep: NUL, and halves of a surrogate pair."""
    if depth > MAX_DEPTH:
        raise ValueError("nested too deeply")
    if isinstance(value, str) and ("\x00" in value or not _is_whole(value)):
        raise ValueError("it contains a character that no text has")
    if isinstance(value, dict):
        for key, inner in value.items():
            _refuse_odd_text_and_depth(key, depth)
            _refuse_odd_text_and_depth(inner, depth + 1)
    elif isinstance(value, list):
        for inner in value:
            _refuse_odd_text_and_depth(inner, depth + 1)


def _is_whole(text: str) -> bool:
    return not any("\ud800" <= character <= "\udfff" for character in text)
