"""The report of a run: printed, stored as JSON, and written as tables into the documentation."""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from benchmarks.contender import Sample
from benchmarks.figures import Samples, short, spread
from benchmarks.goals import GOALS

BEGIN, END = "<!-- begin: written by make bench -->", "<!-- end: written by make bench -->"


@dataclass(frozen=True, slots=True)
class Result:
    """One run. ``groups`` says which measurement a contender belongs to."""

    at: datetime
    hardware: str
    versions: dict[str, str]
    rounds: int
    seconds: float
    groups: dict[str, str]
    samples: Samples

    def to_json(self) -> str:
        return json.dumps(asdict(self) | {"at": self.at.isoformat()}, indent=1)

    @classmethod
    def from_json(cls, text: str) -> "Result":
        fields: dict[str, Any] = json.loads(text)
        samples = {name: [Sample(**each) for each in turns] for name, turns in fields["samples"].items()}
        return cls(**fields | {"at": datetime.fromisoformat(fields["at"]), "samples": samples})


def keep(result: Result, folder: Path) -> Path:
    """Write the result into a new file, and return it."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{result.at:%Y-%m-%dT%H-%M-%S}.json"
    file.write_text(result.to_json())
    return file


def tables(result: Result) -> str:
    """Return the figures as Markdown: a table for each measurement, and one of what they are held against."""
    parts = [_origin(result)]
    for group in dict.fromkeys(result.groups.values()):
        named = {name: turns for name, turns in result.samples.items() if result.groups[name] == group}
        parts.append(_contenders(group, named))
    parts.append(_goals(result.samples))
    return "\n\n".join(parts)


def _origin(result: Result) -> str:
    versions = ", ".join(f"{name} {version}" for name, version in result.versions.items())
    return (
        f"{result.at:%d %B %Y}; {result.rounds} rounds of {result.seconds:g} s for each contender, in turns. "
        f"Median (lowest–highest).\n{result.hardware}.\n{versions}."
    )


def _contenders(group: str, samples: Samples) -> str:
    lines = [
        f"### {group.capitalize()}",
        "",
        "| contender | per s | p50 ms | p99 ms | CPU ms each | PostgreSQL's |",
    ]
    lines.append("|---|---|---|---|---|---|")
    for name, turns in samples.items():
        rest = (_p50, _p99, _cpu, _database_cpu)
        cells = [str(spread([turn.per_s for turn in turns])), *(_cell(turns, figure) for figure in rest)]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _cell(turns: Sequence[Sample], figure: Callable[[Sample], float | None]) -> str:
    values = [value for turn in turns if (value := figure(turn)) is not None]
    return str(spread(values)) if values else "–"


def _p50(sample: Sample) -> float | None:
    return sample.p50_ms


def _p99(sample: Sample) -> float | None:
    return sample.p99_ms


def _cpu(sample: Sample) -> float | None:
    return sample.cpu_s / sample.count * 1000 if sample.cpu_s is not None and sample.count else None


def _database_cpu(sample: Sample) -> float | None:
    if sample.database_cpu_s is None or not sample.count:
        return None
    return sample.database_cpu_s / sample.count * 1000


def _goals(samples: Samples) -> str:
    lines = ["### Held against", "", "| figure | measured | bound | |", "|---|---|---|---|"]
    for goal in GOALS:
        if measured := goal.measured(samples):
            met = "met" if goal.is_met(measured) else "**missed**"
            lines.append(f"| {goal.text} | {measured} | {goal.must_be} {short(goal.bound)} | {met} |")
    return "\n".join(lines)


def write_into(page: Path, text: str) -> None:
    """Replace what stands between the markers of a page; raises ValueError when they are not there."""
    page.write_text(between_markers(page.read_text(), text))


def between_markers(page: str, text: str) -> str:
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"The page has no {BEGIN} … {END}")
    return f"{before}{BEGIN}\n\n{text}\n\n{END}{after}"
