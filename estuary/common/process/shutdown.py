"""Whether this process was told to end: work on many rows then stops between two, and the next process goes on."""

import threading

_told = threading.Event()


class Stopping(Exception):
    """Work was left where it stands, since the process ends."""


def tell() -> None:
    _told.set()


def told() -> bool:
    return _told.is_set()


def check() -> None:
    """Raise Stopping once the process was told to end."""
    if told():
        raise Stopping
