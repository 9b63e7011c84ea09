"""A window of a day in wall-clock time, and what the windows of a day must be."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import time
from itertools import pairwise

from estuary.catalog.bounds import WINDOWS_MAX
from estuary.catalog.models import MIDNIGHT, describe_window
from estuary.common.errors import InvalidRequest

MINUTES_A_DAY = 24 * 60


class InvalidHours(InvalidRequest):
    code, title = "invalid_hours", "These hours can't be kept"


@dataclass(frozen=True, slots=True, order=True)
class Window:
    """From ``starts`` until ``ends``; an end at 00:00 is midnight, the end of the day."""

    starts: time
    ends: time

    def __str__(self) -> str:
        return describe_window(self.starts, self.ends)

    @property
    def start_minute(self) -> float:
        return _minute(self.starts)

    @property
    def end_minute(self) -> float:
        return MINUTES_A_DAY if self.ends == MIDNIGHT else _minute(self.ends)

    @property
    def is_forward(self) -> bool:
        """Return whether it ends after it begins."""
        return self.start_minute < self.end_minute

    def overlaps(self, other: "Window") -> bool:
        return self.start_minute < other.end_minute and other.start_minute < self.end_minute


def _minute(wall: time) -> float:
    """Return a wall clock's time in minutes since midnight."""
    return wall.hour * 60 + wall.minute + wall.second / 60 + wall.microsecond / 60e6


def check_windows(windows: Iterable[Window], *, day: str) -> list[Window]:
    """Return the windows of a day in order; raises InvalidHours, which names the day."""
    ordered = sorted(windows)
    if len(ordered) > WINDOWS_MAX:
        raise InvalidHours(
            f"{day} has {len(ordered)} windows, and a day has at most {WINDOWS_MAX}. Join some of them."
        )
    for window in ordered:
        if not window.is_forward:
            raise InvalidHours(
                f"On {day}, {window} ends before it begins. Write hours that pass midnight as two windows: "
                "until 24:00, and from 00:00 of the next day."
            )
    for first, second in pairwise(ordered):
        if first.overlaps(second):
            raise InvalidHours(f"On {day}, {first} and {second} overlap. Join them, or change one of them.")
    return ordered


def version_of(days: Iterable[tuple[int, Sequence[Window]]]) -> str:
    """Return a mark of the windows of some days, which is another one as soon as any of them changes."""
    text = ";".join(
        f"{day}:{','.join(f'{window.starts}-{window.ends}' for window in sorted(windows))}"
        for day, windows in sorted(days, key=lambda pair: pair[0])
        if windows
    )
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def describe_windows(windows: Sequence[Window]) -> str:
    return ", ".join(map(str, windows)) or "closed"
