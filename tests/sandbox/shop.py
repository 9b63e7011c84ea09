"""What the tests do again and again."""

from typing import Any

import stripe

from stripe_sandbox import Sandbox

AUTOMATIC: dict[str, Any] = {"enabled": True, "allow_redirects": "never"}


def intent(api: stripe.StripeClient, amount: int = 2000, **params: Any) -> stripe.PaymentIntent:
    """Create an intent as a shop's server does."""
    fields: dict[str, Any] = {"amount": amount, "currency": "usd", "automatic_payment_methods": AUTOMATIC}
    return api.v1.payment_intents.create(fields | params)  # type: ignore[arg-type]


def paid(api: stripe.StripeClient, method: str = "pm_card_visa", **params: Any) -> stripe.PaymentIntent:
    """Create an intent and pay it at once."""
    return intent(api, payment_method=method, confirm=True, **params)


def session(api: stripe.StripeClient, **params: Any) -> stripe.checkout.Session:
    """Create a Checkout Session of 30.00."""
    price = {"currency": "usd", "unit_amount": 1500, "product_data": {"name": "Yoga"}}
    fields: dict[str, Any] = {
        "mode": "payment",
        "line_items": [{"price_data": price, "quantity": 2}],
        "success_url": "https://shop.example/thanks?id={CHECKOUT_SESSION_ID}",
        "cancel_url": "https://shop.example/basket",
    }
    return api.v1.checkout.sessions.create(fields | params)  # type: ignore[arg-type]


def types(sandbox: Sandbox) -> list[str]:
    """Return the types of the events that were not yet taken, in order."""
    return [delivery.type for delivery in sandbox.take_deliveries()]
