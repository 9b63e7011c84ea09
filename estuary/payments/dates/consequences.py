"""What calling off or moving a date means for each order: one pure function, for the preview and for the act.

It takes plain data and returns rows, so a larger solver can take its place. No database, no clock, no network.

- A guest gets all of the price of what was called off: first by the payment method, then in credits, as a refund goes.
  100.00 was paid, 70.00 by card and 30.00 with credits: 70.00 goes to the card and 30.00 to the credits.
- A part of a package or bundle returns its share. A bonus session has no share: the guest may choose another time.
- A meeting of a course returns its share: 1 of 6 meetings of 90.00 is 15.00. The last meeting returns what is left.
- A disputed payment is not refunded while the bank decides about it: a refund would pay twice. So what would go to the
  payment method waits, and the credits beside it go back at once. Of the 100.00 above, 70.00 waits and 30.00 goes to
  the credits. A dispute that is won therefore ends as if there had been none. After one that is lost the bank has
  returned the 70.00, and the guest has all of it too.
- An unpaid order ends. So does one that a bank works on when its date is called off: money that comes is refunded.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from estuary.payments.models import DateChange, DateChangeRow

Act, Tender = DateChangeRow.Act, DateChangeRow.Tender


WHY_HELD_BACK = (
    "The guest has disputed this payment with the bank, so nothing is refunded now. It is refunded once the dispute "
    "has ended and the money is ours."
)
WHY_LOST = "The bank has returned the payment to the guest."
WHY_LOST_IN_PART = "The bank has returned a part of the payment. Staff return the rest of it another way."
WHY_NOTHING_LEFT = "All that was paid for it was refunded before, or is on its way back."
WHY_BONUS = "It was a bonus without a price, so the guest may choose another time."


class Stage(StrEnum):
    """How far an order is: not paid, left to a bank, or paid."""

    UNPAID = "unpaid"
    AT_BANK = "at_bank"
    PAID = "paid"


@dataclass(frozen=True, slots=True, kw_only=True)
class AffectedSeat:
    """One seat or slot of an order that a change affects. ``line`` names it; amounts are minor units.

    Its time is the one that it has before the change.

    ``share_minor`` is what it cost, and ``booking_left_minor`` what is left to refund of its booking. ``takes_rest``:
    nothing else is left of its booking, so all that is left is due. ``meetings`` counts those of its course.
    """

    line: str
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    booking_id: int | None = None
    session_id: int | None = None
    share_minor: int = 0
    booking_left_minor: int = 0
    takes_rest: bool = True
    is_bonus: bool = False
    meetings: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class AffectedOrder:
    """An order with the seats that a change affects; what is left to give back of it, in minor units, by tender.

    Of the payment method that is with what a bank has returned, since that too was for something of the order.
    ``kept_minor`` is what the parts that stay cost at most. It says more than the sums only after a loss, which may
    have paid for parts that ended before.
    """

    id: int
    public_id: str
    guest: str
    currency: str
    stage: Stage
    is_disputed: bool = False
    is_dispute_lost: bool = False
    is_wholly_lost: bool = False
    card_left_minor: int = 0
    credits_left_minor: int = 0
    kept_minor: int | None = None
    seats: tuple[AffectedSeat, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Consequence:
    """One row of a preview: what happens to one seat of one order, by which tender how much goes back, and why."""

    order_id: int
    order_ref: str
    guest: str
    line: str
    act: DateChangeRow.Act
    why: str
    currency: str
    tender: DateChangeRow.Tender = Tender.NONE
    amount_minor: int = 0
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    booking_id: int | None = None
    session_id: int | None = None


def consequences(
    kind: DateChange.Kind, orders: Sequence[AffectedOrder], *, new_time: str = ""
) -> list[Consequence]:
    """Return the rows of a change, order by order; ``new_time`` is the new time of a moved date, in words."""
    rows = []
    for order in orders:
        if order.stage == Stage.UNPAID or (order.stage == Stage.AT_BANK and kind != DateChange.Kind.MOVE):
            rows += _end_order(kind, order)
        elif kind == DateChange.Kind.MOVE:
            rows += [_row(order, seat, Act.MOVE, _why_moved(order, new_time)) for seat in order.seats]
        else:
            rows += refund_seats(order)
    return rows


def refund_seats(order: AffectedOrder) -> list[Consequence]:
    """Return the rows that give a paid order's seats back: a refund in full, or the reason why there is none."""
    dues = _dues(order)
    left = _left_by_tender(order, sum(dues))
    rows = []
    for seat, due in zip(order.seats, dues, strict=True):
        if seat.is_bonus:
            rows.append(_row(order, seat, Act.RESCHEDULE, WHY_BONUS))
            continue
        why = WHY_LOST if due and order.is_wholly_lost else WHY_NOTHING_LEFT
        rows += _split(order, seat, due, left) or [_row(order, seat, Act.CANCEL, why)]
    return rows


def _dues(order: AffectedOrder) -> list[int]:
    """Return what is due for each seat, by whatever tender; a bonus session has no price."""
    left = order.card_left_minor + order.credits_left_minor
    left_of_booking: dict[int | None, int] = {}
    dues = []
    for seat in order.seats:
        booking_left = left_of_booking.setdefault(seat.booking_id, seat.booking_left_minor)
        due = booking_left if seat.takes_rest else min(seat.share_minor, booking_left)
        due = 0 if seat.is_bonus else max(min(due, left), 0)
        left_of_booking[seat.booking_id] = booking_left - due
        left -= due
        dues.append(due)
    return dues


def _left_by_tender(order: AffectedOrder, due_minor: int) -> dict[DateChangeRow.Tender, int]:
    """Return what each tender can give now. While a dispute blocks the card, credits first pay for what is kept.

    60.00 was paid by card and 40.00 with credits, and 50.00 of it is due. What is kept costs 50.00, and needs all 40.00
    of credits: the 50.00 waits for the card. When all 100.00 is due, 40.00 of it is credits.
    """
    by_card, by_credits = order.card_left_minor, order.credits_left_minor
    if order.is_disputed:
        kept = by_card + by_credits - due_minor
        if order.kept_minor is not None:
            kept = min(kept, order.kept_minor)
        by_credits = max(by_credits - kept, 0)
    return {Tender.PAYMENT_METHOD: by_card, Tender.CREDITS: by_credits}


def _split(
    order: AffectedOrder, seat: AffectedSeat, due_minor: int, left: dict[DateChangeRow.Tender, int]
) -> list[Consequence]:
    """Return a refund by each tender, and take them from what is left.

    The payment method comes first. One that is disputed comes last, and is held back. If the bank has returned all of
    it, nothing waits.
    """
    tenders = [Tender.PAYMENT_METHOD, Tender.CREDITS]
    if order.is_disputed:
        tenders.reverse()
    rows = []
    for tender in tenders:
        amount_minor = min(due_minor, left[tender])
        left[tender] -= amount_minor
        due_minor -= amount_minor
        is_with_bank = tender == Tender.PAYMENT_METHOD and order.is_wholly_lost
        if amount_minor and not is_with_bank:
            row = _row(order, seat, *_act_for(order, seat, tender))
            rows.append(replace(row, tender=tender, amount_minor=amount_minor))
    return rows


def _act_for(
    order: AffectedOrder, seat: AffectedSeat, tender: DateChangeRow.Tender
) -> tuple[DateChangeRow.Act, str]:
    """Return whether what was paid by a tender is refunded now or held back, and why."""
    if order.is_disputed and tender == Tender.PAYMENT_METHOD:
        return Act.HOLD_BACK, WHY_LOST_IN_PART if order.is_dispute_lost else WHY_HELD_BACK
    share = (
        "All of it goes back" if seat.takes_rest else f"1 of {seat.meetings} meetings: its share goes back"
    )
    place = "by the way it was paid" if tender == Tender.PAYMENT_METHOD else "to the guest's credits"
    return Act.REFUND, f"{share}, {place}."


def _end_order(kind: DateChange.Kind, order: AffectedOrder) -> list[Consequence]:
    if order.stage == Stage.AT_BANK:
        why = "A bank is working on the payment. The order ends; money that still comes is refunded in full."
    elif kind == DateChange.Kind.MOVE:
        why = "It is not paid yet, and it is for the old time. The order ends, and nothing is charged."
    else:
        why = "It is not paid yet. The order ends, and nothing is charged."
    return [_row(order, seat, Act.END_ORDER, why) for seat in order.seats[:1]]


def _why_moved(order: AffectedOrder, new_time: str) -> str:
    bank = "A bank is still working on the payment. " if order.stage == Stage.AT_BANK else ""
    return (
        f"The new time is {new_time}. {bank}A guest who can't come is refunded in full, until it begins and at least "
        "for 24 hours."
    )


def _row(order: AffectedOrder, seat: AffectedSeat, act: DateChangeRow.Act, why: str) -> Consequence:
    """Return a row without money."""
    return Consequence(
        order_id=order.id,
        order_ref=order.public_id,
        guest=order.guest,
        line=seat.line,
        act=act,
        why=why,
        currency=order.currency,
        starts_at=seat.starts_at,
        ends_at=seat.ends_at,
        booking_id=seat.booking_id,
        session_id=seat.session_id,
    )
