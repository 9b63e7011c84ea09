"""The Product at Stripe that names the owner of the account: https://docs.stripe.com/api/products."""

from collections.abc import Callable
from contextlib import suppress
from typing import Any

from estuary.common import ids
from estuary.payments.errors import NotAtStripe, StripeBusy, UnexpectedState
from estuary.payments.gateway.account_binding import Guard
from estuary.payments.gateway.errors import Quiet
from estuary.payments.stripe_objects import Owner

# The database that first creates it is the owner.
OWNER_PRODUCT_ID = "estuary_owner"
PRODUCTS_PATH = "/v1/products"

type Post = Callable[[str, dict[str, Any], str], Any]


class OwnerProductClient:
    """The calls about the product, by the client's own ``guard`` and ``post``.

    Each call has a key of its own: the product's id makes a repetition harmless, and under the same key Stripe would
    repeat a failure for a day.

    All raise PermissionMissing for a key without the permission.
    """

    def __init__(self, guard: Guard, post: Post) -> None:
        self._guard, self._post = guard, post

    def read(self) -> Owner | None:
        with suppress(NotAtStripe), self._guard("products.retrieve", quiet=Quiet.ABOUT_PERMISSIONS) as v1:
            return Owner.parse(v1.products.retrieve(OWNER_PRODUCT_ID).to_dict())
        return None

    def create(self, owner: Owner) -> Owner | None:
        """Create the product unless it exists; of concurrent creations Stripe takes the first."""
        params = {
            "id": OWNER_PRODUCT_ID,
            "name": "Owner of this account",
            "active": False,
            "metadata": owner.metadata,
        }
        with (
            suppress(UnexpectedState, StripeBusy),
            self._guard("products.create", quiet=Quiet.ABOUT_PERMISSIONS),
        ):
            self._post(PRODUCTS_PATH, params, _new_key(owner))
        return self.read()

    def update(self, owner: Owner) -> None:
        """Update the product; if it was deleted, create it again."""
        try:
            with self._guard("products.update", quiet=Quiet.ABOUT_PERMISSIONS):
                params = {"metadata": owner.metadata}
                self._post(f"{PRODUCTS_PATH}/{OWNER_PRODUCT_ID}", params, _new_key(owner))
        except NotAtStripe:
            self.create(owner)


def _new_key(owner: Owner) -> str:
    return f"{owner.database_id}-{ids.owner_request_key()}"
