"""Hoarders: they hold what they will never pay for, and ask anew in every way so that it is held on."""

from datetime import datetime
from typing import TYPE_CHECKING

from tests.simulation.browser import Answer, Browser
from tests.simulation.draws import Draws
from tests.simulation.oracle import InvariantViolation

if TYPE_CHECKING:
    from tests.simulation.harness import Harness

RENEWED = "a hold is not renewed by asking anew"
HOME = "203.0.113.66"


class Hoarder:
    """Holds times of a bundle or a session, from one address, as one account after the other."""

    def __init__(self, harness: "Harness", draws: Draws) -> None:
        self.harness, self.draws = harness, draws
        drawn = draws.pick("who", range(len(harness.world.hoarders)))
        self.user = harness.world.hoarders[draws.settled("account", drawn)]
        judge = harness.oracle.answers.check_answer
        self.browser = Browser(
            harness.scheduler, harness.run_log, harness.recover, self.user, judge, address=HOME
        )

    def act(self) -> None:
        """Place an order, and place it again with something changed until it is refused or enough."""
        thing = self.draws.pick("thing", ["bundle", "bundle", "session"])
        first = self._place(thing, 0)
        for turn in range(1, self.draws.pick("turns", [2, 3, 4])):
            if not first.fine or first["status"] != "pending":
                return
            self.harness.scheduler.sleep(self.draws.between(1, 400))
            if self.draws.odds("cancels first", 0.5):
                self.browser.ask("post", f"/api/v1/orders/{first['order_id']}/cancel/")
            again = self._place(thing, turn)
            if again.fine and self._was_in_time(first) and again["expires_at"] > first["expires_at"]:
                raise InvariantViolation(
                    RENEWED, (first["order_id"], first["expires_at"], again["expires_at"])
                )
            first = again if again.fine else first

    def _was_in_time(self, first: Answer) -> bool:
        return datetime.fromisoformat(first["expires_at"]).timestamp() > self.harness.clock.now()

    def _place(self, thing: str, turn: int) -> Answer:
        times = self.harness.slots["lesson" if thing == "lesson" else "session"]
        times = times[self.draws.settled("slot", 0) :: 4 if thing == "bundle" else 1]
        wish: dict[str, object] = {"start_datetime": times[0]}
        if thing == "bundle":
            wish = {"items": [{"start_datetime": start} for start in times[:4]]}
        body: dict[str, object] = {
            "service_id": str(self.harness.world.services[thing].pk),
            "scheduling_data": wish,
            "payment_type": self.draws.pick("payment_type", ["intent", "checkout"]),
            "service_data": {"turn": turn},
        }
        answer = self.browser.ask("post", "/api/v1/payments/create/", body)
        values = [str(answer.get(name, "")) for name in ("code", "order_id", "expires_at")]
        self.harness.run_log.add(f"holds a {thing} → {answer.status} {' '.join(filter(None, values))}")
        if answer.fine:
            self.harness.knows_order(answer["order_id"])
        return answer
