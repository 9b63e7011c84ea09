"""The Product at Stripe that names the owner of the account: https://docs.stripe.com/api/products."""

from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from typing import Any

from estuary.payments.errors import NotAtStripe, StripeBusy, UnexpectedState
from estuary.payments.gateway.ownership import OwnerProductClient
from estuary.payments.stripe_objects import Owner

# The database that first creates it is the owner.
OWNER_PRODUCT_ID = "estuary_owner"
PRODUCTS_PATH = "/v1/products"

type Guard = Callable[..., AbstractContextManager[Any]]
type Post = Callable[[str, dict[str, Any], str], Any]


def owner_product_client(guard: Guard, post: Post) -> OwnerProductClient:
    """Return the calls to the product; ``guard`` and ``post`` are the client's own."""

    def read() -> Owner | None:
        with suppress(NotAtStripe), guard("products.retrieve", dispensable=True) as v1:
            return Owner.parse(v1.products.retrieve(OWNER_PRODUCT_ID).to_dict())
        return None

    def create(owner: Owner, key: str) -> Owner | None:
        """Create the product unless it exists; of concurrent creations Stripe takes the first."""
        params = {
            "id": OWNER_PRODUCT_ID,
            "name": "Owner of this account",
            "active": False,
            "metadata": owner.metadata,
        }
        with suppress(UnexpectedState, StripeBusy), guard("products.create", dispensable=True):
            post(PRODUCTS_PATH, params, f"{key}-made")
        return read()

    def update(owner: Owner, key: str) -> None:
        """Update the product; if it was deleted, create it again."""
        try:
            with guard("products.update", dispensable=True):
                post(f"{PRODUCTS_PATH}/{OWNER_PRODUCT_ID}", {"metadata": owner.metadata}, key)
        except NotAtStripe:
            create(owner, key)

    return OwnerProductClient(read=read, create=create, update=update)
