"""Validators for text that people type."""

from unicodedata import category

from django.core.exceptions import ValidationError

# Control characters, line and paragraph separators, halves of characters, and marks that are invisible or change the
# direction of what stands beside them.
UNWRITTEN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
# Persian and the languages of India write words with the first, and emoji are joined with the second.
JOINERS = "\u200c\u200d"


def check_one_line(text: str) -> None:
    """Reject line breaks, control characters and invisible marks: names go into mail subjects and to Stripe."""
    if any(category(character) in UNWRITTEN and character not in JOINERS for character in text):
        raise ValidationError(
            "Write it on one line, without control characters and invisible marks.", code="not_one_line"
        )
