"""E-mail addresses that an account may have: those that every mail server, and Stripe, accept."""

import re

from django.core.exceptions import ValidationError

# RFC 2606: never delivered. Erased accounts get such addresses.
INVALID_TLD = ".invalid"
# RFC 5321, and the column.
MAX_LENGTH = 254
ADDRESS_PATTERN = re.compile(r"[!#-'*+\-./0-9=?A-Z^-~]{1,64}@[A-Za-z0-9.\-]+", re.ASCII)


def check_email_address(email: str) -> None:
    """Reject an address that mail can't reach, though Django accepts it; raises ValidationError.

    Examples: letters outside ASCII, control characters in quotes, literal IP addresses, more than 254 characters.
    """
    nowhere = email.lower().rstrip(".").endswith(INVALID_TLD)
    if nowhere or len(email) > MAX_LENGTH or not ADDRESS_PATTERN.fullmatch(email):
        raise ValidationError(
            "Mail can't reach such an address. Use plain letters, and at most 254 characters.",
            code="invalid",
        )
