"""Who a user is at Stripe: made once, however many tabs pay at once, and made again only when it was deleted there."""

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

NAME_MAX = 150  # of the column; Stripe takes 256

# Most buyers are known; who is not is written down by the same statement.
GET_OR_CREATE = """WITH made AS (
    INSERT INTO payments_stripecustomer (user_id, key, stripe_customer_id, email, name, posts, created_at)
    SELECT %(user)s, %(key)s, '', %(email)s, %(name)s, 0, %(at)s
    WHERE NOT EXISTS (SELECT FROM payments_stripecustomer WHERE user_id = %(user)s)
    ON CONFLICT (user_id) DO NOTHING RETURNING id, key, stripe_customer_id, email, name)
SELECT * FROM made UNION ALL
SELECT id, key, stripe_customer_id, email, name FROM payments_stripecustomer WHERE user_id = %(user)s"""
# As ``name_at_stripe`` has it.
NAME_SQL = f"rtrim(left(btrim(u.first_name || ' ' || u.last_name, ' '), {NAME_MAX}), ' ')"
# Unless the sweep has meanwhile found the one whom Stripe knew already. Who was renamed meanwhile is noted.
SAVE_STRIPE_ID = f"""WITH made AS (
    UPDATE payments_stripecustomer c SET stripe_customer_id = %(made)s FROM accounts_user u
    WHERE c.id = %(id)s AND c.key = %(key)s AND c.stripe_customer_id IN ('', %(made)s) AND u.id = c.user_id
    RETURNING c.user_id, (c.email, c.name) IS DISTINCT FROM (u.email, {NAME_SQL}) AS outdated),
noted AS (INSERT INTO accounts_contactchange (user_id) SELECT user_id FROM made WHERE outdated)
SELECT user_id FROM made"""  # noqa: S608 (ours)


def call_with_customer[T](user: User, call: Callable[[str], T], *, row: StripeCustomer | None = None) -> T:
    """Return what ``ask`` gets for the user's customer id; a customer who was deleted at Stripe is made again, once.

    ``known`` is the row when the caller has it already. The second time Stripe gets another body, so ``ask`` must send
    another key then. Raises NotAtStripe when something else than the customer is gone.
    """
    customer_id = ensure_customer(user, row)
    try:
        return call(customer_id)
    except NotAtStripe as error:
        if error.extra.get("param") != "customer":
            raise
    forget_customer(customer_id)
    return call(ensure_customer(user))


def find_customer_at_stripe(customer_id: str) -> Customer | None:
    """Return a customer as Stripe has it; None for one that it does not know, and for no id."""
    try:
        return client.retrieve_customer(customer_id) if customer_id else None
    except NotAtStripe:
        return None


def get_or_create_customer(user: User) -> StripeCustomer:
    """Return who the user is at Stripe, or, with a key and no id, will be: then Stripe was never asked."""
    values: dict[str, Any] = {
        "user": user.pk,
        "key": ids.customer_key(),
        "email": user.email,
        "name": name_at_stripe(user),
        "at": clock.now(),
    }
    with connection.cursor() as cursor:
        cursor.execute(GET_OR_CREATE, values)
        while (row := cursor.fetchone()) is None:  # another tab has just written it down
            cursor.execute(GET_OR_CREATE, values)
    pk, key, customer_id, email, name = row
    return StripeCustomer(pk=pk, user=user, key=key, stripe_customer_id=customer_id, email=email, name=name)


def ensure_customer(user: User, row: StripeCustomer | None = None) -> str:
    """Return the user's customer id, asking Stripe for one the first time; ``known`` is the committed row."""
    while True:
        customer, row = row or get_or_create_customer(user), None
        if customer.stripe_customer_id:
            return customer.stripe_customer_id
        customer_id = _create_at_stripe(customer)
        if execute(SAVE_STRIPE_ID, {"made": customer_id, "id": customer.pk, "key": customer.key}):
            return customer_id
        # Another tab gave the key up meanwhile and makes a customer under a new one: nobody pays as two.


def name_at_stripe(user: User) -> str:
    """Return the name that Stripe gets; ``NAME_SQL`` says the same in SQL."""
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
        # Stripe remembers a failure under its key for a day: a new key, once it is sure that nothing was made.
        if customer_id := client.find_customer(email=customer.email, user_id=customer.user_id):
            return customer_id
        StripeCustomer.objects.filter(pk=customer.pk, key=customer.key).update(key=ids.customer_key())
        raise


def forget_customer(customer_id: str) -> None:
    """Let go of a customer that was deleted at Stripe, and of its cards; the next payment makes a new one."""
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


def next_post_key(user: User, verb: str) -> str:
    """Return a fresh key for a POST about a user's cards (setup, detach), counted and committed before it is sent.

    None of them does harm when it is done twice, and a failure that Stripe remembers under a key is not met again.
    """
    customer = StripeCustomer.objects.get(user=user)
    next_sequence(customer)
    return sequence_key(customer.key, verb, customer.posts)
