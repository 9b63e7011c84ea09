"""What every row of the self-check works with: two servers, the people, the catalogue, and what was bought."""

import secrets
from dataclasses import dataclass, field
from typing import Any

import httpx

from demo.selfcheck.estuary import Estuary, Json
from demo.selfcheck.failure import SelfCheckFailed, need
from demo.selfcheck.stripe import GOOD, Browser, Dashboard

PASSWORD = "estuary-demo"


@dataclass(slots=True)
class Purchase:
    """An order that the self-check made, whose it is, and the payment behind it (empty when credits covered it)."""

    buyer: Estuary
    order_id: str
    payment_intent: str
    created: Json


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table."""

    what: str
    order: str
    payment: str
    amount: str
    status: str
    handed_over: str
    failed: bool = False


@dataclass(slots=True)
class Shop:
    """Two servers and those who meet there."""

    estuary: Estuary
    browser: Browser
    dashboard: Dashboard
    catalogue: dict[str, Json] = field(default_factory=dict)
    purchases: dict[str, Purchase] = field(default_factory=dict)
    people: dict[str, Estuary] = field(default_factory=dict)

    def service(self, slug: str) -> Json:
        """Return a seeded service; a course's slug goes on with the date on which it begins."""
        for key, service in self.catalogue.items():
            if key == slug or (service["type"] == "course" and key.startswith(slug)):
                return service
        raise SelfCheckFailed(f"the catalogue has no {slug}: was the database seeded?")

    def person(self, name: str) -> Estuary:
        """Return someone signed in: a seeded person by name, anyone else by signing up."""
        if name not in self.people:
            if name in {"maya", "tom", "staff", "mateo"}:
                self.people[name] = self.estuary.sign_in(f"{name}@estuary.example", PASSWORD)
            else:
                email = f"{name}-{secrets.token_hex(4)}@example.com"
                self.people[name] = self.estuary.sign_up(email, f"a-long-{secrets.token_hex(8)}")
        return self.people[name]

    def free_start(self, slug: str) -> str:
        """Return the start of a free slot, well ahead of now."""
        slots = self.estuary.slots(self.service(slug)["id"])
        need(slots, f"{slug} has no free slot in the next two weeks")
        return slots[len(slots) // 2]

    def next_session(self, slug: str, number: int = 0) -> str:
        """Return the id of the first (or ``number``-th later) date of a workshop."""
        sessions = self.estuary.sessions(self.service(slug)["id"])
        need(len(sessions) > number, f"{slug} has too few dates")
        return str(sessions[number]["id"])

    def price(self, slug: str) -> str:
        return str(next(p["amount"] for p in self.service(slug)["prices"] if p["currency"] == "usd"))

    def begin(self, name: str, who: str, **body: Any) -> Purchase:
        """Create a payment through the API and remember it under ``name``."""
        buyer = self.person(who)
        creation = buyer.create_payment(**body)
        purchase = Purchase(buyer, creation["order_id"], creation.get("payment_intent_id", ""), creation)
        self.purchases[name] = purchase
        return purchase

    def begin_service(self, name: str, who: str, slug: str, **body: Any) -> Purchase:
        """Create a payment for a service at the price that the catalogue shows."""
        body_defaults = {
            "service_id": self.service(slug)["id"],
            "amount": self.price(slug),
            "payment_type": "intent",
        }
        return self.begin(name, who, **(body_defaults | body))

    def pay(self, purchase: Purchase, number: str = GOOD) -> Json:
        """Pay with a card as the browser does, and return the order once it is completed."""
        self.browser.pay(purchase.created["client_secret"], number)
        return purchase.buyer.wait_for_order(purchase.order_id, "completed")

    def purchase_named(self, name: str) -> Purchase:
        """Return an earlier purchase; raises SelfCheckFailed when its row failed."""
        if name not in self.purchases:
            raise SelfCheckFailed(f"needs the row “{name}”, which failed")
        return self.purchases[name]


def open_shop(web_url: str, sandbox_url: str, secret_key: str) -> Shop:
    """Return the shop at two URLs; what a browser needs to know comes from the API itself."""
    web = httpx.Client(base_url=web_url, timeout=15, trust_env=False)
    stripe = httpx.Client(base_url=sandbox_url, timeout=15, trust_env=False)
    estuary = Estuary(web)
    config = estuary.get("/api/v1/payments/config/")
    shop = Shop(estuary, Browser(stripe, config["publishable_key"]), Dashboard(stripe, secret_key))
    page = estuary.get("/api/v1/services/", page_size="100")
    shop.catalogue = {service["slug"]: service for service in page["results"]}
    return shop


def row(what: str, purchase: Purchase, order: Json, handed_over: str) -> Row:
    """Return the table's line for an order, after a look at its timeline."""
    steps = [step["after"] for step in order["timeline"]]
    need(steps and steps[-1] == order["status"], f"the timeline ends in {steps[-1:]}, not {order['status']}")
    return Row(
        what,
        purchase.order_id,
        purchase.payment_intent or "none",
        f"{order['amount']} {order['currency'].upper()}",
        order["status"],
        handed_over,
    )
