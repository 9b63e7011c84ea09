"""What Stripe keeps a copy of, once everything had its time: customers have our addresses and names, cards are ours."""

from tests.simulation.oracle.observer import Observer
from tests.simulation.oracle.violation import InvariantViolation

CUSTOMERS = """
    SELECT c.stripe_customer_id, u.email, btrim(u.first_name || ' ' || u.last_name)
    FROM payments_stripecustomer c JOIN accounts_user u ON u.id = c.user_id WHERE c.stripe_customer_id <> ''"""
CARDS = "SELECT stripe_payment_method_id FROM payments_paymentmethod WHERE detached_at IS NULL"
# An order that waits for its bank keeps a card that was removed here.
KEPT = "SELECT stripe_payment_method_id FROM payments_paymentmethod WHERE detach_pending"


def check_customers(observer: Observer) -> None:
    _check_contacts(observer)
    _check_cards(observer)


def _check_contacts(observer: Observer) -> None:
    for customer_id, email, name in observer.rows(CUSTOMERS):
        there = observer.stripe.customers.get(customer_id)
        if there is None or (there["email"], there["name"] or "") != (email, name):
            raise InvariantViolation(
                "Stripe's customer has the user's address and name", (customer_id, email, name, there)
            )


def _check_cards(observer: Observer) -> None:
    ours = {row[0] for row in observer.rows(CUSTOMERS)}
    attached = {
        method["id"]
        for method in observer.stripe.payment_methods
        if method["type"] == "card" and method["customer"] in ours
    }
    listed, kept = ({str(row[0]) for row in observer.rows(query)} for query in (CARDS, KEPT))
    if listed != attached - kept:
        raise InvariantViolation(
            "the saved cards are those that Stripe has", (sorted(listed), sorted(attached - kept))
        )
