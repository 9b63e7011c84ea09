"""Run Stripe's own command line tool against a served sandbox."""

import contextlib
import dataclasses
import http.server
import json
import os
import pathlib
import signal
import subprocess
import sys
import threading
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from typing import Any, cast

from demo.ports import free_port, listens

ROOT = pathlib.Path(__file__).parents[2]
# The tool refuses keys of fewer than 12 characters.
API_KEY = "sk_test_contract_of_the_cli"


def binary() -> pathlib.Path:
    """Return where the tool is; raises FileNotFoundError that says how to install it."""
    default = ROOT / ".cache/stripe-cli/node_modules/.bin/stripe"
    path = pathlib.Path(os.environ.get("STRIPE_CLI", default))
    if not path.exists():
        raise FileNotFoundError(f"no Stripe CLI at {path}: run `make stripe-cli`, or set STRIPE_CLI to it")
    return path


def environment(home: pathlib.Path) -> dict[str, str]:
    """Return the variables that keep the tool offline and out of the user's own configuration."""
    return os.environ | {
        # The tool on npm starts by `env node`; Node is beside this Python.
        "PATH": f"{pathlib.Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "HOME": str(home),
        "XDG_CONFIG_HOME": str(home),
        "STRIPE_API_KEY": API_KEY,
        "STRIPE_CLI_TELEMETRY_OPTOUT": "1",
        "NO_PROXY": "127.0.0.1",
        "no_proxy": "127.0.0.1",
    }


def wait_for[T](look: Callable[[], T | None], what: str, timeout_s: float = 20) -> T:
    """Return the first answer that is not None or empty; raises TimeoutError that says what never came."""
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        result = look()
        if result:
            return result
        time.sleep(0.1)
    raise TimeoutError(f"{what} did not come within {timeout_s} s")


@dataclasses.dataclass(frozen=True)
class Served:
    """A sandbox in a process of its own, and the tool that talks to it."""

    base: str
    home: pathlib.Path

    def get(self, path: str, **query: str) -> dict[str, Any]:
        """Return the answer to a GET with the secret key."""
        url = f"{self.base}{path}?{urllib.parse.urlencode(query)}"
        request = urllib.request.Request(url, headers={"Authorization": f"Bearer {API_KEY}"})
        with urllib.request.urlopen(request, timeout=10) as answer:
            return cast(dict[str, Any], json.load(answer))

    def post(self, path: str, **form: str) -> dict[str, Any]:
        """Return the answer to a POST with the secret key."""
        body = urllib.parse.urlencode(form).encode()
        request = urllib.request.Request(
            f"{self.base}{path}", data=body, headers={"Authorization": f"Bearer {API_KEY}"}
        )
        with urllib.request.urlopen(request, timeout=10) as answer:
            return cast(dict[str, Any], json.load(answer))

    def events(self, kind: str) -> list[dict[str, Any]]:
        """Return the events of one type, the newest first."""
        return cast(list[dict[str, Any]], self.get("/v1/events", type=kind, limit="100")["data"])

    def trigger(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run `stripe trigger` to its end."""
        return self.run("trigger", *arguments)

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a command of the tool to its end."""
        command = [str(binary()), *arguments, "--api-base", self.base]
        return subprocess.run(
            command, env=environment(self.home), capture_output=True, text=True, timeout=60, check=False
        )

    @contextlib.contextmanager
    def listening(self, forward_to: str, *which: str) -> Iterator[list[str]]:
        """Run `stripe listen`, to all events unless told which, and yield the lines that it prints."""
        options = ["--api-base", self.base, "--no-wss", "--skip-update", "--forward-to", forward_to]
        command = [str(binary()), "listen", *(which or ("--all-snapshot",)), *options]
        with running(command, environment(self.home)) as lines:
            yield lines


@contextlib.contextmanager
def running(command: list[str], env: dict[str, str]) -> Iterator[list[str]]:
    """Run a command while the block lasts and yield the lines that it prints."""
    process = subprocess.Popen(
        command,
        env=env,
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    lines: list[str] = []
    reader = threading.Thread(target=_read, args=(process, lines), daemon=True)
    reader.start()
    try:
        yield lines
    finally:
        # The group, because the tool is started by a Node script that does not pass signals on.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        reader.join()


def _read(process: subprocess.Popen[str], lines: list[str]) -> None:
    assert process.stdout is not None
    for line in process.stdout:
        lines.append(line.rstrip())


@contextlib.contextmanager
def serving(home: pathlib.Path, *arguments: str) -> Iterator[Served]:
    """Serve a sandbox on a free port while the block lasts."""
    port = free_port()
    command = [sys.executable, "-m", "stripe_sandbox", "--port", str(port), *arguments]
    served = Served(f"http://127.0.0.1:{port}", home)
    with running(command, dict(os.environ)) as lines:
        try:
            wait_for(lambda: listens(port), "the sandbox")
        except TimeoutError as error:
            error.add_note("\n".join(lines))
            raise
        yield served


@dataclasses.dataclass(frozen=True)
class Delivery:
    """One request that arrived at the webhook."""

    headers: dict[str, str]
    body: bytes

    @property
    def event(self) -> dict[str, Any]:
        return cast(dict[str, Any], json.loads(self.body))


@contextlib.contextmanager
def webhook(status: int = 200) -> Iterator[tuple[str, list[Delivery]]]:
    """Serve a webhook that keeps what it gets, and yield its address and what came."""
    came: list[Delivery] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers.get("Content-Length", 0))
            came.append(Delivery(dict(self.headers), self.rfile.read(length)))
            self.send_response(status)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Keep the test's output to itself."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"127.0.0.1:{server.server_port}/api/v1/payments/webhook/", came
        server.shutdown()
