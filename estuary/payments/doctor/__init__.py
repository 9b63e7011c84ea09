"""The doctor: looks whether everything that must be true of the books is true, and changes nothing."""

from estuary.payments.doctor.books import BOOKS
from estuary.payments.doctor.disputes import DISPUTES
from estuary.payments.doctor.examining import Breach, Examination, examine
from estuary.payments.doctor.goods import GOODS
from estuary.payments.doctor.holds import HELD_PAST_DEADLINE, HOLDS
from estuary.payments.doctor.paths import PATHS
from estuary.payments.doctor.rule import GRACE, Rule
from estuary.payments.doctor.waiting import WAITING

SAFETY: tuple[Rule, ...] = (*BOOKS, *DISPUTES, *GOODS, *HOLDS, *PATHS)
LIVENESS: tuple[Rule, ...] = (*WAITING, HELD_PAST_DEADLINE)
RULES = SAFETY + LIVENESS

__all__ = ["GRACE", "LIVENESS", "RULES", "SAFETY", "Breach", "Examination", "Rule", "examine"]
