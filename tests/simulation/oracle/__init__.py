"""What must hold: always, after every commit; and in the end, once the faults are over and everything had its time."""

from typing import Any

import psycopg

from stripe_sandbox import Sandbox
from tests.simulation.oracle.answers import Answers
from tests.simulation.oracle.erasure import Erased
from tests.simulation.oracle.idempotency_keys import Keys
from tests.simulation.oracle.intentions import Intentions
from tests.simulation.oracle.liveness import Liveness
from tests.simulation.oracle.observer import Rows, Watch
from tests.simulation.oracle.safety import Safety
from tests.simulation.oracle.violation import Broken

__all__ = ["Broken", "Oracle", "Rows"]


class Oracle:
    """Looks from outside, on a connection of its own: what it sees is committed."""

    def __init__(self, connection: "psycopg.Connection[tuple[Any, ...]]", sandbox: Sandbox) -> None:
        watch = Watch(connection, sandbox)
        self._safety, self._keys, self._liveness = Safety(watch), Keys(watch), Liveness(watch)
        self.answers, self.intentions = Answers(watch), Intentions(watch)
        self.erased = Erased(watch)
        self.rows, self.taken_by_hand = watch.rows, watch.taken_by_hand
        self.note_keys, self.check_key = self._keys.note, self._keys.check
        self.picture = self._liveness.picture

    def begin_anew(self) -> None:
        self._safety.begin_anew()
        self._keys.begin_anew()
        self.intentions.begin_anew()

    def check_safety(self) -> None:
        """After every commit: the books balance here, and what they say of Stripe is so at Stripe."""
        self._safety.check()
        self.intentions.check()

    def check_liveness(self) -> None:
        """Once the faults are over and the sweep had its time: nothing is stuck, lost, or owed, and no secret kept."""
        self._liveness.check()
        self.answers.check_what_is_written()
