"""What a decision asks to be written: plain data, made by ``rules`` and carried out in bulk by apply.py."""

from dataclasses import dataclass
from datetime import datetime

from estuary.bookings.models import Booking
from estuary.credits.ledger import Kind
from estuary.orders.states import Status
from estuary.payments.models import Refund
from estuary.payments.settlement.state import DisputeState, RecordDecline


@dataclass(frozen=True, slots=True)
class ChangeStatus:
    """The order changes its status."""

    status: Status
    cause: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class BindIntent:
    """The order learns which intent pays for it."""

    intent_id: str


@dataclass(frozen=True, slots=True)
class RecordCapture:
    """Money has arrived, in minor units."""

    amount_minor: int


@dataclass(frozen=True, slots=True)
class Fulfil:
    """The buyer gets what was bought: bookings for reservations."""


@dataclass(frozen=True, slots=True)
class ReleaseReservations:
    """Seats and slots go back on sale."""


@dataclass(frozen=True, slots=True)
class HoldForBank:
    """Seats and slots are kept for a payment that its bank works on, until then; None: nothing has to be kept."""

    moment: datetime | None


@dataclass(frozen=True, slots=True)
class WatchPayment:
    """The order has ended and its payment has not: the worker looks at it until nobody can pay by it any more."""


@dataclass(frozen=True, slots=True)
class PostCredits:
    """Credits move; ``effect`` makes it happen once per order."""

    kind: Kind
    amount_minor: int
    effect: str
    note: str


@dataclass(frozen=True, slots=True)
class OpenRefund:
    """A refund row appears: one that we ask for, or one that was started elsewhere.

    ``currency`` is the payment's own, where that is another than the order's: no order asked for such a payment.
    """

    card_minor: int
    credits_minor: int
    origin: Refund.Origin
    status: Refund.Status
    reason: str
    intent_id: str
    stripe_refund_id: str = ""
    failure_reason: str = ""
    stray: bool = False
    cause: str = ""
    currency: str = ""


@dataclass(frozen=True, slots=True)
class RecordUnmatchedPayment:
    """A captured payment carries the order's label and is not the buyer's; it is left alone, and staff hear of it once.

    In minor units of the payment's own currency.
    """

    intent_id: str
    customer_id: str
    amount_minor: int
    currency: str


@dataclass(frozen=True, slots=True)
class UpdateRefund:
    """A refund that we know moves on."""

    refund_id: int
    status: Refund.Status
    stripe_refund_id: str
    failure_reason: str = ""


@dataclass(frozen=True, slots=True)
class SetRefundCredits:
    """A refund of the dashboard takes credits along, or does no more: its credit part from now on, in minor units."""

    refund_id: int
    credits_minor: int


@dataclass(frozen=True, slots=True)
class RecordRefunded:
    """The sum of the order's succeeded refunds, card and credits."""

    refunded_minor: int


@dataclass(frozen=True, slots=True)
class CancelBookings:
    """Those named are canceled when they are active, and whatever inside them is still to come."""

    booking_ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class SetBookingStatus:
    """Those named take the status when they are active."""

    booking_ids: tuple[int, ...]
    status: Booking.Status


@dataclass(frozen=True, slots=True)
class FreezeCredits:
    """So many more credits can't be spent, or less when it is negative; minor units."""

    amount_minor: int


@dataclass(frozen=True, slots=True)
class RecordDispute:
    """A dispute's row appears, or stands anew."""

    dispute: DisputeState


@dataclass(frozen=True, slots=True)
class MarkDisputed:
    """The order's flag, and how much of its money is gone to disputes, in minor units."""

    disputed: bool
    lost_minor: int


@dataclass(frozen=True, slots=True)
class NotifyBuyer:
    """The buyer gets a mail.

    ``template`` is a key of mails.TEXTS.
    """

    template: str


@dataclass(frozen=True, slots=True)
class AlertStaff:
    """Staff must know."""

    code: str
    text: str


type Effect = (
    ChangeStatus
    | BindIntent
    | RecordCapture
    | RecordDecline
    | Fulfil
    | ReleaseReservations
    | HoldForBank
    | WatchPayment
    | PostCredits
    | OpenRefund
    | RecordUnmatchedPayment
    | UpdateRefund
    | SetRefundCredits
    | RecordRefunded
    | CancelBookings
    | SetBookingStatus
    | FreezeCredits
    | RecordDispute
    | MarkDisputed
    | NotifyBuyer
    | AlertStaff
)
