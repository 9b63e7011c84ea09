"""An HTTP client for the Stripe SDK that calls a sandbox in the same process."""

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

import stripe
from stripe import APIConnectionError, HTTPClient

from stripe_sandbox.http import Response
from stripe_sandbox.sandbox import Sandbox

TIMED_OUT = "Unexpected error communicating with Stripe. The request timed out."
CUT = "Unexpected error communicating with Stripe. The connection broke while the answer was being read."


class Headers(dict[str, str]):
    """Response headers with case-insensitive names, as of the SDK's own clients."""

    def __init__(self, headers: Mapping[str, str]) -> None:
        super().__init__({name.lower(): value for name, value in headers.items()})

    def __getitem__(self, name: str) -> str:
        return super().__getitem__(name.lower())

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and super().__contains__(name.lower())

    def get(self, name: str, default: Any = None) -> Any:
        return super().get(name.lower(), default)


class SandboxHTTPClient(HTTPClient):
    """An `http_client` for `stripe.StripeClient`; lost responses raise at once instead of after a timeout."""

    name = "sandbox"

    def __init__(self, sandbox: Sandbox, timeout_s: float = 80.0) -> None:
        super().__init__()
        self._sandbox, self._timeout_s = sandbox, timeout_s

    def request(  # type: ignore[override]
        self, method: str, url: str, headers: Mapping[str, str] | None, post_data: Any = None, **_: Any
    ) -> tuple[bytes, int, Mapping[str, str]]:
        response = self._send(method, url, headers or {}, post_data)
        return response.body, response.status, Headers(response.headers)

    def request_stream(
        self, method: str, url: str, headers: Mapping[str, str] | None, post_data: Any = None, **_: Any
    ) -> tuple[Iterator[bytes], int, Mapping[str, str]]:
        body, status, answered = self.request(method, url, headers, post_data)
        return iter([body]), status, answered

    async def request_async(
        self, method: str, url: str, headers: Mapping[str, str], post_data: Any = None
    ) -> tuple[bytes, int, Mapping[str, str]]:
        return self.request(method, url, headers, post_data)

    def close(self) -> None:
        """There is no connection to close."""

    async def close_async(self) -> None:
        """There is no connection to close."""

    def _sleep_time_seconds(self, num_retries: int) -> float:
        # The SDK waits between its retries; tests need not.
        return 0.0

    def _send(self, method: str, url: str, headers: Mapping[str, str], post_data: Any) -> Response:
        parts = urlsplit(url)
        path = f"{parts.path}?{parts.query}" if parts.query else parts.path
        body = post_data.encode() if isinstance(post_data, str) else post_data or b""
        response = self._sandbox.request(method, path, dict(headers), body)
        if response.broken == "timeout" or response.delay_s >= self._timeout_s:
            raise _connection_error(TIMED_OUT)
        if response.broken == "cut":
            raise _connection_error(CUT)
        if response.delay_s:
            self._sandbox.clock.advance(response.delay_s)
        return response


def _connection_error(message: str) -> APIConnectionError:
    return APIConnectionError(message, should_retry=True)  # type: ignore[no-untyped-call]


def client(sandbox: Sandbox, key: str = "sk_test_sandbox_0000", **options: Any) -> stripe.StripeClient:
    """Return a client of the Stripe SDK that talks to a sandbox."""
    return stripe.StripeClient(key, http_client=SandboxHTTPClient(sandbox), **options)
