"""Overdue rows are processed: expired holds, unsent refunds, cards to detach, payments whose event did not come.

What exists only at Stripe is found by stripe_lists.py.

Each function can run twice, and in two workers at once: its rows are locked or its effect is idempotent. A row that
fails waits as long again as it has waited so far, so it neither floods Stripe nor delays other rows.
"""

from datetime import timedelta

from django.db import transaction
from django.db.models import Exists, OuterRef, Q

from estuary.accounts.models import ContactChange
from estuary.bookings.models import Reservation
from estuary.common import clock
from estuary.common.db.prepared_queries import Param, PreparedValuesQuery
from estuary.notifications import staff_alerts
from estuary.notifications.order_mail_texts import OrderMail
from estuary.orders.models import Order
from estuary.orders.states import UNPAID, Status
from estuary.payments.checkout.cancel_order import close_order, close_payment, end_unanswered_order
from estuary.payments.customers import payment_methods
from estuary.payments.customers.customer_updates import update_customer
from estuary.payments.customers.setup_intents import end_setup_intent
from estuary.payments.dates.carry_out import carry_out
from estuary.payments.errors import NotAtStripe
from estuary.payments.models import DateChange, PaymentMethod, Refund, SetupIntent
from estuary.payments.reconciliation.retry import BATCH, DueQuery, process_due
from estuary.payments.refunds.request_refund import send_refund
from estuary.payments.settlement import load
from estuary.payments.settlement.apply import apply_effects
from estuary.payments.settlement.effects import NotifyBuyer
from estuary.payments.settlement.rules.orders import hold_for_bank
from estuary.payments.settlement.state import state_of
from estuary.payments.settlement.sync import sync_order, sync_payment

# Younger rows are still waiting for their event or job.
SYNC_MIN_AGE = timedelta(minutes=2)
SYNC_AFTER = timedelta(minutes=5)

PAYMENT_MISSING = "payment_missing"

EXPIRED_ORDERS = DueQuery(
    lambda: Order.objects.filter(status__in=sorted(UNPAID), expires_at__lte=Param("before")),
    since="expires_at",
    again="next_close_at",
)
UNANSWERED_ORDERS = DueQuery(
    lambda: Order.objects.filter(status=Status.PROCESSING, kept_until__lte=Param("before")),
    since="kept_until",
    again="next_close_at",
)
UNDATED_ORDERS = PreparedValuesQuery(
    lambda: (
        Order.objects.filter(
            Exists(Reservation.objects.filter(order=OuterRef("pk"), status=Reservation.Status.HELD)),
            status=Status.PROCESSING,
            kept_until=None,
        )
        .order_by("pk")
        .values_list("pk")[:BATCH]
    )
)
OPEN_PAYMENTS = DueQuery(
    lambda: Order.objects.filter(payment_open=True), since="created_at", again="next_close_at"
)
EXPIRED_SETUP_INTENTS = DueQuery(
    lambda: SetupIntent.objects.filter(ended_at=None, expires_at__lte=Param("before")).select_related("user"),
    since="expires_at",
    again="next_try_at",
)
UNSENT_REFUNDS = DueQuery(
    lambda: Refund.objects.filter(status=Refund.Status.REQUESTED, created_at__lte=Param("before")),
    since="created_at",
    again="next_try_at",
)
PENDING_REFUNDS = DueQuery(
    lambda: Refund.objects.filter(status=Refund.Status.PENDING, created_at__lte=Param("before")),
    since="created_at",
    again="next_try_at",
)
RUNNING_DATE_CHANGES = DueQuery(
    lambda: DateChange.objects.filter(status=DateChange.Status.RUNNING, created_at__lte=Param("before")),
    since="created_at",
    again="next_try_at",
)
REMOVED_PAYMENT_METHODS = DueQuery(
    lambda: PaymentMethod.objects.filter(detach_pending=True), since="detached_at", again="next_try_at"
)
CONTACT_CHANGES = DueQuery(ContactChange.objects.all, since="seen_at", again="next_try_at")
OPEN_ORDERS = DueQuery(
    lambda: Order.objects.filter(
        Q(status__in=[Status.PENDING, Status.FAILED], created_at__lte=Param("unpaid_before"))
        | Q(status=Status.PROCESSING, created_at__lte=Param("processing_before"))
    ).exclude(stripe_payment_intent_id="", stripe_checkout_session_id=""),
    since="created_at",
    again="next_fetch_at",
)


def expire_orders() -> int:
    """Cancel unpaid orders whose hold has expired, first at Stripe."""
    return process_due(
        EXPIRED_ORDERS,
        lambda order: close_order(order, reason="abandoned", cause="the hold ended"),
        before=clock.now(),
    )


def end_unanswered_orders() -> int:
    """Cancel orders whose bank has not answered by ``kept_until``, the date until which their seats are held."""
    _set_bank_deadlines()
    return process_due(UNANSWERED_ORDERS, end_unanswered_order, before=clock.now())


def _set_bank_deadlines() -> None:
    """Set ``kept_until`` on processing orders that hold seats without it, from before the field existed."""
    for (order_id,) in UNDATED_ORDERS.send()():
        with transaction.atomic():
            [order] = load([order_id])
            if order.status == Status.PROCESSING and order.kept_until is None:
                apply_effects(
                    [(order, [hold_for_bank(state_of(order)), NotifyBuyer(OrderMail.PROCESSING)])],
                    at=clock.now(),
                )


def close_open_payments() -> int:
    """Check the payments of orders that ended while a bank was processing, until nobody can pay them."""
    return process_due(OPEN_PAYMENTS, close_payment)


def end_setup_intents() -> int:
    """Cancel expired SetupIntents, so that nobody tries cards with an old client secret."""
    return process_due(EXPIRED_SETUP_INTENTS, end_setup_intent, before=clock.now())


def send_unsent_refunds() -> int:
    """Send refunds whose job was lost or whose request got no answer."""
    return process_due(
        UNSENT_REFUNDS, lambda refund: send_refund(refund.pk), before=clock.now() - SYNC_MIN_AGE
    )


def sync_pending_refunds() -> int:
    """Fetch the payments of pending refunds from Stripe, in case an event was lost."""
    return process_due(
        PENDING_REFUNDS,
        lambda refund: sync_payment(refund.stripe_payment_intent_id),
        before=clock.now() - SYNC_AFTER,
    )


def carry_out_date_changes() -> int:
    """Go on with changes of dates whose job was lost or failed."""
    return process_due(
        RUNNING_DATE_CHANGES, lambda change: carry_out(change.pk), before=clock.now() - SYNC_MIN_AGE
    )


def detach_removed_payment_methods() -> int:
    """Detach at Stripe the cards that were removed here and could not be detached yet."""
    return process_due(
        REMOVED_PAYMENT_METHODS, lambda card: payment_methods.detach_at_stripe(card.stripe_payment_method_id)
    )


def update_changed_customers() -> int:
    """Send changed addresses and names to Stripe when no job was enqueued or the job was lost."""
    ContactChange.objects.filter(seen_at=None).update(seen_at=clock.now())
    return process_due(CONTACT_CHANGES, lambda change: update_customer(change.user_id))


def sync_open_orders() -> int:
    """Fetch the payments of processing and older unpaid orders from Stripe, in case an event was lost."""
    at = clock.now()
    return process_due(
        OPEN_ORDERS, _sync_or_alert, unpaid_before=at - SYNC_MIN_AGE, processing_before=at - SYNC_AFTER
    )


def _sync_or_alert(order: Order) -> None:
    """Sync an order; if Stripe does not know the payment of a processing order, staff are alerted once."""
    try:
        sync_order(order)
    except NotAtStripe:
        lost = Order.objects.filter(pk=order.pk, status=Status.PROCESSING).exclude(
            failure_code=PAYMENT_MISSING
        )
        with transaction.atomic():
            if lost.update(failure_code=PAYMENT_MISSING):
                staff_alerts.alert_staff(
                    PAYMENT_MISSING, f"{order.public_id} is processing, and Stripe does not know its payment"
                )
        raise
