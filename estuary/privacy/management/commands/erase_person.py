"""``manage.py erase_person``: erase a person for good, at Stripe and in the database."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from estuary.accounts.models import User
from estuary.common.errors import EstuaryError
from estuary.privacy.erasure.checks import ErasureRefused, raise_if_events_pending, raise_if_needed
from estuary.privacy.erasure.erase import begin_erasure, finish_erasure, may_be_finished
from estuary.privacy.erasure.mentions import erase_entries, find_mentions
from estuary.privacy.models import Erasure
from estuary.privacy.persons import find_person

DONE = (
    "User {user} is erased. The worker redacts what Stripe still sends. "
    "docs/howto/privacy.md says what logs, backups and Stripe still have."
)
SHUT = (
    "Nobody can sign in as user {user} any more. What they had begun is over in a minute; then the worker erases them, "
    "within ten. Run this again to see it done."
)
LOCKED = (
    " Nobody can sign in as user {user} any more. The worker goes on every ten minutes, or run this again."
)


class Command(BaseCommand):
    help = "Anonymize a person for good. Without --yes it says what is in the way, and changes nothing."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("person", help="the e-mail address, or the user's id")
        parser.add_argument("--yes", action="store_true", help="do it: nobody can bring the person back")
        parser.add_argument(
            "--forfeit-credits",
            action="store_true",
            help="take credits that are left: the person gives them up",
        )
        parser.add_argument(
            "--entries",
            nargs="+",
            type=int,
            default=[],
            metavar="ID",
            help="erase the texts of these audit log entries too: you have read that they mean the person",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        user, forfeit_credits = find_person(options["person"]), options["forfeit_credits"]
        try:
            if not options["yes"]:
                raise_if_needed(user, forfeit_credits=forfeit_credits)
                raise_if_events_pending(user)
                self._list_mentions(user)
                self.stdout.write(f"Nothing is in the way. Erase user {user.pk} for good with --yes.")
                return
            erasure = begin_erasure(user, forfeit_credits=forfeit_credits)
            if not may_be_finished(erasure):
                self.stdout.write(SHUT.format(user=user.pk))
                return
            changed = finish_erasure(erasure)
        except ErasureRefused as refusal:
            raise CommandError(f"User {user.pk} can't be erased yet.\n{refusal}{_locked(user)}") from None
        except EstuaryError as error:
            raise CommandError(f"Stripe did not do its part. {error}{_locked(user)}") from None
        for table, rows in changed.items():
            self.stdout.write(f"{table}: {rows}")
        if missing := erase_entries(options["entries"]):
            raise CommandError(f"There are no audit log entries {missing}. All else is erased.")
        self.stdout.write(DONE.format(user=user.pk))

    def _list_mentions(self, user: User) -> None:
        if entries := " ".join(map(str, find_mentions(user))):
            self.stdout.write(
                f"A name like theirs stands in the audit log, in the entries {entries}. Read them, and add"
                f" --entries with those that mean the person."
            )


def _locked(user: User) -> str:
    is_shut = Erasure.objects.filter(user=user, erased_at=None).exists()
    return LOCKED.format(user=user.pk) if is_shut else ""
