"""The outcome of an event in words for staff: the row stores names of effects, the admin shows what they did."""

import re

EFFECT_WORDS = {
    "ChangeStatus": "status changed",
    "BindIntent": "payment linked to the order",
    "RecordCapture": "payment captured",
    "RecordDecline": "decline recorded",
    "Fulfil": "order fulfilled",
    "ReleaseReservations": "seats and slots released",
    "HoldForBank": "seats and slots held for the bank",
    "WatchPayment": "canceled order's payment watched",
    "PostCredits": "credits posted",
    "OpenRefund": "refund created",
    "RecordUnmatchedPayment": "unmatched payment recorded",
    "WatchUnmatchedPayment": "unmatched payment watched",
    "UpdateRefund": "refund updated",
    "SetRefundCredits": "credits of the refund set",
    "RecordRefunded": "refunded amount updated",
    "CancelBookings": "bookings canceled",
    "SetBookingStatus": "bookings updated",
    "FreezeCredits": "frozen credits changed",
    "RecordDispute": "dispute recorded",
    "MarkDisputed": "disputed amount updated",
    "NotifyBuyer": "buyer notified",
    "AlertStaff": "staff alerted",
}


def describe_outcome(outcome: str) -> str:
    """Return an event's outcome with each effect in words.

    "RecordCapture, ChangeStatus, Fulfil, NotifyBuyer" is shown as "payment captured, status changed, order fulfilled,
    buyer notified". Text that names no effect is shown as it is.
    """
    return re.sub(r"\b[A-Z]\w+", lambda match: EFFECT_WORDS.get(match[0], match[0]), outcome)
