"""The doctor: looks whether everything that must be true of the books is true, and changes nothing."""

from estuary.payments.doctor.check import GRACE, Rule
from estuary.payments.doctor.disputes import DISPUTES
from estuary.payments.doctor.fulfilment import GOODS
from estuary.payments.doctor.holds import HELD_PAST_DEADLINE, HOLDS
from estuary.payments.doctor.liveness import WAITING
from estuary.payments.doctor.money import BOOKS
from estuary.payments.doctor.runner import CheckRun, Violation, run_checks
from estuary.payments.doctor.transitions import PATHS

SAFETY: tuple[Rule, ...] = (*BOOKS, *DISPUTES, *GOODS, *HOLDS, *PATHS)
LIVENESS: tuple[Rule, ...] = (*WAITING, HELD_PAST_DEADLINE)
RULES = SAFETY + LIVENESS

__all__ = ["GRACE", "LIVENESS", "RULES", "SAFETY", "CheckRun", "Rule", "Violation", "run_checks"]
