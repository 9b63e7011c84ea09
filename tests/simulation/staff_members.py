"""Members of staff, each with a few permissions or none."""

from estuary.accounts.models import User
from tests.factories import REFUNDING, make_staff
from tests.simulation.actors.staff_attempts import CANCEL_BOOKINGS, CHANGE_ORDERS, GIVE_CREDITS, VIEW_ORDERS

FORMER = "Former Member"
PERMISSIONS: dict[str, tuple[str, ...]] = {
    "No Rights": (),
    "Vera Views": (
        VIEW_ORDERS,
        "payments.view_refund",
        "bookings.view_booking",
        "catalog.view_service",
        "accounts.view_user",
    ),
    "Half Refund": ("payments.add_refund",),
    "Ruth Refunds": REFUNDING,
    "Otto Orders": (VIEW_ORDERS, CHANGE_ORDERS),
    "Beth Bookings": CANCEL_BOOKINGS,
    "Carl Catalogue": ("catalog.view_service", "catalog.change_service"),
    "Pia People": ("accounts.view_user", "accounts.change_user"),
    "Gina Gives": GIVE_CREDITS,
    FORMER: (*REFUNDING, CHANGE_ORDERS, "accounts.change_user"),
}


def make_members() -> dict[str, User]:
    """Make one member of staff for each set of permissions; the former one is of staff no more."""
    members = {name: make_staff(name, *permissions) for name, permissions in PERMISSIONS.items()}
    User.objects.filter(pk=members[FORMER].pk).update(is_staff=False)
    return members | {FORMER: User.objects.get(pk=members[FORMER].pk)}
