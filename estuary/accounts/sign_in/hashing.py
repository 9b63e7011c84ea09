"""Password hashing in turns, without a database connection while it waits and computes.

A hash takes most of a second of a core, by design. Two dozen sign-ups at once would otherwise hold every connection of
the process and all cores, and nobody else would be served.
"""

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from threading import BoundedSemaphore

from django.contrib.auth.hashers import PBKDF2PasswordHasher
from django.db import connection

from estuary.common.postgresql.admission import WAIT_S, Busy

MAX_CONCURRENT_HASHES = max((os.cpu_count() or 1) // 2, 1)  # the other cores serve those who hash nothing

_has_turn: ContextVar[bool] = ContextVar("has_turn_to_hash", default=False)
# Separate: sign-ups never delay people who have an account.
_sign_ups = BoundedSemaphore(1)
_hashes = BoundedSemaphore(MAX_CONCURRENT_HASHES)


def wait_for_sign_up_turn() -> AbstractContextManager[None]:
    """Wait for a turn to sign up, before the transaction begins; raises Busy."""
    return _wait_for_turn(_sign_ups)


class QueuedPBKDF2PasswordHasher(PBKDF2PasswordHasher):
    """Django's PBKDF2 hasher with the same hashes; raises Busy if too many wait."""

    def encode(self, password: str, salt: str, iterations: int | None = None) -> str:
        with _wait_for_turn(_hashes):
            return str(super().encode(password, salt, iterations))


@contextmanager
def _wait_for_turn(gate: BoundedSemaphore) -> Iterator[None]:
    if _has_turn.get():
        yield
        return
    if not connection.in_atomic_block:
        connection.close()  # back to the pool; the next statement takes one again
    if not gate.acquire(timeout=WAIT_S):
        raise Busy(
            "Too many people sign in or sign up at this moment. Send the same request again in a moment."
        )
    token = _has_turn.set(True)
    try:
        yield
    finally:
        _has_turn.reset(token)
        gate.release()
