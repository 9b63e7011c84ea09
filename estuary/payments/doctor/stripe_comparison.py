"""Our database is compared with Stripe: gross amounts, in the payment's currency, to the minor unit; nothing changes.

Stripe is read first, so each object there was created by a row that is here. Objects younger than GRACE are not
compared: their events may still be on their way.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q, QuerySet

from estuary.accounts.models import ContactChange
from estuary.common.db.bulk import any_id
from estuary.orders.models import Order, PaymentType
from estuary.orders.states import LIVE
from estuary.payments import client
from estuary.payments.customers.customers import find_customer_at_stripe, name_at_stripe
from estuary.payments.doctor.check import GRACE
from estuary.payments.doctor.runner import MAX_OBJECTS, Violation
from estuary.payments.errors import NotAtStripe
from estuary.payments.models import Dispute, Orphan, Refund, StripeCustomer
from estuary.payments.reconciliation.orphans import REF
from estuary.payments.reconciliation.stripe_lists import is_own, is_payable, orders_by_name, unique_batches
from estuary.payments.settlement import unmatched_refunds
from estuary.payments.settlement.rules.refunds import STATUS_FROM_STRIPE
from estuary.payments.stripe_objects import CheckoutSession, Intent, StripeDispute, StripeRefund

WORKER_REMEDY = (
    "The worker takes it over within fifteen minutes; when it does not, its log says why (reconcile)."
)
MANUAL_REMEDY = "Look at both in the admin and in Stripe's dashboard; refund there what was taken in error."

# The rule and the remedy of each code.
SENTENCES = {
    "captured_unknown_here": (
        "Money captured at Stripe for an order of ours is recorded here.",
        WORKER_REMEDY,
    ),
    "captured_unknown_there": ("Money recorded here as captured is captured at Stripe.", MANUAL_REMEDY),
    "captured_differs": (
        "A captured payment has the same amount, currency and customer on both sides.",
        MANUAL_REMEDY,
    ),
    "refund_unknown_here": ("A refund at Stripe of a payment of ours is recorded here.", WORKER_REMEDY),
    "refund_unknown_there": ("A refund recorded here as sent is at Stripe.", MANUAL_REMEDY),
    "refund_differs": ("A refund has the same amount, currency and state on both sides.", WORKER_REMEDY),
    "refund_made_twice": ("A refund of ours is made at Stripe once.", MANUAL_REMEDY),
    "open_after_end": ("What pays for an order that has ended can't be paid at Stripe.", WORKER_REMEDY),
    "open_twice": ("At most one thing at Stripe can be paid for an order.", WORKER_REMEDY),
    "dispute_unknown_here": ("A dispute at Stripe of a payment of ours is recorded here.", WORKER_REMEDY),
    "customer_differs": (
        "A customer at Stripe has its user's e-mail address and name.",
        "Correct it in Stripe's dashboard, or save the user in the admin with another one, and then with this one.",
    ),
    "dispute_differs": ("A dispute has the same amount and state on both sides.", WORKER_REMEDY),
}

# The code, the object, the problem.
type Difference = tuple[str, str, str]


@dataclass(slots=True)
class StripeFigures:
    """The objects at Stripe since a moment, by id."""

    intents: dict[str, Intent]
    sessions: dict[str, CheckoutSession]
    refunds: dict[str, StripeRefund]
    disputes: dict[str, StripeDispute]


@dataclass(slots=True)
class OurFigures:
    """Our rows of the same objects: orders by each name that Stripe may have, the others by Stripe's id."""

    orders: dict[str, Order]
    refunds: dict[str, Refund]
    disputes: dict[str, Dispute]
    unmatched: dict[str, Refund]
    orphans: dict[str, Orphan]


def compare(*, since: datetime, at: datetime) -> list[Violation]:
    """Return every difference between both sides since a moment; raises StripeUnavailable."""
    at_stripe = _read_stripe(since)
    _add_older(at_stripe, since, at)
    own = _read_own(at_stripe)
    late = (at - GRACE).timestamp()
    differences = [
        *_captured(at_stripe.intents.values(), own, late),
        *_missing_at_stripe(at_stripe, since, at),
        *_refunds(at_stripe, own, late),
        *_duplicate_refunds(at_stripe),
        *_payable(at_stripe, own, late),
        *_disputes(at_stripe, own, late),
        *differing_customers(since=since, late=at - GRACE),
    ]
    return _violations(differences)


def _read_stripe(since: datetime) -> StripeFigures:
    return StripeFigures(
        intents={item.id: item for item in client.intents_since(since)},
        sessions={item.id: item for item in client.sessions_since(since)},
        refunds={item.id: item for item in client.refunds_since(since)},
        disputes={item.id: item for item in client.disputes_since(since)},
    )


def _add_older(at_stripe: StripeFigures, since: datetime, at: datetime) -> None:
    """Fetch payments that were created before the compared period but paid within it."""
    for intent_id in _paid_orders(since, at).values_list("stripe_payment_intent_id", flat=True).iterator():
        if intent_id not in at_stripe.intents:
            # _missing_at_stripe reports one that is not there.
            with suppress(NotAtStripe):
                at_stripe.intents[intent_id] = client.retrieve_intent(intent_id)


def _paid_orders(since: datetime, at: datetime) -> QuerySet[Order]:
    return Order.objects.filter(paid_at__gte=since, paid_at__lte=at, captured_minor__gt=0)


def _read_own(at_stripe: StripeFigures) -> OurFigures:
    intents = {*at_stripe.intents, *(item.intent_id for item in at_stripe.refunds.values())}
    intents |= {item.intent_id for item in at_stripe.disputes.values()}
    payments: list[Intent | CheckoutSession] = [*at_stripe.intents.values(), *at_stripe.sessions.values()]
    refs = {item.order_ref for item in payments if REF.fullmatch(item.order_ref)}
    names = intents | at_stripe.sessions.keys() | refs
    own = OurFigures(orders=orders_by_name(names), refunds={}, disputes={}, unmatched={}, orphans={})
    for batch in unique_batches(names):
        for refund in unmatched_refunds(batch):
            own.unmatched[refund.stripe_payment_intent_id] = refund
        for orphan in Orphan.objects.filter(stripe_payment_intent_id__in=batch):
            own.orphans[orphan.stripe_payment_intent_id] = orphan
    for batch in unique_batches(at_stripe.disputes):
        rows = Dispute.objects.filter(stripe_dispute_id__in=batch)
        own.disputes |= {row.stripe_dispute_id: row for row in rows}
    for batch in unique_batches(at_stripe.refunds):
        own.refunds |= {
            row.stripe_refund_id: row for row in Refund.objects.filter(any_id("stripe_refund_id", batch))
        }
    return own


def _captured(intents: Iterable[Intent], own: OurFigures, late: float) -> Iterator[Difference]:
    for intent in intents:
        order = own.orders.get(intent.id) or own.orders.get(intent.order_ref)
        is_own_order = order is not None or bool(REF.fullmatch(intent.order_ref))
        if not is_own_order or not intent.received_minor or intent.created > late:
            continue
        if unmatched := own.unmatched.get(intent.id):
            if unmatched.card_minor != intent.received_minor:
                yield _differs(intent, f"returned as unmatched {unmatched.card_minor} {unmatched.currency}")
        elif order is None or not order.captured_minor or order.stripe_payment_intent_id != intent.id:
            if intent.id not in own.orphans:
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


def _missing_at_stripe(at_stripe: StripeFigures, since: datetime, at: datetime) -> Iterator[Difference]:
    paid = _paid_orders(since, at).values_list("public_id", "stripe_payment_intent_id")
    for name, intent_id in paid.iterator():
        intent = at_stripe.intents.get(intent_id)
        if intent is None or intent.status != "succeeded":
            status = intent.status if intent else "not there"
            yield "captured_unknown_there", f"order {name}", f"paid by {intent_id}, which is {status}"
    refunds = Refund.objects.filter(created_at__gte=since, created_at__lte=at).exclude(stripe_refund_id="")
    for row in refunds.iterator():
        if row.stripe_refund_id not in at_stripe.refunds and not _is_at_stripe(row):
            yield "refund_unknown_there", f"refund {row.public_id}", f"sent as {row.stripe_refund_id}"


def _is_at_stripe(row: Refund) -> bool:
    try:
        refunds = client.refunds_of(row.stripe_payment_intent_id)
        return row.stripe_refund_id in {refund.id for refund in refunds}
    except NotAtStripe:
        return False


def _refunds(at_stripe: StripeFigures, own: OurFigures, late: float) -> Iterator[Difference]:
    for refund in at_stripe.refunds.values():
        is_own_payment = refund.intent_id in own.orders or refund.intent_id in own.unmatched
        row = own.refunds.get(refund.id)
        if not is_own_payment or refund.created > late:
            continue
        amount = f"{refund.amount_minor} {refund.currency}"
        if row is None:
            yield "refund_unknown_here", refund.id, f"{amount} of {refund.intent_id}"
        elif (row.card_minor, row.currency) != (refund.amount_minor, refund.currency):
            yield "refund_differs", refund.id, f"{amount}, here {row.card_minor} {row.currency}"
        elif row.status != STATUS_FROM_STRIPE.get(refund.status):
            yield "refund_differs", refund.id, f"{refund.status} at Stripe, {row.status} here"


def _duplicate_refunds(at_stripe: StripeFigures) -> Iterator[Difference]:
    ids_by_ref: defaultdict[str, list[str]] = defaultdict(list)
    for refund in at_stripe.refunds.values():
        if refund.refund_ref and STATUS_FROM_STRIPE.get(refund.status) in Refund.KNOWN_TO_STRIPE:
            ids_by_ref[refund.refund_ref].append(refund.id)
    for name, ids in ids_by_ref.items():
        if len(ids) > 1:
            yield "refund_made_twice", f"refund {name}", ", ".join(sorted(ids))


def _payable(at_stripe: StripeFigures, own: OurFigures, late: float) -> Iterator[Difference]:
    payable: dict[str, list[str]] = {}
    payments: list[Intent | CheckoutSession] = [*at_stripe.intents.values(), *at_stripe.sessions.values()]
    for payment in filter(is_payable, payments):
        order = own.orders.get(payment.id) or own.orders.get(payment.order_ref)
        if payment.created > late or (order is None and not REF.fullmatch(payment.order_ref)):
            continue
        if order is None:
            problem = f"{payment.status}, and order {payment.order_ref} is not known"
            yield "open_after_end", payment.id, problem
            continue
        is_checkout = order.payment_type == PaymentType.CHECKOUT
        # A payment of another customer has copied metadata. The intent of a Checkout Session can be paid on the
        # session only, which is compared itself.
        if not is_own(order, payment) or _is_of_session(order, payment, at_stripe):
            continue
        if order.status not in LIVE:
            problem = f"{payment.status}, and order {order.public_id} is {order.status}"
            yield "open_after_end", payment.id, problem
        elif isinstance(payment, CheckoutSession) or not is_checkout:
            payable.setdefault(order.public_id, []).append(payment.id)
    for name, ids in payable.items():
        if len(ids) > 1:
            yield "open_twice", f"order {name}", ", ".join(sorted(ids))


def _is_of_session(order: Order, payment: Intent | CheckoutSession, at_stripe: StripeFigures) -> bool:
    """Return whether a payment is the intent of its order's session; of an older session we take our own word."""
    session = at_stripe.sessions.get(order.stripe_checkout_session_id)
    intent_id = session.intent_id if session else order.stripe_payment_intent_id
    return order.payment_type == PaymentType.CHECKOUT and payment.id == intent_id


def _disputes(at_stripe: StripeFigures, own: OurFigures, late: float) -> Iterator[Difference]:
    for dispute in at_stripe.disputes.values():
        order, row = own.orders.get(dispute.intent_id), own.disputes.get(dispute.id)
        if order is None or dispute.opened_at.timestamp() > late:
            continue
        if row is None:
            yield "dispute_unknown_here", dispute.id, f"{dispute.status}, of order {order.public_id}"
        elif (row.amount_minor, row.status) != (dispute.amount_minor, dispute.status) and row.is_open:
            here = f"{row.amount_minor} {row.status}"
            yield "dispute_differs", dispute.id, f"{dispute.amount_minor} {dispute.status}, here {here}"


def _violations(differences: Iterable[Difference]) -> list[Violation]:
    by_code: dict[str, list[tuple[str, str]]] = {}
    for code, name, problem in differences:
        by_code.setdefault(code, []).append((name, problem))
    return [
        Violation(code, sentence, remedy, len(by_code[code]), tuple(by_code[code][:MAX_OBJECTS]))
        for code, (sentence, remedy) in SENTENCES.items()
        if code in by_code
    ]


def differing_customers(*, since: datetime, late: datetime) -> Iterator[Difference]:
    """Return customers whose address or name differs from the user's, except those with a pending update."""
    at_stripe = {customer.id: customer for customer in client.customers_since(since)}
    updated = StripeCustomer.objects.filter(updated_at__gte=since).exclude(stripe_customer_id="")
    for customer_id in list(updated.values_list("stripe_customer_id", flat=True)):
        if customer_id not in at_stripe and (customer := find_customer_at_stripe(customer_id)):
            at_stripe[customer_id] = customer
    for batch in unique_batches(at_stripe):
        rows = StripeCustomer.objects.select_related("user").filter(any_id("stripe_customer_id", batch))
        pending = ContactChange.objects.filter(Q(seen_at=None) | Q(seen_at__gt=late))
        for row in rows.exclude(user__in=pending.values("user")).order_by("pk"):
            customer = at_stripe[row.stripe_customer_id]
            contact_here = _contact(row.user.email, name_at_stripe(row.user))
            if _contact(customer.email, customer.name) != contact_here:
                yield "customer_differs", customer.id, f"user {row.user_id} has another address or name"


def _contact(email: str, name: str) -> tuple[str, str]:
    return email.strip().lower(), name.strip()
