"""The doctor checks, without changing anything, that the database keeps every rule."""

from estuary.payments.doctor.check import GRACE, Rule
from estuary.payments.doctor.disputes import DISPUTE_RULES
from estuary.payments.doctor.fulfilment import FULFILMENT_RULES
from estuary.payments.doctor.holds import HELD_PAST_DEADLINE, HOLD_RULES
from estuary.payments.doctor.liveness import LIVENESS_RULES, PAYMENT_WITHOUT_EVENT
from estuary.payments.doctor.money import MONEY_RULES
from estuary.payments.doctor.runner import CheckRun, Violation, run_checks
from estuary.payments.doctor.transitions import TRANSITION_RULES

SAFETY: tuple[Rule, ...] = (*MONEY_RULES, *DISPUTE_RULES, *FULFILMENT_RULES, *HOLD_RULES, *TRANSITION_RULES)
LIVENESS: tuple[Rule, ...] = (*LIVENESS_RULES, HELD_PAST_DEADLINE)
# Of Stripe's deliveries: the books are right without them, as reconciliation finds what no event reports.
DELIVERY: tuple[Rule, ...] = (PAYMENT_WITHOUT_EVENT,)
RULES = SAFETY + LIVENESS + DELIVERY

__all__ = ["DELIVERY", "GRACE", "LIVENESS", "RULES", "SAFETY", "CheckRun", "Rule", "Violation", "run_checks"]
