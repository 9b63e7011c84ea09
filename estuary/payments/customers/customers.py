"""A user's Stripe customer: created once, even by concurrent requests; again only when deleted at Stripe."""

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.db import connection, transaction

from estuary.accounts.models import User
from estuary.common import clock, ids
from estuary.common.db.transactions import execute
from estuary.payments import client
from estuary.payments.errors import NotAtStripe, StripeRefused
from estuary.payments.gateway.idempotency_keys import next_sequence, sequence_key
from estuary.payments.models import PaymentMethod, StripeCustomer
from estuary.payments.stripe_objects import Customer

# The column's limit; Stripe takes 256.
NAME_MAX = 150

# Most buyers have a row; the same statement inserts one for those who have not.
GET_OR_CREATE = """WITH inserted AS (
    INSERT INTO payments_stripecustomer (user_id, key, stripe_customer_id, email, name, posts, created_at)
    SELECT %(user)s, %(key)s, '', %(email)s, %(name)s, 0, %(at)s
    WHERE NOT EXISTS (SELECT FROM payments_stripecustomer WHERE user_id = %(user)s)
    ON CONFLICT (user_id) DO NOTHING RETURNING id, key, stripe_customer_id, email, name)
SELECT * FROM inserted UNION ALL
SELECT id, key, stripe_customer_id, email, name FROM payments_stripecustomer WHERE user_id = %(user)s"""
# The same as ``name_at_stripe``.
NAME_SQL = f"rtrim(left(btrim(u.first_name || ' ' || u.last_name, ' '), {NAME_MAX}), ' ')"
# Saves nothing when reconciliation has restored an earlier customer meanwhile. If the user's name or address was
# changed meanwhile, the change is recorded for the next update.
SAVE_STRIPE_ID = f"""WITH updated AS (
    UPDATE payments_stripecustomer c SET stripe_customer_id = %(customer_id)s FROM accounts_user u
    WHERE c.id = %(id)s AND c.key = %(key)s AND c.stripe_customer_id IN ('', %(customer_id)s) AND u.id = c.user_id
    RETURNING c.user_id, (c.email, c.name) IS DISTINCT FROM (u.email, {NAME_SQL}) AS outdated),
noted AS (INSERT INTO accounts_contactchange (user_id) SELECT user_id FROM updated WHERE outdated)
SELECT user_id FROM updated"""  # noqa: S608 (ours)


def call_with_customer[T](user: User, call: Callable[[str], T]) -> T:
    """Call with the user's customer id; if the customer was deleted at Stripe, create another and call once more.

    ``call`` must use another key the second time, because the body changes. Raises NotAtStripe when another object
    than the customer is missing.
    """
    customer_id = ensure_customer(user)
    try:
        return call(customer_id)
    except NotAtStripe as error:
        if error.extra.get("param") != "customer":
            raise
    forget_customer(customer_id)
    return call(ensure_customer(user))


def find_customer_at_stripe(customer_id: str) -> Customer | None:
    """Return a customer as Stripe has it; None when Stripe does not know the id, or the id is empty."""
    try:
        return client.retrieve_customer(customer_id) if customer_id else None
    except NotAtStripe:
        return None


def get_or_create_customer(user: User) -> StripeCustomer:
    """Return the user's customer row; without an id of Stripe, the customer has not been created there yet."""
    values: dict[str, Any] = {
        "user": user.pk,
        "key": ids.customer_key(),
        "email": user.email,
        "name": name_at_stripe(user),
        "at": clock.now(),
    }
    with connection.cursor() as cursor:
        cursor.execute(GET_OR_CREATE, values)
        # A concurrent request has just inserted the row.
        while (row := cursor.fetchone()) is None:
            cursor.execute(GET_OR_CREATE, values)
    pk, key, customer_id, email, name = row
    return StripeCustomer(pk=pk, user=user, key=key, stripe_customer_id=customer_id, email=email, name=name)


def ensure_customer(user: User) -> str:
    """Return the user's customer id and create the customer at Stripe first if needed."""
    while True:
        customer = get_or_create_customer(user)
        if customer.stripe_customer_id:
            return customer.stripe_customer_id
        customer_id = _create_at_stripe(customer)
        if execute(SAVE_STRIPE_ID, {"customer_id": customer_id, "id": customer.pk, "key": customer.key}):
            return customer_id
        # A concurrent request has replaced the key and creates the customer under a new one: use that customer.


def name_at_stripe(user: User) -> str:
    """Return the name that Stripe gets; ``NAME_SQL`` is the same in SQL."""
    return f"{user.first_name} {user.last_name}".strip(" ")[:NAME_MAX].rstrip(" ")


def _create_at_stripe(customer: StripeCustomer) -> str:
    try:
        return client.create_customer(
            email=customer.email,
            name=customer.name,
            metadata={"user_id": str(customer.user_id), "home": settings.FRONTEND_URL},
            key=f"{customer.key}-customer-1",
        )
    except StripeRefused:
        # Stripe repeats a failure under its key for a day. Take a new key once it is certain that no customer exists.
        if customer_id := client.find_customer(email=customer.email, user_id=customer.user_id):
            return customer_id
        StripeCustomer.objects.filter(pk=customer.pk, key=customer.key).update(key=ids.customer_key())
        raise


def forget_customer(customer_id: str) -> None:
    """Drop a customer that was deleted at Stripe, and its cards; the next payment creates another."""
    with transaction.atomic():
        customer = (
            StripeCustomer.objects.select_for_update(no_key=True)
            .select_related("user")
            .filter(stripe_customer_id=customer_id)
            .first()
        )
        if customer is None:
            return
        customer.stripe_customer_id, customer.key, customer.update_key = "", ids.customer_key(), ""
        customer.email, customer.name = customer.user.email, name_at_stripe(customer.user)
        customer.save()
        PaymentMethod.objects.filter(user=customer.user, detached_at=None).update(
            detached_at=clock.now(), is_default=False
        )


def next_customer_key(user: User, verb: str) -> str:
    """Return a new key for a request about a user's cards (setup, detach); its counter is committed first.

    These requests do no harm when sent twice. A new key avoids a failure that Stripe repeats under the old one.
    """
    customer = StripeCustomer.objects.get(user=user)
    next_sequence(customer)
    return sequence_key(customer.key, verb, customer.idempotency_sequence)
