"""The inbox: each row is one event of Stripe and one job. Workers settle due events together.

    due events ──► batch: up to 200, one transaction ──────────────► done, or ignored
                     │ the batch fails     │ an event needs an object
                     ▼                     ▼
                   single: each event ──► fetch: the object from Stripe,
                   by itself               outside any transaction; settle ──► done
                     │ fails               │ fails
                     ▼                     ▼
                   retry: due again after 4 s, 8 s, 16 s … 1 h; dead after 12 attempts, and staff are alerted

1. *Batch*: the locks on the rows are the claim, so a process that dies leaves no claim behind.
2. *Single*: a lease is the claim, and the attempt is counted before it starts. One bad event cannot stop the others.
   An event over which a process has died is always settled singly.
3. *Fetch*: the event alone does not decide. Its object is fetched under a lease and settled in place of the event.
4. *Retry*: while Stripe cannot be reached, an event is due again every 30 s and no attempt is counted. While Stripe
   itself fails (5xx), it is due again every two minutes at least, and is never dead.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from operator import attrgetter
from typing import Any

import structlog
from django.db import transaction

from estuary.common import clock
from estuary.common.db.bulk import any_id, update_rows
from estuary.common.db.prepared_queries import Param, PreparedQuery
from estuary.common.db.transactions import retry_transaction
from estuary.common.livemode import is_live
from estuary.common.observability import metrics
from estuary.common.observability.logging import bind_log_fields
from estuary.common.observability.redaction import redact
from estuary.orders.models import Order
from estuary.payments import observability, outbox, throttling
from estuary.payments.customers.customers import forget_customer
from estuary.payments.customers.non_card_removal import (
    OtherPaymentMethodAttached,
    remove_other_payment_method,
)
from estuary.payments.customers.payment_methods import PaymentMethodEvent, fetch_event, sync_method
from estuary.payments.errors import NotAtStripe, NotOwner, StripeBusy, StripeRefused, StripeUnavailable
from estuary.payments.event_store import store_event, without_secrets
from estuary.payments.fraud.notices import FraudNoticeEvent, fetch_notice, sync_notice
from estuary.payments.inbox import alerts, leases
from estuary.payments.inbox.leases import LEASE, claim_events
from estuary.payments.models import Dispute, SetupIntent, StripeCustomer, WebhookEvent
from estuary.payments.settlement import settle, unmatched_refunds
from estuary.payments.settlement.facts import FetchRequired, ObjectKind, StripeObservation
from estuary.payments.settlement.fetch import fetch_observations
from estuary.payments.webhooks import CustomerDeleted, ForeignEvent, ParsedEvent, SetupDeclined, read_event

BATCH = 200
MAX_ATTEMPTS = 12
FIRST_DELAY_S, LONGEST_DELAY_S = 2, 3600
# So many failures inside Stripe are counted: the delay is two minutes then, so events are settled soon afterwards.
COUNTED_FAILURES_OF_STRIPE = 6
# How long an event waits while Stripe cannot be reached.
DOWN_DELAY_S = 30

FOREIGN_ACCOUNT, FOREIGN, IRRELEVANT = "of another account", "not ours", "no concern of ours"
NO_EFFECT = frozenset({FOREIGN_ACCOUNT, FOREIGN, IRRELEVANT})

Status = WebhookEvent.Status
log = structlog.get_logger(__name__)


class RetriesExhausted(Exception):
    """Every attempt at an event was used up, and the process died during the last one."""


@dataclass(slots=True)
class Job:
    """One claimed event: what it says, what must be fetched for it, and its outcome."""

    row: WebhookEvent
    event: ParsedEvent | None
    outcome: str = ""
    needs: FetchRequired | None = None


def drain(limit: int = BATCH, *, stopping: Callable[[], bool] = bool) -> int:
    """Settle up to ``limit`` due events together, the oldest first; return how many were claimed.

    An event over which a process has died comes last and by itself, so that no other event is at risk.
    While ``stopping``, events that would be settled singly are released for another worker instead.
    """
    try:
        jobs, crashed = _settle_batch(limit)
    except Exception as error:
        # The transaction has ended, and its row locks with it.
        failure = error
    else:
        for job in jobs:
            if job.needs and stopping():
                leases.release_lease(job.row)
            elif job.needs and leases.start_attempt(job.row):
                _settle_after_fetch(job)
        return len(jobs) + (drain_one(crashed[0].pk, stopping=stopping) if crashed else 0)
    rows = claim_events(limit)
    log.warning(
        "inbox_batch_failed",
        stripe_events=_event_ids(rows),
        events=len(rows),
        error_type=type(failure).__name__,
        exc_info=failure,
    )
    return _settle_singly(rows, stopping)


def drain_one(pk: int | None = None, *, stopping: Callable[[], bool] = bool) -> int:
    """Settle one due event by itself, ``pk`` or the oldest; return how many were claimed, one or none.

    The attempt is counted before it starts. So an event that kills its process is dead after MAX_ATTEMPTS.
    """
    return _settle_singly(claim_events(1, only=pk), stopping)


@retry_transaction
def _settle_batch(limit: int) -> tuple[list[Job], list[WebhookEvent]]:
    """Settle due events in one transaction, whose row locks are the claim; other workers skip locked rows.

    Return the jobs, of which those that need an object from Stripe have a lease, and the events over which a process
    has died, untouched.
    """
    at = clock.now()
    with transaction.atomic():
        due = _due(limit).fetch(at=at)
        crashed = [row for row in due if row.attempt_started_at]
        rows = [row for row in due if not row.attempt_started_at] if crashed else due
        if not rows:
            return [], crashed
        with metrics.BATCH_SECONDS.time():
            jobs = _settle(rows, at)
        metrics.BATCH_EVENTS.observe(len(rows))
    return jobs, crashed


@cache
def _due(limit: int) -> PreparedQuery[WebhookEvent]:
    due = WebhookEvent.objects.filter(status=Status.PENDING, due_at__lte=Param("at")).order_by("due_at", "pk")
    return PreparedQuery(lambda: due.select_for_update(no_key=True, skip_locked=True)[:limit])


def _settle_singly(rows: Sequence[WebhookEvent], stopping: Callable[[], bool]) -> int:
    for row in rows:
        leases.release_lease(row) if stopping() else _settle_single(row)
    return len(rows)


def reset_overlong_delays() -> int:
    """Make events due whose delay only a clock that ran ahead has set; return how many."""
    at = clock.now()
    longest = at + timedelta(seconds=LONGEST_DELAY_S) + LEASE
    return WebhookEvent.objects.filter(status=Status.PENDING, due_at__gt=longest).update(due_at=at)


def enqueue_events(events: Sequence[dict[str, Any]]) -> int:
    """Store events that were listed from Stripe in the inbox, the oldest first; return how many were new."""
    at = clock.now()
    return sum(store_event(without_secrets(event), at) for event in reversed(events))


@bind_log_fields(stripe_events=lambda row: row.stripe_event_id)
def _settle_single(row: WebhookEvent) -> None:
    """Start an attempt at one event and settle it; do nothing when another worker has claimed it."""
    if not leases.start_attempt(row):
        return
    lease = row.due_at
    try:
        _raise_if_exhausted(row)
        job = _settle_claimed(row, lease)
    except Exception as error:
        # A later lease was rolled back.
        row.due_at = lease
        _schedule_retry(row, error)
    else:
        if job and job.needs:
            _settle_after_fetch(job)


def _raise_if_exhausted(row: WebhookEvent) -> None:
    if row.attempts > MAX_ATTEMPTS:
        raise RetriesExhausted(
            f"All {MAX_ATTEMPTS} attempts were used, and the last one did not end. {row.error}"
        )


@retry_transaction
def _settle_claimed(row: WebhookEvent, lease: datetime) -> Job | None:
    """Settle an event that we hold until ``lease``; return None when another worker has claimed it."""
    at, row.due_at = clock.now(), lease
    with transaction.atomic():
        if not leases.if_still_leased(row).select_for_update(no_key=True).values_list("pk"):
            return None
        [job] = _settle([row], at, is_counted=True)
    return job


def _read(row: WebhookEvent) -> ParsedEvent | None:
    if row.livemode != is_live():
        outbox.alert_staff_hourly(
            "wrong_mode", f"{row.stripe_event_id} is of another mode (test or live); it was ignored"
        )
        return None
    return read_event(row.payload)


@bind_log_fields(stripe_events=lambda rows, *_, **__: _event_ids(rows))
def _settle(rows: Sequence[WebhookEvent], at: datetime, *, is_counted: bool = False) -> list[Job]:
    """Settle events whose rows are locked, and mark them; lease those that need an object from Stripe."""
    jobs = [Job(row, _read(row)) for row in sorted(rows, key=attrgetter("pk"))]
    job_by_event = {id(job.event): job for job in jobs}
    for outcome in settle([job.event for job in jobs if isinstance(job.event, StripeObservation)], at=at):
        job = job_by_event[id(outcome.fact)]
        job.outcome, job.needs = outcome.summary, outcome.needs
    for job in jobs:
        _settle_other(job)
    _mark([job for job in jobs if not job.needs], at, is_counted=is_counted)
    leases.take_lease([job.row for job in jobs if job.needs], at=at)
    return jobs


def _event_ids(rows: Sequence[WebhookEvent]) -> str:
    return " ".join(row.stripe_event_id for row in rows)


def _settle_other(job: Job) -> None:
    match job.event:
        case None:
            # What was fetched is not at Stripe for our key, or the event has no effect here.
            job.outcome = FOREIGN if job.needs else IRRELEVANT
        case PaymentMethodEvent() | FraudNoticeEvent() as event:
            outcome = sync_method(event) if isinstance(event, PaymentMethodEvent) else sync_notice(event)
            if isinstance(outcome, FetchRequired):
                job.needs = outcome
            else:
                job.outcome = outcome
        case OtherPaymentMethodAttached() as attached:
            job.outcome = remove_other_payment_method(attached)
        case SetupDeclined() as declined:
            job.outcome = _record_decline(declined)
        case CustomerDeleted(customer_id):
            forget_customer(customer_id)
            job.outcome = "customer forgotten"
        case ForeignEvent(account_id):
            job.outcome = FOREIGN_ACCOUNT
            outbox.alert_staff_hourly(
                "event_of_another_account",
                f"{job.row.stripe_event_id} is of {account_id}: it was recorded and has no effect. In Stripe's "
                "dashboard, let this endpoint listen to events of your own account only",
            )
        case FetchRequired() as needs:
            job.needs = needs


def _record_decline(declined: SetupDeclined) -> str:
    """Count a decline for the user whose card it was, by our row of the SetupIntent or by its customer."""
    row = SetupIntent.objects.filter(stripe_setup_intent_id=declined.setup_intent_id).first()
    owner = row or StripeCustomer.objects.filter(stripe_customer_id=declined.customer_id or None).first()
    if owner is None:
        return FOREIGN
    throttling.record_declines(declined=[(owner.user_id, declined.attempt)])
    return "decline counted"


def _mark(jobs: list[Job], at: datetime, *, is_counted: bool) -> None:
    """Mark events with their outcome; ``is_counted`` says that the attempt was counted when it started."""
    for job in jobs:
        job.row.attempts += not is_counted
        job.row.status = Status.IGNORED if job.outcome in NO_EFFECT else Status.DONE
        job.row.outcome, job.row.error, job.row.settled_at = job.outcome[:200], "", at
        job.row.attempt_started_at = None
    changed = ["status", "attempts", "outcome", "error", "settled_at", "attempt_started_at"]
    update_rows([job.row for job in jobs], changed)
    observability.count_settled_events([job.row for job in jobs])


@bind_log_fields(stripe_events=lambda job: job.row.stripe_event_id)
def _settle_after_fetch(job: Job) -> None:
    """Fetch the object that an event needs, outside any transaction, and settle it; the attempt has started."""
    assert job.needs is not None
    try:
        _raise_if_exhausted(job.row)
        facts: list[StripeObservation] = []
        job.event = None
        if job.needs.kind == ObjectKind.PAYMENT_METHOD:
            job.event = fetch_event(job.needs.id)
        elif job.needs.kind == ObjectKind.FRAUD_NOTICE:
            with suppress(NotAtStripe):
                job.event, facts = fetch_notice(job.needs.id)
        else:
            facts = _fetch_facts(job.row, job.needs)
        at = clock.now()
        with transaction.atomic():
            if facts:
                summaries = "; ".join(outcome.summary for outcome in settle(facts, at=at))
                job.outcome = f"fetched: {summaries}"
            if job.event or not facts:
                _settle_other(job)
            _mark([job], at, is_counted=True)
    except Exception as error:
        _schedule_retry(job.row, error)


def _fetch_facts(row: WebhookEvent, needs: FetchRequired) -> list[StripeObservation]:
    """Fetch what an event needs; nothing where Stripe does not have it for our key, unless we stored its id."""
    try:
        return fetch_observations(needs, f"{row.type} {row.stripe_event_id}"[:80])
    except NotAtStripe:
        if _is_of_our_order(needs.id):
            raise
        return []


def _is_of_our_order(stripe_id: str) -> bool:
    """Whether we stored an id of Stripe: of a payment, a Checkout page or a dispute."""
    of_payment = any_id("stripe_payment_intent_id", [stripe_id])
    return (
        Order.objects.filter(of_payment | any_id("stripe_checkout_session_id", [stripe_id])).exists()
        or unmatched_refunds([stripe_id]).exists()
        or Dispute.objects.filter(stripe_dispute_id=stripe_id).exists()
    )


def _schedule_retry(row: WebhookEvent, error: Exception) -> None:
    """Make an event due again after a delay that doubles; after MAX_ATTEMPTS the event is dead, and staff are alerted.

    An unreachable Stripe is no fault of the event. Such a failure is not counted. A failure inside Stripe is counted
    until the delay is two minutes, so an outage makes no event dead.
    """
    at = clock.now()
    is_stripe_down = isinstance(error, StripeUnavailable | StripeBusy | NotOwner)
    if is_stripe_down:
        row.attempts -= 1
    elif isinstance(error, StripeRefused):
        row.attempts = min(row.attempts, COUNTED_FAILURES_OF_STRIPE)
    delay_s = DOWN_DELAY_S if is_stripe_down else min(FIRST_DELAY_S * 2**row.attempts, LONGEST_DELAY_S)
    is_dead = row.attempts >= MAX_ATTEMPTS
    changes = {
        "error": redact(f"{type(error).__name__}: {error}")[: leases.ERROR_MAX],
        "due_at": at + timedelta(seconds=delay_s),
        "attempts": row.attempts,
        "attempt_started_at": None,
        "status": Status.DEAD if is_dead else Status.PENDING,
    }
    log.error(
        "inbox_event_failed", stripe_event=row.stripe_event_id, type=row.type, dead=is_dead, exc_info=error
    )
    with transaction.atomic():
        if not leases.if_still_leased(row).update(**changes):
            return
        metrics.EVENTS_SETTLED.labels("dead" if is_dead else "put_off").inc()
        alerts.alert_of_failure(row, error, str(changes["error"]), is_dead=is_dead)


def replay(rows: Sequence[WebhookEvent]) -> int:
    """Put events back into the queue, whatever their outcome was; settling an event twice is safe."""
    return WebhookEvent.objects.filter(pk__in=[row.pk for row in rows]).update(
        status=Status.PENDING,
        attempts=0,
        attempt_started_at=None,
        due_at=clock.now(),
        error="",
        alerted_at=None,
    )
