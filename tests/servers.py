"""A socket that listens, and waiting for what others do."""

import socket
import time
from collections.abc import Callable

LOOK_S = 0.02


def listening() -> tuple[socket.socket, str]:
    """Return a socket that listens, and its URL: known before the application is made that is served there."""
    listener = socket.create_server(("127.0.0.1", 0))
    return listener, f"http://127.0.0.1:{listener.getsockname()[1]}"


def wait_until(reached: Callable[[], bool], seconds: float = 60) -> None:
    """Wait until something is so; fails when it has not become so in time."""
    end = time.monotonic() + seconds
    while not reached():
        assert time.monotonic() < end, f"not within {seconds:.0f} s"
        time.sleep(LOOK_S)
