"""A buyer who tries what belongs to another: nothing is found, nothing is changed, and Stripe is not asked."""

from typing import TYPE_CHECKING

from tests.simulation.oracle import InvariantViolation

if TYPE_CHECKING:
    from tests.simulation.actors.buyers import Buyer

FOREIGN = "what is another's is not found"
# Not found; or the door did not open at all: too many requests, the connection broke, Stripe or the database is down.
KEPT_OUT = {401, 404, 429, 503, 0}
LISTS = ("/api/v1/orders/", "/api/v1/bookings/", "/api/v1/credits/", "/api/v1/payments/methods/")

ORDERS = "SELECT public_id FROM orders_order WHERE user_id <> %s ORDER BY id"
BOOKINGS = "SELECT id FROM bookings_booking WHERE user_id <> %s ORDER BY id"
CARDS = "SELECT id, stripe_payment_method_id FROM payments_paymentmethod WHERE user_id <> %s ORDER BY id"

type Try = tuple[str, str, dict[str, object] | None]


def pry(buyer: "Buyer") -> None:
    """Look at all lists of one's own, and try one thing of somebody else's."""
    for path in LISTS:
        buyer.browser.ask("get", path)
    what = buyer.draws.pick("what", [ORDERS, ORDERS, BOOKINGS, CARDS])
    row = buyer.harness.await_some(lambda: buyer.harness.oracle.rows(what, buyer.user.pk), buyer.draws)
    if row is None:
        return
    method, path, body = buyer.draws.pick("how", _tries(buyer, what, row))
    answer = buyer.browser.ask(method, path, body)
    buyer.harness.run_log.add(f"tries {method.upper()} {path} of another → {answer.status}")
    counted = path.endswith("/sync/")  # who asks too often is counted, whatever it is about
    if answer.status not in KEPT_OUT or answer.called_stripe:
        raise InvariantViolation(FOREIGN, (method, path, answer.status, dict(answer)))
    if answer.wrote and not counted:
        raise InvariantViolation(FOREIGN, (method, path, answer.status, "and something was written"))


def _tries(buyer: "Buyer", what: str, row: tuple[object, ...]) -> list[Try]:
    if what == ORDERS:
        order = f"/api/v1/orders/{row[0]}/"
        return [("get", order, None), ("post", f"{order}sync/", None), ("post", f"{order}cancel/", None)]
    if what == BOOKINGS:
        booking, slot = f"/api/v1/bookings/{row[0]}/", buyer.harness.slots["session"][-1]
        return [
            ("get", booking, None),
            ("get", f"{booking}cancel/", None),
            ("post", f"{booking}cancel/", None),
            ("post", f"{booking}schedule/", {"start_datetime": slot}),
            ("post", f"{booking}move/", {"start_datetime": slot}),
        ]
    card = str(buyer.draws.pick("which name", row))
    return [
        ("delete", f"/api/v1/payments/methods/{card}/", None),
        ("post", "/api/v1/payments/methods/default/", {"payment_method_id": card}),
        ("post", "/api/v1/payments/methods/default/", {"payment_method_id": card}),
    ]
