"""``manage.py stripe_account``: shows the Stripe account of this database, or binds the database to another one."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from estuary.common.errors import EstuaryError
from estuary.common.livemode import is_live
from estuary.payments import client
from estuary.payments.gateway import account_binding, ownership
from estuary.payments.models import StripeAccount


class Command(BaseCommand):
    help = "Say which Stripe account this database belongs to, and which one STRIPE_SECRET_KEY is of."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--replace",
            action="store_true",
            help="let this database belong to the key's account from now on: every saved card and every payment "
            "under way at the old account is given up as soon as it is asked for",
        )

        parser.add_argument(
            "--claim",
            action="store_true",
            help="make this database the owner of what is done at Stripe: after a move to another address, or once a "
            "restored backup is the only database at work. The former owner only reads at Stripe from then on",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        stored, _ = StripeAccount.objects.get_or_create(pk=1)
        try:
            account_id = client.account_id()
        except EstuaryError as error:
            raise CommandError(f"Stripe could not be asked whose key this is: {error}") from None
        if not account_id:
            raise CommandError(
                "This restricted key may not say whose it is: give it read access to the account."
            )
        current = StripeAccount(account_id=account_id, livemode=is_live())
        self.stdout.write(f"This database belongs to {stored if stored.account_id else 'no account yet'}.")
        self.stdout.write(f"STRIPE_SECRET_KEY is of {current}.")
        if options["claim"]:
            self._claim()
        elif not options["replace"]:
            self._say_standing()
        if options["replace"] and str(stored) != str(current):
            account_binding.bind_account(account_id, livemode=current.livemode, replace=True)
            self.stdout.write(f"From now on it belongs to {current}. Restart the web server and the worker.")

    def _claim(self) -> None:
        try:
            ownership.claim(client.owner_product_client())
        except EstuaryError as error:
            raise CommandError(f"The owner could not be recorded at Stripe: {error}") from None
        self.stdout.write(
            f"From now on the database at {ownership.current_site_url()} is the owner of what is done at Stripe. Its "
            "web server and worker know within a minute; the former owner only reads from then on."
        )

    def _say_standing(self) -> None:
        try:
            owner_status = ownership.find_owner_status(client.owner_product_client())
        except EstuaryError as error:
            self.stdout.write(f"Stripe could not be asked who the owner is: {error}")
            return
        owner = "At Stripe, this database is recorded as the owner."
        self.stdout.write(ownership.describe_owner_status(owner_status) or owner)
