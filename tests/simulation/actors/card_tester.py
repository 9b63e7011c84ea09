"""A thief who wants to know which cards still work, and tries them with one client secret for as long as it lasts."""

from typing import TYPE_CHECKING

from stripe_sandbox.errors import StripeError

if TYPE_CHECKING:
    from tests.simulation.actors.buyers import Buyer

STOLEN = ("4000000000000002", "4000000000009995", "4000000000000069")


def try_cards(buyer: "Buyer") -> None:
    """Begin to save a card, and have one stolen card after the other declined; the SetupIntent is left open."""
    setup = buyer.browser.ask("post", "/api/v1/payments/methods/setup/")
    buyer.harness.run_log.add(f"{buyer.user.email} begins to try cards → {setup.status}")
    if not setup.fine:
        return
    for _ in range(buyer.draws.pick("tries", [1, 3, 8])):
        card = buyer.draws.pick("stolen card", STOLEN)
        try:
            buyer.harness.sandbox.control.confirm_setup(setup["setup_intent_id"], card=card)
        except StripeError as refused:
            buyer.harness.run_log.add(f"  Stripe refuses: {refused}"[:160])
            return
