"""Who runs next: one actor at a time, chosen by the seed at every point where another could step in.

An actor is a thread. It runs only while it holds the baton, and gives it on at its yield points. Nobody is punctual:
who would wake within the blur may come before those who are awake, so that whatever could meet does meet, often.

A statement that waits for another actor's lock is told by PostgreSQL itself; its actor is not chosen until the lock is
free, and its backend is stopped until then: of several that wait for one lock, the first is let on alone.
"""

import functools
import hashlib
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto
from random import Random

from tests.simulation.clock import SimulatedClock
from tests.simulation.locks import ANSWER_TIMEOUT_S, LockWatch

SOON_S = 3.0


class Crash(BaseException):
    """The process is killed here; nothing of it runs on."""


class Stopped(BaseException):
    """The run is over; whoever still waits leaves."""


class State(Enum):
    READY = auto()
    ASLEEP = auto()
    BLOCKED = auto()
    DONE = auto()


@dataclass
class Actor:
    """One who acts: ``crashes`` are the numbers of the yield points at which its process is killed."""

    name: str
    play: Callable[[], None]
    crashes: frozenset[int] = frozenset()
    daemon: bool = False  # the run is over when only daemons are left
    state: State = State.READY
    wakes_at: float = 0.0
    points: list[str] = field(default_factory=list)
    dead: bool = False
    returned: bool = False
    napping: bool = False
    pid: int = 0  # of its backend
    let_on: bool = False
    free: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    answers: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    baton: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    failure: BaseException | None = None

    @property
    def is_runnable(self) -> bool:
        return self.state is State.READY or (self.state is State.BLOCKED and self.returned)


_here = threading.local()


def current() -> Actor | None:
    """Return the actor that this thread plays."""
    return getattr(_here, "actor", None)


class Scheduler:
    """Holds the baton's rule, the trace of all that happened, and the list of crashes."""

    def __init__(self, clock: SimulatedClock, locks: LockWatch) -> None:
        self.clock, self.locks = clock, locks
        self.reset(Random(0))

    def reset(self, chance: Random, patience: float = 0.0, blur_s: float = 0.0) -> None:
        """Forget the last run.

        ``patience`` is how often an actor runs on although others could. ``blur_s`` is how far ahead of those who are
        awake a sleeper may be chosen: time moves on to his moment, and the others are that late.
        """
        self.actors: list[Actor] = []
        self.crashed: list[str] = []
        self.steps = 0
        self._chance, self._patience, self.blur_s = chance, patience, blur_s
        self._trace = hashlib.sha256()

    @property
    def trace(self) -> str:
        return self._trace.hexdigest()

    def note(self, *words: object) -> None:
        """Add to the trace what must be the same each time."""
        self._trace.update(repr(words).encode())

    # --- The run ------------------------------------------------------------------------------------------------

    def run(self, actors: Sequence[Actor], thread_pool: "ThreadPool", until: float | None = None) -> None:
        """Let actors play until all but the daemons are done, or until a moment; raises the first failure of any."""
        self.actors, self._until = list(actors), until
        self._waiting: list[Actor] = []  # for a lock, the first to come first
        self._arbiter, self._over, self._stopping = threading.Semaphore(0), False, False
        for actor in actors:
            thread_pool.submit(functools.partial(self._life, actor))
        while not self._over:  # this thread chooses for those who can't: the first, the blocked, the done
            chosen = self._choose()
            if chosen is None:
                break
            chosen.baton.release()
            self._arbiter.acquire()
        self._stopping = True
        self._leave_the_queue()
        for actor in actors:
            actor.baton.release()
        thread_pool.join()
        for actor in actors:
            if actor.failure:
                raise actor.failure

    def _life(self, actor: Actor) -> None:
        _here.actor = actor
        try:
            self._await_baton(actor)
            actor.play()
        except Stopped:
            pass
        except BaseException as failure:
            actor.failure = failure
            self._over = True
        finally:
            _here.actor = None
            actor.state = State.DONE
            self._arbiter.release()

    def _await_baton(self, actor: Actor) -> None:
        if not self._stopping:
            actor.baton.acquire()
        if self._stopping:
            actor.dead = True
            raise Stopped

    def refuse_the_dead(self, actor: Actor) -> None:
        """Nothing of a killed process runs on, and of nobody once the run is over."""
        if self._stopping:
            raise Stopped
        if actor.dead:
            raise Crash(actor.points[-1])

    # --- Yield points -------------------------------------------------------------------------------------------

    def point(self, kind: str, label: str = "") -> None:
        """Note that the current actor is here, kill it if its time has come, and let chance say who runs next."""
        me = current()
        if me is None:
            return
        self.refuse_the_dead(me)
        me.points.append(kind)
        self.note(round(self.clock.now(), 6), me.name, kind, label)
        if len(me.points) in me.crashes:
            me.dead = True
            self.crashed.append(kind)
            self.note("crash")
            raise Crash(kind)
        self.switch()

    def switch(self) -> None:
        """Let chance choose who runs on; with some patience the same one."""
        me = current()
        assert me is not None
        if self._patience and self._chance.random() < self._patience:
            return
        self._give_to(self._choose(), me)

    def sleep(self, seconds: float) -> None:
        """Let simulated time pass for the current actor."""
        me = current()
        assert me is not None
        me.state, me.wakes_at = State.ASLEEP, self.clock.now() + seconds
        self._give_to(self._choose(), me)

    def nap(self, seconds: float) -> None:
        """Sleep, unless there is news before."""
        me = current()
        assert me is not None
        me.napping = True
        self.sleep(seconds)
        me.napping = False

    def rouse(self) -> None:
        """Let those who wait for news look for it soon, as a notification of PostgreSQL does."""
        for actor in self.actors:
            if actor.napping and actor.state is State.ASLEEP:
                actor.wakes_at = min(actor.wakes_at, self.clock.now() + self._chance.uniform(0, SOON_S))

    def _give_to(self, chosen: Actor | None, me: Actor) -> None:
        if chosen is me:
            return
        (chosen.baton if chosen else self._arbiter).release()
        self._await_baton(me)

    def _choose(self) -> Actor | None:
        """Return who runs next, or None when it is over."""
        self._let_on()
        if self._until is None and all(actor.daemon or actor.state is State.DONE for actor in self.actors):
            return None
        able = self._able()
        if not able:
            return None
        chosen = able[self._chance.randrange(len(able))] if len(able) > 1 else able[0]
        if chosen.state is State.ASLEEP:
            self.clock.advance(max(0.0, chosen.wakes_at - self.clock.now()))
        chosen.state, chosen.returned = State.READY, False
        self.steps += 1
        return chosen

    def _able(self) -> list[Actor]:
        """Return those who are awake, and those who wake soon enough; nobody when that is after the end."""
        awake = [actor for actor in self.actors if actor.is_runnable]
        asleep = [actor for actor in self.actors if actor.state is State.ASLEEP]
        if not awake and not asleep:
            raise AssertionError(f"nobody can run: {[(a.name, a.state.name) for a in self.actors]}")
        now = self.clock.now()
        begin = now if awake else max(now, min(actor.wakes_at for actor in asleep))
        if self._until is not None and begin > self._until:
            return []
        horizon = begin + self.blur_s if self._until is None else min(begin + self.blur_s, self._until)
        return awake + [actor for actor in asleep if actor.wakes_at <= horizon]

    # --- Locks --------------------------------------------------------------------------------------------------

    def blocked(self, actor: Actor) -> None:
        """Its statement waits for a lock: others run until that is free; returns when it is."""
        self.note(actor.name, "blocked")
        actor.state, actor.returned = State.BLOCKED, False
        self.locks.stop(actor.pid)
        if actor not in self._waiting:
            self._waiting.append(actor)
        (actor.answers if actor.let_on else self._arbiter).release()
        actor.free.acquire()

    def unblocked(self, actor: Actor) -> None:
        """Its statement has returned; it goes on when it is chosen again."""
        actor.returned = True
        self._waiting.remove(actor)
        actor.answers.release()
        self._await_baton(actor)

    def _let_on(self) -> None:
        """Let each whose lock is free get on, the first to come first, until its statement returns or waits again."""
        for actor in list(self._waiting):
            if not self.locks.waits(actor.pid):
                self.locks.let_on(actor.pid)
                self._hear_from(actor)

    def _leave_the_queue(self) -> None:
        """Who still waits for a lock when all is over waits for nothing any more."""
        for actor in list(self._waiting):
            self.locks.give_up(actor.pid)
            self._hear_from(actor)

    def _hear_from(self, actor: Actor) -> None:
        actor.let_on = True
        actor.free.release()
        if not actor.answers.acquire(timeout=ANSWER_TIMEOUT_S):
            raise AssertionError(f"{actor.name} neither waits nor gets on")
        actor.let_on = False


class ThreadPool:
    """Threads that outlive a run, each with a database connection of its own that stays open."""

    def __init__(self) -> None:
        self._idle: list[_PooledThread] = []
        self._busy: list[_PooledThread] = []

    def submit(self, task: Callable[[], None]) -> None:
        hand = self._idle.pop(0) if self._idle else _PooledThread()
        self._busy.append(hand)
        hand.take(task)

    def join(self) -> None:
        for hand in self._busy:
            hand.done.acquire()
        self._idle, self._busy = self._busy + self._idle, []


class _PooledThread(threading.Thread):
    def __init__(self) -> None:
        super().__init__(daemon=True)
        self._todo = threading.Semaphore(0)
        self._task: Callable[[], None] = lambda: None
        self.done = threading.Semaphore(0)
        self.start()

    def take(self, task: Callable[[], None]) -> None:
        self._task = task
        self._todo.release()

    def run(self) -> None:
        while True:
            self._todo.acquire()
            try:
                self._task()
            finally:
                self.done.release()
