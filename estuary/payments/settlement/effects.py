"""What a decision asks to be written: plain data, made by rules.py and carried out in bulk by settlement.py."""

from dataclasses import dataclass
from datetime import datetime

from estuary.bookings.models import Booking
from estuary.credits.ledger import Kind
from estuary.orders.states import Status
from estuary.payments.models import Dispute, Refund


@dataclass(frozen=True, slots=True)
class Become:
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
class RecordDecline:
    """The buyer is told why the card was not charged."""

    code: str
    decline_code: str
    message: str


@dataclass(frozen=True, slots=True)
class HandOver:
    """The buyer gets what was bought: bookings for reservations."""


@dataclass(frozen=True, slots=True)
class LetGo:
    """Seats and slots go back on sale."""


@dataclass(frozen=True, slots=True)
class KeepUntil:
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
class RecordForeignPayment:
    """A captured payment carries the order's label and is not the buyer's; it is left alone, and staff hear of it once.

    In minor units of the payment's own currency.
    """

    intent_id: str
    customer_id: str
    amount_minor: int
    currency: str


@dataclass(frozen=True, slots=True)
class AdvanceRefund:
    """A refund that we know moves on."""

    refund_id: int
    status: Refund.Status
    stripe_refund_id: str
    failure_reason: str = ""


@dataclass(frozen=True, slots=True)
class CarryCredits:
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
class MarkBookings:
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

    dispute: "DisputeView"


@dataclass(frozen=True, slots=True)
class MarkDisputed:
    """The order's flag, and how much of its money is gone to disputes, in minor units."""

    disputed: bool
    lost_minor: int


@dataclass(frozen=True, slots=True)
class Tell:
    """The buyer gets a mail.

    ``template`` is a key of mails.TEXTS.
    """

    template: str


@dataclass(frozen=True, slots=True)
class Alert:
    """Staff must know."""

    code: str
    text: str


type Effect = (
    Become
    | BindIntent
    | RecordCapture
    | RecordDecline
    | HandOver
    | LetGo
    | KeepUntil
    | WatchPayment
    | PostCredits
    | OpenRefund
    | RecordForeignPayment
    | AdvanceRefund
    | CarryCredits
    | RecordRefunded
    | CancelBookings
    | MarkBookings
    | FreezeCredits
    | RecordDispute
    | MarkDisputed
    | Tell
    | Alert
)


@dataclass(frozen=True, slots=True)
class NeedsObject:
    """The fact alone does not say: fetch the object, outside any transaction, and decide again.

    ``kind`` is ``intent``, ``session``, ``payment`` (an intent and every refund of it), ``refund`` or ``charge`` (and
    the payment behind it), ``dispute`` (and its intent) or ``card``.
    """

    kind: str
    id: str


@dataclass(frozen=True, slots=True)
class RefundView:
    """A refund as the rules see it. Amounts are minor units."""

    id: int
    public_id: str
    stripe_refund_id: str
    intent_id: str
    card_minor: int
    credits_minor: int
    status: Refund.Status
    booking_id: int | None
    cancels: bool
    stray: bool
    from_dashboard: bool = False
    currency: str = ""


@dataclass(frozen=True, slots=True)
class BookingView:
    """A booking as the rules see it; ``ahead``: it is active, and has neither begun nor lapsed."""

    id: int
    parent_id: int | None
    amount_minor: int
    status: Booking.Status
    ahead: bool = False


@dataclass(frozen=True, slots=True)
class DisputeView:
    """A dispute as the rules see it, in minor units; frozen and clawed are credits, lost is the card's money."""

    id: str
    charge_id: str
    intent_id: str
    status: Dispute.Status
    reason: str
    amount_minor: int
    currency: str
    refundable: bool
    due_by: datetime | None
    opened_at: datetime
    stray: bool = False
    frozen_minor: int = 0
    clawed_minor: int = 0
    lost_minor: int = 0
    revision: int = 0


@dataclass(frozen=True, slots=True)
class OrderView:
    """Everything the rules may know of an order at a moment, with no database behind it. Amounts are minor units.

    ``starts_at`` is the first of the times that were reserved; a bank is waited for until ``may_keep_until`` at most.
    """

    public_id: str
    is_credit: bool
    status: Status
    title: str
    currency: str
    total_minor: int
    credits_applied_minor: int
    amount_due_minor: int
    credit_amount_minor: int
    captured_minor: int
    refunded_minor: int
    is_checkout: bool
    intent_id: str
    session_id: str
    customer_id: str
    handed_over: bool
    expires_at: datetime
    at: datetime
    starts_at: datetime | None
    kept_until: datetime | None
    may_keep_until: datetime
    livemode: bool
    decline: RecordDecline
    refunds: tuple[RefundView, ...]
    bookings: tuple[BookingView, ...]
    disputes: tuple[DisputeView, ...] = ()
    disputed: bool = False
    lost_minor: int = 0
