"""The database is bound to one Stripe account by its first call ever; each process checks it at its first call.

Another account has none of our customers, cards and payments. If its "no such customer" were believed, every saved
card would be forgotten and orders canceled that buyers are paying. It would also take our buyers' money.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import timedelta
from typing import Any

import structlog
from django.db import transaction
from django.db.models import Q

from estuary.common import clock
from estuary.common.livemode import is_live
from estuary.notifications import staff_alerts
from estuary.payments.errors import NotAtStripe, WrongAccount
from estuary.payments.models import StripeAccount, StripeCustomer

UNAVAILABLE_NOW = "Payments are not available right now. We have been told."
RETRY_AFTER_S = 60
ACCOUNT_CURE = (
    "Set STRIPE_SECRET_KEY to a key of that account. If the shop moves to the new one: "
    "manage.py stripe_account --replace"
)
HIDDEN_ACCOUNT = (
    "Stripe does not know what {call} asked for, and the restricted key of STRIPE_SECRET_KEY may not say whose it is: "
    "it may be another account's, so nothing is believed. Give the key read access to the account."
)
ALERT_INTERVAL = timedelta(hours=1)
# So many customers are looked up before an account is bound to a database that has customers.
CUSTOMERS_TO_CHECK = 3

log = structlog.get_logger(__name__)


type Guard = Callable[..., AbstractContextManager[Any]]


def check_account(guard: Guard, *, fetch_account_id: Callable[[], str]) -> bool:
    """Return whether the key's account is the bound one; False when the key may not read its account.

    The first account is bound once it has one of the database's customers, if there are any. Raises WrongAccount for
    another account.
    """
    account_id, livemode = fetch_account_id(), is_live()
    if not account_id:
        log.critical("stripe_key_hides_its_account")
        return False
    bound, _ = StripeAccount.objects.get_or_create(pk=1)
    if not bound.account_id:
        newest = StripeCustomer.objects.exclude(stripe_customer_id="").order_by("-pk")[:CUSTOMERS_TO_CHECK]
        ids = list(newest.values_list("stripe_customer_id", flat=True))
        if ids and not any(_customer_exists(guard, customer_id) for customer_id in ids):
            _refuse_account(
                "This database has customers, and the account of STRIPE_SECRET_KEY knows none of them."
            )
        bound = bind_account(account_id, livemode=livemode)
    if (bound.account_id, bound.livemode) != (account_id, livemode):
        _refuse_account(
            f"STRIPE_SECRET_KEY is of {account_id} ({'live' if livemode else 'test'}), and this database belongs to "
            f"{bound}. Nothing is asked of Stripe until the key is the right one again."
        )
    return True


def _customer_exists(guard: Guard, customer_id: str) -> bool:
    try:
        with guard("customers.retrieve") as v1:
            v1.customers.retrieve(customer_id)
    except NotAtStripe:
        return False
    return True


@contextmanager
def distrust_missing(call: str, *, is_account_confirmed: bool) -> Iterator[None]:
    """Raise WrongAccount in place of NotAtStripe, unless the account is known to be ours."""
    try:
        yield
    except NotAtStripe as error:
        if is_account_confirmed:
            raise
        log.critical("stripe_key_hides_its_account", call=call, missing=error.extra["param"])
        raise WrongAccount(
            UNAVAILABLE_NOW, retry_after_s=RETRY_AFTER_S, for_operators=HIDDEN_ACCOUNT.format(call=call)
        ) from None


def bind_account(account_id: str, *, livemode: bool, replace: bool = False) -> StripeAccount:
    """Bind the database to an account, unless it is bound and ``replace`` is False; returns the row."""
    with transaction.atomic():
        row = StripeAccount.objects.select_for_update(no_key=True).get(pk=1)
        if replace or not row.account_id:
            row.account_id, row.livemode = account_id, livemode
            row.bound_at, row.alerted_at = clock.now(), None
            row.save()
    return row


def alert_of_refusal(text: str, *, consequence: str) -> None:
    """Alert staff that Stripe refuses STRIPE_SECRET_KEY, altogether or for a call; at most once an hour."""
    StripeAccount.objects.get_or_create(pk=1)
    _alert(
        "stripe_refused_our_key",
        f"{text} {consequence}; nothing is lost meanwhile.",
    )


def _refuse_account(text: str) -> None:
    """Alert staff, at most once an hour, and raise WrongAccount."""
    log.critical("stripe_account_is_another", why=text)
    _alert("wrong_account", text)
    raise WrongAccount(UNAVAILABLE_NOW, retry_after_s=RETRY_AFTER_S, for_operators=f"{text} {ACCOUNT_CURE}")


def _alert(code: str, text: str) -> None:
    at = clock.now()
    due = StripeAccount.objects.filter(Q(alerted_at=None) | Q(alerted_at__lte=at - ALERT_INTERVAL))
    with transaction.atomic():
        if due.update(alerted_at=at):
            staff_alerts.alert_staff(code, text)
