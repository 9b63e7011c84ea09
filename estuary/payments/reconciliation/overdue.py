"""Healing our rows that wait: ended holds, unsent refunds, cards to detach, payments that Stripe knows better.

What Stripe has and no row of ours waits for is found by reconcile.py.

Each verb is safe to run twice and by two schedulers at once: the rows are locked or the effect is idempotent. A row
that can't be healed waits as long again as it has waited so far: it neither hammers Stripe nor holds up the others.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from operator import attrgetter
from typing import Any

import structlog
from django.db import transaction
from django.db.models import Exists, Model, OuterRef, Q, QuerySet
from django.db.models.functions import Coalesce

from estuary.accounts.models import ContactChange
from estuary.bookings.models import Reservation
from estuary.common import clock
from estuary.common.api.errors import EstuaryError
from estuary.common.process import shutdown
from estuary.orders.models import Order
from estuary.orders.states import UNPAID, Status
from estuary.payments import outbox
from estuary.payments.checkout.cancel_order import close_order, close_payment, end_kept_order
from estuary.payments.checkout.stripe_creation import CLOCKS_DIFFER
from estuary.payments.customers import payment_methods
from estuary.payments.customers.customer_updates import update_customer
from estuary.payments.customers.setup_intents import end_setup_intent
from estuary.payments.errors import NotAtStripe, StripeUnavailable
from estuary.payments.models import PaymentMethod, Refund, SetupIntent
from estuary.payments.refunds.service import send_refund
from estuary.payments.settlement import load, settle, view_of
from estuary.payments.settlement.apply import write
from estuary.payments.settlement.effects import NeedsObject, Tell
from estuary.payments.settlement.fetch import fetch_facts
from estuary.payments.settlement.rules.payments import keep_for_bank

BATCH = 100
GRACE = timedelta(minutes=2)  # what is younger is still on its ordinary way
SHORTEST_WAIT, LONGEST_WAIT = timedelta(seconds=10), timedelta(minutes=10)
ASK_AGAIN = timedelta(minutes=5)

MISSING = "payment_missing"

log = structlog.get_logger(__name__)


def expire_orders() -> int:
    """End unpaid orders whose hold is over: at Stripe first, here then."""
    due = Order.objects.filter(status__in=sorted(UNPAID), expires_at__lte=clock.now())
    return heal_due(
        due,
        lambda order: close_order(order, reason="abandoned", cause="the hold ended"),
        since="expires_at",
        again="next_close_at",
    )


def end_kept_orders() -> int:
    """End orders whose bank has not answered until the date that their seats were kept for, which each has by then."""
    _date_kept_orders()
    due = Order.objects.filter(status=Status.PROCESSING, kept_until__lte=clock.now())
    return heal_due(due, end_kept_order, since="kept_until", again="next_close_at")


def _date_kept_orders() -> None:
    """Give a date to what holds seats for its bank without one, as it did before there were dates."""
    held = Reservation.objects.filter(order=OuterRef("pk"), status=Reservation.Status.HELD)
    undated = Order.objects.filter(Exists(held), status=Status.PROCESSING, kept_until=None).order_by("pk")
    for order_id in list(undated.values_list("pk", flat=True)[:BATCH]):
        with transaction.atomic():
            [order] = load([order_id])
            if order.status == Status.PROCESSING and order.kept_until is None:
                write([(order, [keep_for_bank(view_of(order)), Tell("processing")])], at=clock.now())


def close_open_payments() -> int:
    """Look after the payments of orders that ended while a bank was at work, until nobody can pay by them."""
    due = Order.objects.filter(payment_open=True)
    return heal_due(due, close_payment, since="created_at", again="next_close_at")


def end_setup_intents() -> int:
    """End SetupIntents whose time is over: nobody tries cards with a client secret of yesterday."""
    due = SetupIntent.objects.filter(ended_at=None, expires_at__lte=clock.now()).select_related("user")
    return heal_due(due, end_setup_intent, since="expires_at", again="next_try_at")


def send_unsent_refunds() -> int:
    """Send refunds whose job was lost or whose answer never came."""
    due = Refund.objects.filter(status=Refund.Status.REQUESTED, created_at__lte=clock.now() - GRACE)
    return heal_due(due, lambda refund: send_refund(refund.pk), since="created_at", again="next_try_at")


def ask_about_pending_refunds() -> int:
    """Ask Stripe about refunds that its bank has not answered for, in case the answer's news was lost."""
    due = Refund.objects.filter(status=Refund.Status.PENDING, created_at__lte=clock.now() - ASK_AGAIN)
    return heal_due(
        due,
        lambda refund: sync_payment(refund.stripe_payment_intent_id),
        since="created_at",
        again="next_try_at",
    )


def detach_removed_cards() -> int:
    """Detach at Stripe what was removed here and could not be detached then."""
    due = PaymentMethod.objects.filter(detach_pending=True)
    return heal_due(
        due,
        lambda card: payment_methods.detach(card.stripe_payment_method_id),
        since="detached_at",
        again="next_try_at",
    )


def update_changed_customers() -> int:
    """Have Stripe's customers follow users whose change no job was enqueued for, or whose job was lost."""
    ContactChange.objects.filter(seen_at=None).update(seen_at=clock.now())
    return heal_due(
        ContactChange.objects.all(),
        lambda change: update_customer(change.user_id),
        since="seen_at",
        again="next_try_at",
    )


def ask_about_open_orders() -> int:
    """Ask Stripe about payments whose news did not come: processing ones, and unpaid ones of some age."""
    at = clock.now()
    due = Order.objects.filter(
        Q(status__in=[Status.PENDING, Status.FAILED], created_at__lte=at - GRACE)
        | Q(status=Status.PROCESSING, created_at__lte=at - ASK_AGAIN),
    ).exclude(stripe_payment_intent_id="", stripe_checkout_session_id="")
    return heal_due(due, _ask_about, since="created_at", again="next_ask_at")


def _ask_about(order: Order) -> None:
    """A payment that its bank works on and that Stripe no longer knows is for staff to judge, who are told once."""
    try:
        sync_order(order)
    except NotAtStripe:
        lost = Order.objects.filter(pk=order.pk, status=Status.PROCESSING).exclude(failure_code=MISSING)
        with transaction.atomic():
            if lost.update(failure_code=MISSING):
                outbox.alert_staff(
                    MISSING, f"{order.public_id} is processing, and Stripe does not know its payment"
                )
        raise


def sync_order(order: Order) -> None:
    """Make an order agree with Stripe's payment by looking at it: the return page's and the sweep's door to settle."""
    if order.stripe_checkout_session_id:
        needs = NeedsObject("session", order.stripe_checkout_session_id)
    elif order.stripe_payment_intent_id:
        needs = NeedsObject("intent", order.stripe_payment_intent_id)
    else:
        return
    settle(fetch_facts(needs, "asked of Stripe"), at=clock.now())


def sync_payment(intent_id: str) -> None:
    """Make an order agree with its payment and with every refund of it."""
    settle(fetch_facts(NeedsObject("payment", intent_id), "asked of Stripe"), at=clock.now())


def heal_due[M: Model](due: QuerySet[M], heal: Callable[[M], Any], *, since: str, again: str) -> int:
    """Heal what is due, oldest turn first, one by one: a row that fails is logged and stops no other.

    ``since`` names the field that says how long a row has waited, ``again`` the one that says when its next turn is.
    While Stripe does not answer there is no use in asking on: the rest keeps its turn, as when the process ends.
    """
    healed = 0
    turn = Coalesce(again, since)
    while rows := list(due.filter(_has_its_turn(again)).order_by(turn, "pk")[:BATCH]):
        for row in rows:
            if shutdown.told():
                return healed
            name = f"{row._meta.model_name} {row.pk}"
            try:
                healed += goes_well(partial(heal, row), what=name)
            except StripeUnavailable:
                log.warning("sweep_stopped", what=name)
                return healed
            finally:
                waited = clock.now() - (attrgetter(since)(row) or clock.now())
                type(row)._default_manager.filter(pk=row.pk).update(**{again: _next_turn(waited)})
    return healed


def _has_its_turn(again: str) -> Q:
    """Never tried, or due; or put off for longer than any row is, which only a clock that ran ahead has done."""
    at = clock.now()
    by_a_wrong_clock = Q(**{f"{again}__gt": at + LONGEST_WAIT + CLOCKS_DIFFER})
    return Q(**{again: None}) | Q(**{f"{again}__lte": at}) | by_a_wrong_clock


def goes_well(act: Callable[[], Any], *, what: str) -> bool:
    """Do one of many, and tell whether it went well; what fails is logged and stops no other.

    Raises StripeUnavailable, which is the fault of none of them and would befall the others too.
    """
    try:
        act()
    except StripeUnavailable:
        raise
    except EstuaryError as error:
        log.warning("sweep_put_off", what=what, code=error.code)
    except Exception:
        log.exception("sweep_failed", what=what)
    else:
        return True
    return False


def _next_turn(waited: timedelta) -> datetime:
    return clock.now() + min(max(waited, SHORTEST_WAIT), LONGEST_WAIT)
