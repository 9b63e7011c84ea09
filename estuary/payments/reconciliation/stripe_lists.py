"""Reading through Stripe's own lists since the last time, and making each thing there agree with what is here.

Each look begins a little before where the last one stopped, however long ago that was; what agrees is left alone, so a
second look writes nothing. What Stripe has for orders that we do not know is orphans.py's.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from itertools import batched
from typing import Any

import structlog
from django.db import transaction
from django.db.models import Q

from estuary.common import clock
from estuary.common.api.errors import EstuaryError
from estuary.common.db.bulk import any_id
from estuary.common.process import shutdown
from estuary.orders.models import Order
from estuary.orders.states import LIVE
from estuary.payments import client, outbox
from estuary.payments.checkout.stripe_creation import cancel_at_stripe, is_checkout
from estuary.payments.errors import NotOwner
from estuary.payments.gateway import ownership
from estuary.payments.inbox import processor
from estuary.payments.models import Lookout, Refund, StripeCustomer
from estuary.payments.reconciliation import orphans
from estuary.payments.reconciliation.customers import restore_customer, resync_payment_methods
from estuary.payments.reconciliation.overdue import SYNC_MIN_AGE
from estuary.payments.reconciliation.retry import run_logged
from estuary.payments.settlement import settle
from estuary.payments.settlement.facts import FetchRequired
from estuary.payments.settlement.fetch import fetch_observations
from estuary.payments.settlement.rules.refunds import STATUS_FROM_STRIPE
from estuary.payments.settlement.sync import sync_payment
from estuary.payments.stripe_objects import CheckoutSession, Intent, StripeRefund

OVERLAP = timedelta(hours=1)  # what was made while the last look was under way, and clocks that differ
# A bank may return a refund weeks later: https://docs.stripe.com/refunds#failed-refunds
REFUND_LOOKBACK = timedelta(days=45)
RETRY_FOR = timedelta(days=3)
ALERT_AFTER = timedelta(minutes=4)  # by the next look, which most failures do not live to see
MAX_FAILURES = 100
BATCH = 500
PAYABLE = frozenset({"requires_payment_method", "requires_confirmation", "requires_action"})
# News that no list of payments tells, or tells only of old ones; Stripe's list of events reaches back thirty days.
EVENT_LIST_REACH = timedelta(days=29)
UNLISTED_EVENT_TYPES = (
    "payment_method.attached",
    "payment_method.detached",
    "payment_method.updated",
    "payment_method.automatically_updated",
    "customer.deleted",
    "refund.updated",
    "refund.failed",
    "charge.dispute.updated",
    "charge.dispute.closed",
)

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class SyncResult:
    """How much of a list was changed, here or there, and what of it could not be made to agree this time."""

    changed: int = 0
    failed: tuple[str, ...] = ()

    def __add__(self, other: "SyncResult") -> "SyncResult":
        return SyncResult(self.changed + other.changed, self.failed + other.failed)


def sync_all_lists() -> int:
    """Look through every list of Stripe's since the last time; returns how much changed here or there.

    Customers come first, since they show whose a payment is, and refunds last, of payments that are known by then.
    """
    changed = sync_customers() + sync_unlisted_events()
    if (
        not ownership.is_claim_needed()
    ):  # what is open or unknown there waits for whoever claims this database
        changed += sync_sessions() + sync_payments()
    return changed + sync_new_refunds()


def sync_new_refunds() -> int:
    """Settle refunds made at Stripe since the last look: those in the dashboard that no event told.

    Returns of how many payments.
    """
    return _sync_list("refunds", settle_refunds_since)


def sync_changed_refunds() -> int:
    """Settle all refunds of the last weeks that stand otherwise at Stripe than here: a bank may return one late."""
    return settle_refunds_since(clock.now() - REFUND_LOOKBACK).changed


def sync_customers() -> int:
    """Give users back the customer, and the cards, that Stripe has for them and we have forgotten; returns how many."""
    return _sync_list(
        "customers", lambda since: _count_reconciled(restore_customer, client.customers_since(since))
    )


def sync_unlisted_events() -> int:
    """Put what happened to cards, refunds and disputes since the last look into the inbox, where it never came.

    Returns how much. Of cards, what Stripe's list of events has forgotten is seen by looking at every customer's.
    """
    return _sync_list("events", _enqueue_unlisted_events)


def _enqueue_unlisted_events(since: datetime) -> SyncResult:
    relisted = SyncResult()
    if since < clock.now() - EVENT_LIST_REACH:
        relisted = _count_reconciled(
            resync_payment_methods, list(StripeCustomer.objects.exclude(stripe_customer_id="").order_by("pk"))
        )
    return relisted + SyncResult(processor.enqueue_events(client.events_since(since, UNLISTED_EVENT_TYPES)))


def sync_sessions() -> int:
    """Settle hosted pages made since the last look, and close those that nobody may pay any more."""
    return _sync_list("sessions", lambda since: _reconcile_all(client.sessions_since(since)))


def sync_payments() -> int:
    """Settle payments made since the last look, cancel those that nobody may pay any more, and take in orphans."""
    return _sync_list(
        "payments",
        lambda since: _reconcile_all(client.intents_since(since)) + SyncResult(orphans.revisit_orphans()),
    )


def _sync_list(name: str, reconcile: Callable[[datetime], SyncResult]) -> int:
    """Look through a list since the last time, and remember how far; a look that fails is made again from there.

    So is one in which anything failed, for as long as TRIED_AGAIN_FOR.
    """
    shutdown.raise_if_shutting_down()
    at = clock.now()
    cursor, _ = Lookout.objects.get_or_create(name=name, defaults={"looked_until": at - REFUND_LOOKBACK})
    # A mark in the future was set by a clock that ran ahead: nobody knows from when on nothing was looked at.
    since = cursor.looked_until if cursor.looked_until <= at else at - REFUND_LOOKBACK
    result = _sync_since(name, reconcile, since - OVERLAP)
    if result.failed:
        _record_failures(cursor, result.failed, at)
    else:
        _save_cursor(cursor, at, since=at, failing={})
    return result.changed


def _sync_since(name: str, reconcile: Callable[[datetime], SyncResult], since: datetime) -> SyncResult:
    """Look through one list; one that can't even be read stops no other, a Stripe that can't be asked stops all."""
    try:
        return reconcile(since)
    except (EstuaryError, shutdown.ShuttingDown):
        raise
    except Exception:
        log.exception("list_not_looked_through", list=name)
        return SyncResult(failed=("the list itself",))


def _record_failures(cursor: Lookout, failed: Sequence[str], at: datetime) -> None:
    """Have the next look begin where this one did; staff are told of each that fails, and go on failing, once.

    That the list was gone through is noted all the same: what fails is one payment, and the worker is well. What has
    failed for TRIED_AGAIN_FOR is given up, and what fails for a shorter time is looked at again.
    """
    first_failure = {"since": at.isoformat(), "told": False}
    failing = {name: cursor.failing.get(name, first_failure) for name in failed[:MAX_FAILURES]}
    failing_since = {name: clock.parse_iso(str(one["since"])) for name, one in failing.items()}
    given_up = [name for name in failing if failing_since[name] < at - RETRY_FOR]
    to_alert = [
        name for name in failing if not failing[name]["told"] and failing_since[name] <= at - ALERT_AFTER
    ]
    retried = {
        name: one | {"told": one["told"] or name in to_alert}
        for name, one in failing.items()
        if name not in given_up
    }
    since = min((failing_since[name] for name in retried), default=at) if given_up else cursor.looked_until
    with transaction.atomic():
        _save_cursor(cursor, at, since=since, failing=retried)
        if to_alert:
            _alert_of_failing(cursor.name, to_alert)
        if given_up:
            _alert_of_given_up(cursor.name, given_up)


def _save_cursor(cursor: Lookout, at: datetime, *, since: datetime, failing: dict[str, Any]) -> None:
    Lookout.objects.filter(pk=cursor.pk).update(looked_at=at, looked_until=since, failing=failing)


def _alert_of_failing(kind: str, names: Sequence[str]) -> None:
    outbox.alert_staff(
        "reconcile_fails",
        f"Of Stripe's {kind} these can't be made to agree with our books: {', '.join(names)}. What was paid may not be"
        " handed over, or what was refunded may still count as paid. The worker's log says why (sweep_failed or"
        " sweep_put_off, with the same name). It is tried again every few minutes: once the cause is removed, it heals",
    )


def _alert_of_given_up(kind: str, names: Sequence[str]) -> None:
    outbox.alert_staff(
        "reconcile_gave_up",
        f"{len(names)} of Stripe's {kind} could not be made to agree for {RETRY_FOR.days} days:"
        f" {', '.join(names)}. `manage.py doctor --stripe` says how they differ, the worker's log says why",
    )


def settle_refunds_since(moment: datetime) -> SyncResult:
    return _count_reconciled(_sync_refunds, differing_orders(client.refunds_since(moment)))


def differing_orders(refunds: Sequence[StripeRefund]) -> list[Order]:
    """Return our orders that have a refund at Stripe which we do not know, or not as it stands there."""
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
    """Make what Stripe has agree with our orders. Stripe was read first, so an order of each is here if it ever was."""
    orders = orders_by_name({name for payment in payments for name in (payment.id, payment.order_ref)})

    def reconcile(payment: Intent | CheckoutSession) -> bool:
        order = orders.get(payment.id) or orders.get(payment.order_ref)
        if order:
            return _reconcile(order, payment)
        return bool(orphans.REF.fullmatch(payment.order_ref)) and orphans.handle_orphan(payment)

    return _count_reconciled(reconcile, payments)


def orders_by_name(names: Iterable[str]) -> dict[str, Order]:
    """Return orders by each name that Stripe may have for them: our own in a label, the payment's, the page's."""
    orders: dict[str, Order] = {}
    for batch in unique_batches(names):
        at_stripe = any_id("stripe_payment_intent_id", batch) | any_id("stripe_checkout_session_id", batch)
        for order in Order.objects.filter(at_stripe | Q(public_id__in=batch)):
            order_names = (order.public_id, order.stripe_payment_intent_id, order.stripe_checkout_session_id)
            orders |= dict.fromkeys([name for name in order_names if name], order)
    return orders


def unique_batches(names: Iterable[str]) -> Iterator[list[str]]:
    """Return what there is of some names, each once, in as many as one query should ask for."""
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
    if order.status in LIVE and _is_current_payment(order, payment):
        return False
    try:
        return cancel_at_stripe(order.public_id, payment)
    except NotOwner:
        return False  # a copy in test mode leaves alone what came with it


def is_own(order: Order, payment: Intent | CheckoutSession) -> bool:
    """Tell whether a payment or a page that names an order is its buyer's; others have only copied a label."""
    stored = {order.stripe_payment_intent_id, order.stripe_checkout_session_id}
    return payment.id in stored or order.stripe_customer_id == payment.customer_id != ""


def is_payable(payment: Intent | CheckoutSession) -> bool:
    """Tell whether a buyer could pay by this."""
    return payment.status in PAYABLE if isinstance(payment, Intent) else payment.status == "open"


def _is_current_payment(order: Order, payment: Intent | CheckoutSession) -> bool:
    """Whether a live order is, or may yet turn out to be, paid by this; the intent of a page ends with its page."""
    if is_checkout(order):
        return isinstance(payment, Intent) or order.stripe_checkout_session_id in {"", payment.id}
    return order.stripe_payment_intent_id in {"", payment.id}


def _settle_captured(order: Order, intent: Intent) -> bool:
    if order.stripe_payment_intent_id == intent.id and order.captured_minor:
        return False
    return _settle(intent)


def _settle(payment: Intent | CheckoutSession) -> bool:
    kind = "intent" if isinstance(payment, Intent) else "session"
    # Read by itself it says when its money came, which a list does not.
    outcomes = settle(fetch_observations(FetchRequired(kind, payment.id), "found at Stripe"), at=clock.now())
    return any(outcome.effects for outcome in outcomes)


def _count_reconciled[T](reconcile: Callable[[T], bool], items: Sequence[T]) -> SyncResult:
    """Make each agree; one that fails stops no other, a Stripe that is down and the end of the process stop all."""
    result = SyncResult()

    def reconcile_item(item: T) -> None:
        result.changed += reconcile(item)

    for item in items:
        shutdown.raise_if_shutting_down()
        name = str(getattr(item, "public_id", getattr(item, "id", item)))
        if not run_logged(partial(reconcile_item, item), what=name):
            result.failed += (name,)
    return result
