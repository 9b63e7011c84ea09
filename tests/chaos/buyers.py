"""Buyers: each buys all kinds of things, some in two tabs, pays in all kinds of ways, looks, and changes their mind."""

import random
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from demo.selfcheck.stripe import CHALLENGED, DECLINED, GOOD
from tests.chaos.person import GaveUp, Person, UnderWay
from tests.chaos.shared_state import REFUSED, SharedState
from tests.chaos.world import World

type Json = dict[str, Any]

REFUND_PENDS, REFUND_FAILS, DISPUTED = "4000000000007726", "4000000000005126", "4000000000000259"
BANK = "bank"
WAYS = [GOOD] * 28 + [DECLINED] * 3 + [CHALLENGED] * 3 + [BANK] * 2 + [REFUND_PENDS, REFUND_FAILS, DISPUTED]
CREATE = "/api/v1/payments/create/"
CREDITS = ("20.00", "33.33", "150.00")
UNPAID = ("pending", "failed")
LATE_S = 62.0  # after the hold is over, so that the money comes for what was given back


class Buyer:
    """``tidy``: leaves nothing unpaid behind, so that no hold has to be waited for."""

    def __init__(self, person: Person, shared: SharedState, world: World, *, tidy: bool) -> None:
        self._person, self._shared, self._world = person, shared, world
        self._chance, self._tidy = person.chance, tidy
        self._later: list[tuple[float, Json]] = []
        self._unanswered: list[tuple[Json, str]] = []

    def act(self) -> None:
        """Do one thing; raises GaveUp, and what Stripe says no with."""
        if self._later and self._later[0][0] < time.monotonic():
            self._pay(self._later.pop(0)[1], self._chance)
        if self._unanswered and self._chance.random() < 0.2:
            self._create(*self._unanswered.pop(0), self._chance)
        dice = self._chance.random()
        if dice < 0.10:
            self._cancel_a_booking()
        elif dice < 0.18:
            self._buy_in_two_tabs(self._wish())
        else:
            self._buy(self._wish(), self._chance)

    def go_home(self) -> None:
        """Look at all that is not paid yet and, when tidy, cancel it."""
        for order in self._mine("orders"):
            if order["status"] in UNPAID and self._tidy:
                self._tell("sync", order["order_id"])
                self._tell("cancel", order["order_id"])

    # --- Buying -------------------------------------------------------------------------------------------------

    def _wish(self) -> Json:
        make: Callable[[], Json] = self._chance.choices(
            [self._credits, self._endless, self._slot, self._seat, self._course], [30, 30, 22, 14, 4]
        )[0]
        wish = make()
        wish["payment_type"] = self._chance.choice(["intent", "intent", "checkout"])
        if "service_id" in wish and self._chance.random() < 0.35:
            wish["use_credits"] = True
        return wish

    def _credits(self) -> Json:
        return {"is_credit_purchase": True, "amount": self._chance.choice(CREDITS)}

    def _endless(self) -> Json:
        return {"service_id": self._chance.choice(self._world.endless)}

    def _course(self) -> Json:
        return {"service_id": self._chance.choice(self._world.courses)}

    def _seat(self) -> Json:
        service, date = self._chance.choice(self._world.dates)
        return {"service_id": service, "scheduling_data": {"service_session_id": date}}

    def _slot(self) -> Json:
        service = self._chance.choice(self._world.sessions)
        answer = self._person.ask("GET", f"/api/v1/services/{service}/slots/")
        slots = answer.json().get("slots", [])
        if not slots:
            return self._endless()
        # Everybody looks at the first free ones.
        chosen = slots[min(int(self._chance.expovariate(1 / 8)), len(slots) - 1)]
        return {"service_id": service, "scheduling_data": {"start_datetime": chosen["start_datetime"]}}

    def _buy_in_two_tabs(self, wish: Json) -> None:
        """Want the same thing twice at once, each tab with a key and a card of its own."""
        chances = [random.Random(self._chance.getrandbits(64)) for _ in range(2)]
        self._shared.counters.count("bought in two tabs")
        with ThreadPoolExecutor(2) as tabs:
            for tab in [tabs.submit(self._buy, wish, chance) for chance in chances]:
                try:
                    tab.result()
                except REFUSED:
                    self._shared.counters.count("Stripe refused or was silent")

    def _buy(self, wish: Json, chance: random.Random) -> None:
        wish = wish | self._saved_card(chance)
        self._create(wish, f"buy-{chance.getrandbits(64):x}", chance)

    def _create(self, wish: Json, key: str, chance: random.Random) -> None:
        """Begin a payment; who hears nothing comes back to it later, or reloads the page, which makes a new key."""
        try:
            answer = self._person.ask("POST", CREATE, wish, key=key)
        except UnderWay:
            if chance.random() < 0.4:
                self._unanswered.append((wish, key))
                return
            answer = self._person.ask("POST", CREATE, wish, key=f"again-{chance.getrandbits(64):x}")
        if answer.is_success:
            self._go_on(answer.json(), chance)

    def _go_on(self, order: Json, chance: random.Random) -> None:
        self._person.promises.order(self._person.email, order)
        if order["status"] not in UNPAID:
            self._note(order)
            return
        dice = chance.random()
        if dice < 0.04:
            self._later.append((time.monotonic() + LATE_S, order))
        elif dice < 0.08:
            self._tell("cancel", order["order_id"])
        elif dice > 0.11:  # the others leave and never come back
            self._pay(order, chance)

    def _saved_card(self, chance: random.Random) -> Json:
        """Now and then let the server charge a card that it knows."""
        if chance.random() > 0.08:
            return {}
        cards = self._person.ask("GET", "/api/v1/payments/methods/").json().get("payment_methods", [])
        return {"payment_method_id": chance.choice(cards)["id"], "payment_type": "intent"} if cards else {}

    def _note(self, order: Json) -> None:
        if intent_id := order.get("payment_intent_id"):
            self._look_at_stripe(order["order_id"], intent_id)
        else:
            self._shared.counters.count("covered by credits")

    # --- Paying -------------------------------------------------------------------------------------------------

    def _pay(self, order: Json, chance: random.Random) -> None:
        way = chance.choice(WAYS)
        paying = self._pay_on_page if order.get("checkout_url") else self._pay_here
        intent_id = paying(order, way)
        if way == DECLINED and intent_id and chance.random() < 0.7:
            paying(order, GOOD)
        if intent_id:
            self._look_at_stripe(order["order_id"], intent_id)
        if chance.random() < 0.5:
            self._tell("sync", order["order_id"])
        elif chance.random() < 0.5:
            self._look(order["order_id"])

    def _pay_here(self, order: Json, way: str) -> str:
        intent_id = str(order["payment_intent_id"])
        if way == BANK:
            self._shared.control("confirm", id=intent_id, method="us_bank_account")
            return intent_id
        self._shared.browser.try_to_pay(order["client_secret"], way)
        if way == CHALLENGED:
            self._shared.dashboard.complete_challenge(intent_id)
        return intent_id

    def _pay_on_page(self, order: Json, way: str) -> str:
        session_id = order["checkout_url"].rpartition("/")[2]
        how = {"method": "us_bank_account"} if way == BANK else {"card": way}
        return str(self._shared.control("pay_checkout", id=session_id, **how).get("payment_intent") or "")

    def _look_at_stripe(self, order_id: str, intent_id: str) -> None:
        intent = self._shared.dashboard.payment_intent(intent_id)
        if intent["status"] == "succeeded":
            self._shared.note_paid(order_id, intent)

    # --- Afterwards ---------------------------------------------------------------------------------------------

    def _tell(self, verb: str, order_id: str) -> None:
        answer = self._person.ask("POST", f"/api/v1/orders/{order_id}/{verb}/")
        if answer.is_success:
            self._person.promises.order(self._person.email, answer.json())

    def _look(self, order_id: str) -> None:
        answer = self._person.ask("GET", f"/api/v1/orders/{order_id}/")
        if answer.is_success:
            self._person.promises.order(self._person.email, answer.json())

    def _mine(self, what: str) -> list[Json]:
        return list(self._person.ask("GET", f"/api/v1/{what}/?page_size=100").json().get("results", []))

    def _cancel_a_booking(self) -> None:
        mine = [booking for booking in self._mine("bookings") if booking["status"] == "confirmed"]
        if not mine:
            return
        answer = self._person.ask("POST", f"/api/v1/bookings/{self._chance.choice(mine)['id']}/cancel/")
        if answer.is_success:
            self._person.promises.canceled_booking(answer.json())
            self._shared.counters.count("bookings canceled")


def live(buyer: Buyer, *, until: Callable[[], bool], shared: SharedState) -> None:
    """Act until it is enough; who gets no answer, or a no from Stripe, does something else."""
    while not until():
        try:
            buyer.act()
        except GaveUp:
            continue  # counted where it happened
        except REFUSED:
            shared.counters.count("Stripe refused or was silent")
    buyer.go_home()
