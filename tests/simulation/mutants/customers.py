"""Slips with what Stripe keeps a copy of: the customer's address and name, and the saved cards."""

from estuary.payments import outbox
from estuary.payments.customers import customer_updates, payment_methods
from estuary.payments.models import StripeCustomer
from estuary.payments.reconciliation import customers as reattaching
from tests.simulation.mutants.patching import breaks, instead_of, nothing, run_sql

CUSTOMERS = "Stripe's customer has the user's address and name"
CARDS = "the saved cards are those that Stripe has"


@breaks("L3", CUSTOMERS, "contact_change_waiting", "contact_not_noted", "customer_differs")
def an_address_changes_here_alone() -> None:
    """Neither the trigger notes it, nor is a job enqueued."""
    run_sql("ALTER TABLE accounts_user DISABLE TRIGGER USER")
    instead_of(outbox.update_customer, nothing)


@breaks("L3", CUSTOMERS, "contact_change_waiting", "contact_not_noted", "customer_differs")
def a_change_is_noted_and_never_sent() -> None:
    instead_of(
        customer_updates._send, lambda customer: customer_updates._open_update(customer).update(update_key="")
    )


@breaks("L3", CARDS)
def a_detached_card_of_nobody_stays_listed() -> None:
    """An event that does not say whose card it was is of no concern, and the lists are not compared either."""
    instead_of(payment_methods._lock_owner, _only_who_is_named)
    instead_of(payment_methods._is_ambiguous, lambda event, owner, row: False)
    instead_of(payment_methods._remove_locked, lambda row, at: "not ours")
    instead_of(reattaching.resync_payment_methods, lambda owner: False)


def _only_who_is_named(event: payment_methods.PaymentMethodEvent) -> StripeCustomer | None:
    return StripeCustomer.objects.filter(stripe_customer_id=event.customer_id or None).first()
