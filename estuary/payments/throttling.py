"""Limits against card testing: requests that try cards are counted, and limited further after many declines in a row.

The counts of users and addresses are in the database, which all processes share. The limits are settings.
https://docs.stripe.com/disputes/prevention/card-testing
"""

from collections.abc import Collection
from datetime import datetime, timedelta
from functools import partial
from math import ceil
from typing import Any, cast

import structlog
from django.conf import settings
from django.db import connection, transaction
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle
from rest_framework.views import APIView

from estuary.common import clock
from estuary.common.api.rates import Rate
from estuary.common.client_ip import client_address
from estuary.common.db.batch_delete import delete_in_batches
from estuary.common.db.transactions import execute_prepared
from estuary.common.errors import TooManyRequests
from estuary.common.observability import metrics
from estuary.payments import outbox
from estuary.payments.models import Decline, RateLimitCounter

# Without another decline.
DECLINES_FORGIVEN_AFTER = timedelta(hours=1)
PAYMENT, SYNC = "payment", "sync"

log = structlog.get_logger(__name__)

# Every statement locks the user before the address, so no two requests deadlock.
COUNT_REQUEST = """
INSERT INTO payments_attempts AS now (name, count, ends_at, declines, forgiven_at, last_decline, came_from)
VALUES {rows}
ON CONFLICT (name) DO UPDATE SET
    count = CASE WHEN now.ends_at <= %(at)s THEN 1 ELSE now.count + 1 END,
    ends_at = CASE WHEN now.ends_at <= %(at)s THEN excluded.ends_at ELSE now.ends_at END,
    came_from = excluded.came_from
RETURNING name, count, ends_at, CASE WHEN forgiven_at > %(at)s THEN declines ELSE 0 END
"""
COUNT_ROW = "(%({kind})s, 1, %(ends_at)s, 0, %(at)s, '', %({kind}_from)s)"

# The user's row may be deleted already: a client secret can be older.
INSERT_DECLINE = """
INSERT INTO payments_attempts AS now (name, count, ends_at, declines, forgiven_at, last_decline, came_from)
SELECT %(name)s, 0, %(at)s, 1, %(forgiven_at)s, %(decline)s, ''{where}
ON CONFLICT (name) DO UPDATE SET
    declines = CASE WHEN now.forgiven_at > %(at)s THEN now.declines + 1 ELSE 1 END,
    forgiven_at = excluded.forgiven_at, last_decline = excluded.last_decline
RETURNING declines, came_from
"""
INSERT_ONCE = """
WITH fresh AS (INSERT INTO payments_decline (name, counted_at) VALUES (%(decline)s, %(at)s)
               ON CONFLICT DO NOTHING RETURNING name)"""
INSERT_DECLINE_ONCE = INSERT_ONCE + INSERT_DECLINE.format(where=" FROM fresh")
INSERT_ADDRESS_DECLINE = INSERT_DECLINE.format(where="")
# Updates only rows with declines, in the order of their names.
CLEAR_DECLINES = """
UPDATE payments_attempts SET declines = 0 WHERE name IN (
    SELECT name FROM payments_attempts WHERE name = ANY(%s) AND declines > 0 ORDER BY name FOR NO KEY UPDATE)
"""


class TooManyDeclines(TooManyRequests):
    code, title = "too_many_declines", "Too many cards were declined"


class Throttle(BaseThrottle):
    """Counts a request of a signed-in user, and of its address."""

    scope: str
    limit_setting: str

    def allow_request(self, request: Request, view: APIView) -> bool:
        """Return True, or raise TooManyRequests or TooManyDeclines."""
        if request.method not in {"GET", "HEAD", "OPTIONS"}:
            address = client_address(request._request, trusted_proxies=settings.TRUSTED_PROXIES or 0)
            limit: Rate = getattr(settings, self.limit_setting)
            count(self.scope, limit, user_id=cast(int, request.user.pk), address=address)
        return True


class PaymentThrottle(Throttle):
    """For endpoints that try cards: payments, and cards saved without one."""

    scope, limit_setting = PAYMENT, "PAYMENT_LIMIT"


class SyncThrottle(Throttle):
    """For the endpoint that fetches an order's payment from Stripe."""

    scope, limit_setting = SYNC, "SYNC_LIMIT"


def count(scope: str, limit: Rate, *, user_id: int, address: str) -> None:
    """Count one request, in one statement; raises TooManyRequests or TooManyDeclines."""
    at = clock.now()
    user, place = f"{scope} user {user_id}", f"{scope} address {address}"
    multiplier_by_name = {user: 1} | ({place: settings.USERS_PER_ADDRESS} if address else {})
    values: dict[str, Any] = {"at": at, "ends_at": at + limit.period, "user": user, "place": place}
    rows = [COUNT_ROW.format(kind=kind) for kind in ("user", "place")[: len(multiplier_by_name)]]
    with connection.cursor() as cursor:
        cursor.execute(
            COUNT_REQUEST.format(rows=", ".join(rows)), values | {"user_from": address, "place_from": ""}
        )
        for name, requests, ends_at, declines in cursor.fetchall():
            _refuse_excess(name, requests, declines, limit, multiplier_by_name[name], wait=ends_at - at)


def _refuse_excess(
    name: str, requests: int, declines: int, limit: Rate, multiplier: int, *, wait: timedelta
) -> None:
    has_declines = declines >= settings.DECLINES_ALLOWED * multiplier
    allowed = settings.PAYMENT_LIMIT_AFTER_DECLINES if has_declines else limit.times
    if requests <= allowed * multiplier:
        return
    refusal = TooManyDeclines if has_declines else TooManyRequests
    metrics.THROTTLED.labels(name.partition(" ")[0], refusal.code).inc()
    retry_after_s = max(ceil(wait.total_seconds()), 1)
    # One log record per period is enough.
    if requests == allowed * multiplier + 1:
        log.warning("throttled", who=name, declines=declines, retry_after_s=retry_after_s)
    advice = f"Please try again in {wait_as_text(retry_after_s)}."
    reason = (
        "Several cards in a row were declined." if has_declines else "That was too often in a short time."
    )
    raise refusal(f"{reason} {advice}", retry_after_s=retry_after_s)


def wait_as_text(seconds: int) -> str:
    """Return how long to wait: seconds up to a minute and a half, minutes up to two hours, then hours."""
    if seconds < 90:
        return "1 second" if seconds == 1 else f"{seconds} seconds"
    if seconds < 2 * 60 * 60:
        return f"{ceil(seconds / 60)} minutes"
    return f"{ceil(seconds / 3600)} hours"


def record_declines(*, declined: Collection[tuple[int, str]], paid: Collection[int] = ()) -> None:
    """After the commit, count declined cards and clear the declines of users whose payment succeeded.

    ``declined`` has pairs of user id and Stripe's id of the failed attempt, so each attempt counts once. A success
    clears the user's declines but not the address's: one good card would otherwise allow many more attempts.
    """
    if declined or paid:
        transaction.on_commit(
            partial(_write_declines, declined, [f"{PAYMENT} user {user}" for user in paid]), robust=True
        )


def _write_declines(declined: Collection[tuple[int, str]], paid: Collection[str]) -> None:
    at = clock.now()
    for user_id, decline in declined:
        _count_decline(user_id, decline, at)
    if paid:
        execute_prepared(CLEAR_DECLINES, [sorted(paid)]).close()


def _count_decline(user_id: int, decline: str, at: datetime) -> None:
    """Count a decline of a user and of its address, in one short statement each, so that no request waits for both.

    With too many declines, everything that the user has open is canceled: a client secret lets any card be tried.
    """
    values: dict[str, Any] = {"at": at, "forgiven_at": at + DECLINES_FORGIVEN_AFTER, "decline": decline[:80]}
    with connection.cursor() as cursor:
        cursor.execute(INSERT_DECLINE_ONCE, values | {"name": f"{PAYMENT} user {user_id}"})
        declines, came_from = cursor.fetchone() or (0, "")
        by_address = 0
        if came_from:
            cursor.execute(INSERT_ADDRESS_DECLINE, values | {"name": f"{PAYMENT} address {came_from}"})
            [(by_address, _)] = cursor.fetchall()
    allowed = settings.DECLINES_ALLOWED
    if declines >= allowed or by_address >= allowed * settings.USERS_PER_ADDRESS:
        log.warning("card_testing_suspected", user=user_id, declines=declines, by_address=by_address)
        outbox.end_open_payments(user_id)


def delete_old_attempts() -> int:
    """Delete counters that no limit needs any more; returns how many."""
    before = clock.now() - timedelta(days=settings.ATTEMPTS_KEPT_DAYS)
    attempts = delete_in_batches(
        RateLimitCounter.objects.filter(ends_at__lte=before, forgiven_at__lte=before)
    )
    return attempts + delete_in_batches(Decline.objects.filter(counted_at__lte=before))
