"""The sandbox's only source of randomness: ids and secrets in Stripe's formats."""

import random
import string

ALPHABET = string.ascii_letters + string.digits


class Ids:
    """Generates ids; with a seed, the same ones each time."""

    def __init__(self, seed: int | None = None) -> None:
        self._random = random.SystemRandom() if seed is None else random.Random(seed)

    def new(self, prefix: str, length: int = 24) -> str:
        """Return an id such as `pi_3…`."""
        return f"{prefix}_{self.text(length)}"

    def text(self, length: int) -> str:
        return "".join(self._random.choices(ALPHABET, k=length))
