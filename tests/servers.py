"""An application in a thread, behind a real socket, and waiting for what others do."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn

LOOK_S = 0.02


def listening() -> tuple[socket.socket, str]:
    """Return a socket that listens, and its URL: known before the application is made that is served there."""
    listener = socket.create_server(("127.0.0.1", 0))
    return listener, f"http://127.0.0.1:{listener.getsockname()[1]}"


@contextmanager
def serving(application: Any, listener: socket.socket) -> Iterator[None]:
    """Serve an ASGI application until the end of the block."""
    config = uvicorn.Config(application, log_level="warning", access_log=False, timeout_graceful_shutdown=2)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    wait_until(lambda: server.started)
    try:
        yield
    finally:
        server.should_exit = True
        thread.join(timeout=30)


def wait_until(reached: Callable[[], bool], seconds: float = 60) -> None:
    """Wait until something is so; fails when it has not become so in time."""
    end = time.monotonic() + seconds
    while not reached():
        assert time.monotonic() < end, f"not within {seconds:.0f} s"
        time.sleep(LOOK_S)
