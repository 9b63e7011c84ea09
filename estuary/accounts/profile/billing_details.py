"""Whom a receipt names: the name or company and the address that a person wants on receipts."""

from dataclasses import dataclass

from estuary.accounts.models import User


@dataclass(frozen=True, slots=True)
class BillingDetails:
    """What a receipt copies when it is issued; ``address`` has several lines, or is empty."""

    name: str
    address: str
    email: str


def get_billing_details(user: User) -> BillingDetails:
    """Return what a receipt for a user names; without a name for receipts, the user's own."""
    return BillingDetails(user.billing_name or user.get_full_name(), user.billing_address, user.email)
