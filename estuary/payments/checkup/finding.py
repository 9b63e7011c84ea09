"""A finding of the checkup: what is so, why it matters, and the line that cures it."""

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    # As it should be.
    GOOD = "good"
    # It works, and a person should look.
    LOOK = "look"
    # It must be mended.
    BROKEN = "broken"


@dataclass(frozen=True, slots=True)
class Finding:
    """``code`` is stable; a good finding needs no ``why`` and no ``cure``."""

    code: str
    level: Level
    what: str
    why: str = ""
    cure: str = ""


def good(code: str, what: str) -> Finding:
    return Finding(code, Level.GOOD, what)


def look(code: str, what: str, *, why: str, cure: str) -> Finding:
    return Finding(code, Level.LOOK, what, why, cure)


def broken(code: str, what: str, *, why: str, cure: str) -> Finding:
    return Finding(code, Level.BROKEN, what, why, cure)
