"""A sandbox that keeps what it is asked and answers, behind a real HTTP server in this process."""

import contextlib
import json
import threading
from collections.abc import Iterator
from typing import Any

import uvicorn

from demo.ports import free_port, listens
from stripe_sandbox import ManualClock, Response, Sandbox
from stripe_sandbox.inprocess import client
from stripe_sandbox.server import app_for
from tests.contract.exchanges import Exchange
from tests.contract.forms import decode
from tests.contract.official_cli import wait_for


class RecordingSandbox(Sandbox):
    """A sandbox that keeps each exchange at its API."""

    def __init__(self) -> None:
        super().__init__(clock=ManualClock())
        self.exchanges: list[Exchange] = []

    def request(
        self, method: str, path: str, headers: dict[str, str] | None = None, body: bytes = b""
    ) -> Response:
        response = super().request(method, path, headers, body)
        bare, _, query = path.partition("?")
        params: dict[str, Any] = decode(body.decode() if method == "POST" else query)
        answer = json.loads(response.body)
        self.exchanges.append(
            Exchange("walk", method, bare, params, response.status, answer, is_client=False)
        )
        return response


def _open_review(sandbox: RecordingSandbox) -> None:
    """Place a payment in review, as only the dashboard and Radar do."""
    paid = client(sandbox).v1.payment_intents.create(
        {
            "amount": 2000,
            "currency": "usd",
            "automatic_payment_methods": {"enabled": True, "allow_redirects": "never"},
            "payment_method": "pm_card_visa",
            "confirm": True,
        }
    )
    sandbox.control.open_review(paid.id)
    sandbox.exchanges.clear()


@contextlib.contextmanager
def serving() -> Iterator[tuple[RecordingSandbox, int]]:
    """Serve a sandbox on a free port while the block lasts, and yield both."""
    sandbox, port = RecordingSandbox(), free_port()
    _open_review(sandbox)
    config = uvicorn.Config(app_for(sandbox), host="127.0.0.1", port=port, log_level="warning")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        wait_for(lambda: listens(port), "the sandbox")
        yield sandbox, port
    finally:
        server.should_exit = True
        thread.join(timeout=20)
