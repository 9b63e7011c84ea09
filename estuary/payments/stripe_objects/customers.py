"""Customers, and the product that names the account's owner: https://docs.stripe.com/api/customers/object."""

from dataclasses import dataclass
from typing import Self

from estuary.payments.stripe_objects.fields import Json


@dataclass(frozen=True, slots=True)
class Customer:
    """A Customer; a deleted one has no metadata any more. ``joined`` says when its user signed up.

    ``database_id`` is of the database that created it; older customers and those of copies have only ``site_url``.
    """

    id: str
    email: str
    user_ref: str
    site_url: str
    name: str = ""
    joined: str = ""
    database_id: str = ""

    @classmethod
    def parse(cls, obj: Json) -> Self:
        metadata = obj.get("metadata") or {}
        return cls(
            id=obj["id"],
            email=obj.get("email") or "",
            user_ref=metadata.get("user_id", ""),
            site_url=metadata.get("home", ""),
            name=obj.get("name") or "",
            joined=metadata.get("joined", ""),
            database_id=metadata.get("house", ""),
        )


@dataclass(frozen=True, slots=True)
class Owner:
    """The Product that names this account's owner: its site, its database, its count and the token of that count."""

    site_url: str
    database_id: str
    count: int
    count_token: str

    @classmethod
    def parse(cls, obj: Json) -> Self:
        metadata = obj.get("metadata") or {}
        count = str(metadata.get("count", ""))
        return cls(
            site_url=str(metadata.get("home", "")),
            database_id=str(metadata.get("house", "")),
            count=int(count) if count.isdecimal() else 0,
            count_token=str(metadata.get("mark", "")),
        )

    @property
    def metadata(self) -> dict[str, str]:
        return {
            "home": self.site_url,
            "house": self.database_id,
            "count": str(self.count),
            "mark": self.count_token,
        }
