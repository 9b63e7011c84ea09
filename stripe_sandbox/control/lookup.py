"""The base of all controls: the state, its lock, and the objects that a control acts on."""

import threading

from stripe_sandbox.errors import no_such
from stripe_sandbox.state import SandboxState
from stripe_sandbox.store import Obj, Table


class Lookup:
    """Finds objects by id; a StripeError says that there is none."""

    def __init__(self, state: SandboxState, lock: threading.RLock) -> None:
        self._state, self._lock = state, lock

    def _intent(self, intent_id: str) -> Obj:
        return self._find(self._state.store.payment_intents, intent_id)

    def _charge(self, object_id: str) -> Obj:
        charges = self._state.store.charges
        if object_id in charges:
            return self._find(charges, object_id)
        return self._find(charges, self._intent(object_id)["latest_charge"] or "")

    @staticmethod
    def _find(table: Table, object_id: str) -> Obj:
        obj = table.get(object_id)
        if obj is None:
            raise no_such(table.kind, object_id, table.path_param)
        return obj
