"""Ways to break the product on purpose, each as a slip of one hand: what notices none of them proves nothing.

A mutant changes one place in the memory of this process or in this process's own database; where two or three
defences stand behind each other it takes away all of them, and says so. It counts as caught only when an oracle says so
by one of the rules that were named beforehand: an error or a crash is no proof.
"""

from tests.simulation.mutants import (
    access,
    card_testing,
    customers,
    database_copies,
    dates,
    durability,
    erasure,
    foreign_payments,
    holds,
    idempotency_keys,
    late_payments,
    limits,
    lost_answers,
    money,
    moves,
    receipts,
    reconciliation,
    seats,
    secrets,
    staff_permissions,
    stripe_requests,
)
from tests.simulation.mutants.patching import INVARIANTS, MUTANTS, Mutant

__all__ = [
    "INVARIANTS",
    "MUTANTS",
    "Mutant",
    "access",
    "by_name",
    "card_testing",
    "customers",
    "database_copies",
    "dates",
    "durability",
    "erasure",
    "foreign_payments",
    "holds",
    "idempotency_keys",
    "late_payments",
    "limits",
    "lost_answers",
    "money",
    "moves",
    "receipts",
    "reconciliation",
    "seats",
    "secrets",
    "staff_permissions",
    "stripe_requests",
]


def by_name(name: str) -> Mutant:
    return next(mutant for mutant in MUTANTS if mutant.name == name)
