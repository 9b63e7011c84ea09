"""The calls of the checkup: each one reads, alerts nobody, and fails with a sentence for those who run the shop."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from operator import attrgetter
from typing import Any

from estuary.payments.errors import KeyRefused, NotAtStripe, PermissionMissing
from estuary.payments.gateway import instrumentation
from estuary.payments.gateway.account_binding import Guard
from estuary.payments.gateway.errors import Quiet

# Stripe's own answer when a publishable key asks for what only a secret key may see: so it is a key.
# https://docs.stripe.com/error-codes#secret-key-required
SECRET_KEY_REQUIRED = "secret_key_required"  # noqa: S105 a code
LIST_LIMIT = 100


@dataclass(frozen=True, slots=True)
class Account:
    """The account of STRIPE_SECRET_KEY, and Stripe's clock as it answered (an HTTP date, or empty)."""

    id: str
    charges_enabled: bool
    answered_at: str


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A webhook endpoint as it is set up at Stripe: https://docs.stripe.com/api/webhook_endpoints/object."""

    id: str
    url: str
    is_enabled: bool
    event_types: frozenset[str]
    api_version: str
    created: int

    @classmethod
    def parse(cls, obj: Mapping[str, Any]) -> "Endpoint":
        return cls(
            id=obj["id"],
            url=obj["url"],
            is_enabled=obj["status"] == "enabled",
            event_types=frozenset(obj["enabled_events"]),
            api_version=obj.get("api_version") or "",
            created=int(obj["created"]),
        )


class Probes:
    """Calls with the client's ``guard``; each raises StripeUnavailable."""

    def __init__(self, guard: Guard) -> None:
        self._guard = guard

    def account(self) -> Account:
        with self._guard("accounts.retrieve_current", quiet=Quiet.ALWAYS) as v1:
            account = v1.accounts.retrieve_current().to_dict()
            return Account(account["id"], bool(account.get("charges_enabled")), instrumentation.answered_at())

    def endpoints(self) -> list[Endpoint]:
        with self._guard("webhook_endpoints.list", quiet=Quiet.ALWAYS) as v1:
            page = v1.webhook_endpoints.list({"limit": LIST_LIMIT})
            return [Endpoint.parse(item.to_dict()) for item in page.data]

    def newest_events(self, types: Sequence[str], *, since: datetime, until: datetime) -> dict[str, str]:
        """Return the type of each of the newest events, by id: a hundred at most, the newest first."""
        created = {"gte": int(since.timestamp()), "lte": int(until.timestamp())}
        with self._guard("events.list", quiet=Quiet.ALWAYS) as v1:
            page = v1.events.list({"types": list(types), "created": created, "limit": LIST_LIMIT})
            return {event.id: event.type for event in page.data}

    def may_list(self, name: str) -> None:
        """Read one object of a list, such as ``checkout.sessions``; raises PermissionMissing."""
        with self._guard(f"{name}.list", quiet=Quiet.ALWAYS) as v1:
            attrgetter(name)(v1).list({"limit": 1})

    def is_publishable_key_of_account(self, key: str) -> bool | None:
        """Return whether a publishable key belongs to the account; None if there is no payment to ask for with it.

        A key that Stripe does not know at all raises KeyRefused.
        """
        with self._guard("payment_intents.list", quiet=Quiet.ALWAYS) as v1:
            newest = next(iter(v1.payment_intents.list({"limit": 1}).data), None)
        try:
            with self._guard("payment_intents.retrieve", quiet=Quiet.ALWAYS) as v1:
                if newest is None:
                    v1.accounts.retrieve_current(options={"api_key": key})
                else:
                    secret = {"client_secret": newest.client_secret}
                    v1.payment_intents.retrieve(newest.id, secret, {"api_key": key})
        except KeyRefused as refused:
            if refused.stripe_code != SECRET_KEY_REQUIRED:
                raise
            return None
        except PermissionMissing:
            return None
        except NotAtStripe:
            return False
        return True if newest else None
