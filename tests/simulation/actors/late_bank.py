"""A bank that takes days: it answers shortly before or after what was bought begins, after the date, or never."""

from typing import TYPE_CHECKING

from django.conf import settings

from stripe_sandbox.errors import StripeError
from tests.simulation.actors.buyers import Buyer
from tests.simulation.draws import Choices

if TYPE_CHECKING:
    from tests.simulation.harness import Stage

FIRST_START = """SELECT extract(epoch FROM min(l.starts_at)) FROM orders_orderline l
JOIN orders_order o ON o.id = l.order_id WHERE o.public_id = %s"""
LONGEST_S = settings.BANK_HOLD.total_seconds()
# Seconds from the date until which the seat is kept: most often the start of what was bought.
ANSWERS = {"in time": -60.0, "just too late": 30.0, "much too late": 86_400.0, "never": 86_400.0}

# Sessions begin before the longest wait is over, a workshop after it.
TIMED = ("session", "session", "lesson", "workshop")


class LateBank:
    """Has something bought by debit, lets it wait until about its date, and then arrive, fail, or wait on."""

    def __init__(self, stage: "Stage", choices: Choices) -> None:
        self.stage, self.choices = stage, choices

    def act(self) -> None:
        control, choices = self.stage.sandbox.control, self.choices
        when, well = choices.pick("when", list(ANSWERS)), choices.odds("well", 0.7)
        try:
            order_id, intent_id = self._begin()
            if not intent_id:
                return
            self.stage.scheduler.sleep(max(self._kept_for_s(order_id) + ANSWERS[when], 0.0))
            if when != "never":
                (control.settle if well else control.fail_settlement)(intent_id)
                self.stage.story.tell(f"lets a debit {'through' if well else 'fail'}, {when}")
        except StripeError as refused:
            self.stage.story.tell(f"can't: {refused}"[:160])

    def _kept_for_s(self, order_id: str) -> float:
        """Return for how long the seats of an order are kept, from now on."""
        [(starts_at,)] = self.stage.oracle.rows(FIRST_START, order_id)
        return min(float(starts_at) - self.stage.clock.now(), LONGEST_S) if starts_at else 3600.0

    def _begin(self) -> tuple[str, str]:
        """Buy something with a time and begin to pay for it by debit; returns the order and its intent."""
        choices, control = self.choices, self.stage.sandbox.control
        made = Buyer(self.stage, choices.pick("who", [1, 2, 3]), choices).place(choices.pick("thing", TIMED))
        if not made.fine or made["status"] != "pending":
            return "", ""
        if "checkout_url" in made:
            page_id = made["checkout_url"].rsplit("/", 1)[-1].partition("#")[0]
            paid = control.pay_checkout(page_id, method="us_bank_account")
            intent_id = str(paid["payment_intent"])
        else:
            intent_id = str(made["payment_intent_id"])
            control.confirm(intent_id, method="us_bank_account")
        self.stage.story.tell(f"begins a debit for {intent_id}")
        return str(made["order_id"]), intent_id
