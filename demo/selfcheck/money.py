"""Whether what Stripe holds is what we say it holds, payment by payment, to the minor unit."""

from collections import defaultdict
from decimal import Decimal

from demo.selfcheck.failure import need
from demo.selfcheck.refunds import reported
from demo.selfcheck.shop import Shop


def money_agrees(shop: Shop) -> str:
    """Compare every charge at Stripe with every order here and return the sum; raises SelfCheckFailed."""
    captured: dict[str, tuple[int, int]] = defaultdict(lambda: (0, 0))
    for charge in shop.dashboard.charges():
        if charge["paid"]:
            taken, returned = captured[charge["payment_intent"]]
            captured[charge["payment_intent"]] = (
                taken + charge["amount_captured"],
                returned + charge["amount_refunded"],
            )
    recorded: dict[str, tuple[int, int]] = {}
    for purchase in shop.purchases.values():
        taken_text, returned_texts = reported(purchase)
        if purchase.payment_intent and Decimal(taken_text):
            recorded[purchase.payment_intent] = (_cents(taken_text), sum(map(_cents, returned_texts)))
    differ = [
        f"{pi}: Stripe {captured.get(pi)}, we {recorded.get(pi)}"
        for pi in sorted(captured.keys() | recorded.keys())
        if captured.get(pi) != recorded.get(pi)
    ]
    need(not differ, "taken and returned differ (in cents): " + "; ".join(differ))
    taken_sum, returned_sum = (sum(pair[side] for pair in recorded.values()) for side in (0, 1))
    return (
        f"{len(recorded)} payments: {_dollars(taken_sum)} taken − {_dollars(returned_sum)} returned = "
        f"{_dollars(taken_sum - returned_sum)} USD, at Stripe and here alike"
    )


def _cents(text: str) -> int:
    return int(Decimal(text) * 100)


def _dollars(cents: int) -> str:
    return f"{Decimal(cents) / 100:,.2f}"
