"""A sandbox: one method answers every request, of the API, the hosted pages, Stripe.js and the controls."""

from stripe_sandbox import control_http, hosted_pages, js
from stripe_sandbox.base import BaseSandbox
from stripe_sandbox.http import Response


class Sandbox(BaseSandbox):
    """A stateful Stripe account in memory; a request is atomic, and any thread may make one."""

    def request(
        self, method: str, path: str, headers: dict[str, str] | None = None, body: bytes = b""
    ) -> Response:
        """Answer one request; `path` carries the query, header names may be in any case."""
        bare, _, query = path.partition("?")
        lower = {name.lower(): value for name, value in (headers or {}).items()}
        with self.lock:
            self.state.timers.run_due()
            if bare.startswith("/c/"):
                return hosted_pages.answer(self.state, method.upper(), bare, query, lower, body)
            if bare.startswith("/v3/"):
                return js.answer(bare)
            if bare.startswith("/_sandbox"):
                return control_http.answer(self, method.upper(), bare, query, lower, body)
            response, recorded = self._api.answer(method.upper(), bare, query, lower, body)
            self._requests.append(recorded)
            return response
