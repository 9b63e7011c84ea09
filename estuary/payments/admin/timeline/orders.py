"""Entries of the order itself: placed and held, paid, its statuses, what was moved and canceled."""

import re
from collections.abc import Iterable, Sequence

from estuary.bookings.models import Booking, BookingMove
from estuary.common.admin.times import day_and_time, time_of_day
from estuary.common.money import display
from estuary.orders.models import Order, OrderLine, OrderTransition, OrderType, PaymentType
from estuary.orders.states import Status
from estuary.payments.admin.timeline.entries import Entry, Source
from estuary.payments.customers.used_cards import UsedCard, used_cards

STRIPE_ID = re.compile(r"\b(?:evt|pi|cs|re|pyr|ch|py|du|dp|ref|ord)_\w+")
CAUSES = {
    "the hold ended": "the hold ended before it was paid",
    "kept until its date": "its bank had not paid when the date came",
    "replaced by the buyer": "the buyer began another order for the same",
    "refused by Stripe": "Stripe refused the payment",
    "gone at Stripe": "its payment is not at Stripe any more",
    "the password was reset": "the buyer’s password was reset",
    "the person is erased": "the buyer’s data was erased",
}
BY_USER = re.compile(r"canceled by user \d+")
STATUS_SENTENCES = {
    Status.PROCESSING: "The buyer’s bank is processing the payment.",
    Status.COMPLETED: "Fulfilled: {handed_over}.",
    Status.PAID: "Paid, and not fulfilled.",
    Status.FAILED: "The payment failed. The buyer may try again.",
    Status.CANCELED: "The order was canceled: {why}.",
}
ALARMING = frozenset({Status.PAID, Status.FAILED})


def _placed(order: Order, lines: Sequence[OrderLine]) -> Iterable[Entry]:
    parts = [display(order.amount_due_minor, order.currency) + " by card"] if order.amount_due_minor else []
    if order.credits_applied_minor:
        parts.append(display(order.credits_applied_minor, order.currency) + " in credits")
    page = " on Stripe’s page" if order.payment_type == PaymentType.CHECKOUT else ""
    sentence = f"The buyer ordered {order.title}{page}: {' and '.join(parts)}."
    yield Entry(order.created_at, sentence, (order.public_id,))
    times = [f"{line.service_name}, {day_and_time(line.starts_at)}" for line in lines if line.starts_at]
    if times:
        yield Entry(order.created_at, f"Held until {time_of_day(order.expires_at)}: {'; '.join(times)}.")


def _paid(order: Order, cards: Sequence[UsedCard]) -> Iterable[Entry]:
    if order.paid_at and order.captured_minor:
        card = next((card for card in cards if card.intent_id == order.stripe_payment_intent_id), None)
        amount = display(order.captured_minor, order.currency)
        how = f"with {card.brand_and_last4}" if card else "by card or bank account"
        ids = (
            order.stripe_payment_intent_id,
            order.stripe_checkout_session_id,
            card.charge_id if card else "",
        )
        yield Entry(order.paid_at, f"Paid {amount} {how}.", tuple(filter(None, ids)))
    elif order.completed_at and not order.amount_due_minor:
        yield Entry(order.completed_at, f"Paid {display(order.total_minor, order.currency)} in credits.")


def _statuses(order: Order, transitions: Sequence[OrderTransition]) -> Iterable[Entry]:
    for step in transitions:
        sentence = STATUS_SENTENCES.get(Status(step.after))
        if step.before in {Status.PARTIALLY_REFUNDED, Status.REFUNDED} or sentence is None:
            # Refunds tell of themselves, also those that failed.
            continue
        yield Entry(
            step.at,
            sentence.format(handed_over=_handed_over(order), why=_why(step.cause)),
            tuple(STRIPE_ID.findall(step.cause)),
            step.after in ALARMING,
        )


def _handed_over(order: Order) -> str:
    if order.type == OrderType.CREDIT:
        return f"{display(order.credit_amount_minor, order.currency)} of credits were added to the account"
    return f"{order.title} is booked"


def _why(cause: str) -> str:
    """Return a transition's cause in words; an id of Stripe stands beside the sentence instead."""
    if BY_USER.fullmatch(cause):
        return "by the buyer"
    text = STRIPE_ID.sub("", CAUSES.get(cause, cause)).strip()
    if "." in text and " " not in text:
        return "Stripe says that its payment was canceled"
    return text.replace("canceled by staff", "by")


def _bookings(order: Order, bookings: Sequence[Booking]) -> Iterable[Entry]:
    has_parts = any(row.position for row in bookings)
    for row in bookings:
        if row.canceled_at is None or (has_parts and not row.position):
            continue
        name = f"{row.service_name}, {day_and_time(row.starts_at)}" if row.starts_at else row.service_name
        kept = f" Its price was kept: {display(row.amount_minor, order.currency)}." if row.forfeited else ""
        yield Entry(row.canceled_at, f"The booking of {name} was canceled.{kept}")


def _moves(order: Order, moves: Sequence[BookingMove]) -> Iterable[Entry]:
    for row in moves:
        who = "The buyer" if row.by_id == order.user_id else f"{row.by} of staff"
        times = f"from {day_and_time(row.from_starts_at)} to {day_and_time(row.to_starts_at)}"
        beyond = ", beyond the buyer’s limits" if row.beyond_limits else ""
        yield Entry(row.moved_at, f"{who} moved {row.booking.service_name} {times}{beyond}.")


PLACED = Source("placed", lambda order: list(order.lines.all()), _placed)
PAYMENT = Source("payment", lambda order: used_cards([order.stripe_payment_intent_id]), _paid)
STATUSES = Source("statuses", lambda order: list(order.transitions.all()), _statuses)
BOOKINGS = Source(
    "bookings", lambda order: sorted(order.bookings.all(), key=lambda row: row.position), _bookings
)
MOVES = Source("moves", lambda order: list(order.booking_moves.select_related("booking", "by")), _moves)
