"""No SetupIntent outlives its time: its client secret would try stolen cards without end."""

from tests.simulation.oracle.observer import Observer
from tests.simulation.oracle.violation import InvariantViolation

OUTLIVED = "no card can be tried with a SetupIntent whose time is over"
OVER = {"succeeded", "canceled"}


def check_setup_intents(observer: Observer) -> None:
    """Look at Stripe itself: a row that says it has ended proves nothing."""
    still_open = [one["id"] for one in observer.stripe.setup_intents if one["status"] not in OVER]
    if still_open:
        raise InvariantViolation(OUTLIVED, still_open)
