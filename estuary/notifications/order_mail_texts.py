"""The mails that a buyer gets about an order: subjects and texts, with places for values in words."""

from collections.abc import Sequence
from enum import StrEnum

from django.conf import settings


class OrderMail(StrEnum):
    """What a mail to a buyer is about."""

    COMPLETED = "completed"
    REFUNDED = "refunded"
    LATE_PAYMENT = "late_payment"
    RECOVERED = "recovered"
    PROCESSING = "processing"
    PAYMENT_FAILED = "payment_failed"
    BANK_TOO_LATE = "bank_too_late"
    DATE_STARTED = "date_begun"
    REFUND_FAILED = "refund_failed"
    OTHER_REFUNDED = "other_refunded"
    DISPUTE_LOST = "dispute_lost"
    MOVED = "moved"
    DATE_MOVED = "date_moved"
    CALLED_OFF = "called_off"
    DECLINED = "declined"
    NEW_LINK = "new_link"
    CANCELED_UNREFUNDED = "canceled_unrefunded"
    CANCELED = "canceled"
    ACTION_NEEDED = "action_needed"


SUBJECTS = {
    OrderMail.COMPLETED: "Thank you: {title} is yours",
    OrderMail.REFUNDED: "Your refund for {title}",
    OrderMail.LATE_PAYMENT: "Your payment for {title} came too late and goes back to you",
    OrderMail.RECOVERED: "Your payment for {title} goes back to you",
    OrderMail.PROCESSING: "Your payment for {title} is on its way",
    OrderMail.PAYMENT_FAILED: "Your payment for {title} did not go through",
    OrderMail.BANK_TOO_LATE: "Your order of {title} has ended: your bank has not paid in time",
    OrderMail.DATE_STARTED: "Your payment for {title} came after it had begun and goes back to you",
    OrderMail.REFUND_FAILED: "Your refund for {title} did not go through yet",
    OrderMail.OTHER_REFUNDED: "Your refund for {title} is on its way after all",
    OrderMail.DISPUTE_LOST: "Your bank has returned your payment for {title}",
    OrderMail.MOVED: "{part} has a new time",
    OrderMail.DATE_MOVED: "{date} has been moved to a new time",
    OrderMail.CALLED_OFF: "{dates_do} not take place",
    OrderMail.DECLINED: "You have given back your place: {part}",
    OrderMail.NEW_LINK: "{date} has {a_link} to join{any_more}",
    OrderMail.CANCELED_UNREFUNDED: "Your booking of {part} is canceled",
    OrderMail.CANCELED: "Your booking of {part} is canceled",
    OrderMail.ACTION_NEEDED: "Confirm your payment for {title}",
}

TEXTS = {
    OrderMail.COMPLETED: "We have received {total} for {title}. {missed}Your order is {order}.",
    OrderMail.REFUNDED: "{sent_back} for {title}. Your order is {order}.",
    OrderMail.LATE_PAYMENT: (
        "Your payment of {due} for {title} reached us after the order had ended and the place was no longer held. "
        "We are sending all of it back the way you paid{credits}. You need not do anything. Your order is {order}."
    ),
    OrderMail.RECOVERED: (
        "A fault on our side has lost your order of {title}, which you had paid. We are sorry. What we have of your "
        "{total} and have not returned yet, we are sending back the way you paid. You need not do anything; if you "
        "still want {title}, please book it again. Your order is {order}."
    ),
    OrderMail.PROCESSING: (
        "Your bank is working on your payment of {due} for {title}, which may take some days. {kept}We will write to "
        "you when the payment is through, and when it fails. You need not do anything. Your order is {order}."
    ),
    OrderMail.PAYMENT_FAILED: (
        "Your bank has not made your payment of {due} for {title}, so your order has ended and holds nothing any more. "
        "Nothing was charged{credits}. If you still want {title}, please book it again. Your order was {order}."
    ),
    OrderMail.BANK_TOO_LATE: (
        "Your bank has not answered about your payment of {due} for {title}. The date until which we could keep your "
        "place has come, so your order has ended{credits}. Should the money still reach us, we send all of it back. If "
        "you still want {title}, please book it again. Your order was {order}."
    ),
    OrderMail.DATE_STARTED: (
        "Your payment of {due} for {title} reached us when it had already begun, so you could not take part. We are "
        "sending all of it back{credits}. You need not do anything. Your order is {order}."
    ),
    OrderMail.REFUND_FAILED: (
        "Our refund{of_refund} for {title} could not be completed, so the money is not with you yet. We are looking "
        "into it and will write to you. You need not do anything. Your order is {order}."
    ),
    OrderMail.OTHER_REFUNDED: (
        "Our refund{of_refund} for {title}, which had failed before, is on its way to you now. You need not do "
        "anything. Your order is {order}."
    ),
    OrderMail.DISPUTE_LOST: (
        "Your bank has returned {lost} to you, which you had paid for {title}. {after_loss} Your order is {order}."
    ),
    OrderMail.MOVED: "The time of your booking of {title} has changed. {moved}\n\nYour order is {order}.",
    OrderMail.DATE_MOVED: "{date_change}\n\n{kept}Your order is {order}.",
    OrderMail.CALLED_OFF: "{date_change}\n\nYour order is {order}.",
    OrderMail.DECLINED: (
        "You can't come to the new time of {declined}, so others can book your place. {returned} Your order is {order}."
    ),
    OrderMail.NEW_LINK: "{link_changed} Its time stays the same. {link_below} Your order is {order}.",
    OrderMail.CANCELED_UNREFUNDED: (
        "We have canceled this without a refund: {forfeited}. Its time is not yours any more. {kept_sum} If you think "
        "that this is a mistake, answer this mail. Your order is {order}."
    ),
    OrderMail.CANCELED: "You have canceled {canceled}. {returned} Your order is {order}.",
    OrderMail.ACTION_NEEDED: (
        "Your bank wants you to confirm your payment of {due} for {title}. Open your order and go on with the payment "
        "by {held_until}: after that {afterwards}. Your order is {order}."
    ),
}


BOOKINGS_CANCELED = "What was paid with it and had not taken place yet is canceled."
CREDITS_TAKEN_BACK = "The credits that it bought are taken back."
NEW_LINK_BELOW = "Please use the link below. An earlier link may not work any more."
NO_LINK_BELOW = "The earlier link does not work any more. Should there be a new one, we write to you again."


def describe_dates(title: str, *, is_part: bool, dates: int = 1) -> str:
    """Return what a change of dates is about: a title, or dates of it if it has more of them."""
    if not is_part:
        return title
    return f"A date of {title}" if dates == 1 else f"Dates of {title}"


def describe_bank_deadline(kept_until: str) -> str:
    """Return a sentence about until when a place is held for a payment at its bank; empty if none is held."""
    if not kept_until:
        return ""
    return (
        f"We keep your place until {kept_until}: should your bank not have paid by then, the order ends, and money "
        "that comes later goes back to you. "
    )


def describe_missed_times(missed: Sequence[str]) -> str:
    """Return sentences about chosen times that were not free any more when the payment came, and what to do."""
    if not missed:
        return ""
    is_one = len(missed) == 1
    how_many = (
        "One of the times that you chose was" if is_one else f"{len(missed)} of the times that you chose were"
    )
    return (
        f"{how_many} not free any more when your payment came: {'; '.join(missed)}. What you paid for "
        f"{'it' if is_one else 'them'} is not lost: choose {'another time' if is_one else 'other times'} at "
        f"{settings.FRONTEND_URL}/bookings/. "
    )


def describe_move(before: str, *, part: str = "", after: str = "") -> str:
    """Return when a moved booking was; a ``part`` of an order is named with the time that it has ``after``."""
    return f"{part} was {before} and is {after} now." if part else f"It was {before}."


def describe_unmoved_deadline(deadline: str, *, is_over: bool) -> str:
    """Return until when a moved booking is free to cancel, which no move changes."""
    if is_over:
        return f"It was free to cancel until {deadline}: moving a booking does not change that."
    return f"It is free to cancel until {deadline}, as before: moving a booking does not change that."


def describe_canceled(parts: Sequence[tuple[str, str]]) -> str:
    """Return what was canceled: names, each with its time in words if it had one."""
    return "; ".join(f"{name}, {when}" if when else name for name, when in parts)


def describe_kept(amount: str) -> str:
    """Return what is kept of something canceled without a refund; ``amount`` is empty when nothing was paid for it."""
    if not amount:
        return "Nothing is returned for it, as nothing was paid for it or all of that has gone back before."
    return f"The {amount} that you paid for it are kept: nothing is returned."


TO_PAYMENT_METHOD = "to the card or account that you paid with"
TO_CREDITS = "to your credits"


TOO_LATE = "Nothing is returned for it: the time in which that would have been free was over."
NOTHING_LEFT = "Nothing more is returned for it: what was paid for it has gone back before, or is on its way."
NOTHING_PAID = "Nothing is returned for it, as nothing was paid for it."
BONUS_KEPT = "Nothing is returned for it: a bonus session that you keep counts in its place."
BANK_DECIDES = "You have disputed the payment with your bank, which decides about the money."
YOURS_AGAIN = "It was a bonus, so it is yours to schedule again: {url}."


def describe_returned(
    amount: str, ways: Sequence[str], *, if_nothing: str = TOO_LATE, bank_decides: bool = False
) -> str:
    """Return what a cancellation returns, and where to; ``ways`` are the parts of the ``amount``, or empty."""
    if not ways:
        return if_nothing
    where = f", {ways[0].removeprefix(amount).strip()}" if len(ways) == 1 else f": {' and '.join(ways)}"
    if bank_decides:
        return f"{BANK_DECIDES} If your bank leaves it with us, {amount} goes back to you{where}."
    return f"{amount} goes back to you{where}. We write to you once it is on its way."


def describe_refund_takes(*, by_method: bool, by_credits: bool) -> str:
    """Return how long money takes that goes back the way it was paid, and how long credits."""
    sentences = {
        "What goes back to a card or a bank account is there within 5 to 10 business days: your bank decides.": (
            by_method
        ),
        "Credits are on your account at once.": by_credits,
    }
    return " ".join(sentence for sentence, is_true in sentences.items() if is_true)
