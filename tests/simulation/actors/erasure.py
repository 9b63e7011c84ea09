"""A buyer who leaves, and the office that erases the person by command: while the person and others still buy."""

import io
from typing import TYPE_CHECKING

from django.core.management import CommandError, call_command

from tests.simulation.draws import Draws
from tests.simulation.scheduler import Crash
from tests.simulation.world import LEAVER

if TYPE_CHECKING:
    from tests.simulation.actors.buyers import Buyer
    from tests.simulation.harness import Harness

ORDERS = "SELECT 1 FROM orders_order WHERE user_id = %s"
ERASURE_OF_USER = "SELECT 1 FROM privacy_erasure WHERE user_id = %s"
# Whether the office waits until no request of the person is under way. The product waits for a minute, and where
# everybody is late, a request in a scenario may take longer.
GATED = True
DONE = "SELECT 1 FROM privacy_erasure WHERE user_id = %s AND erased_at IS NOT NULL"


def leave(buyer: "Buyer") -> None:
    """Buy once or twice, and most often cancel what was booked: a booking to come keeps a person."""
    for _ in range(buyer.draws.pick("how often", [1, 1, 2])):
        buyer.buy(buyer.draws.pick("what", ["credits", "credits", "session", "lesson"]))
    if buyer.draws.odds("cancels", 0.8):
        buyer.cancel_booking()


class Office:
    """Erases the person who leaves, and tries again a while later when something is in the way."""

    def __init__(self, harness: "Harness", draws: Draws) -> None:
        self.harness, self.draws = harness, draws
        self.user = harness.world.buyers[3]

    def act(self) -> None:
        self.harness.await_some(lambda: self.harness.oracle.rows(ORDERS, self.user.pk), self.draws)
        forfeit = ["--forfeit-credits"] * self.draws.odds("gives up credits", 0.8)
        for _ in range(self.draws.pick("tries", [3, 6, 9])):
            self._shut_the_door()
            if self._erase(*forfeit):
                return
            if not self.harness.oracle.rows(ERASURE_OF_USER, self.user.pk):
                self.harness.sign_in_gate.shut[self.user.pk] -= GATED
            self.harness.scheduler.sleep(self.draws.between(1, 200))

    def _shut_the_door(self) -> None:
        while GATED and self.harness.sign_in_gate.under_way[self.user.pk]:
            self.harness.scheduler.sleep(1.0)
        self.harness.sign_in_gate.shut[self.user.pk] += GATED

    def _erase(self, *options: str) -> bool:
        """Run the command once; returns whether the person is erased."""
        try:
            call_command("erase_person", str(self.user.pk), "--yes", *options, stdout=io.StringIO())
        except CommandError as refused:
            self.harness.run_log.add(f"erases {LEAVER}: {refused}".replace("\n", " ")[:300])
            return False
        except Crash as crash:
            self.harness.recover()
            self.harness.run_log.add(f"  the command is killed {crash}")
            return False
        done = bool(self.harness.oracle.rows(DONE, self.user.pk))
        self.harness.run_log.add(f"erases {LEAVER} → {'done' if done else 'the account is shut'}")
        self.harness.effect_is_there(ERASURE_OF_USER, self.user.pk)
        return done
