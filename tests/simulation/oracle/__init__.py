"""What must hold: always, after every commit; and in the end, once the faults are over and everything had its time."""

from typing import Any

import psycopg

from stripe_sandbox import Sandbox
from tests.simulation.oracle.answers import Answers
from tests.simulation.oracle.erasure import Erased
from tests.simulation.oracle.idempotency_keys import Keys
from tests.simulation.oracle.intentions import Intentions
from tests.simulation.oracle.liveness import Liveness
from tests.simulation.oracle.observer import Observer, Rows
from tests.simulation.oracle.safety import Safety
from tests.simulation.oracle.violation import InvariantViolation

__all__ = ["InvariantViolation", "Oracle", "Rows"]


class Oracle:
    """Looks from outside, on a connection of its own: what it sees is committed."""

    def __init__(self, connection: "psycopg.Connection[tuple[Any, ...]]", sandbox: Sandbox) -> None:
        observer = Observer(connection, sandbox)
        self._safety, self._keys, self._liveness = Safety(observer), Keys(observer), Liveness(observer)
        self.answers, self.intentions = Answers(observer), Intentions(observer)
        self.erased = Erased(observer)
        self.rows, self.rows_named = observer.rows, observer.rows_named
        self.taken_by_hand = observer.taken_by_hand
        self.note_keys, self.check_key = self._keys.note, self._keys.check
        self.picture = self._liveness.picture

    def reset(self) -> None:
        self._safety.reset()
        self._keys.reset()
        self.intentions.reset()

    def check_safety(self) -> None:
        """After every commit: the books balance here, and what they say of Stripe is so at Stripe."""
        self._safety.check()
        self.intentions.check()

    def check_liveness(self) -> None:
        """Once the faults are over and the sweep had its time: nothing is stuck, lost, or owed, and no secret kept."""
        self._liveness.check()
        self.answers.check_what_is_written()
