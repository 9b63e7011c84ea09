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
from estuary.payments.reconciliation.retry import BATCH, process_due
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


def expire_orders() -> int:
    """Cancel unpaid orders whose hold has expired, first at Stripe."""
    due = Order.objects.filter(status__in=sorted(UNPAID), expires_at__lte=clock.now())
    return process_due(
        due,
        lambda order: close_order(order, reason="abandoned", cause="the hold ended"),
        since="expires_at",
        again="next_close_at",
    )


def end_unanswered_orders() -> int:
    """Cancel orders whose bank has not answered by ``kept_until``, the date until which their seats are held."""
    _set_bank_deadlines()
    due = Order.objects.filter(status=Status.PROCESSING, kept_until__lte=clock.now())
    return process_due(due, end_unanswered_order, since="kept_until", again="next_close_at")


def _set_bank_deadlines() -> None:
    """Set ``kept_until`` on processing orders that hold seats without it, from before the field existed."""
    held = Reservation.objects.filter(order=OuterRef("pk"), status=Reservation.Status.HELD)
    undated = Order.objects.filter(Exists(held), status=Status.PROCESSING, kept_until=None).order_by("pk")
    for order_id in list(undated.values_list("pk", flat=True)[:BATCH]):
        with transaction.atomic():
            [order] = load([order_id])
            if order.status == Status.PROCESSING and order.kept_until is None:
                apply_effects(
                    [(order, [hold_for_bank(state_of(order)), NotifyBuyer(OrderMail.PROCESSING)])],
                    at=clock.now(),
                )


def close_open_payments() -> int:
    """Check the payments of orders that ended while a bank was processing, until nobody can pay them."""
    due = Order.objects.filter(payment_open=True)
    return process_due(due, close_payment, since="created_at", again="next_close_at")


def end_setup_intents() -> int:
    """Cancel expired SetupIntents, so that nobody tries cards with an old client secret."""
    due = SetupIntent.objects.filter(ended_at=None, expires_at__lte=clock.now()).select_related("user")
    return process_due(due, end_setup_intent, since="expires_at", again="next_try_at")


def send_unsent_refunds() -> int:
    """Send refunds whose job was lost or whose request got no answer."""
    due = Refund.objects.filter(status=Refund.Status.REQUESTED, created_at__lte=clock.now() - SYNC_MIN_AGE)
    return process_due(due, lambda refund: send_refund(refund.pk), since="created_at", again="next_try_at")


def sync_pending_refunds() -> int:
    """Fetch the payments of pending refunds from Stripe, in case an event was lost."""
    due = Refund.objects.filter(status=Refund.Status.PENDING, created_at__lte=clock.now() - SYNC_AFTER)
    return process_due(
        due,
        lambda refund: sync_payment(refund.stripe_payment_intent_id),
        since="created_at",
        again="next_try_at",
    )


def carry_out_date_changes() -> int:
    """Go on with changes of dates whose job was lost or failed."""
    running = DateChange.objects.filter(
        status=DateChange.Status.RUNNING, created_at__lte=clock.now() - SYNC_MIN_AGE
    )
    return process_due(running, lambda change: carry_out(change.pk), since="created_at", again="next_try_at")


def detach_removed_payment_methods() -> int:
    """Detach at Stripe the cards that were removed here and could not be detached yet."""
    due = PaymentMethod.objects.filter(detach_pending=True)
    return process_due(
        due,
        lambda card: payment_methods.detach_at_stripe(card.stripe_payment_method_id),
        since="detached_at",
        again="next_try_at",
    )


def update_changed_customers() -> int:
    """Send changed addresses and names to Stripe when no job was enqueued or the job was lost."""
    ContactChange.objects.filter(seen_at=None).update(seen_at=clock.now())
    return process_due(
        ContactChange.objects.all(),
        lambda change: update_customer(change.user_id),
        since="seen_at",
        again="next_try_at",
    )


def sync_open_orders() -> int:
    """Fetch the payments of processing and older unpaid orders from Stripe, in case an event was lost."""
    at = clock.now()
    due = Order.objects.filter(
        Q(status__in=[Status.PENDING, Status.FAILED], created_at__lte=at - SYNC_MIN_AGE)
        | Q(status=Status.PROCESSING, created_at__lte=at - SYNC_AFTER),
    ).exclude(stripe_payment_intent_id="", stripe_checkout_session_id="")
    return process_due(due, _sync_or_alert, since="created_at", again="next_fetch_at")


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
