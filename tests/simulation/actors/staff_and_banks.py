"""Staff who refund, and those who act at Stripe behind our back: the dashboard and the bank."""

from typing import TYPE_CHECKING

from estuary.payments.client import API_VERSION
from stripe_sandbox import payment_intents
from stripe_sandbox.errors import StripeError
from stripe_sandbox.store import Obj
from tests.simulation.browser import Browser
from tests.simulation.draws import Choices

if TYPE_CHECKING:
    from tests.simulation.harness import Stage


REASONS = ["", "", "Ill", "Wants it back to 4242 4242 4242 4242", "Their page said pi_1_secret_a8Jx02mQ"]


class Staff:
    """Refunds orders: all of one, a part, one booking in it; and again, when no answer came."""

    def __init__(self, stage: "Stage", choices: Choices) -> None:
        self.stage, self.choices = stage, choices
        self.browser = Browser(stage.scheduler, stage.story, stage.recover, stage.world.staff[0])

    def act(self) -> None:
        order_id = self.stage.await_order(self.choices)
        if not order_id:
            return
        choices = self.choices
        body: dict[str, object] = {"cancel_booking": choices.odds("cancels", 0.4)}
        how = choices.pick("how", ["all", "part", "booking"])
        if how == "part":
            body["amount"] = choices.pick("amount", ["0.01", "5.00", "33.33"])
        elif how == "booking" and (booking := self._a_booking(order_id)):
            body["booking_id"] = booking
        if reason := choices.pick("reason", REASONS):
            body["reason"] = reason
        key = f"refund {choices.word()}" if choices.odds("with a key", 0.8) else ""
        for _ in range(choices.pick("times", [1, 2])):
            answer = self.browser.ask("post", f"/api/v1/orders/{order_id}/refunds/", body, key=key)
            told = answer.get("code") or answer.get("status") or "the connection breaks"
            self.stage.story.tell(
                f"refunds {how} of {order_id}{' with a key' * bool(key)} → {answer.status} {told}"
            )
            if answer.fine:
                self.stage.effect_is_there(
                    "SELECT 1 FROM payments_refund WHERE public_id = %s", answer["refund_id"]
                )
                if not key:
                    break

    def _a_booking(self, order_id: str) -> str:
        rows = self.stage.oracle.rows(
            "SELECT b.id FROM bookings_booking b JOIN orders_order o ON o.id = b.order_id"
            " WHERE o.public_id = %s ORDER BY b.id",
            order_id,
        )
        return str(self.choices.pick("booking", rows)[0]) if rows else ""


class Dashboard:
    """Refunds payments and removes cards in Stripe's own dashboard, without a word to us."""

    def __init__(self, stage: "Stage", choices: Choices) -> None:
        self.stage, self.choices = stage, choices

    def act(self) -> None:
        control, store, choices = self.stage.sandbox.control, self.stage.sandbox.state.store, self.choices
        paid = self.stage.await_some(
            lambda: [i for i in store.payment_intents if i["status"] == "succeeded"], choices
        )
        cards = [m for m in store.payment_methods if m.get("customer")]
        try:
            if self.stage.orders and choices.odds("by hand", 0.5):
                self._take_by_hand(self._to_name())
            elif cards and choices.odds("detaches", 0.5):
                card = choices.pick("card", cards)
                control.detach(card["id"], names_customer=choices.odds("says whose it was", 0.5))
                self.stage.story.tell(
                    f"removes the card {card['card']['last4'] if 'card' in card else 'bank account'}"
                )
            elif paid:
                amount = choices.pick("amount", [None, 1, 500, 3333])
                control.refund(paid["id"], amount)
                order = paid["metadata"].get("order_id")
                self.stage.story.tell(
                    f"refunds {'all that is left' if amount is None else amount} of {order}"
                )
        except StripeError as refused:
            self.stage.story.tell(f"is refused: {refused}"[:160])

    def _to_name(self) -> str:
        """Most often an order whose payment is not known here yet: there the label is all there is to go by."""
        unknown = (
            "SELECT public_id FROM orders_order WHERE stripe_payment_intent_id = '' AND amount_due_minor > 0"
            " AND stripe_customer_id <> '' ORDER BY id"
        )
        picky = self.choices.odds("free", 0.8)
        free = self.stage.await_some(lambda: self.stage.oracle.rows(unknown), self.choices) if picky else None
        return str(free[0]) if free else self.choices.pick("whose", self.stage.orders)

    def _take_by_hand(self, order_id: str) -> None:
        """Take a payment by hand and name an order: of another amount, currency or customer, or a second time."""
        state, choices = self.stage.sandbox.state, self.choices
        rows = self.stage.oracle.rows(
            "SELECT amount_due_minor, currency, stripe_customer_id FROM orders_order WHERE public_id = %s",
            order_id,
        )
        minor, currency, customer = rows[0]
        odd = choices.pick("odd", ["amount", "currency", "customer", "nobody", "second"])
        others = [c["id"] for c in state.store.customers if c["id"] != customer]
        params = {
            "amount": max(int(minor) - 50, 50) if odd == "amount" else max(int(minor), 50),
            "currency": "eur" if odd == "currency" else currency,
            "metadata": {"order_id": order_id},
            "automatic_payment_methods": {"enabled": True, "allow_redirects": "never"},
        }
        named = {"customer": (others or [customer])[0], "nobody": ""}.get(odd, customer)
        with self.stage.sandbox.lock:
            intent = payment_intents.make(state, params | ({"customer": named} if named else {}), API_VERSION)
            state.store.payment_intents.add(intent)
            self.stage.oracle.taken_by_hand.add(intent["id"])
            state.emit("payment_intent.created", intent)
        by_debit = choices.odds("by debit", 0.2)
        method = "us_bank_account" if by_debit else "card"
        paid = self.stage.sandbox.control.confirm(intent["id"], method=method)
        self.stage.story.tell(
            f"takes {paid['amount']} {paid['currency']} by hand for {order_id}: {paid['status']}"
        )
        if by_debit:
            self.stage.scheduler.sleep(choices.pick("seconds at its bank", [60.0, 7200.0, 90_000.0]))
            arrives = choices.odds("arrives", 0.7)
            control = self.stage.sandbox.control
            (control.settle if arrives else control.fail_settlement)(intent["id"])
            self.stage.story.tell(f"sees the debit {'arrive' if arrives else 'fail'}")


class Bank:
    """Lets slow payments arrive or fail, and slow refunds arrive or come back."""

    def __init__(self, stage: "Stage", choices: Choices) -> None:
        self.stage, self.choices = stage, choices

    def act(self) -> None:
        control, choices = self.stage.sandbox.control, self.choices
        waiting = self.stage.await_some(self._waiting, choices)
        if waiting is None:
            return
        well = choices.odds("well", 0.6)
        try:
            if waiting["object"] == "payment_intent":
                (control.settle if well else control.fail_settlement)(waiting["id"])
            else:
                (control.succeed_refund if well else control.fail_refund)(waiting["id"])
            self.stage.story.tell(f"lets a {waiting['object']} {'through' if well else 'fail'}")
        except StripeError as refused:
            self.stage.story.tell(f"can't: {refused}"[:160])

    def _waiting(self) -> list[Obj]:
        """Payments come before refunds, most often."""
        store = self.stage.sandbox.state.store
        payments = [i for i in store.payment_intents if i["status"] == "processing"]
        refunds = [r for r in store.refunds if r["status"] in {"pending", "succeeded"}]
        return payments if payments and self.choices.odds("a payment", 0.8) else payments + refunds


class Cardholder:
    """Disputes a payment with the card's bank, which decides some time later, or never."""

    def __init__(self, stage: "Stage", choices: Choices) -> None:
        self.stage, self.choices = stage, choices

    def act(self) -> None:
        control, store, choices = self.stage.sandbox.control, self.stage.sandbox.state.store, self.choices
        paid = self.stage.await_some(
            lambda: [i for i in store.payment_intents if i["status"] == "succeeded"], choices
        )
        if paid is None:
            return
        try:
            opened = control.dispute(
                paid["id"],
                inquiry=choices.odds("an inquiry", 0.2),
                amount=choices.pick("amount", [None, None, 1500]),
            )
            self.stage.story.tell(f"disputes {opened['amount']} of {paid['metadata'].get('order_id')}")
            outcome = choices.pick("outcome", ["won", "lost", "lost", None])
            self.stage.scheduler.sleep(choices.between(1, 60))
            if opened["status"].startswith("warning"):
                outcome = outcome and "warning_closed"
            if outcome:
                control.close_dispute(opened["id"], outcome)
                self.stage.story.tell(f"and the dispute is {outcome}")
        except StripeError as refused:
            self.stage.story.tell(f"is refused: {refused}"[:160])
