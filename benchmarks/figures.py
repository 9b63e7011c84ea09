"""From samples to figures: medians, spread, and ratios round by round."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import ceil
from statistics import median

from benchmarks.contender import Sample

type Samples = dict[str, list[Sample]]  # by contender, one for each round


@dataclass(frozen=True, slots=True)
class Spread:
    median: float
    lowest: float
    highest: float

    def __str__(self) -> str:
        if self.lowest == self.highest:
            return short(self.median)
        return f"{short(self.median)} ({short(self.lowest)}–{short(self.highest)})"


def short(value: float) -> str:
    """Return three significant digits: 7,410 but 4.12."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def spread(values: Sequence[float]) -> Spread:
    """Return median, minimum and maximum; raises statistics.StatisticsError without values."""
    return Spread(median(values), min(values), max(values))


def quantile(values: Sequence[float], share: float) -> float:
    """Return the smallest value that at least this ``share`` (0…1) of all values does not exceed: the nearest rank."""
    ranked = sorted(values)
    return ranked[max(ceil(share * len(ranked)), 1) - 1]


def ratio(above: Sequence[Sample], below: Sequence[Sample], figure: Callable[[Sample], float]) -> Spread:
    """Return the ratios of two contenders round by round, so that a noisy minute affects both."""
    return spread([figure(a) / figure(b) for a, b in zip(above, below, strict=True)])


def per_s(sample: Sample) -> float:
    return sample.per_s


def p99(sample: Sample) -> float:
    if sample.p99_ms is None:
        raise ValueError("this contender has no latency")
    return sample.p99_ms


def cpu_ms_each(sample: Sample) -> float:
    """Milliseconds of the contender's own CPU for each unit of work."""
    if sample.cpu_s is None or not sample.count:
        raise ValueError("this contender has no processor time")
    return sample.cpu_s / sample.count * 1000
