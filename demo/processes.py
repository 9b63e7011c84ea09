"""The processes of a demo: each with its log, each stopped with all that it started, whatever happens."""

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
    log_before: int = 0  # bytes that an earlier process of this name wrote there

    @property
    def output(self) -> str:
        """What it wrote into its log so far."""
        return self.log.read_bytes()[self.log_before :].decode(errors="replace")


class ProcessGroup:
    """What was started, in order."""

    def __init__(self, logs: Path) -> None:
        self._logs = logs
        self._children: list[Child] = []

    def start(self, name: str, command: list[str], env: dict[str, str]) -> Child:
        """Start a process that stays; its output goes to its log."""
        log = self._logs / f"{name}.log"
        with log.open("ab") as out:
            child = Child(name, _spawn(command, env, out), log, log_before=out.tell())
        self._children.append(child)
        return child

    def run(self, name: str, command: list[str], env: dict[str, str]) -> None:
        """Run a process to its end; raises CannotStart with the tail of its log when it fails."""
        self.finish(self.start(name, command, env))

    def finish(self, child: Child) -> None:
        """Wait until a process ends by itself; raises CannotStart with the tail of its log when it fails."""
        if child.process.wait() != 0:
            raise _died_error(child)
        self._children.remove(child)

    def kill(self, child: Child) -> None:
        """Kill a process with all that it started, with no time to tidy up; from now on it is nobody's."""
        _signal_group(child, signal.SIGKILL)
        child.process.wait()
        self._children.remove(child)

    def end(self, child: Child) -> None:
        """Ask one process to stop, and end it with all that it started when it does not in time."""
        _signal_group(child, signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.process.wait(STOP_WITHIN_S)
        self.kill(child)

    def wait_for[T](self, look: Callable[[], T | None], what: str, timeout_s: float = 60) -> T:
        """Return the first answer that is there; raises CannotStart when a process dies or time is over."""
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
        """Ask every process to stop, the last one first, and end what does not in time."""
        deadline = time.monotonic() + STOP_WITHIN_S
        for child in reversed(self._children):
            _signal_group(child, signal.SIGTERM)
        for child in reversed(self._children):
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.process.wait(max(deadline - time.monotonic(), 0.1))
            _signal_group(child, signal.SIGKILL)  # it, or what it may have left behind
            child.process.wait()
        self._children.clear()


def end_leftovers(var: Path) -> None:
    """End every process of a demo in ``var`` that is still there: one that was killed could not stop its own."""
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
    except (psutil.Error, OSError):  # somebody else's, or gone meanwhile
        return None


def _spawn(command: list[str], env: dict[str, str], out: IO[bytes]) -> subprocess.Popen[bytes]:
    # A session of its own: Ctrl-C reaches the launcher alone, which then stops the others in good order.
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
    tail = "\n".join(f"    {line}" for line in lines) or "    (it said nothing)"
    return CannotStart(f"{child.name} {how}. The end of {child.log}:\n{tail}")
