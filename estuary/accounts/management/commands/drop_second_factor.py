"""``manage.py drop_second_factor EMAIL``: for staff who lost both the app and the recovery codes."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from estuary.accounts.models import User
from estuary.accounts.staff.second_factor import drop_factor


class Command(BaseCommand):
    help = "Drop the second factor of one of staff, who enrols another at the next sign-in."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("email", help="the address that they sign in with")

    def handle(self, *args: Any, **options: Any) -> None:
        user = User.objects.filter(email__iexact=options["email"]).first()
        if user is None:
            raise CommandError("Nobody has this address. Look at People in the admin.")
        if not drop_factor(user, "Second factor dropped by manage.py drop_second_factor"):
            raise CommandError("There is no second factor to drop: one is enrolled at the next sign-in.")
        self.stdout.write(
            "Dropped. Their pages are closed until they sign in and enrol another: let them do so now."
        )
