"""Saved cards, declines and 3-D Secure."""

from demo.selfcheck.failure import describe_response, need
from demo.selfcheck.shop import Row, Shop, row
from demo.selfcheck.stripe import CHALLENGED, DECLINED

REGULAR, UNLUCKY, CAREFUL = "ada", "tom", "grete"


def saved_card_in_browser(shop: Shop) -> Row:
    """The card of an earlier payment, confirmed by the browser with its ``pm_…``."""
    shop.purchase_named("credits by intent")
    cards = shop.person(REGULAR).cards()
    need(cards, "no card was saved by the earlier payment")
    need(cards[0]["is_default"], "the first saved card is not the default")
    slug = "breath-and-cold-water"
    purchase = shop.begin_service(
        "saved card, browser", REGULAR, slug, scheduling_data={"service_session_id": shop.next_session(slug)}
    )
    saved = cards[0]["stripe_payment_method_id"]
    shop.browser.pay_with_saved(purchase.created["client_secret"], saved)
    order = purchase.buyer.wait_for_order(purchase.order_id, "completed")
    now = len(purchase.buyer.cards())
    need(now == len(cards), f"there are {now} saved cards now, {len(cards)} before: the same card came twice")
    return row(
        "Workshop, saved card (browser)", purchase, order, f"booking made, card …{cards[0]['last4']} used"
    )


def saved_card_on_server(shop: Shop) -> Row:
    """The card is named on create: the answer is already paid."""
    shop.purchase_named("credits by intent")
    buyer = shop.person(REGULAR)
    [card, *_] = buyer.cards() or [{}]
    need(card, "no card was saved by the earlier payment")
    purchase = shop.begin_service(
        "saved card, server", REGULAR, "ayurvedic-consultation", payment_method_id=card["id"],
        scheduling_data={"start_datetime": shop.free_start("ayurvedic-consultation")},
    )  # fmt: skip
    paid = purchase.created["payment_status"]
    need(paid == "succeeded", f"the payment is {paid} at once, not succeeded")
    order = purchase.buyer.wait_for_order(purchase.order_id, "completed")
    return row(
        "Session, saved card (server)",
        purchase,
        order,
        f"booking made, card …{card['last4']} charged at once",
    )


def declined_then_paid(shop: Shop) -> Row:
    """The bank says no; the same request once more, without any key, gets the same order back, and it is paid."""
    slug = "cooking-for-your-dosha"
    schedule = {"scheduling_data": {"service_session_id": shop.next_session(slug)}}
    first = shop.begin_service("declined", UNLUCKY, slug, **schedule)
    answer = shop.browser.try_to_pay(first.created["client_secret"], DECLINED)
    need(answer.status_code == 402, f"a declined card should answer 402: {describe_response(answer)}")
    failed = first.buyer.wait_for_order(first.order_id, "failed")
    need(
        failed["failure"] and failed["failure"]["decline_code"],
        "the order does not say why the card was declined",
    )
    second = shop.begin_service("declined then paid", UNLUCKY, slug, **schedule)
    need(second.order_id == first.order_id, "the second create made another order for the same thing")
    order = shop.pay(second)
    del shop.purchases["declined"]
    code = failed["failure"]["decline_code"]
    return row("Workshop, declined then paid", second, order, f"{code}, then one booking on the same order")


def with_3d_secure(shop: Shop) -> Row:
    slug = "breath-and-cold-water"
    purchase = shop.begin_service(
        "3-D Secure", CAREFUL, slug, scheduling_data={"service_session_id": shop.next_session(slug, 1)}
    )
    intent = shop.browser.pay(purchase.created["client_secret"], CHALLENGED)
    need(
        intent["status"] == "requires_action",
        f"the payment is {intent['status']}; no challenge was asked for",
    )
    waiting = purchase.buyer.order(purchase.order_id)
    need(not waiting["bookings"], "something was handed over before the bank said yes")
    shop.dashboard.complete_challenge(purchase.payment_intent)
    order = purchase.buyer.wait_for_order(purchase.order_id, "completed")
    return row("Workshop, 3-D Secure", purchase, order, "challenge passed, booking made")
