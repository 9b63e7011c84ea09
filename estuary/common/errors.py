"""API errors that a caller can act on: each class has a stable code, a status and a detail with the next step."""

from typing import Any


class EstuaryError(Exception):
    """An expected failure, returned by the API as RFC 9457 ``application/problem+json``."""

    code = "error"
    status = 400
    title = "The request could not be carried out"

    def __init__(self, detail: str, **extra: Any) -> None:
        super().__init__(detail)
        self.detail = detail
        self.extra = extra
        self.headers: dict[str, str] = {}


class InvalidRequest(EstuaryError):
    code, status, title = "invalid_request", 400, "The request is not valid"


class InvalidAmount(EstuaryError):
    code, status, title = "invalid_amount", 400, "The amount is not valid"


class NotFound(EstuaryError):
    code, status, title = "not_found", 404, "Not found"


class Conflict(EstuaryError):
    code, status, title = "conflict", 409, "The request conflicts with how things stand"


class NotAuthenticated(EstuaryError):
    code, status, title = "not_authenticated", 401, "Sign in first"


class Forbidden(EstuaryError):
    code, status, title = "forbidden", 403, "You may not do this"


class InternalError(EstuaryError):
    code, status, title = "internal_error", 500, "Something went wrong"


class TooManyRequests(EstuaryError):
    """The caller must wait, for as long as ``Retry-After`` says."""

    code, status, title = "too_many_requests", 429, "Too many requests"

    def __init__(self, detail: str, *, retry_after_s: int, **extra: Any) -> None:
        super().__init__(detail, **extra)
        self.headers["Retry-After"] = str(retry_after_s)


class Unavailable(EstuaryError):
    """A service that we depend on does not answer. The same request may be sent again."""

    code, status, title = "unavailable", 503, "Not available right now"

    def __init__(self, detail: str, *, retry_after_s: int = 5, for_operators: str = "", **extra: Any) -> None:
        super().__init__(detail, **extra)
        self.headers["Retry-After"] = str(retry_after_s)
        # Callers get ``detail``. Commands, logs and staff get this, which names the cause and the cure.
        self.for_operators = for_operators

    def __str__(self) -> str:
        return self.for_operators or self.detail
