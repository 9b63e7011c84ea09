"""``settle``: the one idempotent verb that makes our orders agree with Stripe's payments.

Load the rows that the facts speak of, locked and in id order; decide, purely; write the effects in bulk, in the same
transaction. One code path for one fact and for two hundred. Facts of one order are taken in turn, one each round.
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
from estuary.orders.models import Order, OrderLine, OrderType
from estuary.payments import outbox, throttling
from estuary.payments.models import Dispute, Refund
from estuary.payments.settlement.apply import apply_effects
from estuary.payments.settlement.effects import Effect, RecordCapture
from estuary.payments.settlement.facts import FetchRequired, StripeObservation
from estuary.payments.settlement.rules.payments import DISPUTE_OPENED, decide
from estuary.payments.settlement.state import RecordDecline, state_of
from estuary.payments.stripe_objects import Charge, CheckoutSession, Intent, StripeDispute, StripeRefund

PAYMENT_EVENT_PREFIX = "payment_intent."  # begins the cause of what an event of a payment told


def _lock_orders(named: Q) -> QuerySet[Order]:
    return Order.objects.filter(named).order_by("pk").select_for_update(of=("self",), no_key=True)


ORDERS_BY_PK = PreparedQuery(lambda: _lock_orders(Q(AnyOf("pk", Param("keys")))))
# That an id is not empty must be said: of more than a hundred values PostgreSQL does not see it, and would read the
# whole table instead of the indexes, which leave out the empty ones.
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
BOOKINGS = PreparedQuery(lambda: Booking.objects.filter(BELONGS_TO_ORDERS).order_by("position"))


@dataclass(slots=True)
class Outcome:
    """What a fact came to: the order it spoke of (if any of ours), and what was done or is still needed."""

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
    """Bring orders in line with facts, in one transaction (joined, when one is open); returns an outcome for each.

    Twice does no harm; late does no harm; out of order does no harm.
    """
    outcomes = [Outcome(fact) for fact in facts]
    with transaction.atomic(savepoint=False):  # an error ends the transaction that it has joined, too
        unmatched = _orders_by_unmatched_intent(facts)
        orders = {order.pk: order for order in _lock_orders_of(facts, unmatched.values())}
        owners = _map_to_orders(facts, orders.values(), unmatched)
        waiting: dict[int, list[Outcome]] = {}
        # A page comes before the payment that it names: what it says binds by an id that we stored, and spares a look.
        for outcome in sorted(
            outcomes, key=lambda outcome: not isinstance(outcome.fact.object, CheckoutSession)
        ):
            outcome.order_id = owners.get(id(outcome.fact))
            if outcome.order_id is None:
                outcome.needs = _payment_to_fetch(outcome.fact)
                _log_unknown_payment(outcome)
            else:
                waiting.setdefault(outcome.order_id, []).append(outcome)
        while waiting:
            round_ = {order_id: queue.pop(0) for order_id, queue in waiting.items()}
            _settle_round([orders[order_id] for order_id in sorted(round_)], round_, at)
            waiting = {order_id: queue for order_id, queue in waiting.items() if queue}
    return outcomes


def _payment_to_fetch(fact: StripeObservation) -> FetchRequired | None:
    """A refund or a dispute may overtake the news of its payment; the payment itself says whose it is."""
    if isinstance(fact.object, StripeDispute) and fact.object.intent_id and not fact.fetched:
        return FetchRequired("dispute", fact.object.id)
    if isinstance(fact.object, StripeRefund | Charge) and fact.object.intent_id and not fact.fetched:
        return FetchRequired("payment", fact.object.intent_id)
    return None


def _log_unknown_payment(outcome: Outcome) -> None:
    """Somebody must answer a dispute, whosever payment it is about; told once, by the event that opens it."""
    dispute = outcome.fact.object
    if isinstance(dispute, StripeDispute) and not outcome.needs and DISPUTE_OPENED in outcome.fact.cause:
        outbox.alert_staff(
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
    """Take down who tried cards: a decline when it is news, since the sweep looks at the same one again and again."""
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
    """Return the name of the try whose decline a fact tells, or nothing: its charge's, or else that of its event.

    A failed challenge has no charge. A page's declines are fetched, each by its own event, and may all look the same.
    A payment of another customer, which only carries the order's label, is no try of its buyer.
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
    """Return the orders, locked in id order, with all that the rules and the writers look at."""
    orders = ORDERS_BY_PK.fetch(keys=list(order_ids))
    _prefetch_all(orders)
    return orders


def _prefetch_all(orders: Sequence[Order]) -> None:
    """Give orders their rows, anew in each round: at most six queries, and none for what there can't be."""
    all_keys = [order.pk for order in orders]
    direct_keys = [order.pk for order in orders if order.type == OrderType.DIRECT]
    fulfilled_keys = [order.pk for order in orders if order.completed_at and order.type == OrderType.DIRECT]
    queries: dict[str, tuple[PreparedQuery[Any], list[int]]] = {
        "lines": (LINES, direct_keys),
        "reservations": (RESERVATIONS, direct_keys),
        "refunds": (REFUNDS, all_keys),
        "disputes": (DISPUTES, all_keys),
        "bookings": (BOOKINGS, fulfilled_keys),
    }
    with pipeline():
        pending = {name: query.send(orders=keys) for name, (query, keys) in queries.items() if keys}
        for name in queries:
            set_prefetched(orders, name, pending[name]() if name in pending else [])


def _lock_orders_of(facts: Sequence[StripeObservation], extra_keys: Iterable[int]) -> list[Order]:
    """Lock the orders that any of the facts names, by whichever of its ids, and those ``extra_keys``, in id order."""
    intents, sessions, refs = set(), set(), set()
    for fact in facts:
        intents.add(_intent_id(fact))
        sessions.add(fact.object.id if isinstance(fact.object, CheckoutSession) else "")
        refs.add(getattr(fact.object, "order_ref", ""))
    ids_by_column = {"intents": intents, "sessions": sessions, "refs": refs}
    return ORDERS_BY_STRIPE_ID.fetch(
        keys=list(set(extra_keys)), **{name: list(ids - {""}) for name, ids in ids_by_column.items()}
    )


def _orders_by_unmatched_intent(facts: Sequence[StripeObservation]) -> dict[str, int]:
    """Refunds and disputes of a second or wrong payment belong to the order that the payment named."""
    types = StripeRefund | Charge | StripeDispute
    intent_ids = {_intent_id(fact) for fact in facts if isinstance(fact.object, types)} - {""}
    if not intent_ids:
        return {}
    rows = Refund.objects.filter(any_id("stripe_payment_intent_id", intent_ids))
    return dict(rows.order_by().values_list("stripe_payment_intent_id", "order_id"))


def _map_to_orders(
    facts: Sequence[StripeObservation], orders: Iterable[Order], unmatched: Mapping[str, int]
) -> dict[int, int]:
    """Map each fact (by identity) to the primary key of its order.

    An id that we stored binds first. Metadata, which anyone can copy, only leads to an order; then Stripe is asked.
    """
    by_intent, by_session, by_ref = {}, {}, {}
    for order in orders:
        by_intent[order.stripe_payment_intent_id] = order.pk
        by_session[order.stripe_checkout_session_id] = order.pk
        by_ref[order.public_id] = order.pk
    by_intent.pop("", None)
    by_session.pop("", None)
    # The news of a payment, in this very batch, binds the refunds that came with it: its page's before any label.
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
