"""``manage.py stripe_account``: which Stripe account this database belongs to, and, on purpose, another one."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from estuary.common.errors import EstuaryError
from estuary.common.livemode import is_live
from estuary.payments import account, client
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

    def handle(self, *args: Any, **options: Any) -> None:
        bound, _ = StripeAccount.objects.get_or_create(pk=1)
        try:
            asked = client.account_id()
        except EstuaryError as error:
            raise CommandError(f"Stripe could not be asked whose key this is: {error.detail}") from None
        if not asked:
            raise CommandError(
                "This restricted key may not say whose it is: give it read access to the account."
            )
        now = StripeAccount(account_id=asked, livemode=is_live())
        self.stdout.write(f"This database belongs to {bound if bound.account_id else 'no account yet'}.")
        self.stdout.write(f"STRIPE_SECRET_KEY is of {now}.")
        if options["replace"] and str(bound) != str(now):
            account.bind(asked, livemode=now.livemode, replace=True)
            self.stdout.write(f"From now on it belongs to {now}. Restart the web server and the worker.")
