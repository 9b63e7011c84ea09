"""The worker and the mail server: do they answer?"""

from collections.abc import Iterator
from datetime import timedelta

from django.conf import settings
from django.db import connection
from django.utils.timesince import timesince

from estuary.common import clock
from estuary.notifications.mail_server import find_mail_problem
from estuary.payments.checkup.finding import Finding, broken, good, look
from estuary.payments.doctor.liveness import MAIL_WAITING
from estuary.payments.doctor.runner import run_check
from estuary.payments.models import SyncCursor, WebhookEvent

# The worker says every ten seconds that it is alive.
HEARTBEAT_AFTER = timedelta(seconds=60)
UNSETTLED_AFTER = timedelta(seconds=60)
LISTS_AFTER = timedelta(minutes=15)
START_WORKER = "manage.py worker    # under a supervisor that starts it again"
WORKER_DOES = "The worker completes orders, sends refunds and mails, and ends holds."


def check_worker() -> Iterator[Finding]:
    at = clock.now()
    with connection.cursor() as cursor:
        cursor.execute("SELECT max(last_heartbeat) FROM procrastinate_workers")
        heartbeat = cursor.fetchone()[0]
    is_alive = heartbeat is not None and heartbeat > at - HEARTBEAT_AFTER
    if not is_alive:
        last = f"The last sign of one is {timesince(heartbeat, at, depth=1)} old." if heartbeat else ""
        yield broken(
            "worker_silent", f"No worker is running. {last}".strip(), why=WORKER_DOES, cure=START_WORKER
        )
    waiting = WebhookEvent.objects.filter(status=WebhookEvent.Status.PENDING).order_by("due_at", "pk").first()
    if waiting and waiting.received_at < at - UNSETTLED_AFTER:
        age = timesince(waiting.received_at, at, depth=1)
        yield broken(
            "events_unsettled",
            f"An event has waited for {age}: {waiting.stripe_event_id} ({waiting.type}). {waiting.error}".strip(),
            why="Until it is settled, a paid order may not be completed.",
            cure=f"{settings.FRONTEND_URL}/admin/payments/webhookevent/?status__exact=pending",
        )
    oldest = SyncCursor.objects.order_by("looked_at").first()
    read_at = (oldest.looked_at or oldest.looked_until) if oldest else at
    if is_alive and oldest and read_at < at - LISTS_AFTER:
        yield look(
            "lists_not_read",
            f"The worker has not read Stripe's list of {oldest.name} for {timesince(read_at, at, depth=1)}.",
            why="What no event reports is found there.",
            cure="manage.py worker --check    # its log says why; a worker that has just started needs five minutes",
        )
    if is_alive:
        yield good("worker", "A worker is running.")


def check_mail() -> Iterator[Finding]:
    if settings.MAIL_SERVER_NAMED and (problem := find_mail_problem()):
        yield broken(
            "mail_server_silent",
            f"The mail server of EMAIL_URL can't be used: {problem}",
            why="Mails are tried again for three days, and are lost then.",
            cure="export EMAIL_URL=smtp://user:password@host:587/?tls=1    # then start the worker again",
        )
    elif settings.MAIL_SERVER_NAMED:
        yield good("mail_server", "Mails can be sent.")
    if violation := run_check(MAIL_WAITING, at=clock.now()):
        yield look(
            "mail_waiting",
            f"{violation.count} mails have not left: {violation.objects[0][1]}.",
            why="Buyers wait for them.",
            cure=violation.remedy,
        )
    if not settings.STAFF_MAIL and not settings.SANDBOX:
        yield look(
            "no_staff_mail",
            "ESTUARY_STAFF_MAIL is not set.",
            why="Nobody is alerted of money that can't be settled.",
            cure="export ESTUARY_STAFF_MAIL=you@your-shop.example",
        )
