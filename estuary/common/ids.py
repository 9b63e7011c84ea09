"""Random ids for orders, refunds and idempotency keys. Only this module draws randomness for ids; ruff checks that.

Each id begins with a word, because sixteen bare digits would be redacted as a card number.

Ids are random and not counted, because they are part of Stripe's metadata and idempotency keys. So a database that was
restored from a backup never reuses a key that its earlier life has sent.
"""

import secrets
from functools import partial

_ALPHABET = "0123456789abcdefghijkmnpqrstuvwxyz"
# 34^20 is about 2^101 ids, so no two are ever equal.
_LENGTH = 20


# 34^32 is about 2^162 tokens: nobody guesses one.
_TOKEN_LENGTH = 32


def public_id(prefix: str, length: int = _LENGTH) -> str:
    """Return a new random id such as ``ord_7x2k…``, safe in URLs, metadata and idempotency keys."""
    return prefix + "_" + "".join(secrets.choice(_ALPHABET) for _ in range(length))


order_id = partial(public_id, "ord")
refund_id = partial(public_id, "ref")
mail_key = partial(public_id, "mail")
setup_key = partial(public_id, "setup")
device_key = partial(public_id, "device")
code_mark = partial(public_id, "code")
customer_key = partial(public_id, "buyer")
owner_count_token = partial(public_id, "mark")
owner_request_key = partial(public_id, "owner")
date_change_id = partial(public_id, "chg")
guest_message_id = partial(public_id, "msg")
# ``redact`` knows it by this word.
feed_token = partial(public_id, "calkey", _TOKEN_LENGTH)


def parse_primary_key(text: str) -> int | None:
    """Return the primary key in a text, or None. ``int()`` alone accepts signs, spaces and numbers above bigint."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 19 else None
