"""Staff who refund through us, and somebody else who refunds and answers disputes in Stripe's dashboard."""

import random
from collections.abc import Callable
from typing import Any

from tests.chaos.person import GaveUp, Person, UnderWay
from tests.chaos.shared_state import REFUSED, SharedState

type Json = dict[str, Any]

PAUSE_S = (0.3, 1.5)
PARTS = ("0.50", "5.00", "7.77")


class Staff:
    """Refunds a part or all of what somebody bought, and cancels it or does not."""

    def __init__(self, person: Person, shared: SharedState) -> None:
        self._person, self._shared, self.chance = person, shared, person.chance
        self._unanswered: list[tuple[str, Json, str]] = []

    def act(self) -> None:
        if self._unanswered and self.chance.random() < 0.5:
            self._ask(*self._unanswered.pop(0))
            return
        payment = self._shared.someones_payment(self.chance)
        if payment is None:
            return
        body: Json = {"cancel_booking": self.chance.random() < 0.5}
        if self.chance.random() < 0.7:
            body["amount"] = self.chance.choice(PARTS)
        key = f"refund-{self.chance.getrandbits(64):x}"
        self._ask(payment[0], body, key)

    def _ask(self, order_id: str, body: Json, key: str) -> None:
        """Ask for a refund, and with no answer for the same one again later: another key would be another refund."""
        try:
            answer = self._person.ask("POST", f"/api/v1/orders/{order_id}/refunds/", body, key=key)
        except UnderWay:
            self._unanswered.append((order_id, body, key))
            return
        if answer.is_success:
            self._person.promises.refund(answer.json())
            self._shared.counters.count("refunds by staff")


class AtTheDashboard:
    """Knows nothing of us: refunds payments, and sees cardholders dispute them and win or lose."""

    def __init__(self, shared: SharedState, chance: random.Random) -> None:
        self._shared, self.chance = shared, chance

    def act(self) -> None:
        payment = self._shared.someones_payment(self.chance)
        if payment is None:
            return
        dice = self.chance.random()
        if dice < 0.6:
            part = {"amount": self.chance.choice([50, 500, 777])} if self.chance.random() < 0.7 else {}
            self._shared.control("refund", id=payment[1], **part)
            self._shared.counters.count("refunds in the dashboard")
        elif dice < 0.8:
            inquiry = self.chance.random() < 0.3
            self._shared.note_dispute(self._shared.control("dispute", id=payment[1], inquiry=inquiry)["id"])
            self._shared.counters.count("disputes")
        elif dispute_id := self._shared.oldest_dispute():
            self._shared.control("close_dispute", id=dispute_id, outcome=self.chance.choice(["won", "lost"]))
            self._shared.counters.count("disputes decided")


def work(actor: Staff | AtTheDashboard, *, until: Callable[[float], bool], shared: SharedState) -> None:
    """Act now and then until it is enough; ``until`` is asked after a pause in seconds."""
    while not until(actor.chance.uniform(*PAUSE_S)):
        try:
            actor.act()
        except GaveUp:
            continue  # counted where it happened
        except REFUSED:
            shared.counters.count("Stripe refused or was silent")
