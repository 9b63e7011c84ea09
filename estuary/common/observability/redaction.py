"""Redaction of keys, client secrets, card numbers and tokens, wherever text is written down.

This is the last line of defence, behind the code that keeps secrets out of texts. Logs, error reports, mails to staff
and stored error texts all pass through here.
"""

import logging
import re
from collections.abc import Iterator
from typing import Any

from django.http import HttpRequest
from django.utils.safestring import SafeString, mark_safe
from django.views.debug import ExceptionReporter, SafeExceptionReporterFilter
from structlog.stdlib import ProcessorFormatter

from estuary.common.observability.card_numbers import find_card_numbers, may_have_card_number

REDACTED = "[redacted]"
# https://docs.stripe.com/keys, https://docs.stripe.com/api/payment_intents/object#payment_intent_object-client_secret
# The last is the token in the address of a calendar feed (common/ids.py), which is in the path of a request.
_KEY = r"(?P<key>(?:sk|rk|ek)_(?:live|test)_|whsec_|calkey_)[A-Za-z0-9_]{6,}"
# Means the same to Python and to PostgreSQL.
CLIENT_SECRET_PATTERN = "_secret_[A-Za-z0-9%]{6,}"  # noqa: S105 a pattern
_CLIENT_SECRET = rf"(?P<secret>{CLIENT_SECRET_PATTERN})"
# In JSON and log lines, the letter of an escape such as \n is not part of the next word.
_ESCAPED = r"(?<=\\[bfnrt])|(?<=\\u[0-9A-Fa-f]{4})"
_BEARER = rf"(?P<bearer>(?:\b|{_ESCAPED})Bearer(?:\s|%20)+)[A-Za-z0-9._~+/=-]{{6,}}"
SECRET = re.compile("|".join((_KEY, _CLIENT_SECRET, _BEARER)))
# Three words with dots between them. Possessive, so that a long hostile text is read in linear time.
JWT = re.compile(r"(?<![A-Za-z0-9_-])[A-Za-z0-9_-]{9,}+\.[A-Za-z0-9_-]++\.[A-Za-z0-9_-]++")
_JWT_BEGINS = re.compile(rf"(?:\b|{_ESCAPED})eyJ[A-Za-z0-9_-]{{6}}")
# Every secret contains one of these, so most texts skip the expressions above.
HINTS = ("k_live_", "k_test_", "whsec_", "calkey_", "_secret_", "Bearer", "eyJ")
_HINTS_OF_JSON = tuple(hint.encode() for hint in HINTS)
# The first bytes of escapes in JSON, URLs and HTML.
_ESCAPES = (b"\\", b"%", b"&")


def redact(text: str) -> str:
    """Return a text with secrets and card numbers replaced; the kind of secret stays readable."""
    if any(hint in text for hint in HINTS):
        text = JWT.sub(_replace_token, SECRET.sub(_replace_secret, text))
    return _replace_spans(text, find_card_numbers(text))


def _replace_spans(text: str, spans: list[tuple[int, int]]) -> str:
    starts, ends = [start for start, _ in spans], [end for _, end in spans]
    remaining = zip([0, *ends], [*starts, len(text)], strict=True)
    return REDACTED.join(text[start:end] for start, end in remaining)


def _replace_token(match: re.Match[str]) -> str:
    """Redact a JWT, and keep the text before it. A JWT begins with `{"` in base64."""
    first_dot = match.string.index(".", match.start())
    begins = _JWT_BEGINS.search(match.string, match.start(), first_dot)
    return match.string[match.start() : begins.start()] + REDACTED if begins else match[0]


def _replace_secret(match: re.Match[str]) -> str:
    return (match["key"] or (match["secret"] and "_") or match["bearer"] or "") + REDACTED


def may_need_redaction(json: bytes) -> bool:
    """Return, mostly within a few microseconds, whether a JSON document may need redaction."""
    if any(hint in json for hint in _HINTS_OF_JSON):
        return True
    plain = json.isascii() and not any(escape in json for escape in _ESCAPES)
    return not (plain and not may_have_card_number(json)) and bool(find_card_numbers(json.decode()))


def redact_json(value: Any) -> Any:
    """Return a JSON value with all texts redacted, keys too."""
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, dict):
        return {redact_json(name): redact_json(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [redact_json(inner) for inner in value]
    if type(value) is int and redact(str(value)) == REDACTED:
        return REDACTED
    return value


def texts_of(value: Any) -> Iterator[str]:
    """Return each text and number of a JSON value by itself, keys too."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from texts_of(name)
            yield from texts_of(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from texts_of(inner)
    else:
        yield str(value)


class RedactingFormatter(ProcessorFormatter):
    """The formatter of every log line: redacts the finished line with its traceback."""

    def format(self, record: logging.LogRecord) -> str:
        return redact(super().format(record))


class RedactingReporter(ExceptionReporter):
    """Redacts the finished report: the message, the variables of each frame, the request."""

    def get_traceback_html(self) -> SafeString:
        return mark_safe(redact(super().get_traceback_html()))  # noqa: S308 escaped already

    def get_traceback_text(self) -> SafeString:
        return mark_safe(redact(super().get_traceback_text()))  # noqa: S308 plain text


class RedactingFilter(SafeExceptionReporterFilter):
    """Hides settings and variables by name: those that Django hides, and URLs with passwords."""

    hidden_settings = re.compile(
        SafeExceptionReporterFilter.hidden_settings.pattern + "|^DATABASE|^MAILERS$", re.IGNORECASE
    )

    def is_active(self, request: HttpRequest | None) -> bool:
        """Return True, on debug pages too."""
        return True
