"""Which e-mail addresses an account may have: those that every mail server, and Stripe, can write to."""

import re

from django.core.exceptions import ValidationError

INVALID_TLD = ".invalid"  # RFC 2606: nobody's, and what becomes of the addresses of who was erased
MAX_LENGTH = 254  # RFC 5321, and the column
ADDRESS_PATTERN = re.compile(r"[!#-'*+\-./0-9=?A-Z^-~]{1,64}@[A-Za-z0-9.\-]+", re.ASCII)


def check_address(email: str) -> None:
    """Refuse an address that mails could not be sent to, though Django takes it; raises ValidationError.

    Such are letters outside ASCII, control characters in quotes, literal IP addresses, and more than 254 characters.
    """
    nowhere = email.lower().rstrip(".").endswith(INVALID_TLD)
    if nowhere or len(email) > MAX_LENGTH or not ADDRESS_PATTERN.fullmatch(email):
        raise ValidationError(
            "Mails do not reach such an address. Use one of plain letters, at most 254 characters long.",
            code="invalid",
        )
