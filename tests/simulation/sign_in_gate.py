"""Who may sign in, and whose requests are under way."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

ACTIVE = "SELECT 1 FROM accounts_user WHERE id = %s AND is_active"


class SignInGate:
    """Who is let in, and whose requests are under way."""

    def __init__(self, rows: Callable[..., list[Any]]) -> None:
        self._rows = rows
        self.under_way: Counter[int] = Counter()
        self.shut: Counter[int] = Counter()

    def visit_of(self, user_id: int) -> Callable[[], AbstractContextManager[bool]]:
        return lambda: self._visit(user_id)

    @contextmanager
    def _visit(self, user_id: int) -> Iterator[bool]:
        """Yield whether the person may sign in: who is being erased may not."""
        self.under_way[user_id] += 1
        try:
            yield not self.shut[user_id] and bool(self._rows(ACTIVE, user_id))
        finally:
            self.under_way[user_id] -= 1
