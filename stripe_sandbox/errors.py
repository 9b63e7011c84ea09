"""Stripe's errors, in the shapes of https://docs.stripe.com/api/errors."""

from typing import Any

DOC_URL = "https://stripe.com/docs/error-codes/"


class StripeError(Exception):
    """An error response; `saved` says whether the idempotency layer stores it."""

    status = 400
    type = "invalid_request_error"
    saved = True
    # Whether Stripe documents the code on a page of its own.
    has_page = True

    def __init__(
        self,
        message: str,
        *,
        code: str | None = None,
        param: str | None = None,
        headers: dict[str, str] | None = None,
        **extra: Any,
    ) -> None:
        super().__init__(message)
        self.message, self.code, self.param = message, code, param
        self.headers = headers or {}
        self.extra = extra

    def body(self, request_log_url: str | None = None) -> dict[str, Any]:
        error: dict[str, Any] = {"message": self.message, "type": self.type}
        if self.code:
            error["code"] = self.code
        if self.code and self.has_page:
            error["doc_url"] = DOC_URL + self.code.replace("_", "-")
        if self.param:
            error["param"] = self.param
        if request_log_url:
            error["request_log_url"] = request_log_url
        return {"error": dict(sorted((error | self.extra).items()))}


class InvalidParameter(StripeError):
    """The parameters failed validation: no endpoint ran, and nothing is stored for the idempotency key."""

    saved = False


class InvalidState(StripeError):
    """The object's state forbids the request."""


class NotFound(StripeError):
    """The object named in the path does not exist."""

    status = 404


class CardError(StripeError):
    """The card was declined: 402 with a code and, from the bank, a decline code."""

    status = 402
    type = "card_error"


class AuthenticationError(StripeError):
    """The API key is missing, unknown, revoked, or not allowed here."""

    status = 401
    saved = False


class Forbidden(StripeError):
    """A restricted key without the permission that the request needs."""

    status = 403
    saved = False


class IdempotencyMismatch(StripeError):
    """The idempotency key was used before with other parameters."""

    type = "idempotency_error"
    saved = False


class Conflict(StripeError):
    """The idempotency key's first request is still running, or a lock was not granted in time."""

    status = 409
    saved = False


class RateLimited(StripeError):
    """Too many requests."""

    status = 429
    saved = False


class ServerError(StripeError):
    """Something failed on the sandbox's side, on demand."""

    status = 500
    type = "api_error"

    def __init__(self, message: str, *, saved: bool = True) -> None:
        super().__init__(message)
        self.saved = saved


def no_such(kind: str, object_id: str, param: str, *, in_path: bool = False) -> StripeError:
    """Return Stripe's `resource_missing`: 404 for an id in the path, 400 for one in a parameter."""
    error = NotFound if in_path else StripeError
    return error(f"No such {kind}: '{object_id}'", code="resource_missing", param=param)
