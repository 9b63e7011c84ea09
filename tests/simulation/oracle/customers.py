"""What Stripe keeps a copy of, once everything had its time: customers have our addresses and names, cards are ours."""

from tests.simulation.oracle.observer import Watch
from tests.simulation.oracle.violation import Broken

CUSTOMERS = """
    SELECT c.stripe_customer_id, u.email, btrim(u.first_name || ' ' || u.last_name)
    FROM payments_stripecustomer c JOIN accounts_user u ON u.id = c.user_id WHERE c.stripe_customer_id <> ''"""
CARDS = "SELECT stripe_payment_method_id FROM payments_paymentmethod WHERE detached_at IS NULL"
# An order that waits for its bank keeps a card that was removed here.
KEPT = "SELECT stripe_payment_method_id FROM payments_paymentmethod WHERE detach_pending"


def check_customers(watch: Watch) -> None:
    _check_contacts(watch)
    _check_cards(watch)


def _check_contacts(watch: Watch) -> None:
    for customer_id, email, name in watch.rows(CUSTOMERS):
        there = watch.stripe.customers.get(customer_id)
        if there is None or (there["email"], there["name"] or "") != (email, name):
            raise Broken(
                "Stripe's customer has the user's address and name", (customer_id, email, name, there)
            )


def _check_cards(watch: Watch) -> None:
    ours = {row[0] for row in watch.rows(CUSTOMERS)}
    attached = {
        method["id"]
        for method in watch.stripe.payment_methods
        if method["type"] == "card" and method["customer"] in ours
    }
    listed, kept = ({str(row[0]) for row in watch.rows(query)} for query in (CARDS, KEPT))
    if listed != attached - kept:
        raise Broken("the saved cards are those that Stripe has", (sorted(listed), sorted(attached - kept)))
