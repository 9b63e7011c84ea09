"""A buyer who leaves, and the office that erases the person by command: while the person and others still buy."""

import io
from typing import TYPE_CHECKING

from django.core.management import CommandError, call_command

from tests.simulation.draws import Choices
from tests.simulation.scheduler import Crash
from tests.simulation.world import LEAVER

if TYPE_CHECKING:
    from tests.simulation.actors.buyers import Buyer
    from tests.simulation.harness import Stage

ORDERS = "SELECT 1 FROM orders_order WHERE user_id = %s"
BEGUN = "SELECT 1 FROM privacy_erasure WHERE user_id = %s"
# Whether the office waits until no request of the person is under way. The product waits for a minute, and where
# everybody is late, a request in a story may take longer.
GATED = True
DONE = "SELECT 1 FROM privacy_erasure WHERE user_id = %s AND erased_at IS NOT NULL"


def leave(buyer: "Buyer") -> None:
    """Buy once or twice, and most often cancel what was booked: a booking to come keeps a person."""
    for _ in range(buyer.choices.pick("how often", [1, 1, 2])):
        buyer.buy(buyer.choices.pick("what", ["credits", "credits", "session", "lesson"]))
    if buyer.choices.odds("cancels", 0.8):
        buyer.cancel_booking()


class Office:
    """Erases the person who leaves, and tries again a while later when something is in the way."""

    def __init__(self, stage: "Stage", choices: Choices) -> None:
        self.stage, self.choices = stage, choices
        self.user = stage.world.buyers[3]

    def act(self) -> None:
        self.stage.await_some(lambda: self.stage.oracle.rows(ORDERS, self.user.pk), self.choices)
        forfeit = ["--forfeit-credits"] * self.choices.odds("gives up credits", 0.8)
        for _ in range(self.choices.pick("tries", [3, 6, 9])):
            self._shut_the_door()
            if self._erase(*forfeit):
                return
            if not self.stage.oracle.rows(BEGUN, self.user.pk):
                self.stage.doorway.shut[self.user.pk] -= GATED
            self.stage.scheduler.sleep(self.choices.between(1, 200))

    def _shut_the_door(self) -> None:
        while GATED and self.stage.doorway.under_way[self.user.pk]:
            self.stage.scheduler.sleep(1.0)
        self.stage.doorway.shut[self.user.pk] += GATED

    def _erase(self, *options: str) -> bool:
        """Run the command once; returns whether the person is erased."""
        try:
            call_command("erase_person", str(self.user.pk), "--yes", *options, stdout=io.StringIO())
        except CommandError as refused:
            self.stage.story.tell(f"erases {LEAVER}: {refused}".replace("\n", " ")[:300])
            return False
        except Crash as crash:
            self.stage.recover()
            self.stage.story.tell(f"  the command is killed {crash}")
            return False
        done = bool(self.stage.oracle.rows(DONE, self.user.pk))
        self.stage.story.tell(f"erases {LEAVER} → {'done' if done else 'the account is shut'}")
        self.stage.effect_is_there(BEGUN, self.user.pk)
        return done
