"""The Product at Stripe that says who the owner of what is done there is: https://docs.stripe.com/api/products."""

from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from typing import Any

from estuary.payments.errors import NotAtStripe, StripeBusy, UnexpectedState
from estuary.payments.gateway.ownership import OwnerProductClient
from estuary.payments.stripe_objects import Owner

OWNER_PRODUCT_ID = "estuary_owner"  # the first to make it is the owner
PRODUCTS_PATH = "/v1/products"

type Guard = Callable[..., AbstractContextManager[Any]]
type Post = Callable[[str, dict[str, Any], str], Any]


def owner_product_client(guard: Guard, post: Post) -> OwnerProductClient:
    """Return how the owner is asked about, with the client's own way to guard a call and to send one."""

    def read() -> Owner | None:
        with suppress(NotAtStripe), guard("products.retrieve", dispensable=True) as v1:
            return Owner.parse(v1.products.retrieve(OWNER_PRODUCT_ID).to_dict())
        return None

    def create(owner: Owner, key: str) -> Owner | None:
        """Make the product unless there is one: of several who ask at once, Stripe takes the first."""
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
        """Change the product; one that somebody has deleted is made anew."""
        try:
            with guard("products.update", dispensable=True):
                post(f"{PRODUCTS_PATH}/{OWNER_PRODUCT_ID}", {"metadata": owner.metadata}, key)
        except NotAtStripe:
            create(owner, key)

    return OwnerProductClient(read=read, create=create, update=update)
