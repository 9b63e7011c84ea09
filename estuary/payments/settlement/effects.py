"""Effects: what a decision changes. Plain data, returned by the rules and applied in bulk by apply.py."""

from dataclasses import dataclass
from datetime import datetime

from estuary.bookings.models import Booking
from estuary.credits.ledger import Kind
from estuary.notifications.order_mail_texts import OrderMail
from estuary.orders.states import Status
from estuary.payments.models import Refund
from estuary.payments.settlement.facts import FetchRequired
from estuary.payments.settlement.state import DisputeState, Effect, RefundState


@dataclass(frozen=True, slots=True)
class ChangeStatus(Effect):
    status: Status
    cause: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class BindIntent(Effect):
    """Bind the order to the intent that pays for it."""

    intent_id: str


@dataclass(frozen=True, slots=True)
class RecordCapture(Effect):
    """Record that money was captured, in minor units."""

    amount_minor: int


@dataclass(frozen=True, slots=True)
class Fulfil(Effect):
    """Fulfil the order: turn its reservations into bookings."""


@dataclass(frozen=True, slots=True)
class ReleaseReservations(Effect):
    """Release reserved seats and slots: they are on sale again."""


@dataclass(frozen=True, slots=True)
class HoldForBank(Effect):
    """Hold reserved seats and slots until ``moment``, for a payment that its bank processes.

    None: the order has nothing to hold.
    """

    moment: datetime | None


@dataclass(frozen=True, slots=True)
class WatchPayment(Effect):
    """Watch the payment of an order that has ended, until nobody can pay with it any more."""


@dataclass(frozen=True, slots=True)
class PostCredits(Effect):
    """Post a movement of credits; ``effect`` is unique per order, so it is posted once."""

    kind: Kind
    amount_minor: int
    effect: str
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenRefund(RefundState, Effect):
    """Create a refund: one that we request, or one that was started elsewhere. It has no row yet, so its ``id`` is 0.

    ``currency`` is that of the payment, where it is not the currency of the order: an unmatched payment.
    """

    reason: str
    failure_reason: str = ""


@dataclass(frozen=True, slots=True)
class RecordUnmatchedPayment(Effect):
    """Record a captured payment that carries the order's label but is not the buyer's.

    It is left alone, and staff are alerted once. The amount is in minor units of the payment's currency.
    """

    intent_id: str
    customer_id: str
    amount_minor: int
    currency: str


@dataclass(frozen=True, slots=True)
class WatchUnmatchedPayment(Effect):
    """A bank works on a payment that carries the order's label and is not its payment: the worker asks how it ends."""

    intent_id: str
    currency: str


@dataclass(frozen=True, slots=True)
class UpdateRefund(Effect):
    refund_id: int
    status: Refund.Status
    stripe_refund_id: str
    failure_reason: str = ""


@dataclass(frozen=True, slots=True)
class SetRefundCredits(Effect):
    """Set the credit part of a refund, in minor units; 0 takes it away."""

    refund_id: int
    credits_minor: int


@dataclass(frozen=True, slots=True)
class RecordRefunded(Effect):
    """Record the sum of the order's refunds that have succeeded, card and credits, in minor units."""

    refunded_minor: int


@dataclass(frozen=True, slots=True)
class CancelBookings(Effect):
    """Cancel these bookings if they are active, with everything inside them that is still to come."""

    booking_ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class SetBookingStatus(Effect):
    """Set the status of these bookings if they are active."""

    booking_ids: tuple[int, ...]
    status: Booking.Status


@dataclass(frozen=True, slots=True)
class FreezeCredits(Effect):
    """Freeze so many more credits, in minor units; a negative amount releases them."""

    amount_minor: int


@dataclass(frozen=True, slots=True)
class RecordDispute(Effect):
    dispute: DisputeState


@dataclass(frozen=True, slots=True)
class MarkDisputed(Effect):
    """Set the dispute flag of the order, and how much of its money disputes have taken, in minor units."""

    disputed: bool
    lost_minor: int


@dataclass(frozen=True, slots=True)
class NotifyBuyer(Effect):
    template: OrderMail


@dataclass(frozen=True, slots=True)
class AlertStaff(Effect):
    code: str
    text: str


type Decision = list[Effect] | FetchRequired
