"""Texts that an expression almost matches, made out of the expression itself, to be written again and again."""

import re
from re import _constants as constants
from re import _parser as parser
from typing import Any

MOST = 16
AGAIN = 3  # how often at least what may be repeated is


def samples_of(pattern: re.Pattern[str]) -> list[str]:
    """Return short texts, each of a part of the expression or of the whole, and pairs of them."""
    tree = parser.parse(pattern.pattern, pattern.flags & ~re.UNICODE)
    parts: list[str] = []
    _collect(tree, parts)
    unique = dict.fromkeys(part for part in parts if part)
    texts = sorted(unique, key=len)[:MOST]
    short = [text for text in texts if len(text) <= 8][:5]
    pairs = [one + other for one in short for other in ["-", *short] if one != other]
    return [*texts, *(f"-{text}" for text in texts), *pairs] or ["x"]


def _collect(tree: Any, parts: list[str]) -> None:
    """Add a sample of every part, the prefixes of a sequence too: what fails at the end was read up to there."""
    text = ""
    for item in tree:
        text += _text(item)
        parts.append(text)
        parts.append(_text(item))
        for inner in _inside(item):
            _collect(inner, parts)


def _inside(item: Any) -> list[Any]:
    operation, value = item
    if operation in REPEATS:
        return [value[2]]
    if operation is constants.SUBPATTERN:
        return [value[3]]
    if operation is constants.BRANCH:
        return list(value[1])
    if operation in {constants.ASSERT, constants.ASSERT_NOT}:
        return [value[1]]
    return [value] if operation is constants.ATOMIC_GROUP else []


REPEATS = {constants.MAX_REPEAT, constants.MIN_REPEAT, constants.POSSESSIVE_REPEAT}
CATEGORIES = {
    constants.CATEGORY_DIGIT: "4",
    constants.CATEGORY_WORD: "a",
    constants.CATEGORY_SPACE: " ",
    constants.CATEGORY_NOT_DIGIT: "a",
    constants.CATEGORY_NOT_WORD: "-",
    constants.CATEGORY_NOT_SPACE: "a",
}


def _text(item: Any) -> str:
    operation, value = item
    if operation is constants.LITERAL:
        return chr(value)
    if operation is constants.NOT_LITERAL:
        return "b" if chr(value) == "a" else "a"
    if operation is constants.ANY:
        return "a"
    if operation is constants.IN:
        return _one_of(value)
    if operation in REPEATS:
        least, most, inner = value
        return "".join(map(_text, inner)) * max(int(least), min(AGAIN, int(most)))
    if operation is constants.BRANCH:
        return "".join(map(_text, value[1][0]))
    if operation not in JOINED:
        return ""
    return "".join("".join(map(_text, inner)) for inner in _inside(item))


JOINED = {constants.SUBPATTERN, constants.ATOMIC_GROUP}


def _one_of(choices: Any) -> str:
    if choices[0][0] is constants.NEGATE:
        refused = "".join(_members(choices[1:]))
        return next(one for one in "a-4é~ \x01" if one not in refused)
    return _members(choices)[0]


def _members(choices: Any) -> list[str]:
    members: list[str] = []
    for operation, value in choices:
        if operation is constants.LITERAL:
            members.append(chr(value))
        elif operation is constants.RANGE:
            members += [chr(code) for code in range(value[0], min(value[1], value[0] + 200) + 1)]
        elif operation is constants.CATEGORY:
            members.append(CATEGORIES[value])
    return members
