"""Holds: how many unpaid orders a buyer and an address may have, and for how long.

A hold costs the buyer nothing, so holds are limited, and those that end unpaid are counted as well. Ordering again
never extends a hold: an order that replaces another, or follows a canceled one, inherits its deadline.

The numbers are settings; a service may have a hold of its own length.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil
from typing import Any

from django.conf import settings
from django.db import connection

from estuary.catalog.models import Service
from estuary.common import clock
from estuary.common.client_ip import network_site
from estuary.common.db.batch_delete import delete_in_batches
from estuary.common.db.bulk import insert_rows
from estuary.common.db.prepared_queries import build_instance
from estuary.common.errors import Conflict, TooManyRequests
from estuary.common.observability import metrics
from estuary.orders.models import Order
from estuary.orders.place_order import Line, item_key
from estuary.orders.states import LIVE, Status
from estuary.payments.models import Hold
from estuary.payments.throttling import wait_as_text

COUNT_PERIOD = timedelta(days=1)
# No count reaches back further.
KEEP_FOR = 2 * COUNT_PERIOD
# Of IPv6. One household, or one owner of servers, has many networks.
NETWORKS_PER_SITE = 4
SHORTEST_WAIT_S = 60

# Every statement locks the buyer before the address, so no two requests deadlock.
LOCK = """
SELECT pg_advisory_xact_lock(hashtextextended(%(my_lock)s, 0)),
       pg_advisory_xact_lock(hashtextextended(%(near_lock)s, 0));
"""
# An erasure of the practitioner takes the service off sale; this lock makes the erasure wait until the order commits.
LOCK_SERVICE = "SELECT active FROM catalog_service WHERE id = %(service)s FOR KEY SHARE;"
READ_COUNTS = """
WITH mine AS (
    SELECT hold.ends_at, hold.practitioner_id, hold.created_at, placed.status, placed.public_id, placed.item_key
    FROM payments_hold hold JOIN orders_order placed ON placed.id = hold.order_id
    WHERE hold.user_id = %(user)s
), near AS (
    SELECT hold.user_id, hold.address, hold.ends_at, hold.created_at, placed.status
    FROM payments_hold hold JOIN orders_order placed ON placed.id = hold.order_id
    WHERE hold.site = %(site)s AND hold.site <> '' AND hold.newcomer
)
SELECT
    EXISTS (SELECT FROM orders_order WHERE user_id = %(user)s
            AND status IN ('completed', 'partially_refunded') AND completed_at IS NOT NULL),
    EXISTS (SELECT FROM mine WHERE status IN ('pending', 'failed') AND item_key = %(item)s),
    (SELECT min(ends_at) FROM mine WHERE ends_at > %(at)s
     AND ((status = 'canceled' AND practitioner_id = %(practitioner)s)
          OR (status IN ('pending', 'failed') AND item_key = %(item)s))),
    (SELECT count(*) FROM mine WHERE status = ANY(%(live)s)),
    (SELECT count(*) FROM mine WHERE status = 'processing'),
    (SELECT array_agg(ARRAY[public_id, status] ORDER BY status = 'processing', created_at) FROM mine
     WHERE status = ANY(%(live)s)),
    (SELECT count(DISTINCT ends_at) FROM mine WHERE status = 'canceled' AND created_at > %(day)s),
    (SELECT min(created_at) FROM mine WHERE status = 'canceled' AND created_at > %(day)s),
    (SELECT ARRAY[count(*) FILTER (WHERE address = %(address)s), count(*)] FROM near
     WHERE status IN ('pending', 'failed')),
    (SELECT min(ends_at) FROM near WHERE status IN ('pending', 'failed')),
    (SELECT ARRAY[count(DISTINCT (user_id, ends_at)) FILTER (WHERE address = %(address)s),
                  count(DISTINCT (user_id, ends_at))]
     FROM near WHERE status = 'canceled' AND created_at > %(day)s),
    (SELECT min(created_at) FROM near WHERE status = 'canceled' AND created_at > %(day)s)
"""


class HoldLimitReached(Conflict):
    """The buyer has as many holds as allowed; ``order_id`` names the order to pay or cancel first."""

    code, title = "hold_limit_reached", "You hold something else already"

    def __init__(self, order_id: str, *, status: str, limit: int) -> None:
        until = (
            "until you have paid for the first time" if limit <= settings.HOLDS_PER_NEWCOMER else "at a time"
        )
        things = "one order" if limit == 1 else f"{limit} orders"
        first = (
            f"Your bank is still working on the payment of your order {order_id}. We will write to you when it is "
            "through; book this then."
            if status == Status.PROCESSING
            else f"Your order {order_id} is not paid yet. Pay for it, or cancel it, and then book this."
        )
        super().__init__(f"{first} We keep places for {things} {until}.", order_id=order_id)


class AddressHoldLimitReached(TooManyRequests):
    """New buyers at one address together have as many holds as allowed."""

    code, title = "address_hold_limit_reached", "Too much is held from your network"

    def __init__(self, *, retry_after_s: int) -> None:
        super().__init__(
            "Several new accounts that use the same internet connection as you hold places without having paid. Pay "
            f"for yours or cancel it, if one is yours; otherwise try again in {wait_as_text(retry_after_s)}, or from "
            "another connection.",
            retry_after_s=retry_after_s,
        )


class TooManyUnpaidHolds(TooManyRequests):
    """The buyer, or new buyers at one address, let too many holds end unpaid within a day."""

    code, title = "too_many_unpaid_holds", "Too much was held and not paid"

    def __init__(self, *, retry_after_s: int) -> None:
        super().__init__(
            "Too many places were held for you today, or from your internet connection, and not paid for. We can hold "
            f"another one in {wait_as_text(retry_after_s)}. Credits that cover the whole price need no hold.",
            retry_after_s=retry_after_s,
        )


@dataclass(frozen=True, slots=True)
class HoldCounts:
    """The holds of a buyer, and of new buyers at the same address, before anything is decided.

    The fields from ``has_paid`` on are the columns of READ_COUNTS. ``newcomers_hold`` and ``newcomers_lapsed`` are
    pairs: at the address, and at its site. ``lapsed`` holds ended unpaid within the last day.
    """

    address: str
    site: str
    # The row is locked, so this holds until the transaction ends.
    service_is_active: bool
    has_paid: bool
    # An unpaid order for the same item exists: a double click, or another tab.
    has_open_order_for_item: bool
    # The hold ends then at the latest: that of the order that it replaces, or of a canceled one with the practitioner.
    deadline: datetime | None
    live: int
    # Those of ``live`` that wait for a bank: the buyer can do nothing more.
    at_bank: int
    # The live orders as (public id, status), those to be paid first.
    live_orders: list[list[str]] | None
    lapsed: int
    first_lapse: datetime | None
    newcomers_hold: list[int]
    newcomers_next_end: datetime | None
    newcomers_lapsed: list[int]
    newcomers_first_lapse: datetime | None


def read_hold_counts(user_id: int, *, service: Service, address: str, at: datetime) -> HoldCounts:
    """Lock and count the holds of the buyer and of new buyers at the address.

    Requests of the same buyer or site are counted one at a time: the locks last until the transaction ends. Call it
    inside a transaction, before anything else is locked.
    """
    site = network_site(address)
    values: dict[str, Any] = {"user": user_id, "address": address, "site": site}
    values |= {"service": service.pk, "practitioner": service.practitioner_id, "item": item_key(service, "")}
    values |= _locks(user_id, site) | {"at": at, "day": at - COUNT_PERIOD, "live": [*map(str, sorted(LIVE))]}
    with connection.cursor() as cursor:
        # Three statements in one round trip. The counts see everything committed before the locks were granted.
        cursor.execute(LOCK + LOCK_SERVICE + READ_COUNTS, values)
        cursor.nextset()
        [[is_active]] = cursor.fetchall()
        cursor.nextset()
        [counts] = cursor.fetchall()
    return HoldCounts(address, site, is_active, *counts)


def lock_holds(user_id: int, *, address: str) -> None:
    """Take the locks of ``read_hold_counts``, for a transaction that locks orders before it counts."""
    with connection.cursor() as cursor:
        cursor.execute(LOCK, _locks(user_id, network_site(address)))


def _locks(user_id: int, site: str) -> dict[str, str]:
    return {"my_lock": f"hold user {user_id}", "near_lock": f"hold site {site or user_id}"}


def check_limits(counts: HoldCounts, *, at: datetime) -> None:
    """Refuse a buyer who may not hold one more order.

    A buyer who has never paid may have one order that is not at a bank, and five in all; five of them may end unpaid
    within a day. A buyer who has paid may have five. Raises HoldLimitReached, AddressHoldLimitReached or
    TooManyUnpaidHolds.
    """
    if counts.has_open_order_for_item:
        # The database allows one unpaid order per item (order_one_live_per_item), which the caller resumes.
        return
    limit = settings.HOLDS_PER_BUYER if counts.has_paid else settings.HOLDS_PER_NEWCOMER
    unpaid = counts.live if counts.has_paid else counts.live - counts.at_bank
    if counts.live_orders and (unpaid >= limit or counts.live >= settings.HOLDS_PER_BUYER):
        order_id, status = counts.live_orders[0]
        raise _count_refusal(HoldLimitReached(order_id, status=status, limit=limit))
    is_new_hold = counts.deadline is None
    if is_new_hold and counts.lapsed >= limit * settings.UNPAID_HOLDS_PER_DAY:
        raise _count_refusal(TooManyUnpaidHolds(retry_after_s=_wait_a_day(counts.first_lapse, at)))
    if not counts.has_paid:
        _check_ip_address(counts, at, is_new_hold=is_new_hold)


def _check_ip_address(counts: HoldCounts, at: datetime, *, is_new_hold: bool) -> None:
    """Count only buyers who have never paid: an address full of them refuses nobody who has paid."""
    limit = settings.HOLDS_PER_NEWCOMER * settings.USERS_PER_ADDRESS
    if _is_full(counts.newcomers_hold, limit):
        raise _count_refusal(AddressHoldLimitReached(retry_after_s=_wait(counts.newcomers_next_end, at)))
    if is_new_hold and _is_full(counts.newcomers_lapsed, limit * settings.UNPAID_HOLDS_PER_DAY):
        raise _count_refusal(TooManyUnpaidHolds(retry_after_s=_wait_a_day(counts.newcomers_first_lapse, at)))


def _is_full(counts: list[int], limit: int) -> bool:
    at_address, at_site = counts
    return at_address >= limit or at_site >= limit * NETWORKS_PER_SITE


def _count_refusal[Refusal: Conflict | TooManyRequests](refusal: Refusal) -> Refusal:
    metrics.THROTTLED.labels("hold", refusal.code).inc()
    return refusal


def _wait_a_day(since: datetime | None, at: datetime) -> int:
    return _wait(since + COUNT_PERIOD if since else None, at)


def _wait(moment: datetime | None, at: datetime) -> int:
    """Return the seconds until ``moment``, at least a minute: the worker releases expired holds within a minute."""
    return max(ceil((moment - at).total_seconds()), SHORTEST_WAIT_S) if moment else SHORTEST_WAIT_S


def record_hold(order: Order, counts: HoldCounts, *, practitioner_id: int, at: datetime) -> None:
    """Record what an order holds, in the transaction that creates the order."""
    insert_rows(
        [
            build_instance(
                Hold,
                order_id=order.pk,
                user_id=order.user_id,
                practitioner_id=practitioner_id,
                newcomer=not counts.has_paid,
                address=counts.address,
                site=counts.site,
                ends_at=order.expires_at,
                created_at=at,
            )
        ]
    )


def hold_ends_at(
    service: Service | None, lines: Sequence[Line], held: HoldCounts | None, *, at: datetime
) -> datetime:
    """Return when an unpaid order expires: no later than the order it replaces, nor than its first session starts."""
    hold = timedelta(seconds=service.hold_s) if service and service.hold_s else settings.HOLD
    deadlines = [at + hold, *(line.starts_at for line in lines if line.starts_at)]
    if held and held.deadline:
        deadlines.append(held.deadline)
    return min(deadlines)


def delete_old_holds() -> int:
    """Delete holds that no count needs any more; returns how many. Holds of live orders stay."""
    old = Hold.objects.filter(created_at__lte=clock.now() - KEEP_FOR).exclude(order__status__in=sorted(LIVE))
    return delete_in_batches(old)
