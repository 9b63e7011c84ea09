"""Refunds that a dispute held back when a date was called off: made once it has ended and the money is ours."""

from django.db import transaction
from django.db.models import Exists, OuterRef, Q

from estuary.bookings.fulfilment import lock_sessions
from estuary.common import clock
from estuary.common.db.prepared_queries import PreparedValuesQuery
from estuary.common.db.transactions import retry_transaction
from estuary.common.money import display
from estuary.credits import ledger
from estuary.notifications import staff_alerts
from estuary.orders.models import Order
from estuary.payments.dates.affected import kept_minor, left_of_order_minor, read_call_offs
from estuary.payments.dates.carry_out import refund_called_off
from estuary.payments.dates.consequences import WHY_LOST, WHY_LOST_IN_PART, WHY_NOTHING_LEFT
from estuary.payments.errors import run_all
from estuary.payments.models import DateChangeRow, Dispute, Refund
from estuary.payments.models.disputes import is_blocked_by_dispute
from estuary.payments.refunds.request_refund import card_left_minor, credits_left_minor, refundable_minor

DECIDED = PreparedValuesQuery(
    lambda: DateChangeRow.objects.filter(
        Q(order__disputed=False) | ~Exists(Dispute.objects.filter(order=OuterRef("order"), closed_at=None)),
        status=DateChangeRow.Status.HELD_BACK,
    ).values_list("order_id")
)


def refund_held_back() -> None:
    """Make the refunds whose dispute has ended; raises the first failure, after all were tried."""
    order_ids = {order_id for (order_id,) in DECIDED.send()()}
    run_all(*(lambda order_id=order_id: _refund(order_id) for order_id in sorted(order_ids)))


@retry_transaction
@transaction.atomic
def _refund(order_id: int) -> None:
    order = Order.objects.select_related("user").select_for_update(of=("self",), no_key=True).get(pk=order_id)
    if order.credits_applied_minor:
        ledger.lock_account(order.user, order.currency)
        lock_sessions(order.reservations.values_list("session_id", flat=True))
    held_back = DateChangeRow.objects.filter(order=order, status=DateChangeRow.Status.HELD_BACK)
    rows = list(held_back.select_related("booking", "change__requested_by"))
    if is_blocked_by_dispute(order):
        _end_lost(order, rows)
        return
    for key in dict.fromkeys((row.change_id, row.booking_id) for row in rows):
        _refund_booking(order, [row for row in rows if (row.change_id, row.booking_id) == key])


def _end_lost(order: Order, rows: list[DateChangeRow]) -> None:
    """End what waited for a dispute that is lost: return the credits that are due, and alert staff of the rest.

    Credits pay for what stays first, and the rest of them goes back. Stripe refunds none of such a payment any more.
    70.00 was paid by card and 30.00 with credits, which went back at once; 20.00 of the card is lost. So 50.00 is due,
    and staff return it another way. A refund that waits is deducted too: it ends by itself, and then returns or reports
    its own sum. What the bank has returned covers first what such refunds can't take from the card any more.
    """
    earlier = read_call_offs([order])[order.pk]
    held_back_minor = sum(row.amount_minor for row in rows)
    left_minor = left_of_order_minor(order, earlier)
    kept = min(kept_minor(order, earlier), left_minor)
    lost_minor = order.lost_minor + min(card_left_minor(order), 0)
    due_minor = min(held_back_minor, max(left_minor + held_back_minor - lost_minor - kept, 0))
    credits_minor = min(due_minor, max(credits_left_minor(order) - kept, 0))
    rest_minor = due_minor - credits_minor
    for row in rows:
        returned_minor = min(row.amount_minor, credits_minor)
        credits_minor -= returned_minor
        _end_lost_row(order, row, returned_minor, WHY_LOST_IN_PART if rest_minor else WHY_LOST)
    if rest_minor:
        text = (
            f"{order.public_id}: its date was called off, and the bank has returned a part of its payment. "
            f"{display(rest_minor, order.currency)} more is due to the guest. Stripe refunds nothing of it any more, "
            "so return it another way, for example as credits."
        )
        staff_alerts.alert_staff("called_off_rest_due", text)


def _end_lost_row(order: Order, row: DateChangeRow, credits_minor: int, why: str) -> None:
    row.status, row.why, row.amount_minor = DateChangeRow.Status.DONE, why, credits_minor
    row.tender = DateChangeRow.Tender.CREDITS if credits_minor else DateChangeRow.Tender.NONE
    if credits_minor:
        row.act = DateChangeRow.Act.REFUND
        row.refund = refund_called_off(
            row.change,
            order,
            row.line,
            booking=row.booking,
            amount_minor=credits_minor,
            credits_only=True,
            key=f"row-{row.pk}",
        )
    row.save(update_fields=["status", "why", "amount_minor", "tender", "act", "refund"])


def _refund_booking(order: Order, rows: list[DateChangeRow]) -> None:
    change, booking = rows[0].change, rows[0].booking
    planned_minor = sum(row.amount_minor for row in rows)
    # Read afresh: an earlier refund in this transaction counts.
    amount_minor = min(planned_minor, max(refundable_minor(Order.objects.get(pk=order.pk), booking), 0))
    refund = amount_minor and refund_called_off(
        change,
        order,
        rows[0].line,
        booking=booking,
        amount_minor=amount_minor,
        # Not the key of the credits that went back at once.
        key=f"{booking.pk if booking else 0}-held",
    )
    left = {
        DateChangeRow.Tender.PAYMENT_METHOD: refund.card_minor if refund else 0,
        DateChangeRow.Tender.CREDITS: refund.credits_minor if refund else 0,
    }
    for row in rows:
        _end_returned_row(row, refund or None, left)


def _end_returned_row(
    row: DateChangeRow, refund: Refund | None, left: dict[DateChangeRow.Tender, int]
) -> None:
    """Mark a row as returned by the tenders of its refund, of which ``left`` is what no other row has: a row for each.

    It was planned by the payment method. If the guest has canceled another part since, credits may pay for it.
    """
    due_minor, row.status, row.done_at = row.amount_minor, DateChangeRow.Status.DONE, clock.now()
    row.act, row.amount_minor, row.why = DateChangeRow.Act.CANCEL, 0, WHY_NOTHING_LEFT
    row.tender, row.refund = DateChangeRow.Tender.NONE, None
    for tender in (DateChangeRow.Tender.PAYMENT_METHOD, DateChangeRow.Tender.CREDITS):
        amount_minor = min(due_minor, left[tender])
        if not amount_minor:
            continue
        left[tender] -= amount_minor
        due_minor -= amount_minor
        if row.amount_minor:
            # Another row, for the other tender.
            row.save()
            row.pk, row._state.adding = None, True
        row.act, row.tender, row.amount_minor = DateChangeRow.Act.REFUND, tender, amount_minor
        row.why, row.refund = "The dispute has ended: it goes back.", refund
    row.save()
