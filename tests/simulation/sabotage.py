"""Ways to break the product on purpose: a simulation that finds none of them proves nothing."""

from collections.abc import Callable
from itertools import count
from typing import Any

from django.db.models import QuerySet

from estuary.payments import client, inbox, sweep, webhooks


def no_locks() -> None:
    """No row is locked before it is changed."""
    vars_of: Any = QuerySet
    vars_of.select_for_update = lambda rows, **_: rows


def no_sweep() -> None:
    """Nobody asks Stripe about payments whose news never came."""
    vars(sweep)["ask_about_open_orders"] = lambda: 0


def a_new_key_each_time() -> None:
    """A refund that is sent again goes under another key."""
    send, number = client.create_refund, count()
    vars(client)["create_refund"] = lambda params, *, key: send(params, key=f"{key}-{next(number)}")


def answered_before_it_is_kept() -> None:
    """Stripe is told that we have an event before it is in the inbox."""
    vars(webhooks)["_insert"] = lambda event, at: None


def expired_here_alone() -> None:
    """An order that ends is not ended at Stripe."""
    from estuary.payments import closing

    vars(closing)["_payment_of"] = lambda order: ""
    vars(closing)["_made_after_all"] = lambda order: False


def settled_but_not_marked() -> None:
    """An event is settled and its row is not marked in the same transaction."""
    vars(inbox)["_mark"] = lambda jobs, at: None


SABOTAGE: dict[str, Callable[[], None]] = {
    act.__name__.replace("_", " "): act
    for act in (
        no_locks,
        no_sweep,
        a_new_key_each_time,
        answered_before_it_is_kept,
        expired_here_alone,
        settled_but_not_marked,
    )
}
