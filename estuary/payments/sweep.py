"""What heals what was missed: expired holds, unsent refunds, cards to detach, orders that Stripe knows better.

Each verb is safe to run twice and by two schedulers at once: the rows are locked or the effect is idempotent.
"""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import structlog
from django.db.models import Model, Q, QuerySet

from estuary.common import clock
from estuary.common.errors import EstuaryError
from estuary.orders.models import Order
from estuary.orders.states import UNPAID, Status
from estuary.payments import methods
from estuary.payments.closing import close_order
from estuary.payments.effects import NeedsObject
from estuary.payments.fetching import fetch_facts
from estuary.payments.models import PaymentMethod, Refund
from estuary.payments.refunds import send_refund
from estuary.payments.settlement import settle

BATCH = 100
GRACE = timedelta(minutes=2)  # what is younger is still on its ordinary way
ASK_AGAIN = timedelta(minutes=10)

log = structlog.get_logger(__name__)


def expire_orders() -> int:
    """End unpaid orders whose hold is over: at Stripe first, here then. A processing order never expires."""
    due = Order.objects.filter(status__in=sorted(UNPAID), expires_at__lte=clock.now()).order_by("expires_at")
    return _each(due, lambda order: close_order(order, reason="abandoned", cause="the hold ended"))


def send_unsent_refunds() -> int:
    """Send refunds whose job was lost or whose answer never came."""
    due = Refund.objects.filter(status=Refund.Status.REQUESTED, created_at__lte=clock.now() - GRACE).order_by(
        "id"
    )
    return _each(due, lambda refund: send_refund(refund.pk))


def detach_removed_cards() -> int:
    """Detach at Stripe what was removed here and could not be detached then."""
    due = PaymentMethod.objects.filter(detach_pending=True).order_by("id")
    return _each(due, lambda card: methods.detach(card.stripe_payment_method_id))


def ask_about_open_orders() -> int:
    """Ask Stripe about payments whose news did not come: processing ones, and unpaid ones of some age."""
    at = clock.now()
    due = Order.objects.filter(
        Q(status__in=[Status.PENDING, Status.FAILED], created_at__lte=at - GRACE)
        | Q(status=Status.PROCESSING, created_at__lte=at - ASK_AGAIN),
    ).exclude(stripe_payment_intent_id="", stripe_checkout_session_id="")
    return _each(due.order_by("id"), sync_order)


def sync_order(order: Order) -> None:
    """Make an order agree with Stripe's payment by looking at it: the return page's and the sweep's door to settle."""
    if order.stripe_checkout_session_id:
        needs = NeedsObject("session", order.stripe_checkout_session_id)
    elif order.stripe_payment_intent_id:
        needs = NeedsObject("intent", order.stripe_payment_intent_id)
    else:
        return
    settle(fetch_facts(needs, "asked of Stripe"), at=clock.now())


def _each[M: Model](due: QuerySet[M], heal: Callable[[M], Any]) -> int:
    """Heal up to BATCH rows, one by one: one that fails is logged and left for the next run, and stops no other."""
    healed = 0
    for row in due[:BATCH]:
        try:
            heal(row)
            healed += 1
        except EstuaryError as error:
            log.warning("sweep_put_off", what=row._meta.model_name, pk=row.pk, code=error.code)
        except Exception:
            log.exception("sweep_failed", what=row._meta.model_name, pk=row.pk)
    return healed
