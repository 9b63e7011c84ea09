"""API keys: https://docs.stripe.com/keys."""

import base64
import binascii
from typing import Literal

from stripe_sandbox.errors import AuthenticationError, Forbidden

KeyKind = Literal["secret", "publishable"]

MISSING = (
    "You did not provide an API key. You need to provide your API key in the Authorization header, using "
    "Bearer auth (e.g. 'Authorization: Bearer YOUR_SECRET_KEY'). See "
    "https://stripe.com/docs/api#authentication for details, or we can help at https://support.stripe.com/."
)
SECRET_ONLY = (
    "This API call cannot be made with a publishable API key. Please use a secret API key. "
    "You can find a list of your API keys at https://dashboard.stripe.com/account/apikeys."
)
MIN_KEY_LENGTH = 12
# The keys that the sandbox, the demo and the tests use by default.
OWN_SECRET_KEY, OWN_PUBLISHABLE_KEY = "sk_test_estuarysandbox", "pk_test_estuarysandbox"


def key_from(headers: dict[str, str], params: dict[str, object]) -> str:
    """Return the key of a request, from Bearer, Basic or Stripe.js's `key` parameter."""
    scheme, _, value = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and value.strip():
        return value.strip()
    if scheme.lower() == "basic":
        try:
            return base64.b64decode(value).decode().partition(":")[0]
        except (binascii.Error, UnicodeDecodeError):
            raise AuthenticationError(MISSING) from None
    key = params.get("key")
    return key if isinstance(key, str) else ""


def kind_of(key: str, revoked: set[str]) -> KeyKind:
    """Return the kind of a key; refuse a missing, live, malformed or revoked one."""
    if not key:
        raise AuthenticationError(MISSING)
    if key in revoked:
        raise AuthenticationError(f"Expired API Key provided: {mask(key)}", code="api_key_expired")
    if key.startswith(("sk_live_", "rk_live_", "pk_live_")):
        raise AuthenticationError(
            f"Invalid API Key provided: {mask(key)}. The sandbox takes test keys, never live ones."
        )
    if len(key) >= MIN_KEY_LENGTH:
        if key.startswith(("sk_test_", "rk_test_")):
            return "secret"
        if key.startswith("pk_test_"):
            return "publishable"
    raise AuthenticationError(f"Invalid API Key provided: {mask(key)}")


# Permissions that are not named after the path, as https://docs.stripe.com/keys/restricted-api-keys groups them.
GROUPS = {"refunds": "charge", "webhook_endpoints": "webhook", "account": "accounts_kyc_basic"}


def permission_for(method: str, path: str) -> str:
    """Return the permission that a request needs, such as `customer_write` for `POST /v1/customers`."""
    resource, _, action = path.removeprefix("/v1/").partition("/")
    if resource == "checkout":
        resource = f"checkout_{action.partition('/')[0]}"
    group = GROUPS.get(resource, resource.removesuffix("s"))
    return f"{group}_{'read' if method == 'GET' else 'write'}"


def check_permission(key: str, permissions: frozenset[str] | None, needed: str, account_id: str) -> None:
    """Refuse a restricted key without the permission; None allows all, and writing includes reading."""
    if permissions is None or permissions & {needed, needed.replace("_read", "_write")}:
        return
    raise forbidden(key, needed, account_id)


def forbidden(key: str, needed: str, account_id: str) -> Forbidden:
    return Forbidden(
        f"The provided key '{mask(key)}' does not have the required permissions for this endpoint on account "
        f"'{account_id}'. Having the 'rak_{needed}' permission would allow this request to continue."
    )


class Keys:
    """Checks the account's publishable key.

    1. A configured publishable key is the only valid one.
    2. With the sandbox's own secret key, its own publishable key is the only valid one.
    3. With any other secret key, every publishable key is valid.
    """

    def __init__(self, publishable_key: str) -> None:
        self._publishable_key = publishable_key
        self._secret_keys_are_own: bool | None = None

    def check(self, key: str, kind: KeyKind) -> None:
        """Record a secret key; refuse an unknown publishable key, as Stripe does."""
        if kind == "secret":
            self._secret_keys_are_own = key == OWN_SECRET_KEY and self._secret_keys_are_own is not False
            return
        expected = self._publishable_key or (OWN_PUBLISHABLE_KEY if self._secret_keys_are_own else key)
        if key != expected:
            raise AuthenticationError(f"Invalid API Key provided: {mask(key)}")


def mask(key: str) -> str:
    """Return a key for a log: its kind and its last four characters."""
    return f"{key[:8]}{'*' * max(0, len(key) - 12)}{key[-4:]}" if len(key) > 12 else "*" * len(key)
