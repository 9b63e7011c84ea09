"""The codes themselves: computed from a mark and the account, so that no session, job or log holds one.

Whoever reads the database finds marks, which are worth nothing without the secret key. A code ends with its 15 minutes,
and with a change of the account's password or address.
"""

from datetime import UTC, datetime, timedelta
from enum import StrEnum

from django.utils.crypto import salted_hmac

from estuary.accounts.models import User
from estuary.common import clock, ids

SALT = "estuary.accounts.sign_in_codes"
VALID_FOR = timedelta(minutes=15)
DIGITS = 8


class Purpose(StrEnum):
    """What a code is for; one for the one purpose is wrong for the other."""

    ENTER = "enter"
    REAUTHENTICATE = "reauthenticate"


def make_mark() -> str:
    """Return a new mark; it says when it was made."""
    return f"{ids.code_mark()}.{int(clock.now().timestamp())}"


def compute_code(mark: str, email: str, purpose: Purpose) -> str:
    """Return the code of a mark for an address; empty if it is over, or the account is closed."""
    created_at = datetime.fromtimestamp(int(mark.partition(".")[2]), UTC)
    user = find_user(email)
    if clock.now() > created_at + VALID_FOR or (user and not user.is_active):
        return ""
    account = f"{user.pk}|{user.password}" if user else "nobody"
    digest = salted_hmac(SALT, f"{purpose}|{mark}|{email}|{account}", algorithm="sha256").digest()
    return f"{int.from_bytes(digest) % 10**DIGITS:0{DIGITS}d}"


def find_user(email: str) -> User | None:
    """Return who has an address, in any case: staff may have written it with capitals."""
    return User.objects.filter(email__iexact=email).first()
