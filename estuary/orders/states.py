"""The status of an order, and the allowed transitions. Only ``Order.change_status`` writes the status.

pending ──► processing ──► completed ──► partially_refunded ──► refunded
   │  ▲         │              ▲                 │                  │
   ▼  │         ▼              └───── a refund that failed ◄────────┘
 failed      canceled ──► paid ──► refunded
"""

from django.db import models

from estuary.common.errors import Conflict


class Status(models.TextChoices):
    # Placed: seats are held until the buyer pays or the hold ends.
    PENDING = "pending"
    # The bank processes the payment; seats are kept until ``kept_until``.
    PROCESSING = "processing"
    # Declined; the buyer may try again until the hold ends.
    FAILED = "failed"
    # By the buyer, or expired; never revived.
    CANCELED = "canceled"
    # Paid but not fulfilled; a refund follows automatically.
    PAID = "paid"
    # Paid and fulfilled.
    COMPLETED = "completed"
    PARTIALLY_REFUNDED = "partially_refunded"
    REFUNDED = "refunded"


# The cause of a status when the server confirmed the payment with the order's saved card, and Stripe took it.
CONFIRMED_BY_SERVER = "confirmed by the server"

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
    # Late money is refunded, because the seats are released. Late money for credits is credited.
    Status.CANCELED: frozenset({Status.PAID, Status.COMPLETED}),
    Status.PAID: frozenset({Status.REFUNDED}),
    Status.COMPLETED: frozenset({Status.PARTIALLY_REFUNDED, Status.REFUNDED}),
    # Backwards only when the bank returns a refund that had succeeded.
    Status.PARTIALLY_REFUNDED: frozenset({Status.REFUNDED, Status.COMPLETED}),
    Status.REFUNDED: frozenset({Status.PARTIALLY_REFUNDED, Status.COMPLETED, Status.PAID}),
}


class IllegalTransition(Conflict):
    """A transition that is not allowed: a bug of ours, which the caller can't fix."""

    code = "illegal_transition"


def check_transition(before: Status, after: Status) -> None:
    """Raise IllegalTransition unless an order may go from one status to the other."""
    if after not in NEXT[before]:
        raise IllegalTransition(f"An order that is {before} cannot become {after}.")
