"""The doctor: looks whether everything that must be true of the books is true, and changes nothing."""

from estuary.payments.doctor.books import BOOKS
from estuary.payments.doctor.disputes import DISPUTES
from estuary.payments.doctor.examining import Breach, Examination, examine
from estuary.payments.doctor.goods import GOODS
from estuary.payments.doctor.paths import PATHS
from estuary.payments.doctor.rule import GRACE, Rule
from estuary.payments.doctor.waiting import WAITING

SAFETY: tuple[Rule, ...] = (*BOOKS, *DISPUTES, *GOODS, *PATHS)
LIVENESS: tuple[Rule, ...] = WAITING
RULES = SAFETY + LIVENESS

__all__ = ["GRACE", "LIVENESS", "RULES", "SAFETY", "Breach", "Examination", "Rule", "examine"]
