"""For each endpoint an ordinary request that works, to which a trial adds one parameter."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.sandbox.parameters.world import Json, World

AUTOMATIC = {"enabled": True, "allow_redirects": "never"}
BANK = {
    "type": "us_bank_account",
    "us_bank_account": {
        "account_number": "000123456789",
        "routing_number": "110000000",
        "account_holder_type": "company",
        "account_type": "savings",
    },
}
RAW_CARD = {"number": "4242424242424242", "exp_month": "12", "exp_year": "2040"}
PRICE_DATA = {"currency": "usd", "unit_amount": 1500, "product_data": {"name": "Yoga"}}
SESSION: Json = {
    "mode": "payment",
    "line_items": [{"price_data": PRICE_DATA, "quantity": 2}],
    "success_url": "https://shop.example/thanks",
}


@dataclass
class Scene:
    """The ids of a path, the parameters of an ordinary request, and what happens after it."""

    ids: dict[str, str] = field(default_factory=dict)
    params: Json = field(default_factory=dict)
    after: Callable[[World, Json], Any] | None = None


Maker = Callable[[World], Scene]


def intent(world: World, **params: Any) -> Json:
    return world.post(
        "payment_intents",
        **{"amount": 2000, "currency": "usd", "automatic_payment_methods": AUTOMATIC} | params,
    )


def paid(world: World, method: str = "pm_card_visa", **params: Any) -> Json:
    return intent(world, payment_method=method, confirm=True, **params)


def setup(world: World, **params: Any) -> Json:
    return world.post("setup_intents", automatic_payment_methods=AUTOMATIC, **params)


def customer(world: World, **params: Any) -> Json:
    return world.post("customers", **{"email": "anna@example.com"} | params)


def session(world: World, **params: Any) -> Json:
    return world.post("checkout/sessions", **SESSION | params)


def product(world: World, **params: Any) -> Json:
    return world.post("products", **{"name": "Yoga"} | params)


def price(world: World, **params: Any) -> Json:
    return world.post(
        "prices", **{"product_data": {"name": "Yoga"}, "unit_amount": 900, "currency": "usd"} | params
    )


def card(world: World, **params: Any) -> Json:
    return world.post("payment_methods", **{"type": "card", "card": {"token": "tok_visa"}} | params)


def saved_card(world: World, owner: str, **params: Any) -> Json:
    return world.post(f"payment_methods/{card(world, **params)['id']}/attach", customer=owner)


def dispute(world: World, inquiry: bool = False) -> Json:
    payment = paid(world, amount=3000 if inquiry else 2000)
    obj: Json = world.sandbox.control.dispute(payment["id"], inquiry=inquiry)
    return obj


def warning(world: World) -> Json:
    obj: Json = world.sandbox.control.warn_of_fraud(paid(world)["id"])
    return obj


def review(world: World) -> Json:
    obj: Json = world.sandbox.control.open_review(paid(world)["id"])
    return obj


def refund(world: World, **params: Any) -> Json:
    return world.post("refunds", payment_intent=paid(world)["id"], **params)


def listed(*makers: Callable[[World], Any]) -> Maker:
    """Make objects to be listed, each later than the one before."""

    def make(world: World) -> Scene:
        for one in makers:
            one(world)
            world.sandbox.control.advance(100)
        return Scene()

    return make


def bought(world: World, challenge: bool = False) -> Json:
    """Buy on the hosted page, with an email of one's own."""
    checkout = session(world, customer_email="anna@example.com")
    world.sandbox.control.pay_checkout(checkout["id"])
    return checkout


def pays_on_its_page(world: World, answer: Json) -> list[Any]:
    """Return the page and the lines of a new Checkout Session, and pay it."""
    if answer.get("object") != "checkout.session":
        return []
    page = world.page_of(answer)
    world.do("pay_checkout", answer["id"])
    return [page, *world.ask("GET", f"/v1/checkout/sessions/{answer['id']}/line_items")]


def asks(**params: Any) -> Maker:
    """Make a request that needs nothing beforehand."""
    return lambda _: Scene(params=params)


def _ids(**ids: str) -> Scene:
    return Scene(ids)


def _of_customer(world: World) -> Scene:
    owner = customer(world)["id"]
    saved_card(world, owner)
    world.sandbox.control.advance(100)
    bank = world.post("payment_methods", **BANK, allow_redisplay="always")
    world.post(f"payment_methods/{bank['id']}/attach", customer=owner)
    return _ids(id=owner)


def saved(world: World) -> Scene:
    owner = customer(world)["id"]
    return _ids(id=owner, payment_method=saved_card(world, owner)["id"])


def _own_methods(world: World) -> Scene:
    return Scene(params={"customer": _of_customer(world).ids["id"]})


def _held(world: World) -> Scene:
    return _ids(id=paid(world, capture_method="manual")["id"])


def _confirmation(world: World) -> Scene:
    return Scene({"id": intent(world)["id"]}, {"payment_method": "pm_card_visa"})


def _searched(query: str, *makers: Callable[[World], Any]) -> Maker:
    def make(world: World) -> Scene:
        listed(*makers)(world)
        return Scene(params={"query": query})

    return make


def _with_sources(world: World) -> Scene:
    owner = customer(world)["id"]
    for name in ("tok_visa", "tok_mastercard"):
        source = world.post(f"customers/{owner}/sources", source=name)
        world.sandbox.control.advance(100)
    return _ids(id=owner, source=source["id"])


def _funded(world: World) -> Scene:
    owner = customer(world)["id"]
    for amount in (500, 300):
        path = f"test_helpers/customers/{owner}/fund_cash_balance"
        entry = world.post(path, amount=amount, currency="usd")
        world.sandbox.control.advance(100)
    return _ids(id=owner, transaction=entry["id"])


def _refunded_twice(world: World) -> Scene:
    charge = paid(world)["latest_charge"]
    for amount in (500, 700):
        world.post("refunds", charge=charge, amount=amount)
    return _ids(id=charge)


def _refund_of_charge(world: World) -> Scene:
    obj = refund(world)
    return _ids(id=obj["charge"], refund=obj["id"])


def _credited(world: World) -> Scene:
    owner = customer(world)["id"]
    for amount in (-500, 300):
        entry = world.post(f"customers/{owner}/balance_transactions", amount=amount, currency="usd")
        world.sandbox.control.advance(100)
    return _ids(id=owner, transaction=entry["id"])


def attempts(world: World) -> str:
    """Return a SetupIntent that was tried twice."""
    intent_id = setup(world)["id"]
    for method in ("pm_card_chargeDeclined", "pm_card_visa"):
        world.ask("POST", f"/v1/setup_intents/{intent_id}/confirm", {"payment_method": method})
        world.sandbox.control.advance(100)
    return str(intent_id)


def token(world: World) -> Json:
    return world.post("test_helpers/confirmation_tokens", payment_method="pm_card_mastercard")


def _incremented(world: World) -> Scene:
    options = {"card": {"request_incremental_authorization": "if_available"}}
    held = paid(world, capture_method="manual", payment_method_options=options)
    return Scene({"id": held["id"]}, {"amount": 2500})


def endpoint(world: World, url: str = "https://shop.example/hook") -> Json:
    return world.post("webhook_endpoints", url=url, enabled_events=["charge.failed"])


def last_event(world: World) -> str:
    customer(world)
    return str(world.ask("GET", "/v1/events")[1]["data"][0]["id"])


def mandate(world: World) -> str:
    acceptance = {"type": "offline", "accepted_at": 1_790_000_000}
    payment = intent(
        world, confirm=True, payment_method_data=BANK, mandate_data={"customer_acceptance": acceptance}
    )
    charge = world.ask("GET", f"/v1/charges/{payment['latest_charge']}")[1]
    return str(charge["payment_method_details"]["us_bank_account"]["mandate"])


SCENES: dict[str, Maker] = {
    "GET /v1/account": asks(),
    "GET /v1/balance": asks(),
    "GET /v1/balance_transactions": listed(paid, lambda w: paid(w, currency="eur"), refund),
    "GET /v1/balance_transactions/{id}": lambda w: _ids(id=refund(w)["balance_transaction"]),
    "GET /v1/charges": listed(lambda w: paid(w, customer=customer(w)["id"], transfer_group="group"), paid),
    "GET /v1/charges/{id}": lambda w: _ids(id=paid(w)["latest_charge"]),
    "POST /v1/charges/{id}": lambda w: _ids(id=paid(w)["latest_charge"]),
    "POST /v1/checkout/sessions": lambda _: Scene(params=SESSION, after=pays_on_its_page),
    "GET /v1/checkout/sessions": listed(
        lambda w: session(w, customer=customer(w, email="berta@example.com")["id"]), bought
    ),
    "GET /v1/checkout/sessions/{id}": lambda w: _ids(id=session(w)["id"]),
    "POST /v1/checkout/sessions/{id}": lambda w: _ids(id=session(w)["id"]),
    "POST /v1/checkout/sessions/{id}/expire": lambda w: _ids(id=session(w)["id"]),
    "GET /v1/checkout/sessions/{id}/line_items": lambda w: _ids(
        id=session(w, line_items=[{"price_data": PRICE_DATA, "quantity": n} for n in (1, 2)])["id"]
    ),
    "GET /v1/payment_pages/{id}": lambda w: _ids(id=session(w)["id"]),
    "POST /v1/payment_pages/{id}/confirm": lambda w: Scene(
        {"id": session(w)["id"]}, {"payment_method": "pm_card_visa", "expected_amount": 3000}
    ),
    "POST /v1/customers": asks(),
    "GET /v1/customers": listed(lambda w: customer(w, email="berta@example.com"), customer),
    "GET /v1/customers/{id}": lambda w: _ids(id=customer(w)["id"]),
    "POST /v1/customers/{id}": lambda w: _ids(id=customer(w)["id"]),
    "DELETE /v1/customers/{id}": lambda w: _ids(id=customer(w)["id"]),
    "GET /v1/customers/{id}/payment_methods": _of_customer,
    "GET /v1/customers/{id}/payment_methods/{payment_method}": saved,
    "POST /v1/payment_methods": asks(type="card", card={"token": "tok_visa"}),
    "GET /v1/payment_methods": _own_methods,
    "GET /v1/payment_methods/{id}": lambda w: _ids(id=card(w)["id"]),
    "POST /v1/payment_methods/{id}": lambda w: _ids(id=saved_card(w, customer(w)["id"])["id"]),
    "POST /v1/payment_methods/{id}/attach": lambda w: Scene(
        {"id": card(w)["id"]}, {"customer": customer(w)["id"]}
    ),
    "POST /v1/payment_methods/{id}/detach": lambda w: _ids(id=saved_card(w, customer(w)["id"])["id"]),
    "POST /v1/tokens": asks(card=RAW_CARD),
    "GET /v1/tokens/{id}": lambda w: _ids(id=w.post("tokens", card=RAW_CARD)["id"]),
    "GET /v1/mandates/{id}": lambda w: _ids(id=mandate(w)),
    "POST /v1/payment_intents": asks(amount=2000, currency="usd", automatic_payment_methods=AUTOMATIC),
    "GET /v1/payment_intents": listed(lambda w: intent(w, customer=customer(w)["id"]), intent),
    "GET /v1/payment_intents/{id}": lambda w: _ids(id=intent(w)["id"]),
    "POST /v1/payment_intents/{id}": lambda w: _ids(id=intent(w)["id"]),
    "POST /v1/payment_intents/{id}/confirm": _confirmation,
    "POST /v1/payment_intents/{id}/capture": _held,
    "POST /v1/payment_intents/{id}/cancel": lambda w: _ids(id=intent(w)["id"]),
    "POST /v1/setup_intents": asks(automatic_payment_methods=AUTOMATIC),
    "GET /v1/setup_intents": listed(
        lambda w: setup(w, customer=customer(w)["id"], payment_method="pm_card_visa"), setup
    ),
    "GET /v1/setup_intents/{id}": lambda w: _ids(id=setup(w)["id"]),
    "POST /v1/setup_intents/{id}": lambda w: _ids(id=setup(w)["id"]),
    "POST /v1/setup_intents/{id}/confirm": lambda w: Scene(
        {"id": setup(w)["id"]}, {"payment_method": "pm_card_visa"}
    ),
    "POST /v1/setup_intents/{id}/cancel": lambda w: _ids(id=setup(w)["id"]),
    "POST /v1/refunds": lambda w: Scene(params={"payment_intent": paid(w)["id"]}),
    "GET /v1/refunds": listed(refund, lambda w: refund(w, amount=500)),
    "GET /v1/refunds/{id}": lambda w: _ids(id=refund(w)["id"]),
    "POST /v1/refunds/{id}": lambda w: _ids(id=refund(w)["id"]),
    "POST /v1/refunds/{id}/cancel": lambda w: _ids(id=refund(w)["id"]),
    "GET /v1/disputes": listed(dispute, lambda w: dispute(w, inquiry=True)),
    "GET /v1/disputes/{id}": lambda w: _ids(id=dispute(w)["id"]),
    "POST /v1/disputes/{id}": lambda w: _ids(id=dispute(w)["id"]),
    "POST /v1/disputes/{id}/close": lambda w: _ids(id=dispute(w)["id"]),
    "GET /v1/radar/early_fraud_warnings": listed(warning, warning),
    "GET /v1/radar/early_fraud_warnings/{id}": lambda w: _ids(id=warning(w)["id"]),
    "GET /v1/reviews": listed(review, review),
    "GET /v1/reviews/{id}": lambda w: _ids(id=review(w)["id"]),
    "POST /v1/reviews/{id}/approve": lambda w: _ids(id=review(w)["id"]),
    "GET /v1/events": listed(customer, paid),
    "GET /v1/events/{id}": lambda w: _ids(id=last_event(w)),
    "POST /v1/webhook_endpoints": asks(url="https://shop.example/hook", enabled_events=["charge.failed"]),
    "GET /v1/webhook_endpoints": listed(lambda w: endpoint(w, "https://shop.example/a")),
    "GET /v1/webhook_endpoints/{id}": lambda w: _ids(id=endpoint(w)["id"]),
    "POST /v1/webhook_endpoints/{id}": lambda w: _ids(id=endpoint(w)["id"]),
    "DELETE /v1/webhook_endpoints/{id}": lambda w: _ids(id=endpoint(w)["id"]),
    "POST /v1/products": asks(name="Yoga"),
    "GET /v1/products": listed(
        lambda w: product(w, active=False, shippable=True, type="good", url="https://shop.example/a"), product
    ),
    "GET /v1/products/{id}": lambda w: _ids(id=product(w)["id"]),
    "POST /v1/products/{id}": lambda w: _ids(id=product(w)["id"]),
    "POST /v1/prices": asks(product_data={"name": "Yoga"}, unit_amount=900, currency="usd"),
    "GET /v1/prices": listed(
        lambda w: price(
            w, active=False, currency="eur", lookup_key="standard", recurring={"interval": "month"}
        ),
        price,
    ),
    "GET /v1/charges/search": _searched("amount>1", paid, lambda w: paid(w, amount=3000)),
    "GET /v1/customers/search": _searched(
        "created>1", customer, lambda w: customer(w, email="berta@example.com")
    ),
    "GET /v1/payment_intents/search": _searched("amount>1", intent, lambda w: intent(w, amount=3000)),
    "GET /v1/prices/search": _searched('active:"true"', price, lambda w: price(w, currency="eur")),
    "GET /v1/products/search": _searched('active:"true"', product, lambda w: product(w, name="Pilates")),
    "POST /v1/customers/{id}/sources": lambda w: Scene({"id": customer(w)["id"]}, {"source": "tok_visa"}),
    "GET /v1/customers/{id}/sources": _with_sources,
    "GET /v1/customers/{id}/sources/{source}": _with_sources,
    "POST /v1/customers/{id}/sources/{source}": _with_sources,
    "DELETE /v1/customers/{id}/sources/{source}": _with_sources,
    "GET /v1/customers/{id}/cash_balance": _funded,
    "POST /v1/customers/{id}/cash_balance": _funded,
    "GET /v1/customers/{id}/cash_balance_transactions": _funded,
    "GET /v1/customers/{id}/cash_balance_transactions/{transaction}": _funded,
    "POST /v1/test_helpers/customers/{id}/fund_cash_balance": lambda w: Scene(
        {"id": customer(w)["id"]}, {"amount": 500, "currency": "usd"}
    ),
    "GET /v1/charges/{id}/refunds": _refunded_twice,
    "POST /v1/charges/{id}/refunds": lambda w: _ids(id=paid(w)["latest_charge"]),
    "GET /v1/charges/{id}/refunds/{refund}": _refund_of_charge,
    "POST /v1/charges/{id}/refunds/{refund}": _refund_of_charge,
    "GET /v1/customers/{id}/balance_transactions": _credited,
    "POST /v1/customers/{id}/balance_transactions": lambda w: Scene(
        {"id": customer(w)["id"]}, {"amount": -500, "currency": "usd"}
    ),
    "GET /v1/customers/{id}/balance_transactions/{transaction}": _credited,
    "POST /v1/customers/{id}/balance_transactions/{transaction}": _credited,
    "GET /v1/setup_attempts": lambda w: Scene(params={"setup_intent": attempts(w)}),
    "GET /v1/confirmation_tokens/{id}": lambda w: _ids(id=token(w)["id"]),
    "POST /v1/test_helpers/confirmation_tokens": asks(payment_method="pm_card_visa"),
    "POST /v1/events/{id}/retry": lambda w: _ids(id=last_event(w)),
    "POST /v1/payment_intents/{id}/increment_authorization": _incremented,
    "DELETE /v1/products/{id}": lambda w: _ids(id=product(w)["id"]),
    "POST /v1/prices/{id}": lambda w: _ids(id=price(w)["id"]),
    "GET /v1/prices/{id}": lambda w: _ids(id=price(w)["id"]),
}
