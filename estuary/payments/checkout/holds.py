"""Who may hold something unpaid: counted for each buyer and each address, and nobody holds longer by asking anew.

A hold is free, so it is rationed: one thing for a newcomer, who has never paid, and several for who has. An order that
replaces another, or comes after one that was canceled, inherits its deadline. Holds that end unpaid are counted, too.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil
from typing import Any

from django.conf import settings
from django.db import connection

from estuary.catalog.models import Service
from estuary.common import clock
from estuary.common.api.errors import Conflict, TooManyRequests
from estuary.common.client_ip import network_site
from estuary.common.db.batch_delete import delete_in_batches
from estuary.common.db.bulk import insert_rows
from estuary.common.db.prepared_queries import build_instance
from estuary.common.observability import metrics
from estuary.orders.creation import item_key
from estuary.orders.models import Order
from estuary.orders.states import LIVE, Status
from estuary.payments.models import Hold

COUNT_PERIOD = timedelta(days=1)
KEEP_FOR = 2 * COUNT_PERIOD  # longer than any count looks back
NETWORKS_PER_SITE = 4  # of IPv6: a household or a server's owner has many networks, and is not many people
SHORTEST_WAIT_S = 60

# From left to right: the buyer before the address, here and everywhere.
LOCK = """
SELECT pg_advisory_xact_lock(hashtextextended(%(my_lock)s, 0)),
       pg_advisory_xact_lock(hashtextextended(%(near_lock)s, 0));
"""
# Locked against an erasure of the practitioner, which takes the service off sale, until the order is committed.
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
    (SELECT count(*) FROM near WHERE address = %(address)s AND status IN ('pending', 'failed')),
    (SELECT count(*) FROM near WHERE status IN ('pending', 'failed')),
    (SELECT min(ends_at) FROM near WHERE status IN ('pending', 'failed')),
    (SELECT count(DISTINCT (user_id, ends_at)) FROM near
     WHERE address = %(address)s AND status = 'canceled' AND created_at > %(day)s),
    (SELECT count(DISTINCT (user_id, ends_at)) FROM near WHERE status = 'canceled' AND created_at > %(day)s),
    (SELECT min(created_at) FROM near WHERE status = 'canceled' AND created_at > %(day)s)
"""


class HoldLimitReached(Conflict):
    """The buyer holds as much as a buyer may; ``order_id`` names what is to be paid or canceled first."""

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
    """New buyers at one address hold as much as they may together."""

    code, title = "address_hold_limit_reached", "Too much is held from your network"

    def __init__(self, *, retry_after_s: int) -> None:
        super().__init__(
            "Several new accounts that use the same internet connection as you hold places without having paid. Pay "
            f"for yours or cancel it, if one is yours; otherwise try again in {_in_words(retry_after_s)}, or from "
            "another connection.",
            retry_after_s=retry_after_s,
        )


class TooManyUnpaidHolds(TooManyRequests):
    """The buyer, or new buyers at one address, let too many holds end unpaid within a day."""

    code, title = "too_many_unpaid_holds", "Too much was held and not paid"

    def __init__(self, *, retry_after_s: int) -> None:
        super().__init__(
            "Too many places were held for you today, or from your internet connection, and not paid for. We can hold "
            f"another one in {_in_words(retry_after_s)}. Credits that cover the whole price need no hold.",
            retry_after_s=retry_after_s,
        )


@dataclass(frozen=True, slots=True)
class HoldCounts:
    """What a buyer holds and has held, and what new buyers near by do: facts, before anything is decided."""

    address: str
    site: str
    has_paid: bool  # for something, ever
    has_open_order_for_item: (
        bool  # an unpaid order for this very thing is there: a double click, or another tab
    )
    deadline: datetime | None  # of what the buyer has canceled of the same practitioner
    live: int
    at_bank: int  # of the live ones: paid as far as the buyer can
    live_orders: list[list[str]] | None  # which these are, as (public id, status), those to be paid first
    lapsed: int  # holds of a day that ended unpaid
    first_lapse: datetime | None
    newcomers_hold: tuple[int, int]  # held by newcomers, at the address and at its site
    newcomers_next_end: datetime | None
    newcomers_lapsed: tuple[int, int]
    newcomers_first_lapse: datetime | None
    service_is_active: bool  # and stays so until the transaction ends


@dataclass(frozen=True, slots=True)
class Allowance:
    """Under what terms a buyer may hold something: no longer than until ``deadline``, when there is one."""

    address: str
    site: str
    newcomer: bool
    deadline: datetime | None


def read_hold_counts(user_id: int, *, service: Service, address: str, at: datetime) -> HoldCounts:
    """Return what the buyer and the newcomers at the address hold, who are counted one at a time from here on.

    An unpaid order for the very ``service`` is about to end: nothing else can be bought under its name.

    Must run inside a transaction, before it locks anything else: its end lets the next one count.
    """
    site = network_site(address)
    values: dict[str, Any] = {"user": user_id, "address": address, "site": site}
    values |= {"service": service.pk, "practitioner": service.practitioner_id, "item": item_key(service, "")}
    values |= _locks(user_id, site) | {"at": at, "day": at - COUNT_PERIOD, "live": [*map(str, sorted(LIVE))]}
    with connection.cursor() as cursor:
        # Three statements sent at once: the others see what was committed until the locks were there.
        cursor.execute(LOCK + LOCK_SERVICE + READ_COUNTS, values)
        cursor.nextset()
        [service_row] = cursor.fetchall()
        cursor.nextset()
        (
            has_paid,
            has_open_order_for_item,
            deadline,
            live,
            at_bank,
            live_orders,
            lapsed,
            first_lapse,
            *newcomers,
        ) = cursor.fetchall()[0]
    at_address, at_site, next_end, lapsed_at_address, lapsed_at_site, newcomers_first_lapse = newcomers
    return HoldCounts(
        address=address,
        site=site,
        has_paid=has_paid,
        has_open_order_for_item=has_open_order_for_item,
        deadline=deadline,
        live=live,
        at_bank=at_bank,
        live_orders=live_orders,
        lapsed=lapsed,
        first_lapse=first_lapse,
        newcomers_hold=(at_address, at_site),
        newcomers_next_end=next_end,
        newcomers_lapsed=(lapsed_at_address, lapsed_at_site),
        newcomers_first_lapse=newcomers_first_lapse,
        service_is_active=service_row[0],
    )


def lock_holds(user_id: int, *, address: str) -> None:
    """Lock what look_at_holds locks, for a transaction that locks orders before it comes to look."""
    with connection.cursor() as cursor:
        cursor.execute(LOCK, _locks(user_id, network_site(address)))


def _locks(user_id: int, site: str) -> dict[str, str]:
    return {"my_lock": f"hold user {user_id}", "near_lock": f"hold site {site or user_id}"}


def allow(counts: HoldCounts, *, at: datetime) -> Allowance:
    """Decide under what terms a buyer may hold one more thing.

    A newcomer holds one thing that is not at a bank yet, and who has paid before five; five in all. Five of a
    newcomer's holds may end unpaid in a day.
    Raises HoldLimitReached, AddressHoldLimitReached or TooManyUnpaidHolds.
    """
    if counts.has_open_order_for_item:
        # The database allows one unpaid order for a thing (order_one_live_per_item): the caller takes that one up.
        return Allowance(counts.address, counts.site, not counts.has_paid, counts.deadline)
    limit = settings.HOLDS_PER_BUYER if counts.has_paid else settings.HOLDS_PER_NEWCOMER
    unpaid = counts.live if counts.has_paid else counts.live - counts.at_bank
    if counts.live_orders and (unpaid >= limit or counts.live >= settings.HOLDS_PER_BUYER):
        order_id, status = counts.live_orders[0]
        raise _count_refusal(HoldLimitReached(order_id, status=status, limit=limit))
    is_new_hold = counts.deadline is None
    if is_new_hold and counts.lapsed >= limit * settings.UNPAID_HOLDS_PER_DAY:
        raise _count_refusal(TooManyUnpaidHolds(retry_after_s=_wait_a_day(counts.first_lapse, at)))
    if not counts.has_paid:
        _check_address(counts, at, is_new_hold=is_new_hold)
    return Allowance(counts.address, counts.site, not counts.has_paid, counts.deadline)


def _check_address(counts: HoldCounts, at: datetime, *, is_new_hold: bool) -> None:
    """Newcomers alone are counted here: an address full of them refuses nobody who has paid before."""
    limit = settings.HOLDS_PER_NEWCOMER * settings.USERS_PER_ADDRESS
    if _is_full(counts.newcomers_hold, limit):
        raise _count_refusal(AddressHoldLimitReached(retry_after_s=_wait(counts.newcomers_next_end, at)))
    if is_new_hold and _is_full(counts.newcomers_lapsed, limit * settings.UNPAID_HOLDS_PER_DAY):
        raise _count_refusal(TooManyUnpaidHolds(retry_after_s=_wait_a_day(counts.newcomers_first_lapse, at)))


def _is_full(counts: tuple[int, int], limit: int) -> bool:
    at_address, at_site = counts
    return at_address >= limit or at_site >= limit * NETWORKS_PER_SITE


def _count_refusal[Refusal: Conflict | TooManyRequests](refusal: Refusal) -> Refusal:
    metrics.THROTTLED.labels("hold", refusal.code).inc()
    return refusal


def _wait_a_day(since: datetime | None, at: datetime) -> int:
    return _wait(since + COUNT_PERIOD if since else None, at)


def _wait(moment: datetime | None, at: datetime) -> int:
    """Return for how many seconds to wait until a moment; what is over is looked after by the worker any minute."""
    return max(ceil((moment - at).total_seconds()), SHORTEST_WAIT_S) if moment else SHORTEST_WAIT_S


def _in_words(seconds: int) -> str:
    if seconds < 2 * 60 * 60:
        minutes = ceil(seconds / 60)
        return "a minute" if minutes == 1 else f"{minutes} minutes"
    return f"{ceil(seconds / 3600)} hours"


def record_hold(order: Order, allowance: Allowance, *, practitioner_id: int, at: datetime) -> None:
    """Write down what an order holds, in the transaction that places it."""
    insert_rows(
        [
            build_instance(
                Hold,
                order_id=order.pk,
                user_id=order.user_id,
                practitioner_id=practitioner_id,
                newcomer=allowance.newcomer,
                address=allowance.address,
                site=allowance.site,
                ends_at=order.expires_at,
                created_at=at,
            )
        ]
    )


def delete_old_holds() -> int:
    """Delete what no count needs any more; returns how many rows. What is still held stays, however old."""
    old = Hold.objects.filter(created_at__lte=clock.now() - KEEP_FOR).exclude(order__status__in=sorted(LIVE))
    return delete_in_batches(old)
