"""Giving money back: by staff through the API, and in Stripe's dashboard."""

from demo.selfcheck.estuary import Json
from demo.selfcheck.failure import need
from demo.selfcheck.shop import Purchase, Row, Shop, row


def full_refund(shop: Shop) -> Row:
    """Everything, of an order paid half by card and half by credits: each half goes back where it came from."""
    purchase = shop.purchase_named("half by credits")
    shop.person("staff").post(f"/api/v1/orders/{purchase.order_id}/refunds/", reason="the host is ill")
    order = purchase.buyer.wait_for_order(purchase.order_id, "refunded")
    need(_halves(order) == [("60.00", "60.00")], f"the refund is {_halves(order)} (card, credits)")
    _all_bookings(order, "canceled")
    balance = purchase.buyer.balance()
    need(balance == "60.00", f"the balance is {balance}, not the 60.00 that came back")
    return row(
        "… refunded in full by staff", purchase, order, "booking canceled, 60.00 to card, 60.00 to credits"
    )


def partial_refund(shop: Shop) -> Row:
    purchase = shop.purchase_named("session")
    shop.person("staff").post(
        f"/api/v1/orders/{purchase.order_id}/refunds/", amount="20.00", reason="late start"
    )
    order = purchase.buyer.wait_for_order(purchase.order_id, "partially_refunded")
    need(order["refunded"] == "20.00", f"{order['refunded']} is refunded, not 20.00")
    _all_bookings(order, "partially_refunded")
    return row("… session, 20.00 refunded by staff", purchase, order, "booking marked, 20.00 to card")


def dashboard_refund(shop: Shop) -> Row:
    """Refund in Stripe's dashboard: only the webhook reports it."""
    purchase = shop.purchase_named("workshop")
    slug = "sound-bath-at-dusk"
    session_id = purchase.buyer.bookings_of(purchase.order_id)[0]["service_session_id"]
    before = shop.estuary.seats_left(shop.service(slug)["id"], session_id)
    shop.dashboard.refund(purchase.payment_intent)
    order = purchase.buyer.wait_for_order(purchase.order_id, "refunded")
    _all_bookings(order, "canceled")
    after = shop.estuary.seats_left(shop.service(slug)["id"], session_id)
    need(after == before + 1, f"{before} seats were left and now {after}; one should have come back")
    return row(
        "… workshop, refunded in the dashboard",
        purchase,
        order,
        f"booking canceled, seats {before} → {after}",
    )


def _halves(order: Json) -> list[tuple[str, str]]:
    return [(refund["to_card"], refund["to_credits"]) for refund in order["refunds"]]


def _all_bookings(order: Json, status: str) -> None:
    statuses = [booking["status"] for booking in order["bookings"]]
    need(statuses and set(statuses) == {status}, f"the bookings are {statuses}, not {status}")


def reported(purchase: Purchase) -> tuple[str, list[str]]:
    """Return what our API says was taken by card for a purchase, and what was given back to it."""
    order = purchase.buyer.order(purchase.order_id)
    taken = order["amount_due"] if order["completed_at"] else "0"
    return taken, [refund["to_card"] for refund in order["refunds"] if refund["status"] == "succeeded"]
