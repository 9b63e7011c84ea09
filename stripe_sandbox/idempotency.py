"""Idempotency keys: https://docs.stripe.com/api/idempotent_requests."""

from dataclasses import dataclass
from typing import Any

from stripe_sandbox.errors import Conflict, IdempotencyMismatch, InvalidParameter

REMEMBERED_S = 24 * 3600
KEY_LENGTH = 255


@dataclass
class Entry:
    """The first request with a key, and its response."""

    path: str
    params: Any
    request_id: str
    expires: float
    status: int
    body: bytes
    busy_until: float = 0.0


class IdempotencyKeys:
    """Stores responses for a day."""

    def __init__(self) -> None:
        self._entries: dict[tuple[str, str], Entry] = {}

    def lookup(self, account: str, key: str, path: str, params: Any, now: float) -> Entry | None:
        """Return the stored response; refuse other parameters, and a key whose first request still runs."""
        if len(key) > KEY_LENGTH:
            raise InvalidParameter(f"Idempotency keys can be at most {KEY_LENGTH} characters long.")
        entry = self._entries.get((account, key))
        if entry is None or entry.expires <= now:
            self._entries.pop((account, key), None)
            return None
        if entry.path != path:
            raise IdempotencyMismatch(
                "Keys for idempotent requests can only be used for the same endpoint they were first used "
                f"for ('{path}' vs '{entry.path}'). Try using a key other than '{key}' if you meant to "
                "execute a different request."
            )
        if entry.params != params:
            raise IdempotencyMismatch(
                "Keys for idempotent requests can only be used with the same parameters they were first "
                f"used with. Try using a key other than '{key}' if you meant to execute a different request."
            )
        if entry.busy_until > now:
            raise Conflict(
                "There is currently another in-progress request using this Idempotent Key (that probably "
                f"means you submitted twice, and the other request is still going through): {key}. Please "
                "try again later.",
                code="idempotency_key_in_use",
            )
        return entry

    def save(self, account: str, key: str, entry: Entry) -> None:
        self._entries[account, key] = entry
