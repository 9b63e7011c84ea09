"""A terminal: runs a script in a shell and types the answers to its prompts."""

import contextlib
import os
import pty
import select
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path

from demo.plan import CannotStart

STOP_WITHIN_S = 10.0
TAIL = 25


class Terminal:
    """A shell with its process group."""

    def __init__(self, script: Path, *, cwd: Path, env: dict[str, str], answers: dict[str, str]) -> None:
        self._answers, self._output = dict(answers), bytearray()
        self._pid, self._line = pty.fork()
        if self._pid == 0:
            os.chdir(cwd)
            os.execvpe("bash", ["bash", "-e", str(script)], env)  # noqa: S606 what the README is written for
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    @property
    def output(self) -> str:
        return bytes(self._output).decode(errors="replace").replace("\r\n", "\n")

    def wait_for[T](self, look: Callable[[], T | None], what: str, timeout_s: float) -> T:
        """Return the first true result of ``look``; raises CannotStart when the script ends before or time runs out."""
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            if result := look():
                return result
            if not self._reader.is_alive():
                raise CannotStart(f"The block ended before {what}. What it wrote last:\n{self._tail()}")
            time.sleep(0.1)
        raise CannotStart(
            f"{what} did not come within {timeout_s:.0f} s. What was written last:\n{self._tail()}"
        )

    def stop(self) -> None:
        """Ask the shell and its child processes to stop; kill those that do not stop in time."""
        self._signal(signal.SIGTERM)
        self._reader.join(STOP_WITHIN_S)
        self._signal(signal.SIGKILL)
        with contextlib.suppress(ChildProcessError):
            os.waitpid(self._pid, 0)
        with contextlib.suppress(OSError):
            os.close(self._line)

    def _read(self) -> None:
        """Collect the output until the terminal is closed, and answer the prompts."""
        while True:
            try:
                if select.select([self._line], [], [], 0.2)[0]:
                    self._output += (piece := os.read(self._line, 65536))
                    if not piece:
                        return
            except OSError:
                return
            prompt = next((text for text in self._answers if self.output.endswith(text)), None)
            if prompt:
                os.write(self._line, f"{self._answers.pop(prompt)}\n".encode())

    def _signal(self, which: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._pid, which)

    def _tail(self) -> str:
        return "\n".join(f"    {line}" for line in self.output.splitlines()[-TAIL:]) or "    (nothing)"
