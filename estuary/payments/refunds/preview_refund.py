"""What a refund would do, told before it is made: the rules that settle it decide, and nothing is written."""

from dataclasses import dataclass, replace

from django.db import transaction

from estuary.bookings.models import Booking
from estuary.common import clock
from estuary.orders.models import Order
from estuary.payments.models import Refund
from estuary.payments.refunds.request_refund import build_refund
from estuary.payments.settlement import load
from estuary.payments.settlement.effects import CancelBookings, NotifyBuyer, PostCredits, SetBookingStatus
from estuary.payments.settlement.rules.refunds import follow_up_effects
from estuary.payments.settlement.state import Effect, RefundState, state_of


@dataclass(frozen=True, slots=True)
class RefundPreview:
    """What a refund would do once Stripe has made it. Amounts are minor units of ``currency``.

    ``credits_change_minor`` is the change of the buyer's credits: positive when they return, negative when they were
    what the order bought. ``is_buyer_erased``: nobody can spend them, and nobody is written to.
    """

    currency: str
    card_minor: int
    credits_minor: int
    credits_change_minor: int
    canceled: tuple[Booking, ...]
    marked: tuple[Booking, ...]
    writes_to_buyer: bool
    is_buyer_erased: bool = False

    @property
    def amount_minor(self) -> int:
        return self.card_minor + self.credits_minor


def preview_refund(
    *, order: Order, amount_minor: int | None, booking: Booking | None, cancels: bool
) -> RefundPreview:
    """Return what ``request_refund`` with the same arguments would do; raises as it does."""
    at = clock.now()
    with transaction.atomic():
        [locked] = load([order.pk])
        refund = build_refund(locked, booking, amount_minor, Refund.Origin.STAFF)
        refund.cancels, refund.status = cancels, Refund.Status.SUCCEEDED
        # A refund without a row has the id 0 in the rules.
        refund.pk = 0
        effects = follow_up_effects(
            state_of(locked, at=at), before=None, after=RefundState.of(refund), cause="preview"
        )
        return replace(
            _summarize(refund, effects, list(locked.bookings.all())), is_buyer_erased=order.user.is_erased
        )


def _summarize(refund: Refund, effects: list[Effect], bookings: list[Booking]) -> RefundPreview:
    canceled = {pk for effect in effects if isinstance(effect, CancelBookings) for pk in effect.booking_ids}
    marked = {pk for effect in effects if isinstance(effect, SetBookingStatus) for pk in effect.booking_ids}
    return RefundPreview(
        currency=refund.currency,
        card_minor=refund.card_minor,
        credits_minor=refund.credits_minor,
        credits_change_minor=sum(
            effect.amount_minor for effect in effects if isinstance(effect, PostCredits)
        ),
        canceled=tuple(row for row in bookings if row.pk in canceled),
        marked=tuple(row for row in bookings if row.pk in marked - canceled),
        writes_to_buyer=any(isinstance(effect, NotifyBuyer) for effect in effects),
    )
