"""Erasure of a person. Each step can be repeated without harm.

1. ``begin_erasure`` deactivates the account and commits an ``Erasure`` row.
2. ``finish_erasure`` deletes the customers at Stripe, and then the personal data in the database.
3. If a step is interrupted, the worker, or the command once more, finishes it.

Accounting data stays: amounts, dates, what was sold, Stripe's ids. The identity of the person goes.
"""

from datetime import timedelta
from typing import Any

from django.db import connection, transaction
from django.db.models import Q

from estuary.accounts.models import User
from estuary.catalog.models import Service
from estuary.common import clock
from estuary.common.db.transactions import retry_transaction
from estuary.credits import ledger
from estuary.credits.models import CreditAccount
from estuary.documents.issuing import issue_documents_of
from estuary.orders.models import Order
from estuary.payments.checkout import cancel_order
from estuary.privacy.erasure.append_only import allow_append_only_updates
from estuary.privacy.erasure.checks import ErasureRefused, raise_if_events_pending, raise_if_needed
from estuary.privacy.erasure.mentions import alert_about_mentions, find_mentions
from estuary.privacy.erasure.redaction import redact_events_about, redact_events_with_ids
from estuary.privacy.erasure.stripe_customer import delete_customers
from estuary.privacy.identifiers import find_identifiers
from estuary.privacy.models import Erasure
from estuary.privacy.personal_data import EVENTS, PERSONAL

# No request lasts longer. A request from before the account was deactivated could otherwise write the person's data
# again, here and at Stripe, after the erasure.
MAX_REQUEST_AGE = timedelta(minutes=1)


def begin_erasure(user: User, *, forfeit_credits: bool = False, by_person: bool = False) -> Erasure:
    """Deactivate the account of a person; from then on nobody can sign in as them.

    Unpaid orders are canceled before: whoever has a payment page open must not pay into an account that is closed.
    Raises ErasureRefused, and changes nothing, while anything is in progress. ``by_person`` chooses its words.
    """
    try:
        raise_if_needed(user, forfeit_credits=forfeit_credits)
        raise_if_events_pending(user)
        cancel_order.close_open_orders(user.pk, cause="the person is erased")
        return _begin(user, forfeit_credits=forfeit_credits)
    except ErasureRefused as refusal:
        raise (refusal.for_person() if by_person else refusal) from None


def may_be_finished(erasure: Erasure) -> bool:
    """Return whether all requests from before the deactivation have ended."""
    return erasure.requested_at <= clock.now() - MAX_REQUEST_AGE


@retry_transaction
def _begin(user: User, *, forfeit_credits: bool) -> Erasure:
    """Deactivate the account and its services in one transaction.

    A concurrent purchase commits first, so that the erasure is refused, or finds the service off sale.
    """
    at = clock.now()
    with transaction.atomic():
        _take_off_sale(user)
        raise_if_needed(user, forfeit_credits=forfeit_credits, unpaid_too=True)
        first = {"requested_at": at, "forfeit_credits": forfeit_credits}
        erasure, _ = Erasure.objects.get_or_create(user=user, defaults=first)
        erasure.forfeit_credits |= forfeit_credits
        if User.objects.filter(pk=user.pk, is_active=True).update(is_active=False):
            # Of an account that staff have opened again, an earlier request says nothing any more.
            erasure.requested_at, erasure.forfeit_credits = at, forfeit_credits
        erasure.save(update_fields=["requested_at", "forfeit_credits"])
    return erasure


def _take_off_sale(user: User) -> None:
    """Take a practitioner's services off sale, and packages and bundles that contain one."""
    own = Q(practitioner__user=user)
    inside = Q(items__service__practitioner__user=user) | Q(bundle_of__practitioner__user=user)
    services = Service.objects.filter(pk__in=Service.objects.filter(own | inside).order_by().values("pk"))
    # FOR UPDATE conflicts with the lock of a purchase (payments/checkout/holds.py).
    locked = list(services.select_for_update().order_by("pk").values_list("pk", flat=True))
    Service.objects.filter(pk__in=locked).update(active=False)


def finish_erasure(erasure: Erasure) -> dict[str, int]:
    """Finish an erasure from where it stopped; returns how many rows of each table were changed or deleted.

    Call it once ``may_be_finished`` returns True. After ErasureRefused or StripeUnavailable, call it again.
    """
    assert may_be_finished(erasure)
    user, forfeit_credits = erasure.user, erasure.forfeit_credits
    cancel_order.close_open_orders(user.pk, cause="the person is erased")
    raise_if_needed(user, forfeit_credits=forfeit_credits, unpaid_too=True)
    # Afterwards, nobody would know whom a receipt is for.
    if not issue_documents_of(user):
        raise ErasureRefused("A receipt or credit note could not be issued. The worker's log says why.")
    delete_customers(erasure)
    events = redact_events_about(user)
    changed = _erase_in_database(erasure)
    return changed | {EVENTS: events + redact_events_with_ids(erasure)}


def unfinished_erasures() -> list[Erasure]:
    """Return the requested erasures that may be finished; none of an account that staff have opened again."""
    waiting = Erasure.objects.filter(erased_at=None, user__is_active=False)
    waiting = waiting.select_related("user").order_by("pk")
    return [erasure for erasure in waiting if may_be_finished(erasure)]


def _erase_in_database(erasure: Erasure) -> dict[str, int]:
    user = erasure.user
    with transaction.atomic():
        list(Order.objects.select_for_update(no_key=True).filter(user=user).order_by("pk").values_list("pk"))
        raise_if_needed(user, forfeit_credits=erasure.forfeit_credits, unpaid_too=True)
        if erasure.forfeit_credits:
            _forfeit_credits(user)
        allow_append_only_updates()
        mentions = find_mentions(user)
        parameters = find_identifiers(user, with_sessions=True)
        changed = {table: _erase_rows(table, parameters) for table in PERSONAL if table != EVENTS}
        alert_about_mentions(user, mentions)
        Erasure.objects.filter(pk=erasure.pk).update(erased_at=clock.now())
    return changed


def _forfeit_credits(user: User) -> None:
    """Take the rest of each balance: 5.00 becomes 0.00 by a ledger row of -5.00. A negative balance stays."""
    at = clock.now()
    accounts = CreditAccount.objects.select_for_update(no_key=True).filter(user=user, balance_minor__gt=0)
    left = [(account.currency, account.balance_minor) for account in accounts.order_by("pk")]
    effect, kind = f"erasure:{at.isoformat()}", ledger.Kind.ADJUSTMENT
    ledger.post([ledger.Posting(user.pk, currency, kind, -minor, effect) for currency, minor in left], at=at)


def _erase_rows(table: str, parameters: dict[str, Any]) -> int:
    personal = PERSONAL[table]
    values = ", ".join(f"{column} = {value}" for column, value in personal.erase.items())
    if not values and not personal.delete:
        return 0
    statement = f"DELETE FROM {table}" if personal.delete else f"UPDATE {table} SET {values}"  # noqa: S608 (ours)
    with connection.cursor() as cursor:
        cursor.execute(f"{statement} WHERE {personal.rows}", parameters)
        return int(cursor.rowcount)
