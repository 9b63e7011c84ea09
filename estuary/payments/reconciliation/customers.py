"""A user gets back the customer and cards that Stripe has and this database has lost, as after a restored backup.

Saved cards are compared with Stripe's, a few customers at a time, the longest unchecked first. For a removed card
Stripe may create no event, and it has no list of them. Paying with one is refused in any case (payment_methods.py).
"""

from datetime import datetime, timedelta
from functools import partial

import structlog
from django.db import transaction
from django.db.models import Q, QuerySet

from estuary.accounts.models import ContactChange, User
from estuary.common import clock
from estuary.common.db.prepared_queries import Param, PreparedQuery
from estuary.common.ids import parse_primary_key
from estuary.common.process import shutdown
from estuary.orders.models import Order
from estuary.payments import client
from estuary.payments.customers.customer_updates import join_names
from estuary.payments.customers.customers import (
    NAME_MAX,
    forget_customer,
    is_labeled_ours,
    name_at_stripe,
    own_database_id,
)
from estuary.payments.customers.non_card_removal import (
    OtherPaymentMethodAttached,
    remove_other_payment_method,
)
from estuary.payments.customers.payment_methods import PaymentMethodEvent, card_from, sync_method
from estuary.payments.errors import NotAtStripe, StripeUnavailable
from estuary.payments.models import PaymentMethod, StripeCustomer
from estuary.payments.reconciliation.retry import run_logged
from estuary.payments.stripe_objects import Card, Customer, OtherPaymentMethod

# The column's limit; Stripe takes 512.
EMAIL_MAX = 254


def restore_customer(customer: Customer) -> bool:
    """Bind a customer with our metadata to its user, if the user has none, and save its cards.

    A user who has another customer by now keeps that one.
    """
    user = labeled_user(customer) if is_labeled_ours(customer, own_database_id()) else None
    if user is None or not _bind(user, customer):
        return False
    at = clock.now()
    for method in client.methods_of(customer.id):
        with transaction.atomic():
            _take_over(method, customer.id, at)
    return True


def resync_payment_methods(owner: StripeCustomer) -> bool:
    """Make a user's saved cards equal to Stripe's; returns whether the list changed.

    Our list is read before Stripe's, so a card saved meanwhile is not taken for a removed one.
    """
    at, before = clock.now(), _saved_by_id(owner.user_id)
    try:
        methods = client.methods_of(owner.stripe_customer_id)
    except NotAtStripe:
        forget_customer(owner.stripe_customer_id)
        return True
    removed = before.keys() - {card.id for card in methods}
    with transaction.atomic():
        for method in methods:
            _take_over(method, owner.stripe_customer_id, at)
        for row in (before[card_id] for card_id in sorted(removed)):
            sync_method(
                PaymentMethodEvent("detached", card_from(row), owner.stripe_customer_id, at, fetched=True)
            )
    return _saved_by_id(owner.user_id).keys() != before.keys()


def _take_over(method: Card | OtherPaymentMethod, customer_id: str, at: datetime) -> None:
    if isinstance(method, Card):
        sync_method(PaymentMethodEvent("attached", method, customer_id, at, fetched=True))
    else:
        remove_other_payment_method(OtherPaymentMethodAttached(method, at))


def _saved_by_id(user_id: int) -> dict[str, PaymentMethod]:
    rows = PaymentMethod.objects.filter(user_id=user_id, detached_at=None)
    return {row.stripe_payment_method_id: row for row in rows}


def labeled_user(customer: Customer) -> User | None:
    """Return the user that a customer's metadata names.

    The id alone proves nothing: after a restored backup it may belong to somebody else. So the address must match, or
    else the moment at which the user signed up, as the address may have changed since the backup.
    """
    user_id = parse_primary_key(customer.user_ref)
    user = User.objects.filter(pk=user_id).first() if user_id is not None else None
    if user is None:
        return None
    is_same_person = user.email.lower() == customer.email.lower() or customer.joined == join_names(user)
    return user if is_same_person else None


def _bind(user: User, customer: Customer) -> bool:
    """Bind the customer to a user who has none; a different address or name is sent to Stripe later."""
    with transaction.atomic():
        defaults = {"email": user.email, "name": name_at_stripe(user)}
        row, _ = StripeCustomer.objects.select_for_update(no_key=True).get_or_create(
            user=user, defaults=defaults
        )
        if row.stripe_customer_id:
            return False
        row.stripe_customer_id = customer.id
        row.email, row.name = customer.email[:EMAIL_MAX], customer.name[:NAME_MAX]
        row.database_id = customer.database_id
        row.save(update_fields=["stripe_customer_id", "email", "name", "database_id"])
        if (row.email, row.name) != (user.email, name_at_stripe(user)):
            ContactChange.objects.create(user=user)
    return True


CUSTOMERS_PER_RUN = 50

CHECK_INTERVAL = timedelta(minutes=10)

UNCHECKED_CUSTOMERS = PreparedQuery(lambda: _customers().filter(cards_checked_at=None)[:CUSTOMERS_PER_RUN])
DUE_CUSTOMERS = PreparedQuery(
    lambda: _customers().filter(
        # A clock that ran ahead may have set a time in the future.
        Q(cards_checked_at__lte=Param("before")) | Q(cards_checked_at__gt=Param("at"))
    )[:CUSTOMERS_PER_RUN]
)

log = structlog.get_logger(__name__)


def _customers() -> QuerySet[StripeCustomer]:
    return StripeCustomer.objects.exclude(stripe_customer_id="").order_by("cards_checked_at", "pk")


def check_saved_payment_methods() -> int:
    """Compare the cards of up to CUSTOMERS_PER_RUN customers; returns how many were compared."""
    at = clock.now()
    rows = [*UNCHECKED_CUSTOMERS.fetch(), *DUE_CUSTOMERS.fetch(at=at, before=at - CHECK_INTERVAL)]
    checked = 0
    for customer in rows[:CUSTOMERS_PER_RUN]:
        if shutdown.is_shutting_down():
            break
        # Before Stripe is asked: one customer whose cards it never lists must not be the first each time.
        StripeCustomer.objects.filter(pk=customer.pk).update(cards_checked_at=at)
        try:
            checked += run_logged(partial(resync_payment_methods, customer), what=f"cards of {customer}")
        except StripeUnavailable:
            log.warning("card_checks_stopped", customer=customer.stripe_customer_id)
            break
    return checked


def save_card_of_payment(order: Order) -> None:
    """List the card that a paid order has saved, although Stripe's event of it is late; asked once for each payment.

    The order is settled already, so a failure is only logged: the event or the next comparison saves the card.
    """
    if not order.paid_at or not order.save_payment_method:
        return
    customer = StripeCustomer.objects.filter(stripe_customer_id=order.stripe_customer_id or None).first()
    if customer is None or (customer.cards_checked_at and customer.cards_checked_at >= order.paid_at):
        return
    at = clock.now()
    try:
        if run_logged(partial(resync_payment_methods, customer), what=f"cards of {customer}"):
            StripeCustomer.objects.filter(pk=customer.pk).update(cards_checked_at=at)
    except StripeUnavailable:
        log.warning("saved_card_not_asked_for", customer=customer.stripe_customer_id)
