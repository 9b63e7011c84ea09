"""Stripe's lists are read from a cursor on, and each object there is reconciled with our rows.

Each run starts a little before the cursor, however long ago that is. Objects that agree are left alone, so a second
run writes nothing. Objects of orders that we do not have are handled by orphans.py.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from itertools import batched
from typing import Any

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import Max, Q

from estuary.catalog.models import Service
from estuary.common import clock
from estuary.common.db.bulk import any_id
from estuary.common.errors import EstuaryError
from estuary.common.process import shutdown
from estuary.notifications import staff_alerts
from estuary.orders.models import Order
from estuary.payments import client, outbox
from estuary.payments.checkout.stripe_creation import cancel_at_stripe
from estuary.payments.customers.customers import own_database_id
from estuary.payments.errors import EVERY_CALL_FAILS, NotOwner, StripeUnreachable
from estuary.payments.gateway import ownership
from estuary.payments.inbox import processor
from estuary.payments.models import Refund, StripeCustomer, SyncCursor
from estuary.payments.reconciliation import orphans
from estuary.payments.reconciliation.customers import restore_customer, resync_payment_methods
from estuary.payments.reconciliation.overdue import SYNC_MIN_AGE
from estuary.payments.reconciliation.retry import run_logged
from estuary.payments.settlement.facts import ObjectKind
from estuary.payments.settlement.rules.refunds import STATUS_FROM_STRIPE
from estuary.payments.settlement.sync import fetch_and_settle, sync_payment
from estuary.payments.stripe_objects import CheckoutSession, Intent, StripeRefund

# Covers objects created during the last run, and clock skew. A page lives for half an hour at least.
OVERLAP = timedelta(hours=1)
# A bank may return a refund weeks later: https://docs.stripe.com/refunds#failed-refunds
REFUND_LOOKBACK = timedelta(days=45)
RETRY_FOR = timedelta(days=3)
# After the next run, because most failures do not last that long.
ALERT_AFTER = timedelta(minutes=4)
MAX_FAILURES = 100
# In place of an object's name: none of the list's objects could be looked at.
LIST_ITSELF = "the list itself"
BATCH = 500
PAYABLE = frozenset({"requires_payment_method", "requires_confirmation", "requires_action"})
# Events whose objects no list shows, or shows only when they are old. Stripe keeps its list of events for thirty days.
# A second payment that its bank begins to work on is one: the list of payments is read by when they were created.
EVENT_LIST_REACH = timedelta(days=29)
UNLISTED_EVENT_TYPES = (
    "payment_intent.processing",
    "payment_method.attached",
    "payment_method.detached",
    "payment_method.updated",
    "payment_method.automatically_updated",
    "customer.deleted",
    "refund.updated",
    "refund.failed",
    "charge.dispute.updated",
    "charge.dispute.closed",
    "radar.early_fraud_warning.created",
    "radar.early_fraud_warning.updated",
    "review.opened",
    "review.closed",
)

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class SyncResult:
    """How many objects of a list were changed, here or at Stripe, and the names of those that failed."""

    changed: int = 0
    failed: tuple[str, ...] = ()

    def __add__(self, other: "SyncResult") -> "SyncResult":
        return SyncResult(self.changed + other.changed, self.failed + other.failed)


def sync_all_lists() -> int:
    """Read every list from its cursor on; returns how many objects changed.

    Customers come first, because they tell whose a payment is. Refunds come last, when their payments are known.
    """
    is_claim_needed = ownership.is_claim_needed()
    changed = 0
    # A shop that has moved can't tell its customers from its original's until staff claim it.
    if own_database_id() or not is_claim_needed:
        changed += sync_customers()
    changed += sync_unlisted_events()
    # Open and unknown payments wait until staff claim this database.
    if not is_claim_needed:
        changed += sync_sessions() + sync_payments()
    return changed + sync_new_refunds()


def sync_new_refunds() -> int:
    """Settle refunds created at Stripe since the cursor; returns of how many payments."""
    return sync_list("refunds", settle_refunds_since)


def sync_changed_refunds() -> int:
    """Settle refunds of the last weeks that differ at Stripe: a bank may return one late."""
    return settle_refunds_since(clock.now() - REFUND_LOOKBACK).changed


def sync_customers() -> int:
    """Restore customers and cards that Stripe has and this database has lost; returns how many."""
    return sync_list(
        "customers", lambda since: count_reconciled(restore_customer, client.customers_since(since))
    )


def sync_unlisted_events() -> int:
    """Enqueue missed events of cards, refunds and disputes in the inbox; returns how many.

    If the cursor is older than Stripe's list of events, the cards of every customer are compared as well.
    """
    return sync_list("events", _enqueue_unlisted_events)


def _enqueue_unlisted_events(since: datetime) -> SyncResult:
    relisted = SyncResult()
    if since < clock.now() - EVENT_LIST_REACH:
        relisted = count_reconciled(
            resync_payment_methods, list(StripeCustomer.objects.exclude(stripe_customer_id="").order_by("pk"))
        )
    return relisted + SyncResult(processor.enqueue_events(client.events_since(since, UNLISTED_EVENT_TYPES)))


def sync_sessions() -> int:
    """Settle Checkout Sessions created since the cursor; expire those that nobody may pay any more."""
    return sync_list(
        "sessions",
        lambda since: _reconcile_all(client.sessions_since(since)),
        overlap=_payments_overlap(),
    )


def sync_payments() -> int:
    """Settle payments created since the cursor, cancel those nobody may pay any more, handle orphans."""

    def sync(since: datetime) -> SyncResult:
        listed = _reconcile_all(client.intents_since(since))
        # One that fails has its next turn with the others: the cursor need not wait for it.
        revisited = count_reconciled(orphans.revisit_payment, orphans.undecided_payments())
        return listed + SyncResult(revisited.changed)

    return sync_list("payments", sync, overlap=_payments_overlap())


def _payments_overlap() -> timedelta:
    """Return the overlap after which no order is unpaid: until then, a payment may still become its order's.

    Example: a page is open for six hours. A payment by hand is begun at 9:00, and the page is paid at 14:00.
    """
    longest_s = Service.objects.aggregate(Max("hold_s"))["hold_s__max"] or 0
    return OVERLAP + max(settings.HOLD, timedelta(seconds=longest_s))


def sync_list(
    name: str,
    reconcile: Callable[[datetime], SyncResult],
    *,
    overlap: timedelta = OVERLAP,
    lookback: timedelta = REFUND_LOOKBACK,
) -> int:
    """Read a list from its cursor on and save the new cursor.

    The first run ever starts ``lookback`` ago. If anything fails, the cursor stays, so the next run starts at the same
    place, for as long as RETRY_FOR.
    """
    shutdown.raise_if_shutting_down()
    at = clock.now()
    cursor, _ = SyncCursor.objects.get_or_create(name=name, defaults={"looked_until": at - lookback})
    # A clock that ran ahead may have set a cursor in the future; the real position is unknown.
    since = cursor.looked_until if cursor.looked_until <= at else at - lookback
    result = _sync_since(name, reconcile, since - overlap)
    if result.failed:
        _record_failures(cursor, result.failed, at)
    else:
        _save_cursor(cursor, at, since=at, failing={})
    return result.changed


def _sync_since(name: str, reconcile: Callable[[datetime], SyncResult], since: datetime) -> SyncResult:
    """Read one list; if it can't be read, the others still are. What fails for every call to Stripe stops all."""
    try:
        return reconcile(since)
    except (*EVERY_CALL_FAILS, shutdown.ShuttingDown):
        raise
    except EstuaryError as error:
        log.warning("list_not_looked_through", list=name, code=error.code)
    except Exception:
        log.exception("list_not_looked_through", list=name)
    return SyncResult(failed=(LIST_ITSELF,))


def _record_failures(cursor: SyncCursor, failed: Sequence[str], at: datetime) -> None:
    """Keep the cursor where it is, and alert staff once of each object that keeps failing.

    ``looked_at`` is saved all the same: the worker is not silent. An object is abandoned after RETRY_FOR. A list that
    can't be read is never abandoned, and the time of its objects begins anew once it can be read.
    """
    first_failure = {"since": at.isoformat(), "told": False}
    failing = {name: cursor.failing.get(name, first_failure) for name in failed[:MAX_FAILURES]}
    if is_unread := LIST_ITSELF in failing:
        failing = {name: one | {"since": at.isoformat()} for name, one in cursor.failing.items()} | failing
    failing_since = {name: clock.parse_iso(str(one["since"])) for name, one in failing.items()}
    abandoned = [name for name in failing if failing_since[name] < at - RETRY_FOR and not is_unread]
    to_alert = [
        name for name in failing if not failing[name]["told"] and failing_since[name] <= at - ALERT_AFTER
    ]
    with transaction.atomic():
        is_alerted = bool(to_alert) and _alert_of_failing(cursor.name, to_alert)
        retried = {
            name: one | {"told": one["told"] or (is_alerted and name in to_alert)}
            for name, one in failing.items()
            if name not in abandoned
        }
        since = (
            min((failing_since[name] for name in retried), default=at) if abandoned else cursor.looked_until
        )
        _save_cursor(cursor, at, since=since, failing=retried)
        if abandoned:
            _alert_of_abandoned(cursor.name, abandoned)


def _save_cursor(cursor: SyncCursor, at: datetime, *, since: datetime, failing: dict[str, Any]) -> None:
    SyncCursor.objects.filter(pk=cursor.pk).update(looked_at=at, looked_until=since, failing=failing)


def _alert_of_failing(kind: str, names: Sequence[str]) -> bool:
    """Alert staff, of lists that can't be read at most once an hour: one cause may stop them all. Returns whether."""
    text = (
        f"Of Stripe's {kind} these can't be made to agree with our books: {', '.join(names)}. What was paid may not be"
        " handed over, or what was refunded or disputed may still count as paid. The worker's log says why"
        " (sweep_failed or sweep_put_off, with the same name; list_not_looked_through of a list). It is tried again"
        " every few minutes: once the cause is removed, it heals"
    )
    if LIST_ITSELF in names:
        return outbox.alert_staff_hourly("reconcile_fails", text)
    staff_alerts.alert_staff("reconcile_fails", text)
    return True


def _alert_of_abandoned(kind: str, names: Sequence[str]) -> None:
    staff_alerts.alert_staff(
        "reconcile_gave_up",
        f"{len(names)} of Stripe's {kind} could not be made to agree for {RETRY_FOR.days} days:"
        f" {', '.join(names)}. `manage.py doctor --stripe` says how they differ, the worker's log says why",
    )


def settle_refunds_since(moment: datetime) -> SyncResult:
    return count_reconciled(_sync_refunds, differing_orders(client.refunds_since(moment)))


def differing_orders(refunds: Sequence[StripeRefund]) -> list[Order]:
    """Return our orders with a refund at Stripe that is missing or differs here."""
    ids = [refund.id for refund in refunds]
    status_by_id = dict(
        Refund.objects.filter(any_id("stripe_refund_id", ids)).values_list("stripe_refund_id", "status")
    )
    differing = {
        refund.intent_id
        for refund in refunds
        if status_by_id.get(refund.id) != STATUS_FROM_STRIPE.get(refund.status)
    }
    return list(Order.objects.filter(any_id("stripe_payment_intent_id", differing - {""})).order_by("pk"))


def _sync_refunds(order: Order) -> bool:
    sync_payment(order.stripe_payment_intent_id)
    return True


def _reconcile_all(payments: Sequence[Intent | CheckoutSession]) -> SyncResult:
    """Reconcile payments with our orders. Stripe was read first, so the order of each is here if it ever was."""
    orders = orders_by_name({name for payment in payments for name in (payment.id, payment.order_ref)})

    def reconcile(payment: Intent | CheckoutSession) -> bool:
        order = orders.get(payment.id) or orders.get(payment.order_ref)
        if order:
            return _reconcile(order, payment)
        return bool(orphans.REF.fullmatch(payment.order_ref)) and orphans.handle_orphan(payment)

    return count_reconciled(reconcile, payments)


def orders_by_name(names: Iterable[str]) -> dict[str, Order]:
    """Return orders by each name that Stripe may have: our id in metadata, the intent's id, the session's id."""
    orders: dict[str, Order] = {}
    for batch in unique_batches(names):
        at_stripe = any_id("stripe_payment_intent_id", batch) | any_id("stripe_checkout_session_id", batch)
        for order in Order.objects.filter(at_stripe | Q(public_id__in=batch)):
            order_names = (order.public_id, order.stripe_payment_intent_id, order.stripe_checkout_session_id)
            orders |= dict.fromkeys([name for name in order_names if name], order)
    return orders


def unique_batches(names: Iterable[str]) -> Iterator[list[str]]:
    """Return each name once, in batches of as many as one query should have."""
    return (list(batch) for batch in batched(sorted(set(names) - {""}), BATCH, strict=False))


def _reconcile(order: Order, payment: Intent | CheckoutSession) -> bool:
    if isinstance(payment, Intent) and payment.status == "succeeded":
        return _settle_captured(order, payment)
    if isinstance(payment, CheckoutSession) and payment.payment_status == "paid" and not order.captured_minor:
        return _settle(payment)
    if (
        not is_payable(payment)
        or not is_own(order, payment)
        or clock.from_timestamp(payment.created) > clock.now() - SYNC_MIN_AGE
    ):
        return False
    if orphans.is_current_payment(order, payment):
        return False
    try:
        return cancel_at_stripe(order.public_id, payment)
    except NotOwner:
        # A copy in test mode leaves alone the payments of its original.
        return False


def is_own(order: Order, payment: Intent | CheckoutSession) -> bool:
    """Return whether a payment that names an order is its buyer's; another may have copied the metadata."""
    stored = {order.stripe_payment_intent_id, order.stripe_checkout_session_id}
    return payment.id in stored or order.stripe_customer_id == payment.customer_id != ""


def is_payable(payment: Intent | CheckoutSession) -> bool:
    """Return whether a buyer can pay this intent or Checkout Session."""
    return payment.status in PAYABLE if isinstance(payment, Intent) else payment.status == "open"


def _settle_captured(order: Order, intent: Intent) -> bool:
    is_settled = order.stripe_payment_intent_id == intent.id and order.captured_minor
    return not is_settled and _settle(intent)


def _settle(payment: Intent | CheckoutSession) -> bool:
    kind = ObjectKind.INTENT if isinstance(payment, Intent) else ObjectKind.SESSION
    # A list lacks the time of the charge, so the object is fetched by itself.
    return any(outcome.effects for outcome in fetch_and_settle(kind, payment.id, "found at Stripe"))


def count_reconciled[T](reconcile: Callable[[T], bool], items: Sequence[T]) -> SyncResult:
    """Reconcile each item; a failure stops no other. A shutdown stops all, and so do two in a row without an answer."""
    result, is_first_silence = SyncResult(), True

    def reconcile_item(item: T) -> None:
        result.changed += reconcile(item)

    for item in items:
        shutdown.raise_if_shutting_down()
        name = str(getattr(item, "public_id", getattr(item, "id", item)))
        try:
            is_reconciled = run_logged(partial(reconcile_item, item), what=name)
            is_first_silence = True
        except StripeUnreachable:
            if not is_first_silence:
                raise
            is_reconciled = is_first_silence = False
        if not is_reconciled:
            result.failed += (name,)
    return result
