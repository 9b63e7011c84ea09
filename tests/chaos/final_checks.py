"""Whether all is healed, and whether the books are true."""

import subprocess
from datetime import timedelta
from typing import Any

from django.db import connection
from procrastinate.exceptions import AlreadyEnqueued

from demo.servers import PYTHON
from estuary.common import clock
from estuary.config.environment import BASE_DIR
from estuary.payments import tasks
from estuary.payments.doctor import GRACE, RULES, Violation, run_checks
from estuary.payments.doctor.stripe_comparison import compare
from estuary.payments.reconciliation import disputes, overdue, stripe_lists
from tests.simulation.oracle.liveness import LASTING

SINCE = timedelta(days=1)
OF_THE_MOMENT = "worker_silent"  # the worker looks every few minutes: without a grace it is always late
WAITING = {
    "events": "SELECT count(*) FROM payments_webhookevent WHERE status = 'pending'",
    "unpaid orders": "SELECT count(*) FROM orders_order WHERE status IN ('pending', 'failed', 'processing')",
    "jobs": "SELECT count(*) FROM procrastinate_jobs WHERE status IN ('todo', 'doing') AND queueing_lock IS NULL"
    " AND task_name NOT LIKE '%%revive_stalled_jobs'",
    "refunds": "SELECT count(*) FROM payments_refund r JOIN orders_order o ON o.id = r.order_id"
    " WHERE r.status IN ('requested', 'pending') AND NOT o.disputed",
}
FAILED_JOBS = "SELECT task_name || ' ' || args FROM procrastinate_jobs WHERE status = 'failed'"

type Picture = dict[str, list[tuple[Any, ...]]]


def waiting() -> dict[str, int]:
    """Return how many of what are still on their way; nothing at all when all has come to its end."""
    with connection.cursor() as cursor:
        counts = {}
        for what, query in WAITING.items():
            cursor.execute(query.replace("%%", "%"))
            if count := int(cursor.fetchone()[0]):
                counts[what] = count
    return counts


def breaches() -> list[Violation]:
    """Ask the doctor here and at Stripe as if its grace were over for everything, the youngest too."""
    at = clock.now()
    rules = [rule for rule in RULES if rule.code != OF_THE_MOMENT]
    return run_checks(rules, at=at + GRACE).violations or compare(since=at - SINCE, at=at + GRACE)


def describe_breach(breach: Violation) -> str:
    shown = "; ".join(f"{name}: {wrong}" for name, wrong in breach.objects[:5])
    return f"{breach.code}, {breach.count} of them. {breach.sentence} {shown}"


def nudge() -> None:
    """Let the worker ask Stripe now, not at the next fifth minute."""
    for task in (tasks.ask_stripe, tasks.sweep_minute):
        try:
            task.defer(timestamp=0)
        except AlreadyEnqueued:
            continue


def failed_jobs() -> list[str]:
    """Return the jobs that were given up."""
    with connection.cursor() as cursor:
        cursor.execute(FAILED_JOBS)
        return [f"a job was given up: {row[0]}" for row in cursor.fetchall()]


def look_at_stripe() -> None:
    """Ask Stripe about everything, as the worker does every five minutes: some events never come."""
    overdue.sync_open_orders()
    overdue.sync_pending_refunds()
    stripe_lists.sync_all_lists()
    disputes.sync_new_disputes()
    disputes.sync_open_disputes()


def what_a_second_look_changes() -> list[str]:
    """Ask Stripe about everything once more, and return the tables in which that changed what lasts."""
    before = _picture()
    look_at_stripe()
    after = _picture()
    return [f"a second look at Stripe changed {table}" for table in LASTING if before[table] != after[table]]


def _picture() -> Picture:
    with connection.cursor() as cursor:
        picture = {}
        for table, columns in LASTING.items():
            cursor.execute(f"SELECT {columns} FROM {table} ORDER BY id")  # noqa: S608 (our own names)
            picture[table] = cursor.fetchall()
        return picture


def ask_the_doctor(env: dict[str, str]) -> tuple[bool, str]:
    """Run ``manage.py doctor --stripe`` as a person does; returns whether it found nothing, and what it said."""
    process = subprocess.run(
        [PYTHON, "manage.py", "doctor", "--stripe"],
        env=env, cwd=BASE_DIR, capture_output=True, text=True, check=False,
    )  # fmt: skip
    return process.returncode == 0, (process.stdout or process.stderr).strip()
