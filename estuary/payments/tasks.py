"""The worker's jobs (procrastinate): each calls one function, and each can safely run again."""

import functools
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import structlog
from procrastinate import BaseRetryStrategy, JobContext, RetryDecision
from procrastinate.contrib.django import app
from procrastinate.jobs import Job, Status

from estuary.accounts import account_mails
from estuary.accounts.models import User
from estuary.bookings import fulfilment
from estuary.common import clock, ids
from estuary.common.observability import metrics
from estuary.common.process import shutdown
from estuary.notifications import order_mail_texts, staff_alerts
from estuary.orders.models import Order
from estuary.payments import client, guest_messages, idempotency, outbox, retention, throttling
from estuary.payments import order_mails as mails
from estuary.payments.checkout import cancel_order, holds
from estuary.payments.customers import customer_updates, payment_methods, setup_intents
from estuary.payments.dates import carry_out, held_back
from estuary.payments.errors import NotOwner, run_all
from estuary.payments.gateway import ownership
from estuary.payments.hooks import delivery
from estuary.payments.inbox import processor
from estuary.payments.mailing import booking_mails, due
from estuary.payments.reconciliation import customers, disputes, overdue, stripe_lists
from estuary.payments.refunds import request_refund as refunds
from estuary.payments.refusals import daily_counts


class CappedRetry(BaseRetryStrategy):
    """Retries a job after 3, 9, 27, 81, 243 seconds and then every ten minutes.

    However long Stripe or the mail server was away, the job runs within ten minutes after its return.
    """

    LONGEST_S = 600

    def __init__(self, attempts: int) -> None:
        self.attempts = attempts

    def get_retry_decision(self, *, exception: BaseException, job: Job) -> RetryDecision | None:
        if job.attempts >= self.attempts:
            return None
        return RetryDecision(retry_in={"seconds": min(3 ** min(job.attempts + 1, 9), self.LONGEST_S)})


# For three hours. What a call to Stripe was for is found by reconciliation after that.
RETRY = CappedRetry(attempts=20)
# For three days.
MAIL_RETRY = CappedRetry(attempts=3 * 24 * 6)

log = structlog.get_logger(__name__)


@app.task(name="payments.send_refund", retry=RETRY)
def send_refund(refund_id: int) -> None:
    # The row waits for the owner of the Stripe account.
    with suppress(NotOwner):
        refunds.send_refund(refund_id)


@app.task(name="payments.detach_card", retry=RETRY)
def detach_card(payment_method_id: str) -> None:
    with suppress(NotOwner):
        payment_methods.detach_at_stripe(payment_method_id)


@app.task(name="payments.update_customer", retry=RETRY)
def update_customer(user_id: int) -> None:
    with suppress(NotOwner):
        customer_updates.update_customer(user_id)


@app.task(name="payments.send_account_mail", retry=MAIL_RETRY)
def send_account_mail(
    template: str, email: str, user_id: int | None, details: dict[str, str] | None = None
) -> None:
    """Write to somebody about an account: confirm an address, set a new password, or report a change."""
    if mail := account_mails.write_mail(template, email, user_id, details):
        mail.send()


@app.task(name="payments.send_mail", retry=MAIL_RETRY)
def send_mail(order_id: int, template: str, key: str = "") -> None:
    mails.send_order_mail(
        Order.objects.select_related("user").get(pk=order_id),
        order_mail_texts.OrderMail(template),
        # Without a key: enqueued by the release before.
        key or ids.mail_key(),
    )


@app.task(name="payments.send_mails", retry=MAIL_RETRY)
def send_mails(wanted: list[dict[str, Any]]) -> None:
    """Send the mails of one transaction; each that fails gets a job of its own."""
    outbox.send_each_mail(mails.send_order_mails(wanted))


@app.task(name="payments.send_booking_mail", retry=MAIL_RETRY)
def send_booking_mail(mail_id: int) -> None:
    booking_mails.send_booking_mail(mail_id)


@app.task(name="payments.send_scheduled", retry=MAIL_RETRY)
def send_scheduled(booking_id: int, reservation_id: int | None = None) -> None:
    # Without a reservation: enqueued by the release before.
    booking_mails.send_scheduled(booking_id, reservation_id)


@app.task(name="payments.send_method_removed", retry=MAIL_RETRY)
def send_method_removed(user_id: int, last4: str) -> None:
    mails.send_method_removed(User.objects.get(pk=user_id), last4)


@app.task(name="payments.alert_staff", retry=MAIL_RETRY)
def alert_staff(code: str, text: str) -> None:
    staff_alerts.send_staff_alert(code, text)


# Behind every other job, the older ones too: a receiver that waits for an absent server delays no refund and no mail.
@app.task(name="payments.call_receiver", retry=MAIL_RETRY, priority=-1)
def call_receiver(signal: str, receiver: str, pk: int, order_id: int) -> None:
    """Call one receiver of a signal; ``order_id`` says whose job it is, for the erasure of a person."""
    delivery.deliver(signal, receiver, pk)


@app.task(name="payments.carry_out_date_change", retry=RETRY)
def carry_out_date_change(change_id: int) -> None:
    with suppress(NotOwner):
        carry_out.carry_out(change_id)


@app.task(name="payments.end_open_payments", retry=RETRY)
def end_open_payments(user_id: int, cause: str = "too many cards were declined") -> None:
    with suppress(NotOwner):
        run_all(
            lambda: setup_intents.end_setup_intents_of(user_id),
            lambda: cancel_order.close_open_orders(user_id, cause=cause),
        )


def periodic(cron: str) -> Callable[[Callable[[int], None]], Any]:
    """Run a function on a schedule, on one worker at a time; ``cron`` has seconds as its last field.

    While a run is queued or running, no second one is enqueued. A failed run is logged and not retried: the next run
    does its work.
    """

    def register(action: Callable[[int], None]) -> Any:
        name = action.__name__

        @functools.wraps(action)
        def run(timestamp: int) -> None:
            try:
                action(timestamp)
            except shutdown.ShuttingDown:
                log.info("periodic_job_stopped", job=name)
            except Exception:
                metrics.JOBS_FAILED.labels(name).inc()
                log.exception("periodic_job_failed", job=name)

        task = app.task(name=f"payments.{name}", queueing_lock=name, lock=name)(run)
        return app.periodic(cron=cron)(task)

    return register


@app.periodic(cron="* * * * * */30")
@app.task(name="payments.revive_stalled_jobs", pass_context=True)
async def revive_stalled_jobs(context: JobContext, timestamp: int) -> None:
    """Retry the jobs of a worker that died, and free their locks.

    A periodic job is dropped instead, because the next run does its work. Source: procrastinate's "Retry stalled
    jobs".
    """
    jobs = context.app.job_manager
    for job in await jobs.get_stalled_jobs():
        log.warning("job_stalled", task=job.task_name, job=job.id)
        if job.queueing_lock and job.id is not None:
            await jobs.finish_job_by_id_async(job.id, status=Status.FAILED, delete_job=True)
        else:
            await jobs.retry_job(job)


@periodic("* * * * * */10")
def expire_orders(timestamp: int) -> None:
    run_all(
        overdue.expire_orders,
        overdue.end_unanswered_orders,
        overdue.close_open_payments,
        overdue.end_setup_intents,
    )


@periodic("* * * * *")
def sweep_minute(timestamp: int) -> None:
    run_all(
        overdue.send_unsent_refunds,
        overdue.detach_removed_payment_methods,
        overdue.update_changed_customers,
        overdue.carry_out_date_changes,
        held_back.refund_held_back,
        processor.reset_overlong_delays,
    )


@periodic("*/2 * * * *")
def enqueue_due_mails(timestamp: int) -> None:
    run_all(due.remind, due.ask_to_confirm, due.warn_of_lapse)


@periodic("7 9 * * *")
def warn_of_expiring_cards(timestamp: int) -> None:
    due.warn_of_expiring_cards()


@periodic("*/15 * * * *")
def close_past_bookings(timestamp: int) -> None:
    fulfilment.close_past(at=clock.now())


@periodic("*/5 * * * *")
def ask_stripe(timestamp: int) -> None:
    run_all(
        lambda: ownership.raise_owner_count(client.owner_product_client()),
        overdue.sync_open_orders,
        overdue.sync_pending_refunds,
        stripe_lists.sync_all_lists,
        disputes.sync_new_disputes,
        disputes.sync_open_disputes,
        customers.check_saved_payment_methods,
    )


@periodic("17 3 * * *")
def ask_stripe_far_back(timestamp: int) -> None:
    run_all(
        customer_updates.record_missed_changes,
        stripe_lists.sync_changed_refunds,
        disputes.sync_changed_disputes,
    )


@periodic("27 3 * * *")
def forget_old_keys(timestamp: int) -> None:
    idempotency.delete_old_keys()


@periodic("37 3 * * *")
def forget_old_attempts(timestamp: int) -> None:
    throttling.delete_old_attempts()
    holds.delete_old_holds()


@periodic("47 3 * * *")
def forget_old_events(timestamp: int) -> None:
    run_all(retention.delete_old_events, retention.delete_dead_events, daily_counts.delete_old_refusals)


@periodic("57 3 * * *")
def forget_old_sessions(timestamp: int) -> None:
    retention.delete_old_sessions()


@periodic("7 4 * * *")
def forget_unsent_account_mails(timestamp: int) -> None:
    retention.delete_unsent_account_mails()


@periodic("17 4 * * *")
def forget_old_setup_intents(timestamp: int) -> None:
    setup_intents.delete_old_setup_intents()


@periodic("27 4 * * *")
def forget_failed_jobs(timestamp: int) -> None:
    retention.delete_failed_jobs()


@periodic("47 4 * * *")
def forget_old_mails(timestamp: int) -> None:
    retention.delete_old_mails()
    guest_messages.delete_old_messages()


@periodic("37 * * * *")
def forget_expired_cache(timestamp: int) -> None:
    retention.delete_expired_cache()
