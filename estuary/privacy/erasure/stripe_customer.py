"""Erasure at Stripe: everything that can still charge is canceled, and the customer is deleted; payments stay."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from datetime import timedelta
from typing import Any

from estuary.payments import client
from estuary.payments.customers import setup_intents
from estuary.payments.customers.customers import find_customer_of, next_customer_key
from estuary.payments.errors import NotAtStripe
from estuary.payments.models import StripeCustomer
from estuary.privacy.identifiers import find_stripe_ids
from estuary.privacy.models import Erasure


def delete_customers(erasure: Erasure) -> None:
    """Delete a person's customers at Stripe, with name, address and saved cards.

    The ids are committed first, to find later events. Raises StripeUnavailable; can be repeated.
    """
    save_stripe_ids(erasure, find_stripe_ids(erasure.user_id))
    row = StripeCustomer.objects.filter(user=erasure.user_id).first()
    if row is None:
        return
    setup_intents.end_setup_intents_of(erasure.user_id)
    if row.stripe_customer_id:
        _delete(erasure, row.stripe_customer_id)
    # A customer whose creation had no response, so that no row has its id.
    for email in sorted({row.email, erasure.user.email}):
        while customer_id := find_customer_of(erasure.user_id, email=email):
            _delete(erasure, customer_id)


def _delete(erasure: Erasure, customer_id: str) -> None:
    save_stripe_ids(erasure, {customer_id, *_ids_at_stripe(erasure, customer_id)})
    with suppress(NotAtStripe):  # deleted already
        client.delete_customer(customer_id, key=next_customer_key(erasure.user, "delete"))


def _ids_at_stripe(erasure: Erasure, customer_id: str) -> Iterator[str]:
    since = erasure.user.date_joined - timedelta(days=1)
    lists: list[Callable[[], Iterable[Any]]] = [
        lambda: client.methods_of(customer_id),
        lambda: client.setup_intents_of(customer_id),
        lambda: client.intents_of(customer_id, since=since),
        lambda: client.sessions_of(customer_id, since=since),
    ]
    for list_objects in lists:
        with suppress(NotAtStripe):  # the customer is deleted already; the other lists may exist
            yield from [item.id for item in list_objects()]


def save_stripe_ids(erasure: Erasure, stripe_ids: set[str]) -> None:
    erasure.stripe_ids = sorted({*erasure.stripe_ids, *stripe_ids})
    erasure.save(update_fields=["stripe_ids"])
