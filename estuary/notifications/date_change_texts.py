"""What a mail about a date that was called off or moved says: plain data in, sentences out."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class CalledOff:
    """What was called off, by whom and with which words.

    ``returned`` are amounts with where they go, and ``takes`` is how long that takes, in words.
    """

    lines: Sequence[str]
    practitioner: str
    message: str
    returned: Sequence[str] = ()
    takes: str = ""
    is_unpaid: bool = False
    is_held_back: bool = False
    can_be_rescheduled: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """A date with its old and its new time in words. ``has_changed_again``: the new time is not true any more."""

    line: str
    new_time: str
    practitioner: str
    message: str
    is_unpaid: bool = False
    is_at_bank: bool = False
    has_changed_again: bool = False


def describe_called_off(change: CalledOff, *, bookings_url: str) -> str:
    """Return the paragraphs of a mail about what was called off."""
    what = "; ".join(dict.fromkeys(change.lines))
    verb = "does" if len(set(change.lines)) == 1 else "do"
    paragraphs = [
        f"We are sorry: {what} {verb} not take place.",
        *_quote(change.practitioner, change.message),
        " ".join(_money(change)),
    ]
    if change.can_be_rescheduled:
        paragraphs.append(f"A session that was a bonus is yours to schedule again: {bookings_url}.")
    return "\n\n".join(paragraph for paragraph in paragraphs if paragraph)


def _money(change: CalledOff) -> list[str]:
    if change.is_unpaid:
        return [
            "Your order had not been paid, so it has ended, and money that may still reach us goes back to you."
        ]
    sentences = []
    if change.returned:
        sentences.append(
            f"We send back {' and '.join(change.returned)}. You need not do anything. {change.takes}"
        )
    if change.is_held_back:
        sentences.append(
            "You have disputed the payment with your bank, so we can't refund it now; your bank decides about it."
        )
    return sentences


def describe_moved(change: Moved, *, bookings_url: str) -> str:
    """Return the paragraphs of a mail about a date that was moved."""
    now = (
        f"Its new time was {change.new_time}. That has changed again since, of which another mail tells you."
        if change.has_changed_again
        else f"It begins on {change.new_time} now."
    )
    return "\n\n".join(
        [
            f"{change.line} has been moved. {now}",
            *_quote(change.practitioner, change.message),
            _seat(change, bookings_url),
        ]
    )


def _seat(change: Moved, bookings_url: str) -> str:
    """Return what has become of the guest's seat, and what a guest can do who can't come."""
    if change.is_unpaid:
        return "Your order was not paid, so it has ended, and nothing was charged. Book the new time if it suits you."
    if change.is_at_bank:
        return (
            "Your seat has moved with it. Your bank is still working on your payment. Once it is through, and you "
            f"can't come, you get all of your money back with one click until it begins: {bookings_url}. Should the "
            "payment fail, nothing is charged."
        )
    return (
        "Your seat has moved with it. If you can't come, you get all of your money back with one click until it "
        f"begins: {bookings_url}."
    )


def _quote(practitioner: str, message: str) -> list[str]:
    return [f"{practitioner} writes: “{message}”"] if message else []
