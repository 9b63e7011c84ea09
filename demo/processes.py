"""The processes of a demo: each writes a log, and is stopped together with its child processes."""

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import psutil  # type: ignore[import-untyped]

from demo.plan import MARK, CannotStart
from estuary.config.environment import BASE_DIR

STOP_WITHIN_S = 10.0


@dataclass(slots=True)
class Child:
    name: str
    process: subprocess.Popen[bytes]
    log: Path
    # Bytes of the log from an earlier process of this name.
    log_before: int = 0

    @property
    def output(self) -> str:
        """The process's log so far."""
        return self.log.read_bytes()[self.log_before :].decode(errors="replace")


class ProcessGroup:
    """Processes in the order of their start."""

    def __init__(self, logs: Path) -> None:
        self._logs = logs
        self._children: list[Child] = []

    def start(self, name: str, command: list[str], env: dict[str, str]) -> Child:
        """Start a process in the background; its output goes to its log."""
        log = self._logs / f"{name}.log"
        with log.open("ab") as out:
            child = Child(name, _spawn(command, env, out), log, log_before=out.tell())
        self._children.append(child)
        return child

    def run(self, name: str, command: list[str], env: dict[str, str]) -> None:
        """Run a process until it ends; raises CannotStart with the tail of its log when it fails."""
        self.finish(self.start(name, command, env))

    def finish(self, child: Child) -> None:
        """Wait until a process ends; raises CannotStart with the tail of its log when it fails."""
        if child.process.wait() != 0:
            raise _died_error(child)
        self._children.remove(child)

    def kill(self, child: Child) -> None:
        """Kill a process and its child processes at once, and forget it."""
        _signal_group(child, signal.SIGKILL)
        child.process.wait()
        self._children.remove(child)

    def end(self, child: Child) -> None:
        """Ask a process to stop; kill it and its child processes when it does not stop in time."""
        _signal_group(child, signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.process.wait(STOP_WITHIN_S)
        self.kill(child)

    def wait_for[T](self, look: Callable[[], T | None], what: str, timeout_s: float = 60) -> T:
        """Return the first true result of ``look``; raises CannotStart when a process dies or time runs out."""
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            self.check()
            if result := look():
                return result
            time.sleep(0.1)
        raise CannotStart(f"{what} did not come up within {timeout_s:.0f} s. Its log is in {self._logs}.")

    def check(self) -> None:
        """Raise CannotStart with the tail of its log when a process has died."""
        for child in self._children:
            if child.process.poll() is not None:
                raise _died_error(child)

    def stop(self) -> None:
        """Ask every process to stop, the last one first; kill those that do not stop in time."""
        deadline = time.monotonic() + STOP_WITHIN_S
        for child in reversed(self._children):
            _signal_group(child, signal.SIGTERM)
        for child in reversed(self._children):
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.process.wait(max(deadline - time.monotonic(), 0.1))
            # Kills the process, or child processes that it left behind.
            _signal_group(child, signal.SIGKILL)
            child.process.wait()
        self._children.clear()


def end_leftovers(var: Path) -> None:
    """End all processes that an earlier, killed demo in ``var`` left behind."""
    left = [
        process
        for process in psutil.process_iter()
        if process.pid != os.getpid() and _mark_of(process) == str(var)
    ]
    for process in left:
        with contextlib.suppress(psutil.Error):
            process.terminate()
    _, alive = psutil.wait_procs(left, timeout=5)
    for process in alive:
        with contextlib.suppress(psutil.Error):
            process.kill()


def _mark_of(process: psutil.Process) -> str | None:
    try:
        return str(process.environ().get(MARK, ""))
    # The process belongs to another user, or has ended.
    except (psutil.Error, OSError):
        return None


def _spawn(command: list[str], env: dict[str, str], out: IO[bytes]) -> subprocess.Popen[bytes]:
    # A session of its own: Ctrl-C reaches only the launcher, which stops the others in order.
    return subprocess.Popen(
        command,
        env=env,
        cwd=BASE_DIR,
        stdin=subprocess.DEVNULL,
        stdout=out,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )


def _signal_group(child: Child, which: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(child.process.pid, which)


def _died_error(child: Child) -> CannotStart:
    code = child.process.returncode
    how = f"was ended by signal {-code}" if code < 0 else f"ended with code {code}"
    lines = child.output.splitlines()[-25:]
    tail = "\n".join(f"    {line}" for line in lines) or "    (the log is empty)"
    return CannotStart(f"{child.name} {how}. The end of {child.log}:\n{tail}")
