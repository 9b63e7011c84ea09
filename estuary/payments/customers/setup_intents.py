"""SetupIntents: each has a row and is canceled at Stripe when it expires or its user is stopped.

With its client secret, card after card can be tried until the SetupIntent is canceled, and Stripe never cancels one.
https://docs.stripe.com/disputes/prevention/card-testing
"""

from datetime import timedelta
from functools import partial

from django.conf import settings
from django.db import transaction

from estuary.accounts.models import User
from estuary.common import clock
from estuary.common.db.batch_delete import delete_in_batches
from estuary.payments import client
from estuary.payments.customers.consents import Wording, record_consent
from estuary.payments.customers.customers import call_with_customer, next_customer_key
from estuary.payments.customers.payment_method_types import ALLOWED_PAYMENT_METHOD_TYPES
from estuary.payments.errors import NotAtStripe, UnexpectedState, run_all
from estuary.payments.gateway.idempotency_keys import is_request_over
from estuary.payments.models import SetupIntent, StripeCustomer
from estuary.payments.stripe_objects import Setup


def create_setup_intent(user: User, consent: Wording | None = None) -> tuple[str, str]:
    """Return the id and the client secret of a new SetupIntent; it lasts as long as the hold of an order."""
    return call_with_customer(user, lambda customer_id: _create(user, customer_id, consent))


def _create(user: User, customer_id: str, consent: Wording | None) -> tuple[str, str]:
    with transaction.atomic():
        row = SetupIntent.objects.create(
            user=user, stripe_customer_id=customer_id, expires_at=clock.now() + settings.HOLD
        )
        if consent:
            record_consent(user, consent, setup_intent=row)
    params = {
        "customer": customer_id,
        "usage": "off_session",
        "automatic_payment_methods": {"enabled": True, "allow_redirects": "never"},
        "allowed_payment_method_types": list(ALLOWED_PAYMENT_METHOD_TYPES),
        "metadata": {"user_id": str(user.pk), "setup": row.key},
    }
    setup_intent_id, client_secret = client.create_setup_intent(params, key=f"{row.key}-setup-1")
    SetupIntent.objects.filter(pk=row.pk).update(stripe_setup_intent_id=setup_intent_id)
    return setup_intent_id, client_secret


def end_setup_intent(row: SetupIntent) -> bool:
    """Cancel a SetupIntent at Stripe; False while a bank processes it, or Stripe may still be creating it."""
    setup_intent_id = row.stripe_setup_intent_id or _find_at_stripe(row)
    if not setup_intent_id and not is_request_over(row.created_at):
        return False
    if setup_intent_id and not _cancel(row.user, setup_intent_id):
        return False
    SetupIntent.objects.filter(pk=row.pk).update(stripe_setup_intent_id=setup_intent_id, ended_at=clock.now())
    return True


def end_setup_intents_of(user_id: int) -> None:
    """Cancel every SetupIntent of a user at Stripe, including those without a row.

    Raises the first failure at the end. A SetupIntent created meanwhile may be missed; it is canceled when it
    expires, or at the next decline.
    """
    customer = StripeCustomer.objects.select_related("user").filter(user=user_id).first()
    if customer is None:
        return
    rows = SetupIntent.objects.select_related("user").filter(user=user_id, ended_at=None)
    earlier = list(rows.exclude(stripe_setup_intent_id="").order_by("pk"))
    listed = _list_at_stripe(customer.stripe_customer_id) if customer.stripe_customer_id else []
    listed_ids = {setup.id for setup in listed}
    run_all(
        *(partial(_end_listed, customer.user, setup) for setup in listed),
        *(partial(end_setup_intent, row) for row in earlier if row.stripe_setup_intent_id not in listed_ids),
    )


def _end_listed(user: User, setup: Setup) -> None:
    if not setup.is_open or _cancel(user, setup.id):
        open_rows = SetupIntent.objects.filter(user=user, stripe_setup_intent_id=setup.id, ended_at=None)
        open_rows.update(ended_at=clock.now())


def _find_at_stripe(row: SetupIntent) -> str:
    """Return the id of the SetupIntent that an unanswered request created, or ""."""
    listed = _list_at_stripe(row.stripe_customer_id)
    return next((setup.id for setup in listed if setup.key == row.key), "")


def _list_at_stripe(customer_id: str) -> list[Setup]:
    """Return a customer's SetupIntents; none when the customer was deleted, as they are deleted with it."""
    try:
        return client.setup_intents_of(customer_id)
    except NotAtStripe:
        return []


def _cancel(user: User, setup_intent_id: str) -> bool:
    """Cancel a SetupIntent; returns whether it is closed to further cards."""
    try:
        client.cancel_setup_intent(setup_intent_id, key=next_customer_key(user, "cancel"))
    except NotAtStripe:
        # It was deleted with its customer.
        return True
    except UnexpectedState:
        # It has saved a card, is canceled already, or is being processed by a bank.
        return not client.retrieve_setup_intent(setup_intent_id).is_open
    return True


def delete_old_setup_intents() -> int:
    """Delete the rows of SetupIntents that ended long ago; returns how many."""
    before = clock.now() - timedelta(days=settings.SETUP_INTENTS_KEPT_DAYS)
    return delete_in_batches(SetupIntent.objects.filter(ended_at__lt=before))
