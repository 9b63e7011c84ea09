"""``manage.py doctor``: says in one line that all is well, or which rule is broken, by what, and what to do."""

import json
import re
import sys
import time
from argparse import ArgumentTypeError
from dataclasses import asdict
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from estuary.common import clock
from estuary.common.api.rates import SECONDS
from estuary.common.money import display
from estuary.payments.doctor import RULES, CheckRun, Violation, run_checks, stripe_comparison
from estuary.payments.doctor.runner import TIMEOUT_S


def span(text: str) -> timedelta:
    """Return the time that ``90m``, ``12h`` or ``7d`` says; raises ArgumentTypeError."""
    said = re.fullmatch(r"([1-9]\d{0,3})([mhd])", text)
    if said is None:
        raise ArgumentTypeError(f"{text} is no time; say 90m, 12h or 7d")
    return timedelta(seconds=int(said[1]) * SECONDS[said[2]])


class Command(BaseCommand):
    help = "Check that the books are true, here and (with --stripe) at Stripe. Changes nothing; 0 when all is well."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--stripe", action="store_true", help="compare with Stripe too")
        parser.add_argument("--since", type=span, default=span("1d"), help="how far back at Stripe (1d)")
        parser.add_argument("--json", action="store_true", help="answer as one JSON document")
        parser.add_argument("--timeout", type=int, default=TIMEOUT_S, help=f"seconds a rule ({TIMEOUT_S})")

    def handle(self, *args: Any, **options: Any) -> None:
        at, begun = clock.now(), time.monotonic()
        found = run_checks(RULES, at=at, timeout_s=options["timeout"])
        rules = len(RULES)
        if options["stripe"]:
            found.breaches += stripe_comparison.compare(since=at - options["since"], at=at)
            rules += len(stripe_comparison.SENTENCES)
        seconds = time.monotonic() - begun
        tell = _as_json if options["json"] else _as_text
        self.stdout.write(tell(found, rules, seconds))
        if found.breaches:
            sys.exit(1)


def _as_json(found: CheckRun, rules: int, seconds: float) -> str:
    figures = [
        {"currency": currency, "orders": orders, "captured_minor": captured, "refunded_minor": refunded}
        for currency, orders, captured, refunded in found.figures
    ]
    told = {
        "healthy": not found.breaches,
        "rules": rules,
        "seconds": round(seconds, 2),
        "figures": figures,
        "breaches": [asdict(breach) for breach in found.breaches],
    }
    return json.dumps(told, indent=2)


def _as_text(found: CheckRun, rules: int, seconds: float) -> str:
    if found.breaches:
        return "\n\n".join(_told(breach) for breach in found.breaches)
    figures = "; ".join(
        f"{orders:,} orders, {display(captured, currency)} captured, {display(refunded, currency)} refunded"
        for currency, orders, captured, refunded in found.figures
    )
    return f"healthy: {rules} rules hold; {figures or 'no orders yet'} ({seconds:.1f} s)"


def _told(breach: Violation) -> str:
    objects = "".join(f"\n  {name}: {wrong}" for name, wrong in breach.objects)
    more = breach.count - len(breach.objects)
    rest = f"\n  … and {more:,} more" if more else ""
    return f"{breach.code}: broken by {breach.count:,}. {breach.sentence}{objects}{rest}\n  What to do: {breach.remedy}"
