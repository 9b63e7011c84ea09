"""Errors of Stripe's SDK become our own, with messages for callers.

client.py alone knows the SDK's classes. It passes an error as one ``Failure``, so nothing here imports the SDK.
"""

import logging
import re
from collections.abc import Mapping
from enum import Enum, auto
from typing import Any

import structlog
from django.conf import settings

from estuary.common.observability.redaction import redact
from estuary.payments.errors import (
    CardDeclined,
    KeyRefused,
    NotAtStripe,
    PermissionMissing,
    StripeBusy,
    StripeRefused,
    StripeUnreachable,
    UnexpectedState,
)
from estuary.payments.gateway.account_binding import RETRY_AFTER_S, UNAVAILABLE_NOW, alert_of_refusal
from estuary.payments.refusals.key_permissions import find_permission, record_missing_permission
from estuary.payments.stripe_objects import Intent, parse_decline

STILL_BUSY = "The payment service is still busy with the last request. Please try again in a moment."
BUSY = "The payment service is very busy. Please try again in a moment."
GONE = "Stripe no longer has what this refers to."
FAILED = "The payment service failed. Please try the same again in a moment."
UNANSWERED = "The payment service does not answer. Please try the same again in a moment."
# For those who run the shop: what Stripe said, the variable, and the cure.
KEY_REFUSED = (
    "Stripe refused STRIPE_SECRET_KEY: “{sentence}” ({request}). Copy the secret key from Stripe's dashboard "
    "(https://dashboard.stripe.com/apikeys), set STRIPE_SECRET_KEY, and start the web server and the worker again."
)
PERMISSION_MISSING = (
    "STRIPE_SECRET_KEY may not call {call}: “{sentence}” ({request}). In Stripe's dashboard "
    "(https://dashboard.stripe.com/apikeys), edit the restricted key and give it {permission}."
)
UNREACHABLE = (
    "Stripe does not answer: {sentence} Does this machine reach {address}, and does HTTPS_PROXY name the proxy if it "
    "needs one? Nothing was changed here."
)
STRIPES_ADDRESS = "https://api.stripe.com"
# A network error names what was asked for. Its query may have a buyer's address: GET /v1/customers?email=…
QUERY = re.compile(r"(?<=url: )([^\s?]*)\?\S*")

log = structlog.get_logger(__name__)


class Quiet(Enum):
    """Of which refusals of our key staff are not alerted."""

    NEVER = auto()
    # A call that we can do without.
    ABOUT_PERMISSIONS = auto()
    # A person is looking at the answer.
    ALWAYS = auto()


class Failure(Enum):
    """How a call failed, by the SDK's class of error."""

    CARD_DECLINED = auto()
    RATE_LIMITED = auto()
    UNREACHABLE = auto()
    KEY_REFUSED = auto()
    PERMISSION_MISSING = auto()
    INVALID_REQUEST = auto()
    OTHER = auto()


def translate(error: Any, failure: Failure, *, call: str, quiet: Quiet) -> Exception:
    """Return our own error for an error of the SDK; alerts staff when Stripe refuses our key, unless ``quiet``."""
    match failure:
        case Failure.CARD_DECLINED:
            return CardDeclined(parse_decline(_body_of(error)), _intent_of(error))
        case Failure.RATE_LIMITED:
            log.warning("stripe_rate_limited", call=call, stripe_request_id=error.request_id)
            return StripeBusy(BUSY)
        case Failure.UNREACHABLE:
            log.warning("stripe_unreachable", call=call)
            return StripeUnreachable(UNANSWERED, for_operators=_describe_unreachable(error))
        case Failure.KEY_REFUSED:
            return _translate_refused_key(error, call, quiet)
        case Failure.PERMISSION_MISSING:
            return _translate_missing_permission(error, call, quiet)
    code = error.code or ""
    if code == "resource_missing":
        return NotAtStripe(GONE, param=getattr(error, "param", None) or "")
    if failure == Failure.INVALID_REQUEST:
        log.info("stripe_refused_request", call=call, stripe_code=code, stripe_request_id=error.request_id)
        return UnexpectedState(code, error.user_message or "Stripe refused the request.", _intent_of(error))
    if error.http_status == 409:
        return StripeBusy(STILL_BUSY)
    log.error("stripe_failed", call=call, status=error.http_status, stripe_request_id=error.request_id)
    return StripeRefused(FAILED)


def _translate_refused_key(error: Any, call: str, quiet: Quiet) -> KeyRefused:
    text = KEY_REFUSED.format(sentence=_sentence_of(error), request=_request(error))
    if quiet == Quiet.ALWAYS:
        log.warning("stripe_refused_a_key", call=call, stripe_request_id=error.request_id or "")
    else:
        log.critical("stripe_refused_our_key", call=call, stripe_request_id=error.request_id or "")
        alert_of_refusal(text, consequence="Nobody can pay until it is changed")
    options = {"retry_after_s": RETRY_AFTER_S, "for_operators": text}
    # The SDK does not pass the code on.
    return KeyRefused(UNAVAILABLE_NOW, stripe_code=str(_body_of(error).get("code") or ""), **options)


def _translate_missing_permission(error: Any, call: str, quiet: Quiet) -> PermissionMissing:
    """Log which permission the call wants, and record it for the checkup."""
    sentence = _sentence_of(error)
    permission = find_permission(sentence)
    text = PERMISSION_MISSING.format(
        call=call, sentence=sentence, request=_request(error), permission=permission or f"what {call} needs"
    )
    log.log(
        logging.WARNING if quiet == Quiet.ALWAYS else logging.CRITICAL,
        "stripe_permission_missing",
        call=call,
        permission=permission,
        stripe_request_id=error.request_id or "",
    )
    if quiet != Quiet.ALWAYS:
        record_missing_permission(call, sentence)
    if quiet == Quiet.NEVER:
        alert_of_refusal(text, consequence=f"Whatever needs {call} waits until then")
    return PermissionMissing(UNAVAILABLE_NOW, retry_after_s=RETRY_AFTER_S, for_operators=text)


def _describe_unreachable(error: Any) -> str:
    # The SDK adds the cause in brackets, behind a sentence about its support.
    sentence = redact(QUERY.sub(r"\1", " ".join(str(error.user_message or error).split())))
    return UNREACHABLE.format(sentence=sentence, address=settings.STRIPE_API_BASE or STRIPES_ADDRESS)


def _sentence_of(error: Any) -> str:
    """Return Stripe's own sentence, in which it masks the key itself; redacted all the same."""
    return redact(str(error.user_message or "no reason was given"))


def _request(error: Any) -> str:
    return error.request_id or "no request id"


def _body_of(error: Any) -> Mapping[str, Any]:
    return error.json_body.get("error") or {} if isinstance(error.json_body, dict) else {}


def _intent_of(error: Any) -> Intent | None:
    body = _body_of(error).get("payment_intent")
    return Intent.parse(body) if body else None
