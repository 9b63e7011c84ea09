"""What can be exported: the columns of each table, and its rows in order of time, a batch at a time."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db.models import Q, QuerySet, Sum

from estuary.bookings.models import Booking
from estuary.common.money import to_decimal
from estuary.credits.models import CreditTransaction
from estuary.orders.models import Order
from estuary.payments.customers.used_cards import used_cards
from estuary.payments.models import Refund

# Rows in memory at once. Batches and no server-side cursor: web requests may neither hold a transaction open for as
# long as a slow download takes, nor run one query that long, and a PgBouncer keeps no cursor.
BATCH = 1_000
UNUSED_COLUMNS = ("service_data", "scheduling_data", "snapshot")


@dataclass(frozen=True, slots=True)
class Export:
    """One table. ``moment`` is the column of its days, whose index it is read by; ``cells`` turns a batch into rows."""

    title: str
    permission: str
    rows: Callable[[], QuerySet[Any]]
    moment: str
    header: Sequence[str]
    cells: Callable[[list[Any]], Iterator[Sequence[Any]]]
    currency_of: Callable[[Any], str]


def read(export: Export, *, begin: datetime, end: datetime, currency: str = "") -> Iterator[Sequence[Any]]:
    """Yield the cells of each row from ``begin`` until before ``end``, the oldest first.

    Rows of other currencies are skipped here, and not by the query, which would read on for a rare one.
    """
    for batch in _batches(export, begin, end):
        yield from export.cells([row for row in batch if currency in ("", export.currency_of(row))])


def _batches(export: Export, begin: datetime, end: datetime) -> Iterator[list[Any]]:
    rows = export.rows().filter(**{f"{export.moment}__lt": end}).order_by(export.moment, "pk")
    since, last_key = begin, 0
    while True:
        later = Q(**{f"{export.moment}__gt": since}) | Q(pk__gt=last_key)
        batch = list(rows.filter(later, **{f"{export.moment}__gte": since})[:BATCH])
        yield batch
        if len(batch) < BATCH:
            return
        since, last_key = getattr(batch[-1], export.moment), batch[-1].pk


def _amount(minor: int, currency: str) -> Decimal:
    return Decimal(to_decimal(minor, currency))


ORDERS_HEADER = (
    "Placed (UTC)", "Order", "Type", "Status", "Buyer", "Currency", "Total", "In credits", "By card", "Captured",
    "Refunded", "Lost to disputes", "Disputed", "Paid (UTC)", "Fulfilled (UTC)", "Payment", "Checkout session",
)  # fmt: skip


def _orders(batch: list[Order]) -> Iterator[Sequence[Any]]:
    for row in batch:
        minor = (
            row.total_minor, row.credits_applied_minor, row.amount_due_minor, row.captured_minor,
            row.refunded_minor, row.lost_minor,
        )  # fmt: skip
        yield (
            row.created_at, row.public_id, row.type, row.status, row.user.email, row.currency.upper(),
            *(_amount(amount, row.currency) for amount in minor),
            row.disputed, row.paid_at, row.completed_at,
            row.stripe_payment_intent_id, row.stripe_checkout_session_id,
        )  # fmt: skip


PAYMENTS_HEADER = (
    "Paid (UTC)", "Order", "Buyer", "Currency", "Captured", "Refunded since", "Lost to disputes", "Card", "Payment",
    "Charge",
)  # fmt: skip


def _payments(batch: list[Order]) -> Iterator[Sequence[Any]]:
    cards = {card.intent_id: card for card in used_cards([row.stripe_payment_intent_id for row in batch])}
    refunded = _refunded_to_methods(batch)
    for row in batch:
        card = cards.get(row.stripe_payment_intent_id)
        yield (
            row.paid_at, row.public_id, row.user.email, row.currency.upper(),
            *(
                _amount(a, row.currency)
                for a in (row.captured_minor, refunded.get(row.pk, 0), row.lost_minor)
            ),
            card.brand_and_last4 if card else "", row.stripe_payment_intent_id, card.charge_id if card else "",
        )  # fmt: skip


def _refunded_to_methods(orders: Sequence[Order]) -> dict[int, int]:
    """Return what went back of each order's captured money, in minor units by the order's key; credits don't count."""
    refunds = Refund.objects.filter(
        order__in=orders, status=Refund.Status.SUCCEEDED, is_unmatched=False, card_minor__gt=0
    )
    return dict(refunds.values_list("order_id").annotate(Sum("card_minor")))


REFUNDS_HEADER = (
    "Asked for (UTC)", "Refund", "Order", "Buyer", "Status", "Currency", "Amount", "To the card", "To credits", "By",
    "Reason", "Settled (UTC)", "Refund at Stripe", "Payment", "Of another payment",
)  # fmt: skip


def _refunds(batch: list[Refund]) -> Iterator[Sequence[Any]]:
    for row in batch:
        yield (
            row.created_at, row.public_id, row.order.public_id, row.order.user.email, row.status,
            row.currency.upper(),
            *(_amount(a, row.currency) for a in (row.amount_minor, row.card_minor, row.credits_minor)),
            row.requested_by.email if row.requested_by else row.origin, row.reason, row.settled_at,
            row.stripe_refund_id, row.stripe_payment_intent_id, row.is_unmatched,
        )  # fmt: skip


LEDGER_HEADER = ("Time (UTC)", "Row", "Buyer", "Kind", "Currency", "Amount", "Balance after", "Order", "Note")


def _ledger(batch: list[CreditTransaction]) -> Iterator[Sequence[Any]]:
    for row in batch:
        currency = row.account.currency
        yield (
            row.created_at, row.pk, row.account.user.email, row.kind, currency.upper(),
            _amount(row.amount_minor, currency), _amount(row.balance_after_minor, currency),
            row.order.public_id if row.order else "", row.note,
        )  # fmt: skip


BOOKINGS_HEADER = (
    "Booked (UTC)", "Booking", "Part of", "Order", "Buyer", "Service", "Type", "Practitioner", "Starts (UTC)",
    "Ends (UTC)", "Status", "Currency", "Share of the price", "Canceled (UTC)", "Price kept", "Times moved",
    "Earliest start before (UTC)",
)  # fmt: skip


def _bookings(batch: list[Booking]) -> Iterator[Sequence[Any]]:
    for row in batch:
        currency = row.order.currency
        yield (
            row.created_at, row.pk, row.parent_id, row.order.public_id, row.user.email, row.service_name,
            row.service_type, row.practitioner.display_name, row.starts_at, row.ends_at, row.status,
            currency.upper(), _amount(row.amount_minor, currency), row.canceled_at, row.forfeited,
            row.times_moved, row.former_starts_at,
        )  # fmt: skip


def _order_rows() -> QuerySet[Order]:
    return Order.objects.select_related("user").defer(*UNUSED_COLUMNS)


EXPORTS: dict[str, Export] = {
    "orders": Export(
        "Orders, by when they were placed", "orders.view_order", _order_rows, "created_at",
        ORDERS_HEADER, _orders, lambda row: row.currency,
    ),
    "payments": Export(
        "Payments, by when they were paid", "orders.view_order", _order_rows, "paid_at",
        PAYMENTS_HEADER, _payments, lambda row: row.currency,
    ),
    "refunds": Export(
        "Refunds, by when they were asked for", "payments.view_refund",
        lambda: Refund.objects.select_related("order__user", "requested_by"), "created_at",
        REFUNDS_HEADER, _refunds, lambda row: row.currency,
    ),
    "ledger": Export(
        "Ledger of credits", "credits.view_credittransaction",
        lambda: CreditTransaction.objects.select_related("account__user", "order"), "created_at",
        LEDGER_HEADER, _ledger, lambda row: row.account.currency,
    ),
    "bookings": Export(
        "Bookings, by when they were booked", "bookings.view_booking",
        lambda: Booking.objects.select_related("user", "order", "practitioner"), "created_at",
        BOOKINGS_HEADER, _bookings, lambda row: row.order.currency,
    ),
}  # fmt: skip
