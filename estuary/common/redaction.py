"""What must never be written down, and what stands in its place: keys, client secrets, card numbers, tokens.

The last line of defence, below what keeps them out in the first place: logs, reports of errors, mails to staff and the
texts of errors that are kept all pass here.
"""

import logging
import re
from typing import Any

from structlog.stdlib import ProcessorFormatter

REDACTED = "[redacted]"
# https://docs.stripe.com/keys, https://docs.stripe.com/api/payment_intents/object#payment_intent_object-client_secret
_KEY = r"(?P<key>(?:sk|rk|ek)_(?:live|test)_|whsec_)[A-Za-z0-9_]{6,}"
OF_CLIENT = "_secret_[A-Za-z0-9%]{6,}"  # means the same to Python and to PostgreSQL
_CLIENT = rf"(?P<secret>{OF_CLIENT})"
# In JSON and in log lines a line break is a backslash and a letter, which is no part of the word that follows.
_ESCAPED = r"(?<=\\[bfnrt])|(?<=\\u[0-9A-Fa-f]{4})"
_BEARER = rf"(?P<bearer>(?:\b|{_ESCAPED})Bearer(?:\s|%20)+)[A-Za-z0-9._~+/=-]{{6,}}"
_JWT = rf"(?:\b|{_ESCAPED})eyJ[A-Za-z0-9_-]{{6,}}\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+"
SECRET = re.compile("|".join((_KEY, _CLIENT, _BEARER, _JWT)))
# 13 to 19 digits, in groups as people write them: https://www.iso.org/standard/70484.html
# What stands before is looked at behind the first digit: so most of a text is skipped without a look back.
_ALONE = r"(?:(?<![\w.].)|(?<=\\[bfnrt].)|(?<=\\u[0-9A-Fa-f]{4}.))"
CARD = re.compile(rf"[2-6]{_ALONE}(?:[ -]?\d){{12,18}}(?![\w])", re.ASCII)
# Nothing that is redacted goes without one of these: a quick look spares most texts the long one.
HINTS = ("k_live_", "k_test_", "whsec_", "_secret_", "Bearer", "eyJ")
_HINTS_OF_JSON = tuple(hint.encode() for hint in HINTS)
# So many digits in a row, but for spaces and dashes, are in all that CARD finds, and in hardly anything else.
_CARDS_DIGITS = b"0" * 13
_DIGITS = bytes(ord("0") if chr(code) in "0123456789" else ord("x") for code in range(256))


def redact(text: str) -> str:
    """Return a text without any secret or card number; what kind it was can still be read."""
    if any(hint in text for hint in HINTS):
        text = SECRET.sub(_stand_in, text)
    return CARD.sub(_card, text)


def _stand_in(found: re.Match[str]) -> str:
    return (found["key"] or (found["secret"] and "_") or found["bearer"] or "") + REDACTED


def _card(found: re.Match[str]) -> str:
    return REDACTED if is_card_number(found.group()) else found.group()


def is_card_number(text: str) -> bool:
    """Tell whether digits, with spaces or dashes between them, pass Luhn's check as all card numbers do."""
    digits = [int(character) for character in reversed(text) if character.isdecimal()]
    doubled = (digit * 2 - 9 * (digit > 4) for digit in digits[1::2])
    return 13 <= len(digits) <= 19 and (sum(digits[::2]) + sum(doubled)) % 10 == 0


def is_suspicious(json: bytes) -> bool:
    """Tell, mostly in a few microseconds, whether a JSON document may have something to redact."""
    if any(hint in json for hint in _HINTS_OF_JSON):
        return True
    return _CARDS_DIGITS in json.translate(_DIGITS, b" -") and CARD.search(json.decode()) is not None


def redacted(value: Any) -> Any:
    """Return a value, as JSON has them, with every text in it redacted, names too."""
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, dict):
        return {redacted(name): redacted(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [redacted(inner) for inner in value]
    return value


class RedactingFormatter(ProcessorFormatter):
    """The formatter of every log line: the finished line is redacted, tracebacks and all."""

    def format(self, record: logging.LogRecord) -> str:
        return redact(super().format(record))
