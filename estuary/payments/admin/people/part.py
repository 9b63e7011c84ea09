"""What the page of a buyer consists of."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from estuary.accounts.models import User

# Rows of each kind; the list of the kind has the others.
SHOWN = 20


@dataclass(frozen=True, slots=True)
class Part:
    """A table of the page, for those with ``permission``. ``rows`` makes a fixed number of queries."""

    title: str
    permission: str
    headers: Sequence[str]
    rows: Callable[[User], Sequence[Sequence[Any]]]
    empty: str
    # The list that has all of them.
    all_at: str = ""
