"""A seat that is held, never paid for, and given back."""

from demo.selfcheck.failure import need
from demo.selfcheck.shop import Row, Shop, row

SLUG, BUYER, NAME = "five-second-seats", "tom", "hold"
EXPIRES_WITHIN_S = 60.0  # 5 s of hold, and then the worker's next round


def take_hold(shop: Shop) -> None:
    """Order a seat that is held for 5 seconds, and leave it unpaid."""
    service_id, session_id = shop.service(SLUG)["id"], shop.next_session(SLUG)
    before = shop.estuary.seats_left(service_id, session_id)
    shop.begin_service(NAME, BUYER, SLUG, scheduling_data={"service_session_id": session_id})
    held = shop.estuary.seats_left(service_id, session_id)
    need(held == before - 1, f"{before} seats were left and {held} while one is held")


def hold_expires(shop: Shop) -> Row:
    purchase = shop.purchase_named(NAME)
    order = purchase.buyer.wait_for_order(purchase.order_id, "canceled", within_s=EXPIRES_WITHIN_S)
    need(not order["bookings"], "a canceled order has a booking")
    shop.dashboard.wait_for_intent(purchase.payment_intent, "canceled")
    session_id = str(order["lines"][0]["service_session_id"])
    [session] = [s for s in shop.estuary.sessions(shop.service(SLUG)["id"]) if s["id"] == session_id]
    need(
        session["seats_left"] == session["capacity"],
        f"{session['seats_left']} of {session['capacity']} seats left",
    )
    return row(
        "Workshop, never paid: its hold expires", purchase, order, "seat back, intent canceled at Stripe"
    )
