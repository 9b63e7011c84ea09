"""Load over HTTP: wrk sends prepared requests, each once; any response but a 2xx fails the turn."""

import json
import os
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from benchmarks.contender import BenchmarkFailed
from benchmarks.events import Payment, signed
from demo.plan import HOST
from demo.system import find

PLAYER = Path(__file__).with_name("play.lua")
CLIENTS, MANY = 8, 32  # as many as the limit has; and as a flood has them
MARK = "FIGURES "


@dataclass(frozen=True, slots=True)
class LoadResult:
    answers: int
    seconds: float
    p50_ms: float
    p99_ms: float
    refused: int = 0  # answers that were no 2xx
    broken: int = 0  # connections, and answers that nobody waited for any longer


def find_wrk() -> str:
    """Return the path of wrk, installed from Debian if possible; raises CannotStart."""
    return find("wrk", "The load comes from wrk.")


def write_requests(
    target: Path, path: str, port: int, posts: Iterable[tuple[bytes, Mapping[str, str]]]
) -> int:
    """Write POST requests for ``play.lua``, each with its body and headers; return their number."""
    begin = f"POST {path} HTTP/1.1\r\nHost: localhost:{port}\r\nContent-Type: application/json\r\n"
    written = 0
    with target.open("wb") as out:
        for body, headers in posts:
            own = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
            request = f"{begin}{own}Content-Length: {len(body)}\r\n\r\n".encode() + body
            out.write(b"%d\n" % len(request) + request)
            written += 1
        out.flush()
        os.fsync(out.fileno())  # now, and not while the database waits for its own writes
    return written


def write_events(target: Path, path: str, port: int, numbers: range) -> None:
    """Write the events of numbered payments, signed now: signatures are valid for five minutes."""
    posts = signed(map(Payment.number, numbers))
    write_requests(target, path, port, ((body, {"Stripe-Signature": signature}) for body, signature in posts))


def play(
    requests: Path,
    port: int,
    seconds: float,
    *,
    clients: int = CLIENTS,
    apart_ms: float = 0,
    strict: bool = True,
) -> LoadResult:
    """Send the written requests, one every ``apart_ms`` on average; raises BenchmarkFailed."""
    command = [
        find_wrk(), "--threads", "1", "--connections", str(clients), "--duration", f"{max(round(seconds), 1)}s",
        "--timeout", "30s", "--latency", "--script", str(PLAYER), f"http://{HOST}:{port}", "--",
        str(requests), str(apart_ms),
    ]  # fmt: skip
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    return read(ran.stdout, ran.stderr, strict=strict)


def read(output: str, errors: str = "", *, strict: bool = True) -> LoadResult:
    """Return wrk's figures; when ``strict``, raises BenchmarkFailed for a response other than 2xx, or none."""
    lines = [line.removeprefix(MARK) for line in output.splitlines() if line.startswith(MARK)]
    if not lines:
        raise BenchmarkFailed(f"wrk ended without figures: {(errors or output).strip()[-500:]}")
    figures = json.loads(lines[-1])
    if strict and (figures["refused"] or figures["broken"] or not figures["requests"]):
        raise BenchmarkFailed(
            f"{figures['refused']} of {figures['requests']} answers were refusals, "
            f"and {figures['broken']} connections broke"
        )
    return LoadResult(
        answers=figures["requests"],
        seconds=figures["duration_us"] / 1e6,
        p50_ms=figures["p50_us"] / 1000,
        p99_ms=figures["p99_us"] / 1000,
        refused=figures["refused"],
        broken=figures["broken"],
    )
