"""Ways to break the product on purpose, each as a slip of one hand: what notices none of them proves nothing.

A saboteur changes one place in the memory of this process or in this process's own database; where two or three
defences stand behind each other it takes away all of them, and says so. It counts as caught only when an oracle says so
by one of the rules that were named beforehand: an error or a crash is no proof.
"""

from tests.simulation.saboteurs import (
    access,
    asking,
    card_testing,
    copies,
    customers,
    erasing,
    healing,
    hiding,
    holds,
    late_payments,
    limits,
    lost_answers,
    money,
    promises,
    seats,
    staff_permissions,
    strangers,
    two_keys,
)
from tests.simulation.saboteurs.craft import INVARIANTS, SABOTEURS, Saboteur

__all__ = [
    "INVARIANTS",
    "SABOTEURS",
    "Saboteur",
    "access",
    "asking",
    "by_name",
    "card_testing",
    "copies",
    "customers",
    "erasing",
    "healing",
    "hiding",
    "holds",
    "late_payments",
    "limits",
    "lost_answers",
    "money",
    "promises",
    "seats",
    "staff_permissions",
    "strangers",
    "two_keys",
]


def by_name(name: str) -> Saboteur:
    return next(saboteur for saboteur in SABOTEURS if saboteur.name == name)
