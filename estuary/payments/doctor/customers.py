"""Stripe's customers are compared with our users: those created or updated since a moment."""

from collections.abc import Iterator
from datetime import datetime

from django.db.models import Q

from estuary.accounts.models import ContactChange
from estuary.common.db.bulk import any_id
from estuary.payments import client
from estuary.payments.customers.customers import find_customer_at_stripe, name_at_stripe
from estuary.payments.models import StripeCustomer
from estuary.payments.reconciliation.stripe_lists import unique_batches
from estuary.payments.stripe_objects import Customer


def differing_customers(*, since: datetime, late: datetime) -> Iterator[tuple[str, str, str]]:
    """Return customers whose address or name differs from the user's, except those with a pending update."""
    at_stripe = {customer.id: customer for customer in client.customers_since(since)}
    updated = StripeCustomer.objects.filter(updated_at__gte=since).exclude(stripe_customer_id="")
    for customer_id in list(updated.values_list("stripe_customer_id", flat=True)):
        if customer_id not in at_stripe and (customer := find_customer_at_stripe(customer_id)):
            at_stripe[customer_id] = customer
    for batch in unique_batches(at_stripe):
        rows = StripeCustomer.objects.select_related("user").filter(any_id("stripe_customer_id", batch))
        pending = ContactChange.objects.filter(Q(seen_at=None) | Q(seen_at__gt=late))
        for row in rows.exclude(user__in=pending.values("user")).order_by("pk"):
            customer = at_stripe[row.stripe_customer_id]
            if _contact(customer) != _contact_here(row):
                yield "customer_differs", customer.id, f"user {row.user_id} has another address or name"


def _contact(customer: Customer) -> tuple[str, str]:
    return customer.email.strip().lower(), customer.name.strip()


def _contact_here(row: StripeCustomer) -> tuple[str, str]:
    return row.user.email.strip().lower(), name_at_stripe(row.user).strip()
