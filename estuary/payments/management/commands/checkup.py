"""``manage.py checkup``: names what is wrong with the set-up, why it matters, and the line that cures it."""

import json
import logging
import sys
import textwrap
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from estuary.payments.checkup import Finding, Level, run_checkup

MARKS = {Level.BROKEN: "✗", Level.LOOK: "!", Level.GOOD: "✓"}
WIDTH = 110


class Command(BaseCommand):
    help = "Check how the shop is set up, here and at Stripe. Changes nothing; 0 when nothing must be mended."
    # What they warn of is among the findings.
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="answer as one JSON document")

    def handle(self, *args: Any, **options: Any) -> None:
        with _quiet_log():
            findings = run_checkup()
        must_be_mended = any(finding.level == Level.BROKEN for finding in findings)
        if options["json"]:
            document = {"healthy": not must_be_mended, "findings": [asdict(finding) for finding in findings]}
            self.stdout.write(json.dumps(document, indent=2, ensure_ascii=False))
        else:
            self.stdout.write("\n".join(map(_describe, findings)))
            self.stdout.write(_summarize(findings))
        if must_be_mended:
            sys.exit(1)


@contextmanager
def _quiet_log() -> Iterator[None]:
    """Keep lines about each call to Stripe out of the terminal: the findings say what came of it."""
    root = logging.getLogger()
    before = root.level
    root.setLevel(logging.ERROR)
    try:
        yield
    finally:
        root.setLevel(before)


def _describe(finding: Finding) -> str:
    headline = textwrap.fill(
        f"{MARKS[finding.level]} {finding.what}", WIDTH, subsequent_indent="  ", break_on_hyphens=False
    )
    if finding.level == Level.GOOD:
        return headline
    why = textwrap.fill(f"  Why it matters: {finding.why}", WIDTH, subsequent_indent="    ")
    # The cure stays in one line, to be copied.
    return f"{headline} [{finding.code}]\n{why}\n  Cure: {finding.cure}\n"


def _summarize(findings: Sequence[Finding]) -> str:
    words = {Level.BROKEN: "to be mended", Level.LOOK: "to be looked at", Level.GOOD: "in order"}
    counted = (f"{sum(one.level == level for one in findings)} {text}" for level, text in words.items())
    return f"\n{', '.join(counted)}."
