"""Simulated time and chance, put where the product and the sandbox ask for theirs."""

from collections.abc import Sequence
from datetime import UTC, datetime, tzinfo
from random import Random
from types import SimpleNamespace
from typing import Self

import stripe

from estuary.common import clock as product_clock
from estuary.common import ids as product_ids

BEGIN = datetime(2030, 1, 7, 9, tzinfo=UTC).timestamp()  # a Monday


class SimulatedClock:
    """Stands still unless the scheduler moves it; seconds since the epoch, as the sandbox wants them."""

    def __init__(self) -> None:
        self._now = BEGIN

    def now(self) -> float:
        return self._now

    def advance(self, seconds: float) -> None:
        self._now += seconds

    def reset(self) -> None:
        self._now = BEGIN

    @property
    def elapsed_s(self) -> float:
        return self._now - BEGIN


class SimulatedMoment(datetime):
    """A datetime whose now is the simulation's."""

    clock: SimulatedClock

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> Self:
        return cls.fromtimestamp(cls.clock.now(), tz)


class Chance:
    """Stands in for ``secrets``: ids come out of the seed."""

    def __init__(self) -> None:
        self.random = Random(0)

    def choice[T](self, among: Sequence[T]) -> T:
        return self.random.choice(among)


def take_over(clock: SimulatedClock) -> Chance:
    """Let the product tell this time and draw its ids from the chance that is returned."""
    SimulatedMoment.clock = clock
    chance = Chance()
    vars(product_clock)["datetime"] = SimulatedMoment
    vars(product_ids)["secrets"] = chance
    # The SDK compares a signature's age with the time of day.
    vars(stripe._webhook)["time"] = SimpleNamespace(time=clock.now)
    return chance
