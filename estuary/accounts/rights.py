"""What staff may do, by their permissions: the one rule that the API and the admin ask."""

from enum import Enum

from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser

from estuary.accounts.models import User


class Right(Enum):
    """An act of staff, and every permission that it needs."""

    VIEW_ORDERS = ("orders.view_order",)
    CHANGE_ORDERS = ("orders.change_order",)
    REFUND = ("orders.view_order", "payments.add_refund")
    CANCEL_BOOKINGS = ("orders.view_order", "bookings.change_booking")


def may(user: AbstractBaseUser | AnonymousUser | None, right: Right) -> bool:
    """Return whether somebody is of staff and has each permission of an act; nobody else is looked up."""
    return isinstance(user, User) and user.is_active and user.is_staff and user.has_perms(right.value)
