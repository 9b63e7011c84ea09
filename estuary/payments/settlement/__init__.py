"""``settle``: the one idempotent verb that makes our orders agree with Stripe's payments.

1. Load the orders that the facts name, locked and in id order, with their rows.
2. Decide: pure rules turn an order's state and one fact into effects.
3. Apply all effects in bulk, in the same transaction.

One code path for one fact and for two hundred. Each round settles one fact of each order.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Q, QuerySet

from estuary.bookings.models import Booking, Reservation
from estuary.common.db.bulk import AnyOf, any_id, set_prefetched
from estuary.common.db.prepared_queries import Param, PreparedQuery
from estuary.common.db.transactions import pipeline, retry_transaction
from estuary.notifications import staff_alerts
from estuary.orders.models import Order, OrderLine, OrderType
from estuary.payments import throttling
from estuary.payments.models import DateChangeRow, Dispute, Refund
from estuary.payments.settlement.apply import apply_effects
from estuary.payments.settlement.effects import RecordCapture
from estuary.payments.settlement.facts import FetchRequired, StripeObservation
from estuary.payments.settlement.rules import decide
from estuary.payments.settlement.rules.unmatched import DISPUTE_CREATED_EVENT
from estuary.payments.settlement.state import Effect, RecordDecline, state_of
from estuary.payments.stripe_objects import Charge, CheckoutSession, Intent, StripeDispute, StripeRefund

# The cause of a fact from an event of a payment begins with this.
PAYMENT_EVENT_PREFIX = "payment_intent."


def _lock_orders(named: Q) -> QuerySet[Order]:
    return Order.objects.filter(named).order_by("pk").select_for_update(of=("self",), no_key=True)


ORDERS_BY_PK = PreparedQuery(lambda: _lock_orders(Q(AnyOf("pk", Param("keys")))))
# ``any_id`` states that no id is empty, so that PostgreSQL uses the indexes, which leave out empty ids. It does not
# find that out by itself in a list of more than a hundred values, and would read the whole table.
ORDERS_BY_STRIPE_ID = PreparedQuery(
    lambda: _lock_orders(
        any_id("stripe_payment_intent_id", Param("intents"))
        | any_id("stripe_checkout_session_id", Param("sessions"))
        | Q(AnyOf("public_id", Param("refs")))
        | Q(AnyOf("pk", Param("keys")))
    ).defer("service_data", "scheduling_data")
)
BELONGS_TO_ORDERS = AnyOf("order_id", Param("orders"))
LINES = PreparedQuery(lambda: OrderLine.objects.filter(BELONGS_TO_ORDERS).order_by("position"))
RESERVATIONS = PreparedQuery(lambda: Reservation.objects.filter(BELONGS_TO_ORDERS))
REFUNDS = PreparedQuery(lambda: Refund.objects.filter(BELONGS_TO_ORDERS).order_by("pk"))
DISPUTES = PreparedQuery(lambda: Dispute.objects.filter(BELONGS_TO_ORDERS).order_by("pk"))
CALLED_OFF = PreparedQuery(lambda: DateChangeRow.objects.filter(BELONGS_TO_ORDERS).order_by("pk"))
BOOKINGS = PreparedQuery(lambda: Booking.objects.filter(BELONGS_TO_ORDERS).order_by("position"))


@dataclass(slots=True)
class Outcome:
    """The outcome of one fact: the order that it is about, if any, and the effects or what must be fetched first."""

    fact: StripeObservation
    order_id: int | None = None
    effects: list[Effect] = field(default_factory=list)
    needs: FetchRequired | None = None

    @property
    def summary(self) -> str:
        if self.needs:
            return f"needs the {self.needs.kind}"
        if self.order_id is None:
            return "not ours"
        return ", ".join(type(effect).__name__ for effect in self.effects) or "nothing new"


@retry_transaction
def settle(facts: Sequence[StripeObservation], *, at: datetime) -> list[Outcome]:
    """Make orders agree with facts, in one transaction (the caller's, if one is open); return an outcome for each fact.

    Twice does no harm; late does no harm; out of order does no harm.
    """
    outcomes = [Outcome(fact) for fact in facts]
    # Without a savepoint: an error also ends the caller's transaction.
    with transaction.atomic(savepoint=False):
        unmatched = _orders_by_unmatched_intent(facts)
        orders = {order.pk: order for order in _lock_orders_of(facts, unmatched.values())}
        owners = _map_to_orders(facts, orders.values(), unmatched)
        waiting: dict[int, list[Outcome]] = {}
        # A Checkout page is settled before its payment: we stored the page's id, so its intent need not be fetched.
        for outcome in sorted(
            outcomes, key=lambda outcome: not isinstance(outcome.fact.object, CheckoutSession)
        ):
            outcome.order_id = owners.get(id(outcome.fact))
            if outcome.order_id is None:
                outcome.needs = outcome.fact.payment_to_fetch
                _alert_of_unknown_dispute(outcome)
            else:
                waiting.setdefault(outcome.order_id, []).append(outcome)
        while waiting:
            round_ = {order_id: queue.pop(0) for order_id, queue in waiting.items()}
            _settle_round([orders[order_id] for order_id in sorted(round_)], round_, at)
            waiting = {order_id: queue for order_id, queue in waiting.items() if queue}
    return outcomes


def _alert_of_unknown_dispute(outcome: Outcome) -> None:
    """Alert staff of a dispute of a payment that no order was paid with, once, by the event that opens it.

    Somebody must answer the dispute all the same.
    """
    dispute, is_new = outcome.fact.object, DISPUTE_CREATED_EVENT in outcome.fact.cause
    if isinstance(dispute, StripeDispute) and is_new and not outcome.needs:
        staff_alerts.alert_staff(
            "dispute_of_unknown_payment",
            f"{dispute.id} disputes {dispute.intent_id or dispute.charge_id}, which no order of ours was paid with",
        )


def _settle_round(orders: Sequence[Order], round_: dict[int, Outcome], at: datetime) -> None:
    _prefetch_all(orders)
    work = []
    for order in orders:
        outcome = round_[order.pk]
        decision = decide(state_of(order, at=at), outcome.fact)
        if isinstance(decision, FetchRequired):
            outcome.needs = decision
        elif decision:
            outcome.effects = decision
            work.append((order, decision))
    apply_effects(work, at=at)
    _count_attempts(orders, round_)


def _count_attempts(orders: Sequence[Order], round_: dict[int, Outcome]) -> None:
    """Count the declines and payments of each buyer.

    A decline counts once, although reconciliation fetches the same one again and again.
    """
    declined: list[tuple[int, str]] = []
    paid = set()
    for order in orders:
        outcome = round_[order.pk]
        effect_types = {type(effect) for effect in outcome.effects}
        if attempt := _declined_attempt(order, outcome, effect_types):
            declined.append((order.user_id, attempt))
        if RecordCapture in effect_types:
            paid.add(order.user_id)
    throttling.record_declines(declined=declined, paid=paid)


def _declined_attempt(order: Order, outcome: Outcome, effect_types: set[type[Effect]]) -> str:
    """Return the name of the attempt that a fact shows as declined: its charge's id, or else its event's; else nothing.

    - A failed 3-D Secure challenge has no charge.
    - Declines on a Checkout page are fetched, each for its own event, and may all look the same.
    - A payment of another customer that only carries the order's label is no attempt of the order's buyer.
    """
    fact, intent = outcome.fact, outcome.fact.object
    if outcome.needs or not isinstance(intent, Intent) or not intent.decline:
        return ""
    if intent.id != order.stripe_payment_intent_id and intent.customer_id != order.stripe_customer_id:
        return ""
    if fact.fetched and intent.status != "requires_payment_method" and RecordDecline not in effect_types:
        return ""
    return intent.decline.charge_id or (fact.cause if PAYMENT_EVENT_PREFIX in fact.cause else intent.id)


def load(order_ids: Iterable[int]) -> list[Order]:
    """Return the orders, locked in id order, with all that the rules and ``apply_effects`` read."""
    orders = ORDERS_BY_PK.fetch(keys=list(order_ids))
    _prefetch_all(orders)
    return orders


def _prefetch_all(orders: Sequence[Order]) -> None:
    """Load the rows of orders afresh for each round: at most six queries, none for rows that cannot exist."""
    all_keys = [order.pk for order in orders]
    direct_keys = [order.pk for order in orders if order.type == OrderType.DIRECT]
    fulfilled_keys = [order.pk for order in orders if order.completed_at and order.type == OrderType.DIRECT]
    disputed = [order for order in orders if order.disputed]
    queries: dict[str, tuple[PreparedQuery[Any], list[int]]] = {
        "lines": (LINES, direct_keys),
        "reservations": (RESERVATIONS, direct_keys),
        "refunds": (REFUNDS, all_keys),
        "disputes": (DISPUTES, all_keys),
        "bookings": (BOOKINGS, fulfilled_keys),
        # Only of disputed orders: a refund of a date that was called off waits for the end of a dispute.
        "date_change_rows": (CALLED_OFF, [order.pk for order in disputed]),
    }
    with pipeline():
        pending = {name: query.send(orders=keys) for name, (query, keys) in queries.items() if keys}
        for name in queries:
            owners = disputed if name == "date_change_rows" else orders
            set_prefetched(owners, name, pending[name]() if name in pending else [])


def _lock_orders_of(facts: Sequence[StripeObservation], extra_keys: Iterable[int]) -> list[Order]:
    """Lock the orders that the facts name by any of their ids, and those with ``extra_keys``, in id order."""
    intents, sessions, refs = set(), set(), set()
    for fact in facts:
        intents.add(_intent_id(fact))
        sessions.add(fact.object.id if isinstance(fact.object, CheckoutSession) else "")
        refs.add(getattr(fact.object, "order_ref", ""))
    ids_by_column = {"intents": intents, "sessions": sessions, "refs": refs}
    return ORDERS_BY_STRIPE_ID.fetch(
        keys=list(set(extra_keys)), **{name: list(ids - {""}) for name, ids in ids_by_column.items()}
    )


def unmatched_refunds(intent_ids: Iterable[str]) -> QuerySet[Refund]:
    """Return the refunds of unmatched payments: such a payment names an order and is not its payment."""
    return Refund.objects.filter(any_id("stripe_payment_intent_id", intent_ids), is_unmatched=True)


def _orders_by_unmatched_intent(facts: Sequence[StripeObservation]) -> dict[str, int]:
    """Map the intents of unmatched payments to the orders that refund them, for facts about refunds and disputes."""
    types = StripeRefund | Charge | StripeDispute
    intent_ids = {_intent_id(fact) for fact in facts if isinstance(fact.object, types)} - {""}
    if not intent_ids:
        return {}
    rows = unmatched_refunds(intent_ids).order_by()
    return dict(rows.values_list("stripe_payment_intent_id", "order_id"))


def _map_to_orders(
    facts: Sequence[StripeObservation], orders: Iterable[Order], unmatched: Mapping[str, int]
) -> dict[int, int]:
    """Map each fact (by identity) to the primary key of its order.

    1. An id that we stored binds.
    2. So does a fact about the payment in the same batch: its Checkout page before its label.
    3. Metadata, which anyone can copy, only leads to an order; the rules then fetch the payment from Stripe.
    4. A refund or dispute of an unmatched payment belongs to the order that refunds this payment.
    """
    by_intent, by_session, by_ref = {}, {}, {}
    for order in orders:
        by_intent[order.stripe_payment_intent_id] = order.pk
        by_session[order.stripe_checkout_session_id] = order.pk
        by_ref[order.public_id] = order.pk
    by_intent.pop("", None)
    by_session.pop("", None)
    # A payment in this batch binds the refunds that came with it: by its Checkout page before any label.
    by_batch: dict[str, int] = {}
    for fact in facts:
        if order_id := by_ref.get(getattr(fact.object, "order_ref", "")):
            by_batch.setdefault(_intent_id(fact), order_id)
    by_batch |= {
        _intent_id(fact): by_session[fact.object.id] for fact in facts if fact.object.id in by_session
    }
    by_batch.pop("", None)
    owners = {
        id(fact): by_intent.get(_intent_id(fact))
        or by_session.get(fact.object.id)
        or by_batch.get(_intent_id(fact))
        or by_ref.get(getattr(fact.object, "order_ref", ""))
        or unmatched.get(_intent_id(fact))
        for fact in facts
    }
    return {fact: order_id for fact, order_id in owners.items() if order_id}


def _intent_id(fact: StripeObservation) -> str:
    return fact.object.id if isinstance(fact.object, Intent) else fact.object.intent_id
