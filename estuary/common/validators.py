"""Validators for text that people type."""

from unicodedata import category

from django.core.exceptions import ValidationError

LINE_BREAKS = frozenset({"Cc", "Zl", "Zp"})


def check_one_line(text: str) -> None:
    """Reject line breaks and other control characters: names go into mail subjects and to Stripe."""
    if any(category(character) in LINE_BREAKS for character in text):
        raise ValidationError("Write it on one line, without control characters.")
