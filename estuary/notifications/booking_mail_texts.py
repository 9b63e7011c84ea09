"""The mails about bookings and cards: subjects and texts, with places for values in words."""

from enum import StrEnum


class BookingMail(StrEnum):
    """What a mail to a buyer or a practitioner is about."""

    SCHEDULED = "scheduled"
    REMINDER = "reminder"
    LAPSING = "lapsing"
    MESSAGE = "message_from_practitioner"
    PRACTITIONER_BOOKED = "practitioner_booked"
    PRACTITIONER_CANCELED = "practitioner_canceled"
    PRACTITIONER_MOVED = "practitioner_moved"
    PRACTITIONER_DATE_CHANGED = "practitioner_date_changed"


class AccountMail(StrEnum):
    """What a mail about a saved card is about."""

    CARD_EXPIRING = "card_expiring"
    METHOD_REMOVED = "method_removed"


TO_PRACTITIONERS = (
    BookingMail.PRACTITIONER_BOOKED,
    BookingMail.PRACTITIONER_CANCELED,
    BookingMail.PRACTITIONER_MOVED,
)

SUBJECTS: dict[BookingMail | AccountMail, str] = {
    BookingMail.SCHEDULED: "{title} has its time",
    BookingMail.REMINDER: "Soon: {title}, {day}",
    BookingMail.LAPSING: "{title}: choose your times by {day}",
    BookingMail.MESSAGE: "{practitioner} writes about {title}",
    BookingMail.PRACTITIONER_BOOKED: "New booking: {title}, {day}",
    BookingMail.PRACTITIONER_CANCELED: "Canceled: {title}, {day}",
    BookingMail.PRACTITIONER_MOVED: "Moved: {title}, now {day}",
    BookingMail.PRACTITIONER_DATE_CHANGED: "{act} by staff: {title}",
    AccountMail.CARD_EXPIRING: "Your card ending in {last4} is about to expire",
    AccountMail.METHOD_REMOVED: "We could not keep your payment method",
}

TEXTS: dict[BookingMail | AccountMail, str] = {
    BookingMail.SCHEDULED: "Your booking of {title} has a time now.",
    BookingMail.REMINDER: "This is to remind you of {title}. We look forward to seeing you.",
    BookingMail.LAPSING: (
        "Of {title} you have {unscheduled} left without a time. Choose before {until}: after that it lapses, and "
        "what you paid for it is not returned."
    ),
    BookingMail.MESSAGE: "{practitioner} writes to you about {title}:",
    BookingMail.PRACTITIONER_BOOKED: "{guest} has booked {title}.",
    BookingMail.PRACTITIONER_CANCELED: "{guest} does not come: the booking is canceled, and others can book it again.",
    BookingMail.PRACTITIONER_MOVED: "{guest} comes at another time. It was {before} before.",
    BookingMail.PRACTITIONER_DATE_CHANGED: (
        "Staff of {shop} did this for you. Your roster and your calendar show it. {guests}"
    ),
    AccountMail.CARD_EXPIRING: (
        "Your {brand} ending in {last4}, which you saved with us, expires at the end of {month}. If your bank has sent "
        "you a new one, add it to your cards, so that you can pay with it as quickly."
    ),
    AccountMail.METHOD_REMOVED: (
        "The payment method{ending} that was saved to your account is no card. We can only keep cards for later "
        "purchases, so we have removed it again. Nothing was charged for that, and a payment that is already under way "
        "goes on. Your saved cards: {cards_url}"
    ),
}

REPLY_TO_PRACTITIONER = "Reply to this mail, and {practitioner} gets it."
REPLY_TO_SHOP = "Reply to this mail, and it reaches {shop}, where it is passed on to {practitioner}."
