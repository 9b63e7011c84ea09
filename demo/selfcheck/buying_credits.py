"""Buying credits and spending them."""

from decimal import Decimal

from demo.selfcheck.failure import need
from demo.selfcheck.shop import Row, Shop, row
from demo.selfcheck.stripe import GOOD

BUYER = "ada"


def credits_by_intent(shop: Shop) -> Row:
    purchase = shop.begin(
        "credits by intent", BUYER, is_credit_purchase=True, amount="55.00", credit_amount="55.00",
        payment_type="intent",
    )  # fmt: skip
    order = shop.pay(purchase)
    need(
        purchase.buyer.ledger(purchase.order_id) == ["55.00"],
        "the ledger has no line of 55.00 for this order",
    )
    need(purchase.buyer.balance() == "55.00", f"the balance is {purchase.buyer.balance()}, not 55.00")
    return row("Credits, by intent", purchase, order, "ledger +55.00, balance 55.00")


def credits_by_checkout(shop: Shop) -> Row:
    purchase = shop.begin(
        "credits by checkout", BUYER, is_credit_purchase=True, amount="50.00", credit_amount="50.00",
        payment_type="checkout",
    )  # fmt: skip
    url = purchase.created["checkout_url"]
    back_to = shop.browser.pay_on_page(url, GOOD)
    need(
        purchase.order_id in back_to, f"the hosted page led back to {back_to}, which does not name the order"
    )
    order = purchase.buyer.wait_for_order(purchase.order_id, "completed")
    purchase.payment_intent = shop.dashboard.intent_of_page(url)
    need(
        purchase.buyer.ledger(purchase.order_id) == ["50.00"],
        "the ledger has no line of 50.00 for this order",
    )
    balance = purchase.buyer.balance()
    need(balance == "105.00", f"the balance is {balance}, not 105.00")
    return row("Credits, by hosted checkout", purchase, order, "ledger +50.00, balance 105.00")


def all_by_credits(shop: Shop) -> Row:
    """45.00 of 105.00: no card, no payment at Stripe, done at once."""
    shop.purchase_named("credits by checkout")
    start = shop.free_start("guided-meditation")
    purchase = shop.begin_service(
        "all by credits",
        BUYER,
        "guided-meditation",
        use_credits=True,
        scheduling_data={"start_datetime": start},
    )
    need(not purchase.payment_intent, "an intent was made though credits cover everything")
    need(
        purchase.created["status"] == "completed",
        f"the order is {purchase.created['status']} at once, not completed",
    )
    order = purchase.buyer.order(purchase.order_id)
    need(
        purchase.buyer.ledger(purchase.order_id) == ["-45.00"],
        "the ledger has no line of -45.00 for this order",
    )
    [booking] = purchase.buyer.bookings_of(purchase.order_id)
    need(booking["status"] == "confirmed", f"the booking is {booking['status']}")
    return row(
        "Session, by credits alone", purchase, order, f"ledger -45.00, booking {booking['id']} confirmed"
    )


def half_by_credits(shop: Shop) -> Row:
    """60.00 from the balance and 60.00 by card."""
    shop.purchase_named("all by credits")
    start = shop.free_start("mindfulness-coaching")
    purchase = shop.begin_service(
        "half by credits", BUYER, "mindfulness-coaching", use_credits=True,
        scheduling_data={"start_datetime": start},
    )  # fmt: skip
    shares = (purchase.created["credits_applied"], purchase.created["amount_due"])
    need(shares == ("60.00", "60.00"), f"the shares are {shares} (credits, card), not 60.00 and 60.00")
    order = shop.pay(purchase)
    need(
        purchase.buyer.ledger(purchase.order_id) == ["-60.00"],
        "the ledger has no line of -60.00 for this order",
    )
    balance = purchase.buyer.balance()
    need(Decimal(balance) == 0, f"the balance is {balance}, not 0.00")
    [booking] = purchase.buyer.bookings_of(purchase.order_id)
    return row(
        "Session, half by credits", purchase, order, f"60.00 card + 60.00 credits, booking {booking['id']}"
    )
