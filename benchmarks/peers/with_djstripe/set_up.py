"""Migrate, and warm up: the account, the customer, the card and the endpoint are known before any event comes."""

import sys

import django
import stripe
from django.conf import settings
from django.core.management import call_command

from benchmarks.peers.with_djstripe.at_once import CREATED, PAYMENT, AtOnce, account, card, customer


def main(endpoint: str, secret: str) -> None:
    stripe.default_http_client = AtOnce()
    django.setup()
    call_command("migrate", verbosity=0)
    from djstripe.models import Account, APIKey, Customer, PaymentMethod, WebhookEndpoint

    key = APIKey.objects.create(
        secret=settings.STRIPE_TEST_SECRET_KEY, type="secret", livemode=False, djstripe_owner_account=None
    )
    owner = key.djstripe_owner_account = Account.sync_from_stripe_data(account(""))
    key.save()
    Customer.sync_from_stripe_data(customer(PAYMENT["customer"]))
    PaymentMethod.sync_from_stripe_data(card(PAYMENT["payment_method"]))
    WebhookEndpoint.objects.create(
        id="we_of_the_benchmark",
        djstripe_uuid=endpoint,
        djstripe_owner_account=owner,
        livemode=False,
        secret=secret,
        status="enabled",
        url=f"https://estuary.example/stripe/webhook/{endpoint}",
        enabled_events=["*"],
        stripe_data={"id": "we_of_the_benchmark", "created": CREATED},
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
