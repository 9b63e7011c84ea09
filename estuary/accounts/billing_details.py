"""Whom a receipt names: the name or company and the address that a person wants on receipts."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.core.exceptions import ValidationError

from estuary.common.validators import check_one_line

if TYPE_CHECKING:
    from estuary.accounts.models import User

BILLING_NAME_MAX = 150
ADDRESS_MAX = 400
ADDRESS_LINES_MAX = 6


@dataclass(frozen=True, slots=True)
class BillingDetails:
    """What a receipt copies when it is issued; ``address`` has several lines, or is empty."""

    name: str
    address: str
    email: str


def get_billing_details(user: "User") -> BillingDetails:
    """Return what a receipt for a user names; without a name for receipts, the user's own."""
    return BillingDetails(user.billing_name or user.get_full_name(), user.billing_address, user.email)


def check_address(address: str) -> None:
    """Reject an address that fits on no receipt: too many lines, invisible marks; raises ValidationError."""
    lines = address.splitlines()
    for line in lines:
        check_one_line(line)
    if len(lines) > ADDRESS_LINES_MAX:
        raise ValidationError(
            f"Write the address on at most {ADDRESS_LINES_MAX} lines.", code="too_many_lines"
        )


def clean_address(address: str) -> str:
    """Return an address as it is stored: its lines without blanks around them; raises ValidationError."""
    cleaned = "\n".join(line.strip() for line in address.strip().splitlines())
    check_address(cleaned)
    return cleaned
