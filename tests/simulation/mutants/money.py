"""Slips in the books: credits, captures, refunds, and what was handed over for them."""

from dataclasses import replace
from itertools import count
from typing import Any

from django.db.models import F

from estuary.common.db.bulk import insert_rows
from estuary.credits import ledger
from estuary.credits.models import CreditAccount, CreditTransaction
from estuary.orders.models import Order
from estuary.orders.states import LIVE, Status, check_transition
from estuary.payments import client, settlement
from estuary.payments.checkout import create_order
from estuary.payments.models import Refund
from estuary.payments.refunds import request_refund as refunds
from estuary.payments.settlement import apply
from estuary.payments.settlement.effects import ChangeStatus, Fulfil, RecordCapture
from estuary.payments.settlement.rules import checkout_sessions, orders
from estuary.payments.settlement.rules import payments as rules
from estuary.payments.settlement.rules import refunds as refund_rules
from tests.simulation.mutants.patching import (
    breaks,
    instead_of,
    let_the_ledger_change,
    nothing,
    rebind,
    run_sql,
    weaken,
)

CAPTURED, REFUNDED = (
    "what we call captured is captured at Stripe",
    "what we call refunded is refunded at Stripe",
)
OVER = ("no more is asked back than was paid", "refunds_over_captured")

# --- S1 -----------------------------------------------------------------------------------------------------------


@breaks("S1", "balance_off", "ledger_broken", "a balance is spent only when it is there")
def a_balance_is_read_without_its_lock() -> None:
    def unlocked(owners: Any) -> Any:
        rows = CreditAccount.objects.filter(user_id__in={user_id for user_id, _ in owners})
        return {(row.user_id, row.currency): row for row in rows if (row.user_id, row.currency) in owners}

    instead_of(ledger._lock_accounts, unlocked)


@breaks("S1", "balance_off", "ledger_broken")
def a_refund_of_credits_forgets_the_balance() -> None:
    post = ledger.post

    def forgetful(postings: Any, **kwargs: Any) -> Any:
        rows = post(postings, **kwargs)
        for row in rows:
            if row.kind == ledger.Kind.REFUND:
                mine = CreditAccount.objects.filter(pk=row.account_id)
                mine.update(balance_minor=F("balance_minor") - row.amount_minor)
        return rows

    instead_of(post, forgetful)


@breaks("S1", "a line of the ledger stays as it is")
def a_line_of_the_ledger_is_worded_anew() -> None:
    let_the_ledger_change()
    post = ledger.post

    def wording(postings: Any, **kwargs: Any) -> Any:
        for posting in postings:
            earlier = CreditTransaction.objects.filter(
                order_id=posting.order_id, account__user_id=posting.user_id
            )
            earlier.exclude(order=None).update(note="See the newer line")
        return post(postings, **kwargs)

    instead_of(post, wording)


@breaks("S1", "guard_missing")
def the_trigger_of_the_ledger_is_lost() -> None:
    run_sql("ALTER TABLE credits_credittransaction DISABLE TRIGGER USER")


# --- S2 -----------------------------------------------------------------------------------------------------------


@breaks("S2", CAPTURED)
def the_amount_that_was_due_is_called_captured() -> None:
    instead_of(rules.find_mismatch, lambda order, intent: "")
    record = apply._record_on_order

    def as_due(order: Any, effect: Any, at: Any) -> None:
        record(order, effect, at)
        if isinstance(effect, RecordCapture):
            order.captured_minor = order.amount_due_minor

    instead_of(record, as_due)


@breaks("S2", CAPTURED)
def no_currency_is_compared() -> None:
    mismatch = rules.find_mismatch
    instead_of(mismatch, lambda order, intent: mismatch(order, replace(intent, currency=order.currency)))


@breaks("S2", "a payment is of the order's own customer", "captured_differs")
def no_customer_is_compared() -> None:
    mismatch = rules.find_mismatch
    instead_of(mismatch, lambda order, intent: mismatch(replace(order, customer_id=""), intent))


@breaks("S2", REFUNDED)
def a_refund_of_the_dashboard_counts_as_full() -> None:
    adopt = refund_rules._adopt_from_stripe

    def in_full(order: Any, refund: Any, status: Any, cause: str) -> Any:
        return adopt(order, replace(refund, amount_minor=order.captured_minor), status, cause)

    instead_of(adopt, in_full)


# --- S3 -----------------------------------------------------------------------------------------------------------


@breaks("S3", *OVER)
def two_refunds_at_once_see_the_same_rest() -> None:
    def unlocked(order_ids: Any) -> list[Order]:
        return list(
            Order.objects.filter(pk__in=list(order_ids)).prefetch_related("refunds", "bookings", "disputes")
        )

    rebind(refunds, "load", unlocked)


@breaks("S3", *OVER)
def a_refund_on_its_way_is_not_counted() -> None:
    done = {Refund.Status.SUCCEEDED}
    instead_of(
        refunds.open_or_succeeded_refunds,
        lambda order: [r for r in order.refunds.all() if r.status in done and not r.is_unmatched],
    )


@breaks("S3", *OVER)
def every_refund_takes_all_credits_along() -> None:
    new = refunds.build_refund

    def generous(order: Any, *args: Any) -> Refund:
        refund = new(order, *args)
        refund.credits_minor = order.credits_applied_minor
        return refund

    instead_of(new, generous)
    weaken("orders_order", "order_refunds_within_total")


# --- S6 -----------------------------------------------------------------------------------------------------------


@breaks("S6", "handed_over_unpaid")
def whatever_arrives_is_enough() -> None:
    """The rule and the constraint behind it are both gone: each of them alone stops this."""
    weaken("orders_order", "order_fulfilled_means_paid")
    mismatch = rules.find_mismatch
    instead_of(
        mismatch,
        lambda order, intent: mismatch(replace(order, amount_due_minor=intent.received_minor), intent),
    )


@breaks("S6", "handed_over_unpaid")
def handed_over_while_the_bank_is_at_it() -> None:
    weaken("orders_order", "order_fulfilled_means_paid")
    at_its_bank = Status.PROCESSING
    for decide in (rules._decide_processing, checkout_sessions.decide_session):

        def hasty(order: Any, state: Any, fact: Any, decide: Any = decide) -> Any:
            decided = decide(order, state, fact)
            if isinstance(decided, list) and ChangeStatus(at_its_bank, fact.cause) in decided:
                return orders.fulfil(order, fact.cause)
            return decided

        instead_of(decide, hasty)


@breaks("S6", "spent_credits_off")
def credits_that_pay_are_not_taken() -> None:
    instead_of(ledger.spend, nothing)


@breaks("S6", "handed_over_unpaid")
def a_declined_card_is_as_good_as_a_charged_one() -> None:
    weaken("orders_order", "order_fulfilled_means_paid")
    declined = rules._decide_declined

    def lenient(order: Any, intent: Any, fact: Any) -> Any:
        decided = declined(order, intent, fact)
        if isinstance(decided, list) and any(isinstance(effect, ChangeStatus) for effect in decided):
            return orders.fulfil(order, fact.cause)
        return decided

    instead_of(declined, lenient)


# --- S4 -----------------------------------------------------------------------------------------------------------

TWICE = ("an effect is written once", "fulfilled_not_once", "bought_credits_off", "seat_without_participant")


def _let_effects_be_written_twice() -> None:
    weaken("credits_credittransaction", "credit_effect_once_per_order")
    weaken("bookings_booking", "booking_once_per_order_and_position")
    weaken("bookings_participant", "participant_once_per_session")
    weaken("bookings_participant", "participant_once_per_booking")


@breaks("S4", *TWICE, "path_broken")
def paid_is_paid_however_often_it_is_told() -> None:
    """What was captured is not looked at, the path is not checked, and no constraint counts: three stand in the way."""
    _let_effects_be_written_twice()
    instead_of(check_transition, nothing)
    paid = rules.decide_paid

    def forgetful(order: Any, intent: Any, cause: str) -> Any:
        fresh = order.captured_minor and not order.refunds and order.intent_id == intent.id
        return paid(replace(order, captured_minor=0) if fresh else order, intent, cause)

    instead_of(paid, forgetful)
    rebind(rules, "LIVE", LIVE | {Status.COMPLETED})


@breaks("S4", *TWICE, "path_broken")
def two_workers_settle_one_order_at_once() -> None:
    """No lock on the order, and no constraint that counts."""
    _let_effects_be_written_twice()
    _unlock_orders()


@breaks("S4", "fulfilled_not_once", "hold_of_ended_order")
def what_credits_cover_is_never_booked() -> None:
    def unbooked(order: Any, cause: str) -> Any:
        return [effect for effect in orders.fulfil(order, cause) if not isinstance(effect, Fulfil)]

    rebind(create_order, "fulfil", unbooked)


def _unlock_orders() -> None:
    load = settlement.load

    def unlocked(order_ids: Any) -> list[Order]:
        from django.db.models import QuerySet

        held: Any = QuerySet
        lock = held.select_for_update
        held.select_for_update = lambda rows, **_: rows
        try:
            return load(order_ids)
        finally:
            held.select_for_update = lock

    instead_of(load, unlocked)


# --- S8 -----------------------------------------------------------------------------------------------------------


@breaks(
    "S8",
    "path_broken",
    "status_off",
    "refunded_off",
    "spent_credits_off",
    "bought_credits_off",
    "balance_off",
)
def no_order_is_locked_when_it_is_settled() -> None:
    _unlock_orders()


@breaks("S8", "status_off")
def an_end_is_not_written_down() -> None:
    def uncanceled(rows: Any) -> None:
        insert_rows([row for row in rows if getattr(row, "after", "") != "canceled"])

    rebind(apply, "insert_rows", uncanceled)


@breaks("S8", "what happened to an order stays written down")
def the_timeline_is_tidied_when_an_order_is_paid() -> None:
    from estuary.orders.models import OrderTransition

    write = apply._apply_to_orders

    def tidy(work: Any, at: Any) -> None:
        paid = [
            order.pk
            for order, effects in work
            if any(isinstance(effect, RecordCapture) for effect in effects)
        ]
        OrderTransition.objects.filter(order__in=paid).update(cause="paid in the end")
        write(work, at)

    instead_of(write, tidy)


@breaks("S8", "path_broken", "handed_over_unpaid", "fulfilled_not_once", "hold_of_ended_order")
def late_event_of_a_decline_takes_back_what_was_paid() -> None:
    """The rule looks at no status, and the table lets it pass."""
    instead_of(check_transition, nothing)
    weaken("orders_order", "order_one_live_per_item")
    declined = rules._decide_declined

    def whenever(order: Any, intent: Any, fact: Any) -> Any:
        return declined(replace(order, status=Status.PENDING), intent, fact)

    instead_of(declined, whenever)


@breaks("S8", "booking_without_place", "hold_of_ended_order", "spent_credits_off", "seat_without_participant")
def late_money_revives_a_canceled_order() -> None:
    instead_of(rules._return_late_payment, lambda order, intent, cause: orders.fulfil(order, cause))


# --- L1, money that belongs nowhere ---------------------------------------------------------------------------------


@breaks("L1", "every captured payment is fulfilled or refunded", "money_neither")
def late_money_is_kept() -> None:
    instead_of(rules._return_late_payment, lambda order, intent, cause: [ChangeStatus(Status.PAID, cause)])


@breaks("L1", "captures are equal on both sides", "captured_unknown_here")
def a_second_payment_is_forgotten() -> None:
    instead_of(rules.return_unmatched_payment, lambda order, intent, problem: [])


@breaks("L1", "every captured payment is fulfilled or refunded", "no refund is left unsent", "refund_unsent")
def money_that_goes_back_is_never_sent() -> None:
    """The row is written, and neither its job nor the sweep sends what we owe."""
    send = refunds.send_refund

    def unless_automatic(refund_id: int) -> Refund:
        refund = Refund.objects.select_related("order").get(pk=refund_id)
        return refund if refund.origin == Refund.Origin.AUTOMATIC else send(refund_id)

    instead_of(send, unless_automatic)


@breaks("L3", "refunds are equal on both sides", "refund_unknown_here", "refund_differs")
def a_refund_goes_under_a_new_key_each_time() -> None:
    send, number = client.create_refund, count()
    instead_of(send, lambda params, *, key: send(params, key=f"{key}x{next(number)}"))
