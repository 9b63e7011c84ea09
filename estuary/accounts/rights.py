"""What staff may do, by their permissions: the one rule that the API and the admin ask."""

from enum import Enum

from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser

from estuary.accounts.models import User
from estuary.accounts.second_factor import lacks_factor


class Right(Enum):
    """An act of staff, and every permission that it needs."""

    VIEW_ORDERS = ("orders.view_order",)
    CHANGE_ORDERS = ("orders.change_order",)
    REFUND = ("orders.view_order", "payments.add_refund")
    CANCEL_BOOKINGS = ("orders.view_order", "bookings.change_booking")


def may(user: AbstractBaseUser | AnonymousUser | None, right: Right) -> bool:
    """Return whether somebody is of staff with each permission of an act, and the second factor."""
    if not isinstance(user, User) or not user.is_active or not user.is_staff:
        return False
    return user.has_perms(right.value) and not lacks_factor(user)
