"""Rights of staff: the one check of permissions for the API and the admin."""

from enum import Enum

from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser

from estuary.accounts.models import User
from estuary.accounts.staff.second_factor import lacks_factor


class Right(Enum):
    """An action of staff, and all permissions that it needs."""

    VIEW_ORDERS = ("orders.view_order",)
    CHANGE_ORDERS = ("orders.change_order",)
    REFUND = ("orders.view_order", "payments.add_refund")
    CHANGE_BOOKINGS = ("orders.view_order", "bookings.change_booking")
    # Calling off or moving dates refunds and cancels.
    CHANGE_DATES = ("orders.view_order", "payments.add_refund", "bookings.change_booking")


def may(user: AbstractBaseUser | AnonymousUser | None, right: Right) -> bool:
    """Return whether a user is staff, has every permission of the action, and has passed the second factor."""
    if not isinstance(user, User) or not user.is_active or not user.is_staff:
        return False
    return user.has_perms(right.value) and not lacks_factor(user)
