"""The network between Stripe and the shop: events are lost, held back and sent again; time passes."""

from stripe_sandbox.control.lookup import Lookup
from stripe_sandbox.public_view import public
from stripe_sandbox.store import Obj


class NetworkControls(Lookup):
    """What happens to events, to API keys and to the clock."""

    def resend(self, event_id: str) -> Obj:
        """Deliver an event again, as the dashboard's Resend does."""
        with self._lock:
            event = self._find(self._state.store.events, event_id)
            self._state.resend(event)
            return public(event)

    def lose_events(self) -> int:
        """Discard every pending delivery; return how many."""
        with self._lock:
            return self._state.outbox.discard()

    def hold_events(self, match: str = "*") -> None:
        """Hold back the deliveries of all events from now on."""
        with self._lock:
            self._state.faults.add("hold", match, times=None)

    def release_events(self) -> int:
        """Stop holding back and deliver the held events; return how many."""
        with self._lock:
            self._state.faults.remove("hold")
            return self._state.outbox.release()

    def revoke_key(self, key: str) -> None:
        """Revoke an API key."""
        with self._lock:
            self._state.settings.revoked_keys.add(key)

    def restrict_key(self, key: str, permissions: str) -> None:
        """Let an API key do only this, such as `customer_write,refund_read`; writing includes reading."""
        named = frozenset(part.strip() for part in permissions.split(",") if part.strip())
        with self._lock:
            self._state.settings.permissions[key] = named

    def advance(self, seconds: float) -> float:
        """Advance the sandbox's clock and run the timers that fall due; return the new time."""
        with self._lock:
            self._state.clock.advance(seconds)
            self._state.timers.run_due()
            return self._state.clock.now()
