"""A user's Stripe customer: created once, even by concurrent requests; again only when deleted at Stripe."""

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.db import connection, transaction

from estuary.accounts.models import User
from estuary.common import clock, ids
from estuary.common.db.transactions import execute
from estuary.payments import client
from estuary.payments.errors import NotAtStripe, StripeRefused, UnexpectedState
from estuary.payments.gateway import ownership
from estuary.payments.gateway.idempotency_keys import next_sequence, sequence_key
from estuary.payments.models import PaymentMethod, StripeCustomer
from estuary.payments.stripe_objects import Customer

# The column's limit; Stripe takes 256.
NAME_MAX = 150

# The id of this database, as our customers carry it at Stripe. A copy has the same id and sends none: its customers
# are told from the original's by their address.
DATABASE_ID_SQL = """SELECT house FROM payments_stripeaccount
    WHERE id = 1 AND house <> '' AND home = %(site_url)s AND house_since IS NULL"""
# Most buyers have a row; the same statement inserts one for those who have not, once this database has an id.
GET_OR_CREATE = f"""WITH inserted AS (
    INSERT INTO payments_stripecustomer (user_id, key, stripe_customer_id, email, name, house, posts, created_at)
    SELECT %(user)s, %(key)s, '', %(email)s, %(name)s, coalesce(({DATABASE_ID_SQL}), ''), 0, %(at)s
    FROM payments_stripeaccount
    WHERE house <> '' AND NOT EXISTS (SELECT FROM payments_stripecustomer WHERE user_id = %(user)s)
    ON CONFLICT (user_id) DO NOTHING RETURNING id, key, stripe_customer_id, email, name, house)
SELECT * FROM inserted UNION ALL
SELECT id, key, stripe_customer_id, email, name, house
FROM payments_stripecustomer WHERE user_id = %(user)s"""  # noqa: S608 (ours)
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
# What Stripe has refused is sent again under another key, with the address and name that the user has by now.
RENEW_REFUSED = f"""UPDATE payments_stripecustomer c SET key = %(new_key)s, email = u.email, name = {NAME_SQL}
    FROM accounts_user u
    WHERE c.id = %(id)s AND c.key = %(key)s AND c.stripe_customer_id = '' AND u.id = c.user_id
    RETURNING c.id"""  # noqa: S608 (ours)


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
        "site_url": ownership.current_site_url(),
        "at": clock.now(),
    }
    with connection.cursor() as cursor:
        cursor.execute(GET_OR_CREATE, values)
        # A concurrent request has just inserted the row, or this database has no id yet.
        while (row := cursor.fetchone()) is None:
            ownership.ensure_database_id()
            cursor.execute(GET_OR_CREATE, values)
    pk, key, customer_id, email, name, database_id = row
    return StripeCustomer(
        pk=pk,
        user=user,
        key=key,
        stripe_customer_id=customer_id,
        email=email,
        name=name,
        database_id=database_id,
    )


def ensure_customer(user: User) -> str:
    """Return the user's customer id and create the customer at Stripe first if needed."""
    while True:
        customer = get_or_create_customer(user)
        if customer.stripe_customer_id:
            return customer.stripe_customer_id
        try:
            customer_id = _create_at_stripe(customer)
        except UnexpectedState:
            if (customer.email, customer.name) == (user.email, name_at_stripe(user)):
                raise
            # An earlier address or name was refused, which has been corrected.
            continue
        if execute(SAVE_STRIPE_ID, {"customer_id": customer_id, "id": customer.pk, "key": customer.key}):
            return customer_id
        # A concurrent request has replaced the key and creates the customer under a new one: use that customer.


def name_at_stripe(user: User) -> str:
    """Return the name that Stripe gets; ``NAME_SQL`` is the same in SQL."""
    return f"{user.first_name} {user.last_name}".strip(" ")[:NAME_MAX].rstrip(" ")


def _create_at_stripe(customer: StripeCustomer) -> str:
    """Create the customer; its body depends only on the row and on our address."""
    try:
        return client.create_customer(
            email=customer.email,
            name=customer.name,
            metadata={
                "user_id": str(customer.user_id),
                "home": settings.FRONTEND_URL,
                **database_metadata(customer),
            },
            key=f"{customer.key}-customer-1",
        )
    except (StripeRefused, UnexpectedState):
        # Stripe repeats a failure under its key for a day. Take a new key once it is certain that no customer exists.
        if customer_id := find_customer_of(customer.user_id, email=customer.email):
            return customer_id
        execute(RENEW_REFUSED, {"new_key": ids.customer_key(), "id": customer.pk, "key": customer.key})
        raise


# --- Whose a customer is ------------------------------------------------------------------------------------


def own_database_id() -> str:
    """Return the id of this database, as our customers carry it at Stripe; "" in a copy."""
    with connection.cursor() as cursor:
        cursor.execute(DATABASE_ID_SQL, {"site_url": ownership.current_site_url()})
        row = cursor.fetchone()
    return str(row[0]) if row else ""


def database_metadata(customer: StripeCustomer) -> dict[str, str]:
    """Return the id of the database as a customer's metadata has it; nothing for a copy's customer."""
    return {"house": customer.database_id} if customer.database_id else {}


def is_labeled_ours(customer: Customer, database_id: str) -> bool:
    """Return whether a customer's metadata says that this database, with ``database_id``, has created it.

    The id stays when the shop moves to another address, and differs between two databases at one address. Customers
    without an id, which are older or a copy's, are told by the address.
    """
    if customer.database_id:
        return customer.database_id == database_id
    return customer.site_url == settings.FRONTEND_URL


def find_customer_of(user_id: int, *, email: str) -> str:
    """Return the id of a customer at Stripe that this database has created for a user, or ""."""
    database_id = own_database_id()
    return next(
        (
            customer.id
            for customer in client.customers_of(email)
            if customer.user_ref == str(user_id) and is_labeled_ours(customer, database_id)
        ),
        "",
    )


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
        customer.database_id = own_database_id()
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
