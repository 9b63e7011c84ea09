"""A bank that takes days: it answers shortly before or after what was bought begins, after the date, or never."""

from typing import TYPE_CHECKING

from django.conf import settings

from stripe_sandbox.errors import StripeError
from tests.simulation.actors.buyers import Buyer
from tests.simulation.draws import Draws

if TYPE_CHECKING:
    from tests.simulation.harness import Harness

FIRST_START = """SELECT extract(epoch FROM min(l.starts_at)) FROM orders_orderline l
JOIN orders_order o ON o.id = l.order_id WHERE o.public_id = %s"""
LONGEST_S = settings.BANK_HOLD.total_seconds()
# Seconds from the date until which the seat is kept: most often the start of what was bought.
ANSWERS = {"in time": -60.0, "just too late": 30.0, "much too late": 86_400.0, "never": 86_400.0}

# Sessions begin before the longest wait is over, a workshop after it.
TIMED = ("session", "session", "lesson", "workshop")


class LateBank:
    """Has something bought by debit, lets it wait until about its date, and then arrive, fail, or wait on."""

    def __init__(self, harness: "Harness", draws: Draws) -> None:
        self.harness, self.draws = harness, draws

    def act(self) -> None:
        control, draws = self.harness.sandbox.control, self.draws
        when, well = draws.pick("when", list(ANSWERS)), draws.odds("well", 0.7)
        try:
            order_id, intent_id = self._begin()
            if not intent_id:
                return
            self.harness.scheduler.sleep(max(self._kept_for_s(order_id) + ANSWERS[when], 0.0))
            if when != "never":
                (control.settle if well else control.fail_settlement)(intent_id)
                self.harness.run_log.add(f"lets a debit {'through' if well else 'fail'}, {when}")
        except StripeError as refused:
            self.harness.run_log.add(f"can't: {refused}"[:160])

    def _kept_for_s(self, order_id: str) -> float:
        """Return for how long the seats of an order are kept, from now on."""
        [(starts_at,)] = self.harness.oracle.rows(FIRST_START, order_id)
        return min(float(starts_at) - self.harness.clock.now(), LONGEST_S) if starts_at else 3600.0

    def _begin(self) -> tuple[str, str]:
        """Buy something with a time and begin to pay for it by debit; returns the order and its intent."""
        draws, control = self.draws, self.harness.sandbox.control
        order = Buyer(self.harness, draws.pick("who", [1, 2, 3]), draws).place(draws.pick("thing", TIMED))
        if not order.fine or order["status"] != "pending":
            return "", ""
        if "checkout_url" in order:
            page_id = order["checkout_url"].rsplit("/", 1)[-1].partition("#")[0]
            paid = control.pay_checkout(page_id, method="us_bank_account")
            intent_id = str(paid["payment_intent"])
        else:
            intent_id = str(order["payment_intent_id"])
            control.confirm(intent_id, method="us_bank_account")
        self.harness.run_log.add(f"begins a debit for {intent_id}")
        return str(order["order_id"]), intent_id
