"""Group commit: values that several threads write at the same time are written in one call.

1. A thread that finds a writer free leads: it writes its own value and those of all waiting threads.
2. A thread that finds no writer free waits. When a leader is done, the first waiting thread leads next.
3. A single thread never waits.

Databases do the same with their log:
https://www.postgresql.org/docs/current/runtime-config-wal.html#GUC-COMMIT-DELAY
"""

from collections.abc import Callable, Sequence
from threading import Lock


class WriteTimeout(Exception):
    """All writers stayed busy until the time-out; the value was not written."""


class _PendingWrite[Item, Result]:
    """One thread's value. ``woken`` is released when the value is written, or when the thread is to lead."""

    __slots__ = ("item", "leads", "outcome", "woken")

    def __init__(self, item: Item) -> None:
        self.item, self.leads = item, False
        self.outcome: Result | BaseException
        self.woken = Lock()
        self.woken.acquire()


class GroupCommit[Item, Result]:
    """``write`` gets up to ``max_batch`` items, and returns a result, or an exception to raise, for each.

    An exception that ``write`` raises is raised for all items of the batch.
    """

    def __init__(
        self,
        write: Callable[[Sequence[Item]], Sequence[Result | Exception]],
        *,
        writers: int,
        max_batch: int,
        timeout_s: float,
    ) -> None:
        self._write, self._free, self._max_batch, self._timeout_s = write, writers, max_batch, timeout_s
        self._waiting: list[_PendingWrite[Item, Result]] = []
        self._lock = Lock()

    def __call__(self, item: Item) -> Result:
        """Write an item together with others, and return its result; raises WriteTimeout."""
        pending: _PendingWrite[Item, Result] = _PendingWrite(item)
        with self._lock:
            if self._free:
                self._free -= 1
                pending.leads = True
            else:
                self._waiting.append(pending)
        if not pending.leads:
            self._wait(pending)
        if pending.leads:
            self._lead(pending)
        if isinstance(pending.outcome, BaseException):
            raise pending.outcome
        return pending.outcome

    def _wait(self, pending: _PendingWrite[Item, Result]) -> None:
        if pending.woken.acquire(timeout=self._timeout_s):
            return
        with self._lock:
            if pending in self._waiting:
                self._waiting.remove(pending)
                raise WriteTimeout
        # A leader has taken the item, or this thread was chosen to lead at the last moment.
        pending.woken.acquire()

    def _lead(self, own: _PendingWrite[Item, Result]) -> None:
        with self._lock:
            max_others = self._max_batch - 1
            batch, self._waiting = [own, *self._waiting[:max_others]], self._waiting[max_others:]
        try:
            outcomes: Sequence[Result | BaseException] = self._write([pending.item for pending in batch])
            assert len(outcomes) == len(batch)
        except BaseException as error:
            outcomes = [error] * len(batch)
        with self._lock:
            following = self._waiting.pop(0) if self._waiting else None
            self._free += following is None
        if following:
            following.leads = True
            following.woken.release()
        for pending, outcome in zip(batch, outcomes, strict=True):
            pending.outcome = outcome
            if pending is not own:
                pending.woken.release()
