"""What was counted by all who act, from many threads."""

import threading
from collections import Counter


class Counters:
    """Counters by name, and the amounts that moved at Stripe in minor units."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counted: dict[str, Counter[str]] = {}

    def count(self, what: str, which: str = "", by: int = 1) -> None:
        with self._lock:
            self._counted.setdefault(what, Counter())[which] += by

    def total(self, what: str) -> int:
        with self._lock:
            return self._counted.get(what, Counter()).total()

    def of(self, what: str) -> Counter[str]:
        with self._lock:
            return Counter(self._counted.get(what, Counter()))
