"""Cards that are typed, and what a page says to Stripe.js."""

from pathlib import Path

GOOD, DECLINED, ASKS = "4242424242424242", "4000000000000002", "4000002500003155"
DEFERRED = {"mode": "payment", "amount": 3500, "currency": "usd"}
NEW_CARD = "{ payment_method: { card: made.card, billing_details: { name: 'Jo' } } }"
BY_CARD = f"stripe.confirmCardPayment(argument, {NEW_CARD})"
IF_REQUIRED = "confirmParams: { return_url: location.href }, redirect: 'if_required'"
BY_ELEMENTS = f"stripe.confirmPayment({{ elements, clientSecret: argument, {IF_REQUIRED} }})"
TYPES = Path(__file__).parents[3] / "frontend" / "node_modules" / "@stripe" / "stripe-js" / "dist"
