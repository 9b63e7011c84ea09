"""``python -m demo.mistakes`` makes each mistake and prints what the checkup named, and in how many seconds."""

import sys

import httpx
from rich import box
from rich.markup import escape
from rich.table import Table

from demo.mistakes.catalog import MISTAKES
from demo.mistakes.shop import Shop, codes_in, running_shop, wait_until_named
from demo.plan import CannotStart
from demo.screen import Screen
from demo.selfcheck.failure import SelfCheckFailed

NAMED_WITHIN_S = 60.0
# A sandbox stands in Stripe's place, one role does all in the database, and the storefront may not be built.
EXPECTED = {"estuary.W006", "estuary.W008", "storefront_not_built"}
SENTENCE_MAX = 100


def main() -> int:
    """Return 0 when each mistake was named within a minute, and nothing without one."""
    screen = Screen()
    try:
        with running_shop() as shop:
            return _make_all(shop, screen)
    except (CannotStart, SelfCheckFailed, httpx.HTTPError) as error:
        screen.problem(str(error))
        return 1


def _make_all(shop: Shop, screen: Screen) -> int:
    with screen.step("A shop that is set up well", "Nothing is named in a shop that is set up well"):
        if unexpected := codes_in(shop.checkup()).keys() - EXPECTED:
            raise CannotStart(f"The checkup names {unexpected} in a shop that is set up well.")
    table = Table(title="Mistakes, and what the checkup named", title_justify="left", box=box.SIMPLE_HEAD)
    for name in ("Mistake", "Named", "Seconds", "What it says"):
        table.add_column(name, overflow="fold", justify="right" if name == "Seconds" else "left")
    failed = 0
    for mistake in MISTAKES:
        with screen.step(mistake.name, mistake.name), mistake.make(shop) as changed:
            try:
                sentence, seconds = wait_until_named(shop, mistake.code, changed, NAMED_WITHIN_S)
            except CannotStart as error:
                failed += 1
                screen.problem(f"{mistake.name}: {error}")
                continue
        line = " ".join(sentence.split())
        short = line if len(line) <= SENTENCE_MAX else f"{line[:SENTENCE_MAX]}…"
        table.add_row(*map(escape, (mistake.name, mistake.code, f"{seconds:.1f}", short)))
    screen.console.print(table)
    screen.console.print(f"{len(MISTAKES) - failed} of {len(MISTAKES)} mistakes were named within a minute.")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
