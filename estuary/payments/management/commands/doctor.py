"""``manage.py doctor``: reports in one line that all rules hold, or each broken rule, its objects and the remedy."""

import json
import re
import sys
import time
from argparse import ArgumentTypeError
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from estuary.common import clock
from estuary.common.api.rates import SECONDS
from estuary.common.errors import EstuaryError
from estuary.common.money import display
from estuary.payments.doctor import RULES, CheckRun, Violation, run_checks, stripe_comparison
from estuary.payments.doctor.runner import TIMEOUT_S

NOT_COMPARED = "stripe_not_compared"
NOT_COMPARED_SENTENCE = "Stripe can be asked."
NOT_COMPARED_REMEDY = (
    "manage.py checkup says what is wrong with the key or the network; then run the doctor again."
)


def span(text: str) -> timedelta:
    """Return the time span of ``90m``, ``12h`` or ``7d``; raises ArgumentTypeError."""
    match = re.fullmatch(r"([1-9]\d{0,3})([mhd])", text)
    if match is None:
        raise ArgumentTypeError(f"{text} is no time; say 90m, 12h or 7d")
    return timedelta(seconds=int(match[1]) * SECONDS[match[2]])


class Command(BaseCommand):
    help = "Check that the books are true, here and (with --stripe) at Stripe. Changes nothing; 0 when all is well."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--stripe", action="store_true", help="compare with Stripe too")
        parser.add_argument("--since", type=span, default=span("1d"), help="how far back at Stripe (1d)")
        parser.add_argument("--json", action="store_true", help="answer as one JSON document")
        parser.add_argument("--timeout", type=int, default=TIMEOUT_S, help=f"seconds a rule ({TIMEOUT_S})")

    def handle(self, *args: Any, **options: Any) -> None:
        at, started_at = clock.now(), time.monotonic()
        result = run_checks(RULES, at=at, timeout_s=options["timeout"])
        rules = len(RULES)
        if options["stripe"]:
            result.violations += _compare(at - options["since"], at)
            rules += len(stripe_comparison.SENTENCES)
        seconds = time.monotonic() - started_at
        render = _as_json if options["json"] else _as_text
        self.stdout.write(render(result, rules, seconds))
        if result.violations:
            sys.exit(1)


def _compare(since: datetime, at: datetime) -> list[Violation]:
    """Compare with Stripe; a Stripe that can't be asked is one violation, beside those that were found here."""
    try:
        return stripe_comparison.compare(since=since, at=at)
    except EstuaryError as error:
        return [
            Violation(NOT_COMPARED, NOT_COMPARED_SENTENCE, NOT_COMPARED_REMEDY, 1, (("Stripe", str(error)),))
        ]


def _as_json(result: CheckRun, rules: int, seconds: float) -> str:
    figures = [
        {"currency": currency, "orders": orders, "captured_minor": captured, "refunded_minor": refunded}
        for currency, orders, captured, refunded in result.figures
    ]
    document = {
        "healthy": not result.violations,
        "rules": rules,
        "seconds": round(seconds, 2),
        "figures": figures,
        "breaches": [asdict(violation) for violation in result.violations],
    }
    return json.dumps(document, indent=2)


def _as_text(result: CheckRun, rules: int, seconds: float) -> str:
    if result.violations:
        return "\n\n".join(_describe(violation) for violation in result.violations)
    figures = "; ".join(
        f"{orders:,} orders, {display(captured, currency)} captured, {display(refunded, currency)} refunded"
        for currency, orders, captured, refunded in result.figures
    )
    return f"healthy: {rules} rules hold; {figures or 'no orders yet'} ({seconds:.1f} s)"


def _describe(violation: Violation) -> str:
    objects = "".join(f"\n  {name}: {wrong}" for name, wrong in violation.objects)
    more = violation.count - len(violation.objects)
    rest = f"\n  … and {more:,} more" if more else ""
    headline = f"{violation.code}: broken by {violation.count:,}. {violation.sentence}"
    return f"{headline}{objects}{rest}\n  What to do: {violation.remedy}"
