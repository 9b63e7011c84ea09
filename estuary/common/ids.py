"""The one place that draws randomness for identifiers, which ruff sees to.

Each begins with a word: sixteen digits by themselves would pass for a card number, and be redacted.

Public ids are random, not counted: they name orders in Stripe's metadata and idempotency keys, so a database that was
restored from a backup can never meet a key that an earlier life of it already used.
"""

import secrets

_ALPHABET = "0123456789abcdefghijkmnpqrstuvwxyz"
_LENGTH = 20  # 34^20 is about 2^101: no two ever meet


def public_id(prefix: str) -> str:
    """Return a new random id such as ``ord_7x2k…``, safe in URLs, metadata and idempotency keys."""
    return prefix + "_" + "".join(secrets.choice(_ALPHABET) for _ in range(_LENGTH))


def order_id() -> str:
    return public_id("ord")


def refund_id() -> str:
    return public_id("ref")


def setup_key() -> str:
    return public_id("setup")


def device_key() -> str:
    return public_id("device")


def customer_key() -> str:
    return public_id("buyer")


def owner_mark() -> str:
    return public_id("mark")


def parse_primary_key(text: str) -> int | None:
    """Return the primary key that a text names, or None: int() also takes signs, spaces and what no bigint can hold."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 19 else None
