"""The inbox of events: a row is a job, settled with others in one transaction, and alone when that fails."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from operator import attrgetter
from typing import Any

import structlog
from django.conf import settings
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
from estuary.payments.customers.other_payment_methods import (
    OtherPaymentMethodAttached,
    remove_other_payment_method,
)
from estuary.payments.customers.payment_methods import PaymentMethodEvent, fetch_event, sync_method
from estuary.payments.errors import NotAtStripe, NotOwner, StripeBusy, StripeUnavailable
from estuary.payments.event_store import store_event, without_secrets
from estuary.payments.inbox import leases
from estuary.payments.inbox.leases import LEASE
from estuary.payments.models import Dispute, Refund, SetupIntent, StripeCustomer, WebhookEvent
from estuary.payments.settlement import settle
from estuary.payments.settlement.facts import FetchRequired, StripeObservation
from estuary.payments.settlement.fetch import fetch_observations
from estuary.payments.webhooks import CustomerDeleted, ForeignEvent, ParsedEvent, SetupDeclined, read_event

BATCH = 200
MAX_ATTEMPTS = 12
# Failures, of which the fourth is half a minute after the first: what heals by itself has healed.
ALERT_AFTER = 4
FIRST_DELAY_S, LONGEST_DELAY_S = 2, 3600
RETRY_NOTICE = (
    "It is tried again, ever more seldom. Until it is settled, what was paid may not be handed over, or what was"
    " refunded may still count as paid."
)
DOWN_DELAY_S = 30  # how long an event waits for a Stripe that does not answer

FOREIGN_ACCOUNT, FOREIGN, IRRELEVANT = "of another account", "not ours", "no concern of ours"
NO_EFFECT = frozenset({FOREIGN_ACCOUNT, FOREIGN, IRRELEVANT})

Status = WebhookEvent.Status
log = structlog.get_logger(__name__)


class RetriesExhausted(Exception):
    """An event was tried as often as any, and whoever was at it died."""


@dataclass(slots=True)
class Job:
    """One claimed event with what it says, and in the end what it came to."""

    row: WebhookEvent
    event: ParsedEvent | None
    outcome: str = ""
    needs: FetchRequired | None = None


def drain(limit: int = BATCH, *, stopping: Callable[[], bool] = bool) -> int:
    """Settle up to ``limit`` due events, the oldest, together; returns how many were taken up.

    An event over which somebody has died is left for last, and alone: no others are put at risk with it.
    Once it is ``stopping``, events that would be settled alone are given back instead, for another worker to claim.
    """
    try:
        jobs, crashed = _settle_batch(limit)
    except Exception as error:
        failure = error  # and with the transaction its locks are gone
    else:
        for job in jobs:
            if job.needs:
                leases.release_lease(job.row) if stopping() else _fetch(job)
        return len(jobs) + (drain_one(crashed[0].pk, stopping=stopping) if crashed else 0)
    return _settle_one_by_one(claim_event(limit), failure, stopping)


def drain_one(pk: int | None = None, *, stopping: Callable[[], bool] = bool) -> int:
    """Settle one due event alone, this one or the oldest; returns how many there were, one or none.

    Its try is counted before it begins, so that an event over which the process dies is given up in the end.
    """
    rows = claim_event(1, only=pk)
    for row in rows:
        leases.release_lease(row) if stopping() else _settle_single(row)
    return len(rows)


@retry_transaction
def _settle_batch(limit: int) -> tuple[list[Job], list[WebhookEvent]]:
    """Settle due events in one transaction, whose locks on their rows are the claim: workers never wait for them.

    Whoever dies over it has claimed nothing. Only what must be asked of Stripe leaves with a lease. Second, untouched,
    come the events that somebody had begun alone and has died over.
    """
    at = clock.now()
    with transaction.atomic():
        due = _due(limit).fetch(at=at)
        crashed = [row for row in due if leases.is_attempt_started(row)]
        rows = [row for row in due if not leases.is_attempt_started(row)] if crashed else due
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


@bind_log_fields(stripe_events=lambda rows, *_: _event_ids(rows))
def _settle_one_by_one(rows: Sequence[WebhookEvent], failure: Exception, stopping: Callable[[], bool]) -> int:
    """A poison event stands alone; the others settle."""
    log.warning("inbox_batch_failed", events=len(rows), error_type=type(failure).__name__, exc_info=failure)
    for row in rows:
        leases.release_lease(row) if stopping() else _settle_single(row)
    return len(rows)


CLAIM = """
    WITH due AS MATERIALIZED (
      SELECT id FROM payments_webhookevent WHERE status = 'pending' AND due_at <= %(at)s
        AND id = coalesce(%(only)s::bigint, id)
      ORDER BY due_at, id LIMIT %(limit)s FOR NO KEY UPDATE SKIP LOCKED)
    UPDATE payments_webhookevent event SET due_at = %(until)s FROM due WHERE event.id = due.id RETURNING event.*"""


def claim_event(limit: int, *, only: int | None = None) -> list[WebhookEvent]:
    """Take a lease on due events, the oldest or ``only`` one, in one statement; those somebody died over come last."""
    at = clock.now()
    claimed = WebhookEvent.objects.raw(CLAIM, {"at": at, "until": at + LEASE, "limit": limit, "only": only})
    return sorted(claimed, key=lambda row: (leases.is_attempt_started(row), row.pk))


def reset_overlong_delays() -> int:
    """Make events due that a clock which ran ahead has put off for longer than any is; returns how many."""
    at = clock.now()
    longest = at + timedelta(seconds=LONGEST_DELAY_S) + LEASE
    return WebhookEvent.objects.filter(status=Status.PENDING, due_at__gt=longest).update(due_at=at)


def enqueue_events(events: Sequence[dict[str, Any]]) -> int:
    """Put events that were asked of Stripe into the inbox, the oldest first; returns how many had never come."""
    at = clock.now()
    return sum(store_event(without_secrets(event), at) for event in reversed(events))


@bind_log_fields(stripe_events=lambda row: row.stripe_event_id)
def _settle_single(row: WebhookEvent) -> None:
    """Begin a try, which is counted, and settle; nothing, when another worker has it by now."""
    if not leases.start_attempt(row):
        return
    lease = row.due_at
    try:
        _raise_if_exhausted(row)
        job = _settle_claimed(row, lease)
    except Exception as error:
        row.due_at = lease  # a later one was not kept
        _schedule_retry(row, error)
    else:
        if job and job.needs:
            _settle_after_fetch(job)


def _raise_if_exhausted(row: WebhookEvent) -> None:
    if row.attempts > MAX_ATTEMPTS:
        last_error = row.error.removeprefix(leases.ATTEMPT_STARTED)
        raise RetriesExhausted(f"{MAX_ATTEMPTS} tries were begun, and the last did not end. {last_error}")


@retry_transaction
def _settle_claimed(row: WebhookEvent, lease: datetime) -> Job | None:
    """Settle an event that we hold a lease on, until ``lease``; None when it is another worker's by now."""
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
    """Settle events whose rows are locked, and mark them; what needs an object from Stripe is leased until then."""
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
            job.outcome = IRRELEVANT
        case PaymentMethodEvent() as event:
            outcome = sync_method(event)
            if isinstance(outcome, FetchRequired):
                job.needs = outcome
            else:
                job.outcome = outcome
        case OtherPaymentMethodAttached() as attached:
            job.outcome = remove_other_payment_method(attached)
        case SetupDeclined() as declined:
            job.outcome = _record_decline(declined)
        case CustomerDeleted() as customer_id:
            forget_customer(customer_id)
            job.outcome = "customer forgotten"
        case ForeignEvent() as account_id:
            job.outcome = FOREIGN_ACCOUNT
            outbox.alert_staff_hourly(
                "event_of_another_account",
                f"{job.row.stripe_event_id} is of {account_id}: it was recorded and has no effect. In Stripe's "
                "dashboard, let this endpoint have the events of your own account alone",
            )
        case FetchRequired() as needs:
            job.needs = needs


def _record_decline(declined: SetupDeclined) -> str:
    """Count a decline on whose card it was to be: our row of the SetupIntent says so, or its customer does."""
    row = SetupIntent.objects.filter(stripe_setup_intent_id=declined.setup_intent_id).first()
    owner = row or StripeCustomer.objects.filter(stripe_customer_id=declined.customer_id or None).first()
    if owner is None:
        return FOREIGN
    throttling.record_declines(declined=[(owner.user_id, declined.attempt)])
    return "decline counted"


def _mark(jobs: list[Job], at: datetime, *, is_counted: bool) -> None:
    """Note what became of events; the try of one that was begun alone is counted by now."""
    for job in jobs:
        job.row.attempts += not is_counted
        job.row.status = Status.IGNORED if job.outcome in NO_EFFECT else Status.DONE
        job.row.outcome, job.row.error, job.row.settled_at = job.outcome[:200], "", at
    update_rows([job.row for job in jobs], ["status", "attempts", "outcome", "error", "settled_at"])
    observability.count_settled_events([job.row for job in jobs])


def _fetch(job: Job) -> None:
    """Begin a try of an event that its batch could not settle; nothing, when another worker has it by now."""
    if leases.start_attempt(job.row):
        _settle_after_fetch(job)


@bind_log_fields(stripe_events=lambda job: job.row.stripe_event_id)
def _settle_after_fetch(job: Job) -> None:
    """Fetch what an event could not say, outside any transaction, and settle that instead; its try is begun."""
    assert job.needs is not None
    try:
        _raise_if_exhausted(job.row)
        if job.needs.kind == "card":
            _settle_payment_method(job, fetch_event(job.needs.id))
            return
        facts = _fetch_facts(job)
        at = clock.now()
        with transaction.atomic():
            outcomes = settle(facts, at=at)
            summaries = "; ".join(outcome.summary for outcome in outcomes)
            job.outcome = f"fetched: {summaries}" if facts else FOREIGN
            _mark([job], at, is_counted=True)
    except Exception as error:
        _schedule_retry(job.row, error)


def _fetch_facts(job: Job) -> list[StripeObservation]:
    """Fetch what an event needs; nothing for what Stripe does not have for our key and no order of ours was paid by."""
    assert job.needs is not None
    try:
        return fetch_observations(job.needs, f"{job.row.type} {job.row.stripe_event_id}"[:80])
    except NotAtStripe:
        if _is_of_our_order(job.needs.id):
            raise
        return []


def _is_of_our_order(stripe_id: str) -> bool:
    """Whether an id of Stripe's is one that we stored: of a payment, a page or a dispute."""
    of_order = any_id("stripe_payment_intent_id", [stripe_id]) | any_id(
        "stripe_checkout_session_id", [stripe_id]
    )
    return (
        Order.objects.filter(of_order).exists()
        or Refund.objects.filter(any_id("stripe_payment_intent_id", [stripe_id])).exists()
        or Dispute.objects.filter(stripe_dispute_id=stripe_id).exists()
    )


def _settle_payment_method(job: Job, event: PaymentMethodEvent | OtherPaymentMethodAttached | None) -> None:
    with transaction.atomic():
        match event:
            case None:
                job.outcome = FOREIGN
            case PaymentMethodEvent():
                job.outcome = str(sync_method(event))
            case OtherPaymentMethodAttached():
                job.outcome = remove_other_payment_method(event)
        _mark([job], clock.now(), is_counted=True)


def _schedule_retry(row: WebhookEvent, error: Exception) -> None:
    """Try again later, ever later; after MAX_ATTEMPTS the event is dead and staff are told.

    A Stripe that can't be asked is no fault of the event, and is waited for as long as it takes.
    """
    at = clock.now()
    stripe_is_down = isinstance(error, StripeUnavailable | StripeBusy | NotOwner)
    delay_s = DOWN_DELAY_S if stripe_is_down else min(FIRST_DELAY_S * 2**row.attempts, LONGEST_DELAY_S)
    if stripe_is_down:
        row.attempts -= 1
    is_dead = row.attempts >= MAX_ATTEMPTS
    is_failing = not stripe_is_down and row.attempts >= ALERT_AFTER and not row.alerted_at
    changes = {
        "error": redact(f"{type(error).__name__}: {error}")[: leases.ERROR_MAX],
        "due_at": at + timedelta(seconds=delay_s),
        "attempts": row.attempts,
        "status": Status.DEAD if is_dead else Status.PENDING,
        "alerted_at": at if is_failing else row.alerted_at,
    }
    log.error(
        "inbox_event_failed", stripe_event=row.stripe_event_id, type=row.type, dead=is_dead, exc_info=error
    )
    with transaction.atomic():
        if not leases.if_still_leased(row).update(**changes):
            return
        metrics.EVENTS_SETTLED.labels("dead" if is_dead else "put_off").inc()
        if is_dead:
            _alert_of_failing("event_dead", row, str(changes["error"]), "It is not tried again.")
        elif is_failing:
            _alert_of_failing("event_fails", row, str(changes["error"]), RETRY_NOTICE)


def _alert_of_failing(code: str, row: WebhookEvent, error: str, meaning: str) -> None:
    page = f"{settings.FRONTEND_URL}/admin/payments/webhookevent/{row.pk}/change/"
    outbox.alert_staff(
        code,
        f"{row.type} {row.stripe_event_id} failed {row.attempts} times: {error}. {meaning} Remove the cause that the"
        f" error names, then press Replay at {page}",
    )


def replay(rows: Sequence[WebhookEvent]) -> int:
    """Put events back into the queue, whatever became of them; settling them again does no harm."""
    return WebhookEvent.objects.filter(pk__in=[row.pk for row in rows]).update(
        status=Status.PENDING, attempts=0, due_at=clock.now(), error="", alerted_at=None
    )
