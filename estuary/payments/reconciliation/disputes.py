"""Disputes without an event are found in Stripe's list, and open disputes are fetched until they are decided."""

from datetime import datetime, timedelta

from estuary.common import clock
from estuary.common.db.bulk import any_id
from estuary.common.db.prepared_queries import Param
from estuary.orders.models import Order
from estuary.payments import client
from estuary.payments.models import Dispute
from estuary.payments.reconciliation.overdue import SYNC_AFTER
from estuary.payments.reconciliation.retry import DueQuery, process_due
from estuary.payments.reconciliation.stripe_lists import SyncResult, count_reconciled, sync_list
from estuary.payments.settlement import unmatched_refunds
from estuary.payments.settlement.facts import ObjectKind
from estuary.payments.settlement.sync import fetch_and_settle
from estuary.payments.stripe_objects import StripeDispute

# Most banks give a buyer 120 days, and a decision takes up to three months:
# https://docs.stripe.com/disputes/how-disputes-work
DISPUTE_LOOKBACK = timedelta(days=120)

OPEN_DISPUTES = DueQuery(
    lambda: Dispute.objects.filter(closed_at=None, opened_at__lte=Param("before")),
    since="opened_at",
    again="next_fetch_at",
)


def sync_new_disputes() -> int:
    """Settle disputes opened at Stripe since the cursor, with some overlap; returns how many."""
    return sync_list("disputes", _settle_since, lookback=DISPUTE_LOOKBACK)


def sync_changed_disputes() -> int:
    """Settle disputes of the last months that differ here: a bank may reopen a closed dispute."""
    return _settle_since(clock.now() - DISPUTE_LOOKBACK).changed


def sync_open_disputes() -> int:
    """Fetch open disputes from Stripe, in case the event of their decision was lost."""
    return process_due(
        OPEN_DISPUTES,
        lambda dispute: sync_dispute(dispute.stripe_dispute_id),
        before=clock.now() - SYNC_AFTER,
    )


def sync_dispute(dispute_id: str) -> None:
    fetch_and_settle(ObjectKind.DISPUTE, dispute_id, "asked of Stripe")


def _settle_since(moment: datetime) -> SyncResult:
    disputes = client.disputes_since(moment)
    status_by_id = dict(
        Dispute.objects.filter(stripe_dispute_id__in=[dispute.id for dispute in disputes]).values_list(
            "stripe_dispute_id", "status"
        )
    )
    changed = [dispute for dispute in disputes if status_by_id.get(dispute.id) != dispute.status]
    own_payments = _own_payments(changed)
    return count_reconciled(_settle, [dispute for dispute in changed if dispute.intent_id in own_payments])


def _settle(dispute: StripeDispute) -> bool:
    sync_dispute(dispute.id)
    return True


def _own_payments(disputes: list[StripeDispute]) -> set[str]:
    """Return the disputed payments that we have: of an order, or an unmatched one that was refunded."""
    ids = {dispute.intent_id for dispute in disputes} - {""}
    field = "stripe_payment_intent_id"
    orders, refunds = Order.objects.filter(any_id(field, ids)), unmatched_refunds(ids)
    return {*orders.values_list(field, flat=True), *refunds.values_list(field, flat=True)}
