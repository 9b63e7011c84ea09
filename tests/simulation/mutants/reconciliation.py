"""Slips in what heals by itself: ended holds, lost news, and the inbox."""

from typing import Any

from estuary.notifications import staff_alerts
from estuary.orders.states import Status
from estuary.payments import webhooks
from estuary.payments.checkout import cancel_order, stripe_creation
from estuary.payments.inbox import leases, processor
from estuary.payments.reconciliation import disputes, overdue, stripe_lists
from estuary.payments.settlement import apply
from estuary.payments.settlement.rules import checkout_sessions
from estuary.payments.settlement.rules import payments as rules
from tests.simulation.mutants.patching import breaks, instead_of, none_done, nothing, rebind, weaken

STUCK, OPEN = "no order is stuck", "an ended order can't be paid at Stripe"
CAPTURES, REFUNDS = "captures are equal on both sides", "refunds are equal on both sides"
INBOX = "the inbox is empty"

# --- L2 -----------------------------------------------------------------------------------------------------------


@breaks("L2", STUCK, "order_stuck")
def nobody_ends_a_hold() -> None:
    instead_of(overdue.expire_orders, none_done)


@breaks("L2", OPEN, "open_after_end")
def an_order_ends_here_alone() -> None:
    """Nothing is ended at Stripe, and what the lists show to be open is left open."""
    instead_of(cancel_order._stripe_id_of, lambda order: "")
    instead_of(cancel_order._recover_lost_creation, lambda order: False)
    instead_of(stripe_creation.cancel_at_stripe, lambda order_ref, payment: False)


@breaks("L2", "an order is processing only while its bank is")
def a_bank_that_refuses_is_not_heard() -> None:
    declined, session = rules._decide_declined, checkout_sessions.decide_session
    at_its_bank = Status.PROCESSING
    instead_of(
        declined,
        lambda order, intent, fact: [] if order.status == at_its_bank else declined(order, intent, fact),
    )
    instead_of(session, lambda order, page, fact: [] if page.failed_later else session(order, page, fact))


@breaks("L2", OPEN, "open_after_end")
def a_page_that_came_too_late_stays_open() -> None:
    """What Stripe makes for an order that has ended meanwhile is not taken back, at once or later."""
    instead_of(stripe_creation.cancel_at_stripe, lambda order_ref, payment: False)


# --- L3 -----------------------------------------------------------------------------------------------------------


@breaks("L3", CAPTURES, "captured_unknown_here", "an order is processing only while its bank is", STUCK)
def no_events_and_no_questions() -> None:
    instead_of(overdue.sync_open_orders, none_done)
    instead_of(stripe_lists.sync_payments, none_done)
    instead_of(stripe_lists.sync_sessions, none_done)


@breaks("L3", REFUNDS, "refund_unknown_here", "refund_differs")
def a_refund_of_the_dashboard_goes_unseen() -> None:
    """Neither the list of refunds nor that of events is looked through: each of them alone finds it."""
    instead_of(stripe_lists.sync_new_refunds, none_done)
    instead_of(stripe_lists.sync_unlisted_events, none_done)


@breaks("L3", REFUNDS, "refund_differs")
def nobody_asks_how_a_refund_went() -> None:
    """Neither the sweep, nor the lists of refunds and of events."""
    instead_of(overdue.sync_pending_refunds, none_done)
    instead_of(stripe_lists.sync_new_refunds, none_done)
    instead_of(stripe_lists.sync_unlisted_events, none_done)


@breaks("L3", "disputes are equal on both sides", "dispute_unknown_here")
def nobody_looks_for_disputes() -> None:
    instead_of(disputes.sync_new_disputes, none_done)
    instead_of(stripe_lists.sync_unlisted_events, none_done)


# --- L4 -----------------------------------------------------------------------------------------------------------


@breaks("L4", INBOX, "inbox_waiting")
def an_event_is_settled_and_not_marked() -> None:
    instead_of(processor._mark, nothing)


def _poison(event: Any, obj: Any) -> Any:
    raise KeyError("a field that this event has no longer")


@breaks("L4", INBOX, "inbox_waiting", "inbox_dead")
def an_event_that_nobody_understands() -> None:
    webhooks.HANDLERS["charge.refunded"] = webhooks.HANDLERS["payment_intent.succeeded"] = _poison


@breaks("L4", "a dead event alerts staff")
def an_event_dies_without_a_word() -> None:
    """Its third failure is the last, and nobody is told."""
    webhooks.HANDLERS["charge.refunded"] = webhooks.HANDLERS["payment_intent.succeeded"] = _poison
    rebind(processor, "MAX_ATTEMPTS", 3)
    tell = staff_alerts.alert_staff
    instead_of(tell, lambda code, text: None if code == "event_dead" else tell(code, text))


@breaks("L4", "an event is in the inbox once")
def the_inbox_takes_an_event_as_often_as_it_comes() -> None:
    weaken("payments_webhookevent", "payments_webhookevent_stripe_event_id_key")


@breaks("L4", "a second reconcile writes nothing")
def each_look_at_a_dispute_is_a_change() -> None:
    """The reason is cut to what fits a narrow column, so what Stripe tells is never what is known."""
    stand = apply._update_dispute

    def cut(row: Any, dispute: Any, at: Any) -> Any:
        row = stand(row, dispute, at)
        row.reason = row.reason[:8]
        return row

    instead_of(stand, cut)


@breaks("L4", "no job is left", "the inbox is empty", "inbox_waiting")
def a_lease_never_ends() -> None:
    """An event whose worker was killed is nobody's any more."""
    from datetime import timedelta

    instead_of(leases.LEASE, timedelta(days=3650))
