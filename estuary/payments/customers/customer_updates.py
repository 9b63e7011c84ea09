"""A user's e-mail address and name at Stripe: they follow every change here, by the worker, and end at the last.

A trigger notes each change in a row (accounts' ContactChange), in the change's own transaction; a job makes it quick,
and the sweep takes what no job was enqueued for. Receipts of Stripe go to the customer's address there.
"""

from datetime import UTC
from typing import Any

from django.db import transaction
from django.db.models import Q, QuerySet

from estuary.accounts.models import ContactChange, User
from estuary.common import clock
from estuary.common.db.transactions import execute, retry_transaction
from estuary.payments import client, outbox
from estuary.payments.customers.customers import NAME_SQL, forget_customer, name_at_stripe
from estuary.payments.errors import NotAtStripe, StripeRefused, UnexpectedState
from estuary.payments.gateway.idempotency_keys import sequence_key
from estuary.payments.models import StripeCustomer

CONTACT = frozenset({"email", "first_name", "last_name"})
# A change that no trigger saw, as when rows were copied in with triggers off, is noted once a day.
RECORD_MISSED = f"""
    INSERT INTO accounts_contactchange (user_id)
    SELECT u.id FROM payments_stripecustomer c JOIN accounts_user u ON u.id = c.user_id
    WHERE c.stripe_customer_id <> '' AND (c.email, c.name) IS DISTINCT FROM (u.email, {NAME_SQL})
      AND NOT EXISTS (SELECT FROM accounts_contactchange n WHERE n.user_id = u.id)"""  # noqa: S608 (ours)


def enqueue_update(
    sender: type[User], instance: User, *, created: bool, raw: bool, update_fields: Any, **_: Any
) -> None:
    """Have Stripe's customer follow a saved user soon (Django's post_save); without a customer there is no job."""
    if created or raw or (update_fields is not None and not CONTACT & set(update_fields)):
        return
    unchanged = Q(email=instance.email, name=name_at_stripe(instance))
    customers = StripeCustomer.objects.filter(user=instance).exclude(stripe_customer_id="")
    if customers.exclude(unchanged).exists():
        outbox.update_customer(instance.pk)


def record_missed_changes() -> int:
    """Note users whose customer differs and for whom no change is noted; returns how many."""
    return execute(RECORD_MISSED, {})


def update_customer(user_id: int) -> None:
    """Make Stripe's customer carry the user's address and name as they are now; nothing is sent when it does.

    Updates of one customer go one after the other: one without an answer is sent again, as it was, before the next.
    Raises StripeUnavailable and its like, and NotOwner in a copy of the database: then it is tried again.
    """
    last = ContactChange.objects.filter(user=user_id).order_by("-pk").values_list("pk", flat=True).first()
    while customer := _next_update(user_id):
        _send(customer)
    if last:
        ContactChange.objects.filter(user=user_id, pk__lte=last).delete()


@retry_transaction
def _next_update(user_id: int) -> StripeCustomer | None:
    """Commit what is to be sent, and its key; None when Stripe has it, or has nobody to whom it could be sent."""
    with transaction.atomic():
        locked = StripeCustomer.objects.select_for_update(no_key=True)
        customer = locked.filter(user=user_id).exclude(stripe_customer_id="").first()
        if customer is None:
            return None
        customer.user = User.objects.get(pk=user_id)
        contact = (customer.user.email, name_at_stripe(customer.user))
        if customer.update_key:
            return customer
        if (customer.email, customer.name) == contact:
            return None
        customer.email, customer.name = contact
        _take_new_key(customer)
    return customer


def _take_new_key(customer: StripeCustomer) -> None:
    customer.posts += 1
    customer.update_key = sequence_key(customer.key, "update", customer.posts)
    customer.save(update_fields=["email", "name", "posts", "update_key"])


def _send(customer: StripeCustomer) -> None:
    """Send one update under its committed key; the body is a function of the row."""
    try:
        client.update_customer(customer.stripe_customer_id, _contact(customer), key=customer.update_key)
    except NotAtStripe:
        forget_customer(customer.stripe_customer_id)
    except StripeRefused:
        _rotate_key(customer)
        raise
    except UnexpectedState as error:
        _give_up(customer, error)
    else:
        _open_update(customer).update(update_key="", updated_at=clock.now())


def _contact(customer: StripeCustomer) -> dict[str, Any]:
    return {"email": customer.email, "name": customer.name, "metadata": {"joined": join_names(customer.user)}}


def join_names(user: User) -> str:
    """Return what tells a user from another who is given the same number after a restored backup."""
    return user.date_joined.astimezone(UTC).isoformat()


def _open_update(customer: StripeCustomer) -> QuerySet[StripeCustomer]:
    return StripeCustomer.objects.filter(pk=customer.pk, update_key=customer.update_key)


def _rotate_key(customer: StripeCustomer) -> None:
    """Take another key: Stripe answers a failure again under the same one for a day."""
    with transaction.atomic():
        if row := _open_update(customer).select_for_update(no_key=True).first():
            _take_new_key(row)


def _give_up(customer: StripeCustomer, error: UnexpectedState) -> None:
    """Leave what Stripe does not take, such as an address that it holds for none, to staff; the next change is sent."""
    with transaction.atomic():
        if _open_update(customer).update(update_key=""):
            outbox.alert_staff(
                "customer_update_refused",
                f"Stripe does not take the e-mail address or name of {customer.stripe_customer_id}: {error.detail}"
                " Correct them on the user's page; Stripe gets them then.",
            )
