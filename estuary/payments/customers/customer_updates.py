"""A user's e-mail address and name are copied to Stripe's customer after each change, with the id of this database.

1. A trigger records each change in a row (accounts' ContactChange), in the change's own transaction.
2. A job sends the current address and name; if the job is lost, the worker's periodic sweep finds the row.

Stripe sends its receipts to the customer's address.
"""

from datetime import UTC
from typing import Any

from django.db import transaction
from django.db.models import Q, QuerySet

from estuary.accounts.models import ContactChange, User
from estuary.common import clock
from estuary.common.db.transactions import execute, retry_transaction
from estuary.notifications import staff_alerts
from estuary.payments import client, outbox
from estuary.payments.customers.customers import (
    DATABASE_ID_SQL,
    NAME_SQL,
    database_metadata,
    forget_customer,
    name_at_stripe,
    own_database_id,
)
from estuary.payments.errors import NotAtStripe, StripeRefused, UnexpectedState
from estuary.payments.gateway import ownership
from estuary.payments.gateway.idempotency_keys import sequence_key
from estuary.payments.models import StripeCustomer

CONTACT = frozenset({"email", "first_name", "last_name"})
# Records changes that no trigger saw, such as rows copied with triggers disabled; runs once a day.
RECORD_MISSED = f"""
    INSERT INTO accounts_contactchange (user_id)
    SELECT u.id FROM payments_stripecustomer c JOIN accounts_user u ON u.id = c.user_id
    WHERE c.stripe_customer_id <> '' AND (c.email, c.name) IS DISTINCT FROM (u.email, {NAME_SQL})
      AND NOT EXISTS (SELECT FROM accounts_contactchange n WHERE n.user_id = u.id)"""  # noqa: S608 (ours)
# Customers that do not name this database yet, the newest first: those of earlier versions, and those that a copy has
# created before it was claimed.
UNLABELED_PER_DAY = 1000
RECORD_UNLABELED = f"""
    INSERT INTO accounts_contactchange (user_id)
    SELECT c.user_id FROM payments_stripecustomer c, ({DATABASE_ID_SQL}) own
    WHERE c.stripe_customer_id <> '' AND c.house <> own.house
      AND NOT EXISTS (SELECT FROM accounts_contactchange n WHERE n.user_id = c.user_id)
    ORDER BY c.id DESC LIMIT {UNLABELED_PER_DAY}"""  # noqa: S608 (ours)


def enqueue_update(
    sender: type[User], instance: User, *, created: bool, raw: bool, update_fields: Any, **_: Any
) -> None:
    """Enqueue an update of Stripe's customer after a user is saved (Django's post_save); none without a customer."""
    if created or raw or (update_fields is not None and not CONTACT & set(update_fields)):
        return
    unchanged = Q(email=instance.email, name=name_at_stripe(instance))
    customers = StripeCustomer.objects.filter(user=instance).exclude(stripe_customer_id="")
    if customers.exclude(unchanged).exists():
        outbox.update_customer(instance.pk)


def record_missed_changes() -> int:
    """Record changes of users whose customer differs and who have no recorded change; returns how many."""
    return execute(RECORD_MISSED, {}) + execute(RECORD_UNLABELED, {"site_url": ownership.current_site_url()})


def update_customer(user_id: int) -> None:
    """Send the user's current address and name to Stripe's customer, unless it has them.

    Updates of one customer are sent one after the other. One without an answer is sent again unchanged before the
    next. Raises StripeUnavailable and similar errors, and NotOwner in a copy of the database; the job is then
    retried.
    """
    last = ContactChange.objects.filter(user=user_id).order_by("-pk").values_list("pk", flat=True).first()
    while customer := _next_update(user_id):
        _send(customer)
    if last:
        ContactChange.objects.filter(user=user_id, pk__lte=last).delete()


@retry_transaction
def _next_update(user_id: int) -> StripeCustomer | None:
    """Commit the next update and its key; None when Stripe has it already or there is no customer."""
    with transaction.atomic():
        locked = StripeCustomer.objects.select_for_update(no_key=True)
        customer = locked.filter(user=user_id).exclude(stripe_customer_id="").first()
        if customer is None:
            return None
        customer.user = User.objects.get(pk=user_id)
        contact = (customer.user.email, name_at_stripe(customer.user))
        if customer.update_key:
            return customer
        database_id = own_database_id() or customer.database_id
        if (customer.email, customer.name, customer.database_id) == (*contact, database_id):
            return None
        customer.email, customer.name = contact
        customer.database_id = database_id
        _take_new_key(customer)
    return customer


def _take_new_key(customer: StripeCustomer) -> None:
    customer.idempotency_sequence += 1
    customer.update_key = sequence_key(customer.key, "update", customer.idempotency_sequence)
    customer.save(update_fields=["email", "name", "database_id", "idempotency_sequence", "update_key"])


def _send(customer: StripeCustomer) -> None:
    """Send one update under its committed key; the body depends only on the row."""
    contact = {
        "email": customer.email,
        "name": customer.name,
        "metadata": {"joined": join_names(customer.user), **database_metadata(customer)},
    }
    try:
        client.update_customer(customer.stripe_customer_id, contact, key=customer.update_key)
    except NotAtStripe:
        forget_customer(customer.stripe_customer_id)
    except StripeRefused:
        _rotate_key(customer)
        raise
    except UnexpectedState as error:
        _give_up(customer, error)
    else:
        _open_update(customer).update(update_key="", updated_at=clock.now())


def join_names(user: User) -> str:
    """Return the moment at which a user signed up: after a restored backup, another user may have the same id."""
    return user.date_joined.astimezone(UTC).isoformat()


def _open_update(customer: StripeCustomer) -> QuerySet[StripeCustomer]:
    return StripeCustomer.objects.filter(pk=customer.pk, update_key=customer.update_key)


def _rotate_key(customer: StripeCustomer) -> None:
    """Take another key: Stripe repeats a failure under its key for a day."""
    with transaction.atomic():
        if row := _open_update(customer).select_for_update(no_key=True).first():
            _take_new_key(row)


def _give_up(customer: StripeCustomer, error: UnexpectedState) -> None:
    """Alert staff when Stripe refuses an address or name; the next change is sent as usual."""
    with transaction.atomic():
        if _open_update(customer).update(update_key=""):
            staff_alerts.alert_staff(
                "customer_update_refused",
                f"Stripe does not take the e-mail address or name of {customer.stripe_customer_id}: {error.detail}"
                " Correct them on the user's page; Stripe gets them then.",
            )
