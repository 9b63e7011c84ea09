"""Slips with purchases whose answer was lost: the retry buys again."""

from typing import Any

from estuary.payments.checkout import repeats
from tests.simulation.mutants.patching import breaks, instead_of, nothing

ONCE = "a buyer pays once for one intention"


@breaks("S4", ONCE, scenarios="once more")
def the_same_sent_again_is_bought_again() -> None:
    """As it was: what is paid is over, and the same body is a wish of its own."""
    instead_of(repeats.guard_for, lambda *_, **__: None)


@breaks("S4", ONCE, scenarios="once more")
def who_says_again_says_it_for_good() -> None:
    """What was bought after the order that is named is not looked at."""
    guard_for = repeats.guard_for

    def unless_named(data: dict[str, Any], **rest: Any) -> Any:
        return None if data.get("again") else guard_for(data, **rest)

    instead_of(guard_for, unless_named)


@breaks("S4", ONCE, scenarios="once more")
def a_look_for_what_was_just_bought_finds_nothing() -> None:
    """Neither before the new order is placed nor after."""
    repeats.RepeatGuard.refuse_repeat = nothing  # type: ignore[method-assign]
