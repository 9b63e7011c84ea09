"""The names of people: one validator for every place that takes one, and how a name is shown to others."""

import re
from unicodedata import category, normalize

from django.core.exceptions import ValidationError

from estuary.common.validators import check_one_line

NAME_MAX = 150
# A stranger's address could be signed up with such a name, which our mails would carry.
LINK = re.compile(r"://|@|\bwww\.", re.IGNORECASE)
VISIBLE_LETTERS = 2


def check_name(name: str) -> None:
    """Reject what is no name of a person: several lines, invisible marks, links, too long; raises ValidationError."""
    check_one_line(name)
    if LINK.search(name):
        raise ValidationError("Write a name, without a link or an e-mail address.", code="invalid_name")
    if name and not any(category(character)[0] in "LN" for character in name):
        raise ValidationError("Write a name with letters.", code="invalid_name")
    if len(name) > NAME_MAX:
        raise ValidationError(f"Write a shorter name: at most {NAME_MAX} characters.", code="name_too_long")


def clean_name(name: str) -> str:
    """Return a name as it is stored: composed, with single spaces; raises ValidationError."""
    check_one_line(name.strip())
    cleaned = " ".join(normalize("NFC", name).split())
    check_name(cleaned)
    return cleaned


def split_name(name: str) -> tuple[str, str]:
    """Return the first name and the rest, which are stored apart: mails greet by the first."""
    first, _, rest = name.partition(" ")
    return first, rest


def mask_email(email: str) -> str:
    """Return what others may see of a person without a name: ``maya@example.com`` is ``ma…@…``."""
    return f"{email.partition('@')[0][:VISIBLE_LETTERS]}…@…"
