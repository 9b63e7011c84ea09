"""Comparing our books with Stripe's: gross, in the payment's own currency, to the minor unit; nothing is changed.

Stripe is read first and we second, so what is there was made by a row that is here. What is younger than GRACE is still
on its ordinary way and is not compared.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from django.db.models import QuerySet

from estuary.common.db.bulk import any_id
from estuary.orders.models import Order
from estuary.orders.states import LIVE
from estuary.payments import client
from estuary.payments.doctor.check import GRACE
from estuary.payments.doctor.customers import differing_customers
from estuary.payments.doctor.runner import SHOWN, Violation
from estuary.payments.errors import NotAtStripe
from estuary.payments.models import Dispute, Orphan, Refund
from estuary.payments.reconciliation.orphans import REF
from estuary.payments.reconciliation.stripe_lists import in_batches, is_own, is_payable, orders_named
from estuary.payments.settlement.rules.refunds import STATUS_FROM_STRIPE
from estuary.payments.stripe_objects import CheckoutSession, Intent, StripeDispute, StripeRefund

HEAL = "The worker takes it over within fifteen minutes; when it does not, its log says why (reconcile)."
LOOK = "Look at both in the admin and in Stripe's dashboard; refund there what was taken in error."

# What each code says, and what to do.
SENTENCES = {
    "captured_unknown_here": ("Money captured at Stripe for an order of ours is recorded here.", HEAL),
    "captured_unknown_there": ("Money recorded here as captured is captured at Stripe.", LOOK),
    "captured_differs": (
        "A captured payment has the same amount, currency and customer on both sides.",
        LOOK,
    ),
    "refund_unknown_here": ("A refund at Stripe of a payment of ours is recorded here.", HEAL),
    "refund_unknown_there": ("A refund recorded here as sent is at Stripe.", LOOK),
    "refund_differs": ("A refund has the same amount, currency and state on both sides.", HEAL),
    "refund_made_twice": ("A refund of ours is made at Stripe once.", LOOK),
    "open_after_end": ("What pays for an order that has ended can't be paid at Stripe.", HEAL),
    "open_twice": ("At most one thing at Stripe can be paid for an order.", HEAL),
    "dispute_unknown_here": ("A dispute at Stripe of a payment of ours is recorded here.", HEAL),
    "customer_differs": (
        "A customer at Stripe has its user's e-mail address and name.",
        "Correct it in Stripe's dashboard, or save the user in the admin with another one, and then with this one.",
    ),
    "dispute_differs": ("A dispute has the same amount and state on both sides.", HEAL),
}

type Difference = tuple[str, str, str]  # the code, the object, what is wrong


@dataclass(slots=True)
class StripeFigures:
    """What Stripe has since a moment."""

    intents: dict[str, Intent]
    sessions: dict[str, CheckoutSession]
    refunds: dict[str, StripeRefund]
    disputes: dict[str, StripeDispute]


@dataclass(slots=True)
class OurFigures:
    """What we have of the same: orders by each name Stripe may have for them, the others by Stripe's id."""

    orders: dict[str, Order]
    refunds: dict[str, Refund]
    disputes: dict[str, Dispute]
    strays: dict[str, Refund]
    orphans: dict[str, Orphan]


def compare(*, since: datetime, at: datetime) -> list[Violation]:
    """Return what differs of all that was made on either side since then; raises StripeUnavailable."""
    theirs = _read_theirs(since)
    _add_older(theirs, since, at)
    ours = _read_ours(theirs)
    late = (at - GRACE).timestamp()
    found = [
        *_captured(theirs.intents.values(), ours, late),
        *_recorded(theirs, since, at),
        *_refunds(theirs, ours, late),
        *_refunds_made_twice(theirs),
        *_open(theirs, ours, late),
        *_disputes(theirs, ours, late),
        *differing_customers(since=since, late=at - GRACE),
    ]
    return _violations(found)


def _read_theirs(since: datetime) -> StripeFigures:
    return StripeFigures(
        intents={one.id: one for one in client.intents_since(since)},
        sessions={one.id: one for one in client.sessions_since(since)},
        refunds={one.id: one for one in client.refunds_since(since)},
        disputes={one.id: one for one in client.disputes_since(since)},
    )


def _add_older(theirs: StripeFigures, since: datetime, at: datetime) -> None:
    """Fetch the payments that are older at Stripe than what we compare, and were paid since."""
    for intent_id in _paid(since, at).values_list("stripe_payment_intent_id", flat=True).iterator():
        if intent_id not in theirs.intents:
            try:
                theirs.intents[intent_id] = client.retrieve_intent(intent_id)
            except NotAtStripe:
                continue  # _recorded tells


def _paid(since: datetime, at: datetime) -> QuerySet[Order]:
    return Order.objects.filter(paid_at__gte=since, paid_at__lte=at, captured_minor__gt=0)


def _read_ours(theirs: StripeFigures) -> OurFigures:
    intents = {*theirs.intents, *(one.intent_id for one in theirs.refunds.values())}
    intents |= {one.intent_id for one in theirs.disputes.values()}
    made: list[Intent | CheckoutSession] = [*theirs.intents.values(), *theirs.sessions.values()]
    refs = {one.order_ref for one in made if REF.fullmatch(one.order_ref)}
    names = intents | theirs.sessions.keys() | refs
    ours = OurFigures(orders=orders_named(names), refunds={}, disputes={}, strays={}, orphans={})
    for some in in_batches(names):
        for refund in Refund.objects.filter(any_id("stripe_payment_intent_id", some), stray=True):
            ours.strays[refund.stripe_payment_intent_id] = refund
        for orphan in Orphan.objects.filter(stripe_payment_intent_id__in=some):
            ours.orphans[orphan.stripe_payment_intent_id] = orphan
    for some in in_batches(theirs.disputes):
        rows = Dispute.objects.filter(stripe_dispute_id__in=some)
        ours.disputes |= {row.stripe_dispute_id: row for row in rows}
    for some in in_batches(theirs.refunds):
        ours.refunds |= {
            row.stripe_refund_id: row for row in Refund.objects.filter(any_id("stripe_refund_id", some))
        }
    return ours


def _captured(intents: Iterable[Intent], ours: OurFigures, late: float) -> Iterator[Difference]:
    for intent in intents:
        order = ours.orders.get(intent.id) or ours.orders.get(intent.order_ref)
        known = order is not None or bool(REF.fullmatch(intent.order_ref))
        if not known or not intent.received_minor or intent.created > late:
            continue
        if stray := ours.strays.get(intent.id):
            if stray.card_minor != intent.received_minor:
                yield _differs(intent, f"returned as a stray {stray.card_minor} {stray.currency}")
        elif order is None or not order.captured_minor or order.stripe_payment_intent_id != intent.id:
            if intent.id not in ours.orphans:
                name = f"order {intent.order_ref or (order and order.public_id)}"
                yield "captured_unknown_here", intent.id, f"{_money(intent)} captured for {name}"
        elif (order.captured_minor, order.currency) != (intent.received_minor, intent.currency):
            yield _differs(intent, f"order {order.public_id} says {order.captured_minor} {order.currency}")
        elif order.stripe_customer_id and order.stripe_customer_id != intent.customer_id != "":
            yield _differs(intent, f"of {intent.customer_id}, and here of {order.stripe_customer_id}")


def _differs(intent: Intent, here: str) -> Difference:
    return "captured_differs", intent.id, f"{_money(intent)} at Stripe; {here}"


def _money(intent: Intent) -> str:
    return f"{intent.received_minor} {intent.currency}"


def _recorded(theirs: StripeFigures, since: datetime, at: datetime) -> Iterator[Difference]:
    for name, intent_id in _paid(since, at).values_list("public_id", "stripe_payment_intent_id").iterator():
        there = theirs.intents.get(intent_id)
        if there is None or there.status != "succeeded":
            status = there.status if there else "not there"
            yield "captured_unknown_there", f"order {name}", f"paid by {intent_id}, which is {status}"
    sent = Refund.objects.filter(created_at__gte=since, created_at__lte=at).exclude(stripe_refund_id="")
    for row in sent.iterator():
        if row.stripe_refund_id not in theirs.refunds and not _is_there(row):
            yield "refund_unknown_there", f"refund {row.public_id}", f"sent as {row.stripe_refund_id}"


def _is_there(row: Refund) -> bool:
    try:
        return row.stripe_refund_id in {one.id for one in client.refunds_of(row.stripe_payment_intent_id)}
    except NotAtStripe:
        return False


def _refunds(theirs: StripeFigures, ours: OurFigures, late: float) -> Iterator[Difference]:
    for refund in theirs.refunds.values():
        mine = refund.intent_id in ours.orders or refund.intent_id in ours.strays
        row = ours.refunds.get(refund.id)
        if not mine or refund.created > late:
            continue
        if row is None:
            yield (
                "refund_unknown_here",
                refund.id,
                f"{refund.amount_minor} {refund.currency} of {refund.intent_id}",
            )
        elif (row.card_minor, row.currency) != (refund.amount_minor, refund.currency):
            yield (
                "refund_differs",
                refund.id,
                f"{refund.amount_minor} {refund.currency}, here {row.card_minor} {row.currency}",
            )
        elif row.status != STATUS_FROM_STRIPE.get(refund.status):
            yield "refund_differs", refund.id, f"{refund.status} at Stripe, {row.status} here"


def _refunds_made_twice(theirs: StripeFigures) -> Iterator[Difference]:
    made: defaultdict[str, list[str]] = defaultdict(list)
    for refund in theirs.refunds.values():
        if refund.refund_ref and STATUS_FROM_STRIPE.get(refund.status) in {"pending", "succeeded"}:
            made[refund.refund_ref].append(refund.id)
    for name, ids in made.items():
        if len(ids) > 1:
            yield "refund_made_twice", f"refund {name}", ", ".join(sorted(ids))


def _open(theirs: StripeFigures, ours: OurFigures, late: float) -> Iterator[Difference]:
    ways: dict[str, list[str]] = {}
    made: list[Intent | CheckoutSession] = [*theirs.intents.values(), *theirs.sessions.values()]
    for one in filter(is_payable, made):
        order = ours.orders.get(one.id) or ours.orders.get(one.order_ref)
        if one.created > late or (order is None and not REF.fullmatch(one.order_ref)):
            continue
        if order and not is_own(order, one):
            continue  # whoever made it has only copied the label
        if order and order.payment_type == "checkout" and order.stripe_payment_intent_id == one.id:
            continue  # nobody can pay it but on its page, which is judged for itself
        if order is None or order.status not in LIVE:
            name = (
                f"order {order.public_id} is {order.status}"
                if order
                else f"order {one.order_ref} is not known"
            )
            yield "open_after_end", one.id, f"{one.status}, and {name}"
        elif isinstance(one, CheckoutSession) or order.payment_type == "intent":
            ways.setdefault(order.public_id, []).append(one.id)
    for name, ids in ways.items():
        if len(ids) > 1:
            yield "open_twice", f"order {name}", ", ".join(sorted(ids))


def _disputes(theirs: StripeFigures, ours: OurFigures, late: float) -> Iterator[Difference]:
    for dispute in theirs.disputes.values():
        order, row = ours.orders.get(dispute.intent_id), ours.disputes.get(dispute.id)
        if order is None or dispute.opened_at.timestamp() > late:
            continue
        if row is None:
            yield "dispute_unknown_here", dispute.id, f"{dispute.status}, of order {order.public_id}"
        elif (row.amount_minor, row.status) != (dispute.amount_minor, dispute.status) and row.is_open:
            here = f"{row.amount_minor} {row.status}"
            yield "dispute_differs", dispute.id, f"{dispute.amount_minor} {dispute.status}, here {here}"


def _violations(found: Iterable[Difference]) -> list[Violation]:
    by_code: dict[str, list[tuple[str, str]]] = {}
    for code, name, wrong in found:
        by_code.setdefault(code, []).append((name, wrong))
    return [
        Violation(code, sentence, remedy, len(by_code[code]), tuple(by_code[code][:SHOWN]))
        for code, (sentence, remedy) in SENTENCES.items()
        if code in by_code
    ]
