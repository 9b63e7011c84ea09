"""Errors of Stripe's SDK become our own, with messages for callers.

client.py alone knows the SDK's classes. It passes an error as one ``Failure``, so nothing here imports the SDK.
"""

from collections.abc import Mapping
from enum import Enum, auto
from typing import Any

import structlog

from estuary.payments.errors import (
    CardDeclined,
    NotAtStripe,
    PermissionMissing,
    StripeBusy,
    StripeRefused,
    StripeUnavailable,
    UnexpectedState,
)
from estuary.payments.gateway.account_binding import RETRY_AFTER_S, UNAVAILABLE_NOW, alert_of_refusal
from estuary.payments.stripe_objects import Intent, parse_decline

STILL_BUSY = "The payment service is still busy with the last request. Please try again in a moment."
BUSY = "The payment service is very busy. Please try again in a moment."
GONE = "Stripe no longer has what this refers to."
FAILED = "The payment service failed. Please send the same again in a moment."
UNANSWERED = "The payment service does not answer. Please send the same again in a moment."

log = structlog.get_logger(__name__)


class Failure(Enum):
    """How a call failed, by the SDK's class of error."""

    CARD_DECLINED = auto()
    RATE_LIMITED = auto()
    UNREACHABLE = auto()
    KEY_REFUSED = auto()
    PERMISSION_MISSING = auto()
    INVALID_REQUEST = auto()
    OTHER = auto()


def translate(error: Any, failure: Failure, *, call: str, dispensable: bool) -> Exception:
    """Return our own error for an error of the SDK; alerts staff when Stripe refuses our key.

    A ``dispensable`` call raises PermissionMissing where the key lacks the permission, and staff are not alerted.
    """
    match failure:
        case Failure.CARD_DECLINED:
            return CardDeclined(parse_decline(_body_of(error)), _intent_of(error))
        case Failure.RATE_LIMITED:
            log.warning("stripe_rate_limited", call=call, stripe_request_id=error.request_id)
            return StripeBusy(BUSY)
        case Failure.UNREACHABLE:
            log.warning("stripe_unreachable", call=call)
            return StripeUnavailable(UNANSWERED)
        case Failure.PERMISSION_MISSING if dispensable:
            return PermissionMissing(UNAVAILABLE_NOW, retry_after_s=RETRY_AFTER_S)
        case Failure.KEY_REFUSED | Failure.PERMISSION_MISSING:
            alert_of_refusal(call, error.request_id or "")
            return StripeUnavailable(UNAVAILABLE_NOW, retry_after_s=RETRY_AFTER_S)
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


def _body_of(error: Any) -> Mapping[str, Any]:
    return error.json_body.get("error") or {} if isinstance(error.json_body, dict) else {}


def _intent_of(error: Any) -> Intent | None:
    body = _body_of(error).get("payment_intent")
    return Intent.parse(body) if body else None
