"""A flag that this process was asked to end. Long jobs check it between two rows, and the next process continues."""

import threading

_requested = threading.Event()


class ShuttingDown(Exception):
    """A job stopped early, because the process is about to end."""


def request_shutdown() -> None:
    _requested.set()


def is_shutting_down() -> bool:
    return _requested.is_set()


def raise_if_shutting_down() -> None:
    if is_shutting_down():
        raise ShuttingDown
