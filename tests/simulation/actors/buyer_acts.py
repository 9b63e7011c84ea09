"""The acts of a scenario that a buyer performs, each by its name in the scenario."""

from collections.abc import Callable

from tests.simulation.actors.buyers import Buyer
from tests.simulation.actors.card_tester import try_cards
from tests.simulation.actors.contact_changes import change_contact
from tests.simulation.actors.erasure import leave
from tests.simulation.actors.intruder import pry
from tests.simulation.actors.moving_buyer import move
from tests.simulation.actors.retrying_buyer import retry

ACTS: dict[str, Callable[[Buyer], None]] = {
    "cancel booking": Buyer.cancel_booking,
    "schedule": Buyer.schedule,
    "move": move,
    "manage cards": Buyer.manage_cards,
    "pry": pry,
    "try cards": try_cards,
    "retry": retry,
    "change contact": change_contact,
    "leave": leave,
}


def perform_act(buyer: Buyer, verb: str, thing: str) -> None:
    """Let a buyer buy a thing, or perform another of the acts."""
    if verb == "buy":
        buyer.buy(thing)
    else:
        ACTS[verb](buyer)
