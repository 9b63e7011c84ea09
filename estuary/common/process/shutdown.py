"""Whether this process was told to end: work on many rows then stops between two, and the next process goes on."""

import threading

_requested = threading.Event()


class ShuttingDown(Exception):
    """Work was left where it stands, since the process ends."""


def request_shutdown() -> None:
    _requested.set()


def is_shutting_down() -> bool:
    return _requested.is_set()


def raise_if_shutting_down() -> None:
    """Raise Stopping once the process was told to end."""
    if is_shutting_down():
        raise ShuttingDown
