"""The self-check from beginning to end."""

from collections.abc import Callable
from dataclasses import dataclass, field

import httpx

from demo.selfcheck import buying_credits, cards, holds, money, refunds, services
from demo.selfcheck.failure import SelfCheckFailed
from demo.selfcheck.shop import Row, Shop

# The text on the screen, and the step. The hold began before all other steps, so its step is last.
STEPS: list[tuple[str, Callable[[Shop], Row]]] = [
    ("buying credits by intent", buying_credits.credits_by_intent),
    ("buying credits on the hosted page", buying_credits.credits_by_checkout),
    ("buying a session", services.session),
    ("buying a workshop", services.workshop),
    ("buying a course", services.course),
    ("buying a package", services.package),
    ("buying a bundle", services.bundle),
    ("paying with a saved card in the browser", cards.saved_card_in_browser),
    ("paying with a saved card on the server", cards.saved_card_on_server),
    ("paying with credits alone", buying_credits.all_by_credits),
    ("paying half with credits", buying_credits.half_by_credits),
    ("being declined, then paying", cards.declined_then_paid),
    ("passing 3-D Secure", cards.with_3d_secure),
    ("refunding in full", refunds.full_refund),
    ("refunding a part", refunds.partial_refund),
    ("refunding in the dashboard", refunds.dashboard_refund),
    ("waiting for a hold of 5 seconds to expire", holds.hold_expires),
]


@dataclass(slots=True)
class Report:
    """What came of it: a row for each thing, and the sum of the money (empty when it does not add up)."""

    rows: list[Row] = field(default_factory=list)
    money: str = ""

    @property
    def failed(self) -> list[Row]:
        return [row for row in self.rows if row.failed]


def run_purchases(shop: Shop, say: Callable[[str], None]) -> Report:
    """Buy one of everything; a row that fails does not keep the others from being tried."""
    report = Report()
    _try(report, "Hold a seat for 5 seconds", lambda: holds.take_hold(shop))
    for doing, do in STEPS:
        say(doing)
        row = _try(report, doing, lambda do=do: do(shop))  # type: ignore[misc]
        if row is not None:
            report.rows.append(row)
    say("comparing the money")
    report.money = _try(report, "Money", lambda: money.money_agrees(shop)) or ""
    return report


def _try[T](report: Report, what: str, do: Callable[[], T]) -> T | None:
    try:
        return do()
    except (SelfCheckFailed, httpx.HTTPError, KeyError, ValueError, IndexError) as error:
        why = str(error) if isinstance(error, SelfCheckFailed) else f"{type(error).__name__}: {error}"
        report.rows.append(Row(what, "", "", "", "FAILED", why, failed=True))
        return None
