"""Giving a user back the customer, and the cards, that Stripe has and we have forgotten, as after a restored backup."""

from django.conf import settings
from django.db import transaction

from estuary.accounts.models import User
from estuary.common import clock
from estuary.common.primary_keys import primary_key_in
from estuary.payments import client
from estuary.payments.methods import CardNews, sync_method
from estuary.payments.models import StripeCustomer
from estuary.payments.objects import Customer


def reattach(customer: Customer) -> bool:
    """Bind a customer that carries our label to its user, when that user has none, and take over its cards.

    A user who has another customer by now keeps that one.
    """
    user = labeled_user(customer) if customer.home == settings.FRONTEND_URL else None
    if user is None or not _bind(user, customer):
        return False
    at = clock.now()
    for card in client.cards_of(customer.id):
        with transaction.atomic():
            sync_method(CardNews("attached", card, customer.id, at))
    return True


def labeled_user(customer: Customer) -> User | None:
    """Return the user whom a customer's label names.

    The number alone is no proof: after a restore it may have been given to somebody else, so the address must fit too.
    """
    number = primary_key_in(customer.user_ref)
    if number is None:
        return None
    return User.objects.filter(pk=number, email__iexact=customer.email).first()


def _bind(user: User, customer: Customer) -> bool:
    with transaction.atomic():
        defaults = {"email": user.email, "name": user.get_full_name()}
        row, _ = StripeCustomer.objects.select_for_update(no_key=True).get_or_create(
            user=user, defaults=defaults
        )
        if row.stripe_customer_id:
            return False
        row.stripe_customer_id = customer.id
        row.save(update_fields=["stripe_customer_id"])
    return True
