"""The random draws of an act. A flow that must be the same each time fixes them beforehand."""

from collections.abc import Mapping, Sequence
from random import Random
from typing import Any


class Draws:
    """Named draws: ``settled`` holds those that are fixed."""

    def __init__(self, chance: Random, settled: Mapping[str, Any]) -> None:
        self._chance, self._settled = chance, settled

    def pick[T](self, name: str, among: Sequence[T]) -> T:
        drawn = self._chance.choice(among)
        settled: T = self._settled.get(name, drawn)
        return settled

    def odds(self, name: str, probability: float) -> bool:
        drawn = self._chance.random() < probability
        return bool(self._settled.get(name, drawn))

    def settled(self, name: str, default: Any) -> Any:
        """Return what the scenario has fixed, or the default: nothing is drawn."""
        return self._settled.get(name, default)

    def between(self, low: float, high: float) -> float:
        return self._chance.uniform(low, high)

    def word(self) -> str:
        return f"{self._chance.getrandbits(48):x}"
