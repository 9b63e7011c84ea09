"""Group commit: what several threads want written at the same time is written in one go.

Whoever finds a writer free writes for all who wait; who comes meanwhile waits for the next one, who then writes for
all of them. A lone one waits for nobody. Databases do the same with their log:
https://www.postgresql.org/docs/current/runtime-config-wal.html#GUC-COMMIT-DELAY
"""

from collections.abc import Callable, Sequence
from threading import Lock


class WriteTimeout(Exception):
    """Nothing was written within the time that was given: all writers are at work still."""


class _PendingWrite[Item, Result]:
    """What one thread wants written. ``woken`` is let go when it is, or when the thread is to write for all."""

    __slots__ = ("item", "leads", "outcome", "woken")

    def __init__(self, item: Item) -> None:
        self.item, self.leads = item, False
        self.outcome: Result | BaseException
        self.woken = Lock()
        self.woken.acquire()


class GroupCommit[Item, Result]:
    """``write`` takes up to ``most`` items at once, and returns a result, or what is to be raised, for each.

    What it raises itself is raised for all of them.
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
        """Have an item written with others, and return what came of it; raises TooLong."""
        turn: _PendingWrite[Item, Result] = _PendingWrite(item)
        with self._lock:
            if self._free:
                self._free -= 1
                turn.leads = True
            else:
                self._waiting.append(turn)
        if not turn.leads:
            self._wait(turn)
        if turn.leads:
            self._lead(turn)
        if isinstance(turn.outcome, BaseException):
            raise turn.outcome
        return turn.outcome

    def _wait(self, turn: _PendingWrite[Item, Result]) -> None:
        if turn.woken.acquire(timeout=self._timeout_s):
            return
        with self._lock:
            if turn in self._waiting:
                self._waiting.remove(turn)
                raise WriteTimeout
        turn.woken.acquire()  # it is being written, or was called at the last moment

    def _lead(self, turn: _PendingWrite[Item, Result]) -> None:
        with self._lock:
            max_others = self._max_batch - 1
            batch, self._waiting = [turn, *self._waiting[:max_others]], self._waiting[max_others:]
        try:
            outcomes: Sequence[Result | BaseException] = self._write([one.item for one in batch])
            assert len(outcomes) == len(batch)
        except BaseException as error:
            outcomes = [error] * len(batch)
        with self._lock:
            following = self._waiting.pop(0) if self._waiting else None
            self._free += following is None
        if following:
            following.leads = True
            following.woken.release()
        for one, outcome in zip(batch, outcomes, strict=True):
            one.outcome = outcome
            if one is not turn:
                one.woken.release()
