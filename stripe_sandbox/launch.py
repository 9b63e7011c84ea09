"""Serve a sandbox from a test, in a line: ``with stripe_sandbox.running() as sandbox``."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from stripe_sandbox.sandbox import Sandbox

HOST = "127.0.0.1"
START_S, STOP_S = 0.02, 30.0


@contextmanager
def running(*, port: int = 0, deliveries_at_once: int = 1, **options: Any) -> Iterator[Sandbox]:
    """Serve a new sandbox on this machine until the end of the block; its ``url`` is the SDK's API base.

    Port 0 is any free port; raises OSError when another one is taken. ``options`` are those of `Sandbox`: with
    ``webhook_url`` and ``webhook_secret``, signed events are posted there.
    """
    if bool(options.get("webhook_url")) != bool(options.get("webhook_secret")):
        raise ValueError("webhook_url and webhook_secret go together: events are signed.")
    # A web server costs three times the start of a sandbox, and who calls it in the same process needs none.
    from stripe_sandbox.server import app_for  # noqa: PLC0415

    listener = socket.create_server((HOST, port))
    sandbox = Sandbox(**{"public_url": f"http://{HOST}:{listener.getsockname()[1]}"} | options)
    with serving(app_for(sandbox, deliveries_at_once=deliveries_at_once), listener):
        yield sandbox


@contextmanager
def serving(application: Any, listener: socket.socket) -> Iterator[None]:
    """Serve an ASGI application in a thread until the end of the block; raises RuntimeError if it can't start."""
    import uvicorn  # noqa: PLC0415

    config = uvicorn.Config(
        application,
        lifespan="on",
        log_level="warning",
        access_log=False,
        date_header=False,
        timeout_graceful_shutdown=2,
    )
    server = uvicorn.Server(config)

    def serve() -> None:
        with suppress(SystemExit):  # how a start that fails ends
            server.run(sockets=[listener])

    thread = threading.Thread(target=serve, daemon=True)
    with listener:
        thread.start()
        while not server.started:
            thread.join(START_S)
            if not thread.is_alive():
                raise RuntimeError("The server ended before it had started: its log says why.")
        try:
            yield
        finally:
            server.should_exit = True
            thread.join(STOP_S)
