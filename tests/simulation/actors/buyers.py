"""Buyers: each tab of each buyer does one thing after the other, and tries again when the connection breaks."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from stripe_sandbox.errors import StripeError
from tests.simulation.browser import Answer, Browser
from tests.simulation.draws import Draws
from tests.simulation.oracle import InvariantViolation

if TYPE_CHECKING:
    from tests.simulation.harness import Harness

FINE, DECLINED, NO_FUNDS, CHALLENGED = (
    "4242424242424242",
    "4000000000000002",
    "4000000000009995",
    "4000002500003155",
)
ANOTHER_FINE, REFUND_PENDS, REFUND_FAILS, ATTACHES_THEN_DECLINES = (
    "5555555555554444",
    "4000000000007726",
    "4000000000005126",
    "4000000000000341",
)
WAYS = [FINE] * 6 + [
    DECLINED,
    NO_FUNDS,
    CHALLENGED,
    CHALLENGED,
    REFUND_PENDS,
    REFUND_FAILS,
    "bank",
    "bank",
    "bank",
    "nothing",
]
LESSONS = {"a breathing lesson": "lesson"}
TRY_AGAIN, DECLINE = {0, 503, 502}, 402


class Buyer:
    """One tab of one buyer."""

    def __init__(self, harness: "Harness", number: int, draws: Draws) -> None:
        self.harness, self.draws = harness, draws
        self.user = harness.world.buyers[number - 1]
        judge = harness.oracle.answers.check_answer
        visit = harness.sign_in_gate.visit_of(self.user.pk)
        self.browser = Browser(
            harness.scheduler, harness.run_log, harness.recover, self.user, judge, visit=visit
        )

    def _tell(self, sentence: str) -> None:
        self.harness.run_log.add(sentence)

    def pause(self) -> None:
        self.harness.scheduler.sleep(self.draws.between(0.1, 4))

    # --- Buying -------------------------------------------------------------------------------------------------

    def place(self, thing: str) -> Answer:
        """Place an order without credits, which somebody else then pays for."""
        answer = self._create(self._body(thing) | {"use_credits": False})
        if answer.fine:
            self.harness.knows_order(answer["order_id"])
        return answer

    def buy(self, thing: str) -> None:
        body = self._body(thing)
        self._tell(f"wants {thing}" + " on a page of Stripe's" * (body["payment_type"] == "checkout"))
        answer = self._create(body)
        if not answer.fine:
            return
        self.harness.knows_order(answer["order_id"])
        if answer["status"] == "pending":
            if wait_s := self.draws.settled("thinks for", 0.0):
                self.harness.scheduler.sleep(wait_s)
            self._pay(answer)
        for _ in range(self.draws.pick("looks afterwards", [0, 1, 1, 2])):
            self.pause()
            self._after(answer["order_id"])

    def _body(self, thing: str) -> dict[str, object]:
        draws, world = self.draws, self.harness.world
        body: dict[str, object] = {
            "payment_type": draws.pick("payment_type", ["intent", "intent", "checkout"])
        }
        if draws.odds("not saved", 0.25):
            body["save_payment_method"] = False
        if thing == "credits":
            return body | {
                "is_credit_purchase": True,
                "amount": draws.pick("amount", ["20.00", "33.33", "150.00"]),
            }
        body |= {"service_id": str(world.services[thing].pk), "use_credits": draws.odds("use_credits", 0.6)}
        wish: dict[str, object] = {}
        if thing in {"session", "lesson"}:
            wish = {"start_datetime": draws.pick("slot", self.harness.slots[thing][:2])}
        elif thing == "workshop":
            drawn = self.harness.seats.index(draws.pick("seat", self.harness.seats))
            wish = {"service_session_id": str(self.harness.seats[draws.settled("seat number", drawn)])}
        elif thing == "package" and draws.odds("scheduled", 0.6):
            wish = {
                "items": [
                    {
                        "service_id": str(world.services["workshop"].pk),
                        "service_session_id": str(self.harness.seats[0]),
                    }
                ]
            }
        elif thing == "bundle" and draws.odds("scheduled", 0.6):
            wish = {
                "items": [
                    {"start_datetime": self.harness.slots["session"][4 * n]}
                    for n in range(draws.pick("how many", [1, 3, 4]))
                ]
            }
        return body | ({"scheduling_data": wish} if wish else {})

    def _create(self, body: dict[str, object]) -> Answer:
        key = f"attempt {self.draws.word()}" if self.draws.odds("with a key", 0.6) else ""
        if self.draws.odds("saved card", 0.4) and (card := self.a_saved_card()):
            body["payment_method_id"] = card
            body["payment_type"] = "intent"
        if not key:
            self.harness.oracle.intentions.note(self.user.pk, body)
        for _ in range(3):
            answer = self.browser.ask("post", "/api/v1/payments/create/", body, key=key)
            self._tell(f"  POST create{' with a key' * bool(key)} → {_shown(answer)}")
            if answer.status == DECLINE and (card := self._another_card(body)):
                body, key = body | {"payment_method_id": card}, ""
                self.harness.oracle.intentions.note(self.user.pk, body)
            elif answer.status not in TRY_AGAIN and answer.get("code") != "idempotency_key_in_flight":
                break
            self.pause()
        if answer.fine:
            self.harness.effect_is_there(
                "SELECT 1 FROM orders_order WHERE public_id = %s", answer["order_id"]
            )
        return answer

    def a_saved_card(self) -> str:
        cards = self._cards()
        if not cards and self.draws.odds("saves one first", 0.4):
            cards = self._save_a_card()
        return str(self.draws.pick("which card", cards)["id"]) if cards else ""

    def _another_card(self, body: dict[str, object]) -> str:
        """After a decline: a card that is not the one just tried, saved now when there is none."""
        tried = str(body.get("payment_method_id", ""))
        others = [card for card in self._cards() if str(card["id"]) != tried]
        others = others or [card for card in self._save_a_card() if str(card["id"]) != tried]
        return str(self.draws.pick("which other card", others)["id"]) if others else ""

    def _pay(self, answer: Answer) -> None:
        """As Stripe.js or the hosted page does it, in the browser, past our server."""
        for _ in range(self.draws.pick("tries", [1, 1, 2])):
            self.pause()
            way = self.draws.pick("way", WAYS)
            if way == "nothing":
                self._tell("leaves it unpaid")
                return
            try:
                self._pay_once(answer, way)
            except StripeError as refused:
                self._tell(f"  Stripe refuses: {refused}"[:160])

    def _pay_once(self, answer: Answer, way: str) -> None:
        control = self.harness.sandbox.control
        if "checkout_url" in answer:
            session_id = answer["checkout_url"].rsplit("/", 1)[-1].partition("#")[0]
            challenge = self.draws.pick("challenge", ["complete", "fail", None])
            if way == "bank":
                paid = control.pay_checkout(session_id, method="us_bank_account")
            else:
                paid = control.pay_checkout(session_id, card=way, challenge=challenge)
            self._tell(f"  pays on the page with {way}: {paid['status']}, {paid['payment_status']}")
        else:
            by = ("us_bank_account", FINE) if way == "bank" else ("card", way)
            paid = control.confirm(answer["payment_intent_id"], method=by[0], card=by[1])
            if paid["status"] == "requires_action" and self.draws.odds("takes the challenge", 0.8):
                self.pause()
                finish = (
                    control.complete_challenge
                    if self.draws.odds("passes it", 0.7)
                    else control.fail_challenge
                )
                paid = finish(answer["payment_intent_id"])
            self._tell(f"  pays with {way}: {paid['status']}")

    def _after(self, order_id: str) -> None:
        what = self.draws.pick("afterwards", ["sync", "sync", "read", "cancel"])
        if what == "read":
            self.browser.ask("get", f"/api/v1/orders/{order_id}/")
            return
        answer = self.browser.ask("post", f"/api/v1/orders/{order_id}/{what}/")
        self._tell(f"  {what}s the order → {_shown(answer)}")
        if what == "cancel" and answer.fine:
            self.harness.effect_is_there(
                "SELECT 1 FROM orders_order WHERE public_id = %s AND status = 'canceled'", order_id
            )

    # --- Bookings and cards -------------------------------------------------------------------------------------

    def bookings(self) -> list[dict[str, object]]:
        mine = "SELECT 1 FROM bookings_booking WHERE user_id = %s"
        self.harness.await_some(lambda: self.harness.oracle.rows(mine, self.user.pk), self.draws)
        listed = self.browser.ask("get", "/api/v1/bookings/").get("results", [])
        return [part for booking in listed for part in (booking, *booking["children"])]

    def cancel_booking(self) -> None:
        active = [b for b in self.bookings() if b["status"] in {"confirmed", "partially_refunded"}]
        if not active:
            return
        chosen = self.draws.pick("booking", active)["id"]
        for _ in range(2):
            answer = self.browser.ask("post", f"/api/v1/bookings/{chosen}/cancel/")
            self._tell(f"cancels booking {chosen} → {_shown(answer)}")
            if answer.status not in TRY_AGAIN:
                break
        if answer.fine:
            self.harness.effect_is_there(
                "SELECT 1 FROM bookings_booking WHERE id = %s AND status = 'canceled'", int(str(chosen))
            )

    def schedule(self) -> None:
        waiting = [b for b in self.bookings() if b["needs_scheduling"]]
        if not waiting:
            return
        first = self.draws.pick("booking", waiting)
        for booking in waiting if self.draws.odds("all of them", 0.5) else [first]:
            self._schedule(booking)

    def _schedule(self, chosen: Mapping[str, object]) -> None:
        wish = (
            {"service_session_id": self.draws.pick("seat", self.harness.seats)}
            if chosen["service_type"] == "workshop"
            else {
                "start_datetime": self.draws.pick(
                    "slot", self.harness.slots[LESSONS.get(str(chosen["service_name"]), "session")][:4]
                )
            }
        )
        answer = self.browser.ask("post", f"/api/v1/bookings/{chosen['id']}/schedule/", wish)
        self._tell(f"schedules booking {chosen['id']} → {_shown(answer)}")
        if answer.fine:
            self.harness.effect_is_there(
                "SELECT 1 FROM bookings_booking WHERE id = %s AND starts_at IS NOT NULL",
                int(str(chosen["id"])),
            )

    def manage_cards(self) -> None:
        for _ in range(self.draws.pick("rounds", [2, 3, 4])):
            self._manage_a_card()

    def _manage_a_card(self) -> None:
        cards = self._cards()
        # Two, soon: when the default of two is removed, the other is to take its place.
        if not cards or self.draws.odds("new card", 0.2 if len(cards) > 1 else 0.8):
            cards = self._save_a_card()
        if not cards:
            return
        card = self.draws.pick("which card", cards)["id"]
        if self.draws.odds("deletes", 0.5):
            answer = self.browser.ask("delete", f"/api/v1/payments/methods/{card}/")
            if answer.fine:
                removed = "SELECT 1 FROM payments_paymentmethod WHERE id = %s AND detached_at IS NOT NULL"
                self.harness.effect_is_there(removed, int(str(card)))
        else:
            chosen = {"payment_method_id": card}
            answer = self.browser.ask("post", "/api/v1/payments/methods/default/", chosen)
            if (
                answer.fine and not answer.wrote
            ):  # another tab may have chosen again since: so look at what we did
                raise InvariantViolation(
                    "what was answered with a 2xx is there", f"card {card} as the default"
                )
        self._tell(f"manages card {card} → {answer.status}")

    def _cards(self) -> list[dict[str, object]]:
        return list(self.browser.ask("get", "/api/v1/payments/methods/").get("payment_methods", []))

    def _save_a_card(self) -> list[dict[str, object]]:
        """Save a card without a payment, wait a while until it is listed, and return all there are."""
        setup = self.browser.ask("post", "/api/v1/payments/methods/setup/")
        self._tell(f"begins to save a card → {setup.status}")
        card = self.draws.pick("card", [FINE, ANOTHER_FINE, ATTACHES_THEN_DECLINES])
        try:
            if setup.fine:
                self.harness.sandbox.control.confirm_setup(setup["setup_intent_id"], card=card)
        except StripeError as refused:
            self._tell(f"  Stripe refuses: {refused}"[:160])
        mine = "SELECT 1 FROM payments_paymentmethod WHERE user_id = %s AND detached_at IS NULL"
        self.harness.await_some(lambda: self.harness.oracle.rows(mine, self.user.pk), self.draws)
        return self._cards()


def _shown(answer: Answer) -> str:
    if not answer.status:
        return "the connection breaks"
    values = [
        str(answer[name])
        for name in ("code", "order_id", "status", "payment_status", "amount_due")
        if name in answer
    ]
    return " ".join([str(answer.status), *dict.fromkeys(values)])
