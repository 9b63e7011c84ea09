"""What text that people type must be, besides short enough."""

from unicodedata import category

from django.core.exceptions import ValidationError

LINE_BREAKS = frozenset({"Cc", "Zl", "Zp"})


def check_one_line(text: str) -> None:
    """Refuse line breaks and other control characters: a name stands in the subjects of mails and at Stripe."""
    if any(category(character) in LINE_BREAKS for character in text):
        raise ValidationError("Write it on one line, without control characters.")
