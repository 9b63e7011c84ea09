"""What came of payments that a bank worked on for days: judged by when the money came, and never without a word."""

from django.core import mail

from tests.simulation.oracle.observer import Observer
from tests.simulation.oracle.violation import InvariantViolation

# Why an order may end while it waits for its bank.
ENDED_AT_BANK = "('payment_failed', 'bank_too_late', 'called_off')"
# Of what has a time: what it came to, and whether it had rightly ended before money came.
TIMED = """
    SELECT o.public_id, o.stripe_payment_intent_id, o.status, o.completed_at IS NOT NULL,
           extract(epoch FROM min(l.starts_at)),
           EXISTS (SELECT FROM orders_ordertransition t WHERE t.order_id = o.id AND t.after = 'canceled'
                   AND (t.before <> 'processing' OR o.cancel_reason IN %s))
    FROM orders_order o JOIN orders_orderline l ON l.order_id = o.id
    WHERE o.captured_minor > 0 AND l.starts_at IS NOT NULL AND o.status <> 'canceled'
    GROUP BY o.id"""
LATE_REFUSALS = """
    SELECT o.public_id FROM orders_ordertransition t JOIN orders_order o ON o.id = t.order_id
    WHERE t.before = 'processing' AND t.after = 'canceled'
    AND NOT EXISTS (SELECT FROM privacy_erasure WHERE user_id = o.user_id)"""
WORDS = ("did not go through", "has not paid in time", "does not take place", "been moved to a new time")


class LatePayments:
    """Looks once, in the end."""

    def __init__(self, observer: Observer) -> None:
        self._observer = observer

    def check(self) -> None:
        paid_at = {
            event["data"]["object"]["id"]: event["created"]
            for event in self._observer.stripe.events
            if event["type"] == "payment_intent.succeeded"
        }
        for order, intent_id, status, is_fulfilled, starts_at, had_ended in self._observer.rows(
            TIMED % ENDED_AT_BANK
        ):
            if intent_id not in paid_at:
                continue
            in_time = paid_at[intent_id] < float(starts_at)
            if is_fulfilled and not in_time:
                raise InvariantViolation("what had begun is not handed over", (order, status))
            if in_time and not is_fulfilled and not had_ended:
                raise InvariantViolation("what was paid in time is handed over", (order, status))
        self._check_mails()

    def _check_mails(self) -> None:
        sent = [str(m.body) for m in mail.outbox if any(words in m.subject for words in WORDS)]
        for (order,) in self._observer.rows(LATE_REFUSALS):
            if not any(order in body for body in sent):
                raise InvariantViolation("who left it to a bank is told how it ended", order)
