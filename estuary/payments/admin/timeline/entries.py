"""What a timeline consists of, and the pure function that makes it."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from operator import attrgetter
from typing import Any

from estuary.common.admin.times import exact_time
from estuary.orders.models import Order


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that happened. ``ids`` stand beside the sentence; ``is_alarm`` marks what staff should notice."""

    at: datetime
    sentence: str
    ids: tuple[str, ...] = ()
    is_alarm: bool = False

    @property
    def when(self) -> str:
        return exact_time(self.at)


@dataclass(frozen=True, slots=True)
class Source:
    """Rows of one kind, and what they tell.

    ``load`` makes at most one query, none where the page has loaded the rows already. ``tell`` is a pure function of
    the order and these rows. ``permission`` is needed to see the entries; empty: that of the order suffices.
    """

    name: str
    load: Callable[[Order], Sequence[Any]]
    tell: Callable[[Order, Sequence[Any]], Iterable[Entry]]
    permission: str = ""


def load_rows(order: Order, sources: Sequence[Source]) -> list[tuple[Source, Sequence[Any]]]:
    """Return the rows of each source."""
    return [(source, source.load(order)) for source in sources]


def build_timeline(order: Order, rows: Sequence[tuple[Source, Sequence[Any]]]) -> list[Entry]:
    """Return what happened to an order, oldest first. A pure function of the order and the rows."""
    entries = [entry for source, of_source in rows for entry in source.tell(order, of_source)]
    # The sort is stable: of one moment, the entries stay in the order of their sources.
    return sorted(entries, key=attrgetter("at"))
