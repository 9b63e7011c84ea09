"""Refunds of a part that are asked for twice within ten minutes: a retry whose answer was lost, or a second refund?

An ``Idempotency-Key`` tells them apart. Without a key the second request is refused with the first refund's id, until
``again`` names that refund. A refund of all that is left needs no guard: afterwards nothing is left.
"""

from dataclasses import dataclass
from datetime import timedelta

from estuary.accounts.models import User
from estuary.bookings.models import Booking
from estuary.common import clock
from estuary.common.errors import NotFound
from estuary.common.observability.redaction import redact
from estuary.orders.models import Order
from estuary.payments.errors import RefundedJustNow
from estuary.payments.models import Refund

REPEAT_WINDOW = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class RefundRepeatGuard:
    """Refuses the part that the same member of staff has just refunded, unless it was before ``after_id``."""

    staff: User
    amount_minor: int
    booking: Booking | None
    cancels: bool
    reason: str
    after_id: int

    def refuse_repeat(self, order: Order) -> None:
        """Raise RefundedJustNow; ``order`` is locked, so of two requests at once the second finds the first."""
        since = clock.now() - REPEAT_WINDOW
        for refund in order.refunds.all():
            if refund.pk > self.after_id and refund.created_at > since and self._is_same(refund):
                raise RefundedJustNow(refund.public_id, refunded_at=refund.created_at)

    def _is_same(self, refund: Refund) -> bool:
        booking_id = self.booking.pk if self.booking and self.booking.position else None
        return (
            refund.status in Refund.OPEN_OR_SUCCEEDED
            and refund.origin == Refund.Origin.STAFF
            and (refund.requested_by_id, refund.booking_id) == (self.staff.pk, booking_id)
            and (refund.amount_minor, refund.cancels) == (self.amount_minor, self.cancels)
            and refund.reason == redact(self.reason)[:200]
        )


def refund_in_again(order: Order, again: str) -> int:
    """Return the primary key of the refund that ``again`` names, or 0 without one; raises NotFound for any other."""
    if not again:
        return 0
    primary_key = Refund.objects.filter(order=order, public_id=again).values_list("pk", flat=True).first()
    if primary_key is None:
        raise NotFound(
            "This order has no refund of that id. Send as again the refund_id of the refund that you have just made."
        )
    return primary_key
