"""A sandbox without its HTTP interface: the account's state, webhook endpoints, deliveries and controls."""

import threading
from collections import deque
from typing import Any

from stripe_sandbox import routes, webhook_endpoints
from stripe_sandbox.api import Api
from stripe_sandbox.clock import Clock, SystemClock
from stripe_sandbox.control import Control
from stripe_sandbox.faults import Faults
from stripe_sandbox.http import RecordedRequest
from stripe_sandbox.ids import Ids
from stripe_sandbox.state import SandboxState, Settings
from stripe_sandbox.store import Obj
from stripe_sandbox.webhook_queue import Delivery

REQUESTS_KEPT = 10_000


class BaseSandbox:
    """A stateful Stripe account in memory; code that changes it holds `lock`."""

    def __init__(
        self,
        *,
        webhook_url: str = "http://testserver/webhook",
        webhook_secret: str | None = None,
        webhook_api_version: str | None = None,
        clock: Clock | None = None,
        ids: Ids | None = None,
        **settings: Any,
    ) -> None:
        self.clock: Clock = clock or SystemClock()
        self.ids = ids or Ids()
        self.settings = Settings(**settings)
        self.faults = Faults()
        self.lock = threading.RLock()
        self._first_endpoint = (webhook_url, webhook_secret, webhook_api_version) if webhook_secret else None
        self._requests: deque[RecordedRequest] = deque(maxlen=REQUESTS_KEPT)
        self.state = SandboxState(self.clock, self.ids, self.settings, self.faults)
        self.state.includes |= routes.INCLUDES
        self.state.watchers += routes.WATCHERS
        self.control = Control(self.state, self.lock)
        self._start()

    def add_endpoint(
        self,
        url: str,
        secret: str,
        *,
        api_version: str | None = None,
        enabled_events: list[str] | None = None,
    ) -> Obj:
        """Register a webhook endpoint; without a version it gets the account's default."""
        with self.lock:
            return webhook_endpoints.make(
                self.state, url=url, secret=secret, api_version=api_version, enabled_events=enabled_events
            )

    def take_deliveries(self, limit: int | None = None) -> list[Delivery]:
        """Return the signed deliveries that are due, in order, and mark them as received."""
        with self.lock:
            self.state.timers.run_due()
            deliveries = self.state.outbox.take(limit)
            for delivery in deliveries:
                self.state.outbox.succeeded(delivery)
            return deliveries

    @property
    def url(self) -> str:
        """Where it is reached when it is served: the SDK's API base."""
        return self.settings.public_url

    @property
    def requests(self) -> list[RecordedRequest]:
        return list(self._requests)

    def reset(self) -> None:
        """Clear everything except the settings and the first webhook endpoint."""
        with self.lock:
            self.faults.clear()
            self._requests.clear()
            self._start()

    def _start(self) -> None:
        self.state.reset()
        self._api = Api(self.state)
        if self._first_endpoint:
            url, secret, version = self._first_endpoint
            assert secret
            self.add_endpoint(url, secret, api_version=version)
