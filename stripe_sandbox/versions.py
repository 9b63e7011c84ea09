"""API versions, and their differences: https://docs.stripe.com/api/versioning."""

from typing import Any

from stripe_sandbox.errors import InvalidParameter
from stripe_sandbox.schema.api import is_version

DEFAULT = "2026-05-27.dahlia"
LATEST = "2026-10-28.endive"
ENDIVE = "2026-09-30"

METHOD_TYPES = {"list": "str"}


def check(version: str) -> str:
    """Return a version that Stripe has released; refuse any other, a future one too."""
    if not is_version(version):
        raise InvalidParameter(f"Invalid Stripe API version: {version}")
    return version


def is_endive(version: str) -> bool:
    """Return whether creation refuses `payment_method_types` and takes `allowed_payment_method_types`."""
    return version[:10] >= ENDIVE


def refuse_method_types(version: str, params: dict[str, Any]) -> None:
    """Refuse `payment_method_types` on an intent since endive."""
    if "payment_method_types" in params and is_endive(version):
        raise InvalidParameter(
            "The `payment_method_types` parameter is no longer supported as of API version "
            "2026-09-30.endive. Use `automatic_payment_methods`, or restrict the choice with "
            "`allowed_payment_method_types`.",
            code="payment_method_types_no_longer_supported",
            param="payment_method_types",
        )


def event_in(event: dict[str, Any], version: str) -> dict[str, Any]:
    """Return an event in an API version; the versions that the sandbox knows share their fields."""
    return event | {"api_version": version}
