"""Another platform on our account: its events are signed by Stripe, carry ids and labels of ours, and lie."""

import json
from random import Random
from typing import TYPE_CHECKING

from estuary.payments.client import API_VERSION
from stripe_sandbox.public_view import public
from stripe_sandbox.webhook_queue import signature
from tests.sandbox_bridge import SECRET
from tests.simulation.browser import Browser

if TYPE_CHECKING:
    from tests.simulation.harness import Harness

WEBHOOK = "/api/v1/payments/webhook/"
LIES = {"payment_intent.succeeded": "succeeded", "payment_intent.canceled": "canceled"}


def bring_event_of_another_account(harness: "Harness", chance: Random, browser: Browser) -> None:
    """Say of a payment of ours that is open that it is over, as a connected account's event would of its own."""
    waiting = [i for i in harness.sandbox.state.store.payment_intents if i["status"].startswith("requires_")]
    if not waiting:
        return
    about, kind = public(chance.choice(waiting)), chance.choice(sorted(LIES))
    about |= {"status": LIES[kind], "amount_received": about["amount"] if kind.endswith("succeeded") else 0}
    event = {
        "id": f"evt_connected{chance.getrandbits(64):x}",
        "object": "event",
        "account": "acct_of_another_house",
        "api_version": API_VERSION,
        "created": int(harness.clock.now()),
        "data": {"object": about},
        "livemode": False,
        "type": kind,
    }
    body = json.dumps(event).encode()
    signed = {"Stripe-Signature": signature(body, SECRET, int(harness.clock.now()))}
    answer = browser.ask("post", WEBHOOK, body, **signed)
    harness.run_log.add(f"brings {kind} of another account → {answer.status}")
