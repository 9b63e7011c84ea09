"""Whose Stripe account this database belongs to: learned at the first call ever, compared at the first of each process.

Another account knows none of our customers, cards and payments. Believed, its "no such customer" would make us forget
every saved card and end orders that somebody is paying for; and it would take our buyers' money.
"""

from collections.abc import Callable
from datetime import timedelta

import structlog
from django.db import transaction
from django.db.models import Q

from estuary.common import clock
from estuary.common.livemode import is_live
from estuary.payments import outbox
from estuary.payments.errors import WrongAccount
from estuary.payments.models import StripeAccount, StripeCustomer

UNAVAILABLE_NOW = "Payments are not available right now. We have been told."
RETRY_AFTER_S = 60
ALERT_INTERVAL = timedelta(hours=1)
CUSTOMERS_TO_CHECK = 3  # customers that are asked for, when a database with customers has no account yet

log = structlog.get_logger(__name__)


def check_account(*, fetch_account_id: Callable[[], str], customer_exists: Callable[[str], bool]) -> bool:
    """Tell whether the key's account is the one that this database belongs to; False when the key may not say.

    ``ask`` returns the account's id, ``knows`` whether it has a customer. The first account that is asked anything is
    bound to the database, once it has shown that it knows its customers. Raises WrongAccount for another one.
    """
    account_id, livemode = fetch_account_id(), is_live()
    if not account_id:
        log.critical("stripe_key_hides_its_account")
        return False
    bound, _ = StripeAccount.objects.get_or_create(pk=1)
    if not bound.account_id:
        newest = StripeCustomer.objects.exclude(stripe_customer_id="").order_by("-pk")[:CUSTOMERS_TO_CHECK]
        ids = list(newest.values_list("stripe_customer_id", flat=True))
        if ids and not any(customer_exists(customer_id) for customer_id in ids):
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


def bind_account(account_id: str, *, livemode: bool, replace: bool = False) -> StripeAccount:
    """Write down which account this database belongs to, unless one is known; returns the one that counts."""
    with transaction.atomic():
        row = StripeAccount.objects.select_for_update(no_key=True).get(pk=1)
        if replace or not row.account_id:
            row.account_id, row.livemode, row.bound_at, row.alerted_at = (
                account_id,
                livemode,
                clock.now(),
                None,
            )
            row.save()
    return row


def alert_of_refusal(call: str, request_id: str) -> None:
    """Tell staff that Stripe takes STRIPE_SECRET_KEY no more, or not for this call; at most once an hour."""
    log.critical("stripe_refused_our_key", call=call, stripe_request_id=request_id)
    StripeAccount.objects.get_or_create(pk=1)
    _alert(
        "stripe_refused_our_key",
        f"Stripe refused STRIPE_SECRET_KEY for {call} ({request_id}): it was revoked, has expired or lacks a "
        "permission. Nobody can pay until it is changed; nothing is lost meanwhile.",
    )


def _refuse_account(text: str) -> None:
    """Tell staff, at most once an hour, and refuse the call."""
    log.critical("stripe_account_is_another", why=text)
    _alert("wrong_account", text)
    raise WrongAccount(UNAVAILABLE_NOW, retry_after_s=RETRY_AFTER_S)


def _alert(code: str, text: str) -> None:
    at = clock.now()
    due = StripeAccount.objects.filter(Q(alerted_at=None) | Q(alerted_at__lte=at - ALERT_INTERVAL))
    with transaction.atomic():
        if due.update(alerted_at=at):
            outbox.alert_staff(code, text)
