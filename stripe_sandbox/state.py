"""The state of a sandbox: objects, clock, ids, settings, faults, and the events to deliver."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from stripe_sandbox import versions
from stripe_sandbox.clock import Clock
from stripe_sandbox.faults import Faults
from stripe_sandbox.ids import Ids
from stripe_sandbox.public_view import difference, public
from stripe_sandbox.store import Obj, Store
from stripe_sandbox.timers import Timers
from stripe_sandbox.webhook_queue import Outbox


@dataclass(frozen=True)
class Cause:
    """The request that causes events; both fields are None when there is no such request."""

    request_id: str | None = None
    idempotency_key: str | None = None


@dataclass
class Settings:
    """The account's settings in the dashboard."""

    public_url: str = "http://127.0.0.1:12111"
    default_version: str = versions.DEFAULT
    account_id: str = "acct_1SandboxEstuary00"
    account_name: str = "Estuary sandbox"
    country: str = "US"
    currency: str = "usd"
    automatic_after_s: float | None = None
    # The only valid publishable key; without it, see auth.Keys.
    publishable_key: str = ""
    revoked_keys: set[str] = field(default_factory=set)
    # What each restricted key may do, such as customer_read; a key that is not named may do all.
    permissions: dict[str, frozenset[str]] = field(default_factory=dict)


class SandboxState:
    """The state of one sandbox, which every endpoint reads and changes."""

    def __init__(self, clock: Clock, ids: Ids, settings: Settings, faults: Faults) -> None:
        self.clock, self.ids, self.settings, self.faults = clock, ids, settings, faults
        self.includes: dict[tuple[str, str], Callable[[SandboxState, Obj], Obj | None]] = {}
        self.listeners: list[Callable[[Obj], None]] = []
        self.watchers: list[Callable[[SandboxState, Obj], None]] = []
        self.reset()

    def reset(self) -> None:
        """Clear all objects, deliveries and timers; listeners stay."""
        self.store = Store()
        self.outbox = Outbox(self.clock)
        self.timers = Timers(self.clock)
        self.cause = Cause()

    @property
    def now(self) -> int:
        return int(self.clock.now())

    def include(self, obj: Obj, name: str) -> Obj | None:
        """Return a field that is absent until `expand` asks for it, such as a charge's refunds."""
        make = self.includes.get((obj.get("object", ""), name))
        return make(self, obj) if make and not obj.get("deleted") else None

    def emit(self, event_type: str, obj: Obj, previous: Obj | None = None) -> None:
        """Store an event with the object as of now, and queue it for each subscribed endpoint."""
        plan = self.faults.plan_for_event(event_type)
        if plan.never_generated:
            return
        data = {"object": public(obj)}
        if previous is not None:
            data["previous_attributes"] = previous
        event = self.store.events.add(
            {
                "id": self.ids.new("evt"),
                "object": "event",
                "api_version": self.settings.default_version,
                "created": self.now,
                "data": data,
                "livemode": False,
                "pending_webhooks": 0,
                "request": {"id": self.cause.request_id, "idempotency_key": self.cause.idempotency_key},
                "type": event_type,
            }
        )
        endpoints = self._subscribed(event_type)
        event["pending_webhooks"] = len(endpoints)
        self.outbox.queue(event, endpoints, plan)
        self.tell_listeners(event)

    def tell_listeners(self, event: Obj) -> None:
        """Tell each running `stripe listen` of an event."""
        for listener in self.listeners:
            listener(event)

    def resend(self, event: Obj, endpoints: list[Obj] | None = None) -> None:
        """Deliver an event again, to some endpoints or to each subscribed one."""
        endpoints = self._subscribed(event["type"]) if endpoints is None else endpoints
        event["pending_webhooks"] += len(endpoints)
        self.outbox.resend(event, endpoints)

    def _subscribed(self, event_type: str) -> list[Obj]:
        return [endpoint for endpoint in self.store.webhook_endpoints if _is_subscribed(endpoint, event_type)]

    def notify_watchers(self, intent: Obj) -> None:
        """Notify the watchers of an intent, such as its Checkout Session, of a change."""
        for watcher in self.watchers:
            watcher(self, intent)

    @contextmanager
    def updating(self, event_type: str, obj: Obj) -> Iterator[None]:
        """Emit an event with the previous attributes if the block changes the object."""
        before = public(obj)
        yield
        previous = difference(before, public(obj))
        if previous:
            self.emit(event_type, obj, previous)


def _is_subscribed(endpoint: Obj, event_type: str) -> bool:
    enabled = endpoint["enabled_events"]
    return endpoint["status"] == "enabled" and ("*" in enabled or event_type in enabled)
