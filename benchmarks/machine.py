"""The machine of a measurement: hardware and versions."""

import os
import platform
from importlib.metadata import version
from pathlib import Path

import psutil  # type: ignore[import-untyped]

PACKAGES = ("django", "djangorestframework", "granian", "psycopg", "stripe")


def hardware() -> str:
    """Return processor, cores, memory, kernel and current load in one line."""
    gigabytes = round(psutil.virtual_memory().total / 2**30)
    system, load = f"{platform.system()} {platform.release()}", os.getloadavg()[0]
    return f"{_processor()}, {os.cpu_count()} cores, {gigabytes} GB, {system}, load before {load:.1f}"


def _processor() -> str:
    cpu_info = Path("/proc/cpuinfo")
    lines = cpu_info.read_text().splitlines() if cpu_info.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def versions(postgres: str, **others: str) -> dict[str, str]:
    """Return the versions of everything that takes part, by name."""
    packages = {name: version(name) for name in PACKAGES}
    return {"python": platform.python_version(), "postgresql": postgres, **packages, **others}
