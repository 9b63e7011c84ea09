"""Rate limits as the environment writes them, such as ``30/10m``."""

import re
from dataclasses import dataclass
from datetime import timedelta

SECONDS = {"s": 1, "m": 60, "h": 60 * 60, "d": 24 * 60 * 60}
RATE_PATTERN = re.compile(r"(?P<times>[1-9]\d{0,6})/(?P<periods>[1-9]\d{0,4})?(?P<unit>[smhd])", re.ASCII)


@dataclass(frozen=True, slots=True)
class Rate:
    """At most ``times`` within ``period``, which begins with the first."""

    times: int
    period: timedelta

    @classmethod
    def parse(cls, text: str) -> "Rate":
        """Read ``30/10m``, ``5/h``, ``100/d``; raises ValueError for anything else."""
        match = RATE_PATTERN.fullmatch(text.strip())
        if match is None:
            raise ValueError("write it as how many in how long, such as 30/10m, 5/h or 100/d")
        seconds = int(match["periods"] or 1) * SECONDS[match["unit"]]
        return cls(int(match["times"]), timedelta(seconds=seconds))
