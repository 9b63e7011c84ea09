"""``manage.py export_person``: all data of a person in the database, as JSON."""

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from estuary.privacy.export import export_person
from estuary.privacy.persons import find_person


class Command(BaseCommand):
    help = "Print all that the database has of a person, as JSON."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("person", help="the e-mail address, or the user's id")

    def handle(self, *args: Any, **options: Any) -> None:
        exported = export_person(find_person(options["person"]))
        self.stdout.write(json.dumps(exported, indent=2, default=str))
