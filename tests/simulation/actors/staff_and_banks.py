"""Staff who refund, and those who act at Stripe behind our back: the dashboard and the bank."""

from typing import TYPE_CHECKING

from estuary.payments.client import API_VERSION
from stripe_sandbox import payment_intents
from stripe_sandbox.errors import StripeError
from stripe_sandbox.store import Obj
from tests.simulation.browser import Browser
from tests.simulation.draws import Draws

if TYPE_CHECKING:
    from tests.simulation.harness import Harness


REASONS = ["", "", "Ill", "Wants it back to 4242 4242 4242 4242", "Their page said pi_1_secret_a8Jx02mQ"]


class Staff:
    """Refunds orders: all of one, a part, one booking in it; and again, when no answer came."""

    def __init__(self, harness: "Harness", draws: Draws) -> None:
        self.harness, self.draws = harness, draws
        self.browser = Browser(harness.scheduler, harness.run_log, harness.recover, harness.world.staff[0])

    def act(self) -> None:
        order_id = self.harness.await_order(self.draws)
        if not order_id:
            return
        draws = self.draws
        body: dict[str, object] = {"cancel_booking": draws.odds("cancels", 0.4)}
        how = draws.pick("how", ["all", "part", "booking"])
        if how == "part":
            body["amount"] = draws.pick("amount", ["0.01", "5.00", "33.33"])
        elif how == "booking" and (booking := self._a_booking(order_id)):
            body["booking_id"] = booking
        if reason := draws.pick("reason", REASONS):
            body["reason"] = reason
        key = f"refund {draws.word()}" if draws.odds("with a key", 0.8) else ""
        for _ in range(draws.pick("times", [1, 2])):
            answer = self.browser.ask("post", f"/api/v1/orders/{order_id}/refunds/", body, key=key)
            outcome = answer.get("code") or answer.get("status") or "the connection breaks"
            self.harness.run_log.add(
                f"refunds {how} of {order_id}{' with a key' * bool(key)} → {answer.status} {outcome}"
            )
            if answer.fine:
                self.harness.effect_is_there(
                    "SELECT 1 FROM payments_refund WHERE public_id = %s", answer["refund_id"]
                )
                if not key:
                    break

    def _a_booking(self, order_id: str) -> str:
        rows = self.harness.oracle.rows(
            "SELECT b.id FROM bookings_booking b JOIN orders_order o ON o.id = b.order_id"
            " WHERE o.public_id = %s ORDER BY b.id",
            order_id,
        )
        return str(self.draws.pick("booking", rows)[0]) if rows else ""


class Dashboard:
    """Refunds payments and removes cards in Stripe's own dashboard, without a word to us."""

    def __init__(self, harness: "Harness", draws: Draws) -> None:
        self.harness, self.draws = harness, draws

    def act(self) -> None:
        control, store, draws = self.harness.sandbox.control, self.harness.sandbox.state.store, self.draws
        paid = self.harness.await_some(
            lambda: [i for i in store.payment_intents if i["status"] == "succeeded"], draws
        )
        cards = [m for m in store.payment_methods if m.get("customer")]
        try:
            if self.harness.orders and draws.odds("by hand", 0.5):
                self._take_by_hand(self._to_name())
            elif cards and draws.odds("detaches", 0.5):
                card = draws.pick("card", cards)
                control.detach(card["id"], names_customer=draws.odds("says whose it was", 0.5))
                self.harness.run_log.add(
                    f"removes the card {card['card']['last4'] if 'card' in card else 'bank account'}"
                )
            elif paid:
                amount = draws.pick("amount", [None, 1, 500, 3333])
                control.refund(paid["id"], amount)
                order = paid["metadata"].get("order_id")
                self.harness.run_log.add(
                    f"refunds {'all that is left' if amount is None else amount} of {order}"
                )
        except StripeError as refused:
            self.harness.run_log.add(f"is refused: {refused}"[:160])

    def _to_name(self) -> str:
        """Most often an order whose payment is not known here yet: there the label is all there is to go by."""
        unknown = (
            "SELECT public_id FROM orders_order WHERE stripe_payment_intent_id = '' AND amount_due_minor > 0"
            " AND stripe_customer_id <> '' ORDER BY id"
        )
        picky = self.draws.odds("free", 0.8)
        free = (
            self.harness.await_some(lambda: self.harness.oracle.rows(unknown), self.draws) if picky else None
        )
        return str(free[0]) if free else self.draws.pick("whose", self.harness.orders)

    def _take_by_hand(self, order_id: str) -> None:
        """Take a payment by hand and name an order: of another amount, currency or customer, or a second time."""
        state, draws = self.harness.sandbox.state, self.draws
        rows = self.harness.oracle.rows(
            "SELECT amount_due_minor, currency, stripe_customer_id FROM orders_order WHERE public_id = %s",
            order_id,
        )
        minor, currency, customer = rows[0]
        odd = draws.pick("odd", ["amount", "currency", "customer", "nobody", "second"])
        others = [c["id"] for c in state.store.customers if c["id"] != customer]
        params = {
            "amount": max(int(minor) - 50, 50) if odd == "amount" else max(int(minor), 50),
            "currency": "eur" if odd == "currency" else currency,
            "metadata": {"order_id": order_id},
            "automatic_payment_methods": {"enabled": True, "allow_redirects": "never"},
        }
        named = {"customer": (others or [customer])[0], "nobody": ""}.get(odd, customer)
        with self.harness.sandbox.lock:
            intent = payment_intents.make(state, params | ({"customer": named} if named else {}), API_VERSION)
            state.store.payment_intents.add(intent)
            self.harness.oracle.taken_by_hand.add(intent["id"])
            state.emit("payment_intent.created", intent)
        by_debit = draws.odds("by debit", 0.2)
        method = "us_bank_account" if by_debit else "card"
        card = draws.settled("card", "4242424242424242")
        paid = self.harness.sandbox.control.confirm(intent["id"], method=method, card=card)
        self.harness.run_log.add(
            f"takes {paid['amount']} {paid['currency']} by hand for {order_id}: {paid['status']}"
        )
        if by_debit:
            self.harness.scheduler.sleep(draws.pick("seconds at its bank", [60.0, 7200.0, 90_000.0]))
            arrives = draws.odds("arrives", 0.7)
            control = self.harness.sandbox.control
            (control.settle if arrives else control.fail_settlement)(intent["id"])
            self.harness.run_log.add(f"sees the debit {'arrive' if arrives else 'fail'}")


class Bank:
    """Lets slow payments arrive or fail, and slow refunds arrive or come back."""

    def __init__(self, harness: "Harness", draws: Draws) -> None:
        self.harness, self.draws = harness, draws

    def act(self) -> None:
        control, draws = self.harness.sandbox.control, self.draws
        waiting = self.harness.await_some(self._waiting, draws)
        if waiting is None:
            return
        well = draws.odds("well", 0.6)
        try:
            if waiting["object"] == "payment_intent":
                (control.settle if well else control.fail_settlement)(waiting["id"])
            else:
                (control.succeed_refund if well else control.fail_refund)(waiting["id"])
            self.harness.run_log.add(f"lets a {waiting['object']} {'through' if well else 'fail'}")
        except StripeError as refused:
            self.harness.run_log.add(f"can't: {refused}"[:160])

    def _waiting(self) -> list[Obj]:
        """Payments come before refunds, most often."""
        store = self.harness.sandbox.state.store
        payments = [i for i in store.payment_intents if i["status"] == "processing"]
        refunds = [r for r in store.refunds if r["status"] in {"pending", "succeeded"}]
        return payments if payments and self.draws.odds("a payment", 0.8) else payments + refunds


class Cardholder:
    """Disputes a payment with the card's bank, which decides some time later, or never."""

    def __init__(self, harness: "Harness", draws: Draws) -> None:
        self.harness, self.draws = harness, draws

    def act(self) -> None:
        control, store, draws = self.harness.sandbox.control, self.harness.sandbox.state.store, self.draws
        paid = self.harness.await_some(
            lambda: [i for i in store.payment_intents if i["status"] == "succeeded"], draws
        )
        if paid is None:
            return
        try:
            opened = control.dispute(
                paid["id"],
                inquiry=draws.odds("an inquiry", 0.2),
                amount=draws.pick("amount", [None, None, 1500]),
            )
            self.harness.run_log.add(f"disputes {opened['amount']} of {paid['metadata'].get('order_id')}")
            outcome = draws.pick("outcome", ["won", "lost", "lost", None])
            self.harness.scheduler.sleep(draws.between(1, 60))
            if opened["status"].startswith("warning"):
                outcome = outcome and "warning_closed"
            if outcome:
                control.close_dispute(opened["id"], outcome)
                self.harness.run_log.add(f"and the dispute is {outcome}")
        except StripeError as refused:
            self.harness.run_log.add(f"is refused: {refused}"[:160])
