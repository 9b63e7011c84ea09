"""What may become what. One table; ``Order.change_status`` is the only writer of an order's status.

pending ──► processing ──► completed ──► partially_refunded ──► refunded
   │  ▲         │              ▲                 │                  │
   ▼  │         ▼              └───── a refund that failed ◄────────┘
 failed      canceled ──► paid ──► refunded
"""

from django.db import models

from estuary.common.api.errors import Conflict


class Status(models.TextChoices):
    PENDING = "pending"  # placed, seats held, waiting for the buyer to pay
    PROCESSING = "processing"  # the bank is at it; its seats are kept until a date, which the buyer knows
    FAILED = "failed"  # declined; may be tried again until the hold ends
    CANCELED = "canceled"  # by the buyer, or expired; never revived
    PAID = "paid"  # money came, the goods could not be handed over: a refund follows by itself
    COMPLETED = "completed"  # paid and handed over
    PARTIALLY_REFUNDED = "partially_refunded"
    REFUNDED = "refunded"


UNPAID = frozenset({Status.PENDING, Status.FAILED})
LIVE = UNPAID | {Status.PROCESSING}
FULFILLED = frozenset({Status.COMPLETED, Status.PARTIALLY_REFUNDED, Status.REFUNDED})
REFUNDABLE = frozenset({Status.PAID, Status.COMPLETED, Status.PARTIALLY_REFUNDED})

NEXT: dict[Status, frozenset[Status]] = {
    Status.PENDING: frozenset(
        {Status.PROCESSING, Status.FAILED, Status.CANCELED, Status.PAID, Status.COMPLETED}
    ),
    Status.PROCESSING: frozenset({Status.FAILED, Status.CANCELED, Status.PAID, Status.COMPLETED}),
    Status.FAILED: frozenset(
        {Status.PENDING, Status.PROCESSING, Status.CANCELED, Status.PAID, Status.COMPLETED}
    ),
    # Late money: goods are gone, so it is refunded; late money for credits is simply credited.
    Status.CANCELED: frozenset({Status.PAID, Status.COMPLETED}),
    Status.PAID: frozenset({Status.REFUNDED}),
    Status.COMPLETED: frozenset({Status.PARTIALLY_REFUNDED, Status.REFUNDED}),
    # Backwards only when a refund that had succeeded is returned by the bank.
    Status.PARTIALLY_REFUNDED: frozenset({Status.REFUNDED, Status.COMPLETED}),
    Status.REFUNDED: frozenset({Status.PARTIALLY_REFUNDED, Status.COMPLETED, Status.PAID}),
}


class IllegalTransition(Conflict):
    """An order was asked to become what it may not: a bug of ours, never the caller's to fix."""

    code = "illegal_transition"


def check_transition(before: Status, after: Status) -> None:
    """Raise IllegalTransition unless an order may go from one status to the other."""
    if after not in NEXT[before]:
        raise IllegalTransition(f"An order that is {before} cannot become {after}.")
