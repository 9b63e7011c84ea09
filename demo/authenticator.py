"""An authenticator app: the current one-time code of a secret (RFC 6238)."""

import base64
import hmac
import time

PERIOD_S = 30


def code_of(secret: str) -> str:
    """Return the six digits of the current 30 seconds."""
    key = base64.b32decode(secret)
    mac = hmac.digest(key, (int(time.time()) // PERIOD_S).to_bytes(8), "sha1")
    start = mac[-1] & 0x0F
    number = int.from_bytes(mac[start : start + 4]) & 0x7FFF_FFFF
    return f"{number % 1_000_000:06}"
