"""A bank that takes days: it answers shortly before or after what was bought begins, after the date, or never."""

from typing import TYPE_CHECKING

from stripe_sandbox.errors import StripeError
from stripe_sandbox.store import Obj
from tests.simulation.choices import Choices

if TYPE_CHECKING:
    from tests.simulation.stage import Stage

KEPT = """SELECT extract(epoch FROM kept_until) FROM orders_order
WHERE status = 'processing' AND kept_until IS NOT NULL
  AND (stripe_payment_intent_id = %s OR stripe_checkout_session_id = %s)"""
# Seconds from the date until which the seat is kept: most often the start of what was bought.
ANSWERS = {"in time": -60.0, "just too late": 30.0, "much too late": 86_400.0, "never": 86_400.0}


class LateBank:
    """Lets one payment wait until about its date, and then arrive, fail, or wait on."""

    def __init__(self, stage: "Stage", choices: Choices) -> None:
        self.stage, self.choices = stage, choices

    def act(self) -> None:
        control, choices = self.stage.sandbox.control, self.choices
        waiting = self.stage.await_some(self._waiting, choices)
        if waiting is None:
            return
        when, well = choices.pick("when", list(ANSWERS)), choices.odds("well", 0.7)
        rows = self.stage.oracle.rows(KEPT, waiting["id"], waiting.get("_session") or "")
        left_s = float(rows[0][0]) - self.stage.clock.now() if rows else 3600.0
        self.stage.scheduler.sleep(max(left_s + ANSWERS[when], 0.0))
        if when == "never":
            return
        try:
            (control.settle if well else control.fail_settlement)(waiting["id"])
            self.stage.story.tell(f"lets a debit {'through' if well else 'fail'}, {when}")
        except StripeError as refused:
            self.stage.story.tell(f"can't: {refused}"[:160])

    def _waiting(self) -> list[Obj]:
        """Return payments that a bank works on and of which the product has heard."""
        intents = self.stage.sandbox.world.store.payment_intents
        processing = [one for one in intents if one["status"] == "processing"]
        return [
            one for one in processing if self.stage.oracle.rows(KEPT, one["id"], one.get("_session") or "")
        ]
