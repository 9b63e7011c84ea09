"""What a run of the fuzz has sent, told by endpoint and status."""

from collections import Counter, defaultdict
from collections.abc import Iterator

from drf_spectacular.generators import SchemaGenerator

from tests.fuzz.runner import SEED, Run

RUNS: list[Run] = []


def operations() -> set[str]:
    """Return every operation of the document, such as ``GET /api/v1/orders/``."""
    document = SchemaGenerator().get_schema(public=True)  # type: ignore[no-untyped-call]
    return {f"{verb.upper()} {path}" for path, verbs in document["paths"].items() for verb in verbs}


def describe(run: Run) -> str:
    """Return everything that was found wrong, with what was sent and answered, and how to see it again."""
    again = f"Again: make fuzz SEED={SEED} ROLE={run.role.name}"
    parts = [f"{name}: {label} {status}\n{what}" for (name, label, status, _), what in run.findings.items()]
    return "\n\n".join([f"{len(parts)} findings as {run.role.name}. {again}", *parts])


def lines() -> Iterator[str]:
    """Yield how many cases were sent: by role, and to each operation by status."""
    for run in RUNS:
        phases = ", ".join(f"{count} {name}" for name, count in sorted(run.phases.items()))
        yield f"{run.role.name:<13} {run.tally.total():>7} cases ({phases}), {len(run.findings)} findings"
    labels = operations()
    by_operation: defaultdict[str, Counter[int]] = defaultdict(Counter)
    for run in RUNS:
        for (label, status), count in run.tally.items():
            by_operation[label if label in labels else "any other method"][status] += count
    for label, statuses in sorted(by_operation.items()):
        answers = "  ".join(f"{status}: {count}" for status, count in sorted(statuses.items()))
        yield f"{label:<58} {statuses.total():>6}   {answers}"
    yield f"{'all':<58} {sum(run.tally.total() for run in RUNS):>6}   seed {SEED}"
