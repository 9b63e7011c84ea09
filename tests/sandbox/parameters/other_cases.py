"""The cases of Checkout, customers, products, refunds, and of the lists."""

from tests.sandbox.parameters import scenes
from tests.sandbox.parameters.case import Case, id_of, listed_value, newest, next_page, nth
from tests.sandbox.parameters.payment_cases import SHIPPING
from tests.sandbox.parameters.scenes import SESSION, Scene
from tests.sandbox.parameters.world import DAHLIA, Json, World

FILTERS = [
    "active", "allow_redisplay", "charge", "currency", "customer", "email", "payment_intent", "payment_method",
    "product", "shippable", "source", "status", "transfer_group", "type", "url",
]  # fmt: skip
CURRENT_PRICE = {"currency": "usd", "product_data": {"name": "Yoga"}}
OPTIONS = [{"label": "Small", "value": "s"}, {"label": "Medium", "value": "m"}]
DIMENSIONS = {"package_dimensions": {"height": "1", "length": "1", "weight": "1", "width": "1"}}


def _setup_session(world: World) -> Scene:
    return Scene(params={"mode": "setup", "success_url": "https://shop.example/cards", "currency": "usd"})


def _with_custom_field(kind: str, **more: object) -> Json:
    """Return a request with one custom field."""
    field = {"key": "size", "label": {"type": "custom", "custom": "Size"}, "type": kind}
    return {"custom_fields": [field | more]}


def _debit_session(_: World) -> Scene:
    return Scene(params=SESSION, after=_pays_by_debit)


def _pays_by_debit(world: World, answer: Json) -> None:
    world.do("pay_checkout", answer["id"], method="us_bank_account")


def _lines(price_data: Json) -> Json:
    return {"line_items": [{"price_data": price_data, "quantity": 2}]}


def _with_default_method(world: World) -> Scene:
    owner = scenes.customer(world)["id"]
    scenes.saved_card(world, owner)
    return Scene({"id": owner})


def _evidence(world: World) -> Scene:
    return Scene({"id": scenes.dispute(world)["id"]}, {"evidence": {"product_description": "Yoga"}})


def _unchosen_refund(world: World) -> Scene:
    scenes.paid(world)
    return Scene()


def _priced_product(world: World) -> Scene:
    product = scenes.product(world)["id"]
    world.post("prices", product=product, unit_amount=900, currency="usd")
    return Scene({"id": product})


def _bare_price(world: World) -> Scene:
    return Scene(params={"product_data": {"name": "Yoga"}, "currency": "usd"})


def _taken_key(world: World) -> Scene:
    scenes.price(world, lookup_key="standard")
    return Scene(
        params={
            "product_data": {"name": "Yoga"}, "unit_amount": 900, "currency": "usd", "lookup_key": "standard",
        }
    )  # fmt: skip


def _key_of_another(world: World) -> Scene:
    scenes.price(world, lookup_key="standard")
    return Scene({"id": scenes.price(world)["id"]})


def _two_endpoints(world: World) -> Scene:
    event = scenes.last_event(world)
    scenes.endpoint(world, "https://shop.example/second")
    world.sandbox.take_deliveries()
    return Scene({"id": event}, after=lambda *_: [one.url for one in world.sandbox.take_deliveries()])


def _listening(world: World) -> Scene:
    """Let one like Stripe's command line tool listen, and see what it is told."""
    received: list[str] = []
    event = scenes.last_event(world)
    world.sandbox.state.listeners.append(lambda one: received.append(one["id"]))
    return Scene({"id": event}, after=lambda *_: received)


CASES: list[tuple[str, dict[str, Case]]] = [
    (
        "GET .*",
        {name: Case(listed_value(name)) for name in FILTERS}
        | {
            "limit": Case(1),
            "starting_after": Case(nth(0)),
            "ending_before": Case(nth(-1)),
            "created": Case(nth(-1, "created")),
            "created[gt]": Case(nth(-1, "created")),
            "created[gte]": Case(nth(0, "created")),
            "created[lt]": Case(nth(0, "created")),
            "created[lte]": Case(nth(-1, "created")),
            "ids[0]": Case(nth(-1)),
            "types[0]": Case(nth(-1, "type")),
            "lookup_keys[0]": Case("standard"),
            "recurring[interval]": Case("month"),
            "recurring[usage_type]": Case("licensed"),
            "customer_details[email]": Case("berta@example.com"),
        },
    ),
    ("GET /v1/charges/search", {"query": Case("amount:3000"), "page": Case(next_page)}),
    ("GET /v1/payment_intents/search", {"query": Case("amount:3000"), "page": Case(next_page)}),
    ("GET /v1/customers/search", {"query": Case('email:"berta@example.com"'), "page": Case(next_page)}),
    ("GET /v1/prices/search", {"query": Case('currency:"eur"'), "page": Case(next_page)}),
    ("GET /v1/products/search", {"query": Case('name:"Pilates"'), "page": Case(next_page)}),
    ("GET /v1/setup_attempts", {"setup_intent": Case(lambda world, *_: scenes.attempts(world))}),
    (
        "POST /v1/events/{id}/retry",
        {
            "webhook_endpoint": Case(newest("webhook_endpoints"), scene=_two_endpoints),
            "for_stripecli": Case(scene=_listening),
        },
    ),
    (
        "POST /v1/customers/{id}/sources.*",
        {"source": Case("tok_mastercard"), "exp_month": Case(11), "exp_year": Case(2041)},
    ),
    ("POST /v1/customers/{id}/balance_transactions", {"amount": Case(-700)}),
    ("POST /v1/customers/{id}/cash_balance", {"settings[reconciliation_mode]": Case("manual")}),
    (
        "POST /v1/prices/{id}",
        {"transfer_lookup_key": Case(params={"lookup_key": "standard"}, scene=_key_of_another)},
    ),
    (
        "GET /v1/events",
        {
            "delivery_success": Case(
                value=True,
                scene=scenes.listed(scenes.customer, lambda w: w.sandbox.take_deliveries(), scenes.paid),
            )
        },
    ),
    (
        "POST .*",
        {
            "currency": Case("eur"),
            "customer": Case(id_of(scenes.customer)),
            "email": Case("berta@example.com"),
            "receipt_email": Case("anna@example.com"),
            "url": Case("https://shop.example/other"),
            "active": Case(value=False),
            "type": Case("good"),
            "tax_behavior": Case("inclusive"),
            "unit_amount": Case(1600),
        },
    ),
    (
        "POST /v1/checkout/sessions",
        {
            "mode": Case("setup"),
            "success_url": Case("https://shop.example/other"),
            "cancel_url": Case("https://shop.example/other"),
            "expires_at": Case(lambda world, *_: int(world.sandbox.clock.now()) + 3600),
            "currency": Case("eur", scene=_setup_session),
            "customer_email": Case("anna@example.com"),
            "customer_creation": Case("always"),
            "line_items[0][price]": Case(id_of(scenes.price)),
            "line_items[0][quantity]": Case(3),
            "line_items[0][price_data][currency]": Case("eur"),
            "line_items[0][price_data][product]": Case(id_of(scenes.product)),
            "line_items[0][price_data][unit_amount]": Case(1600),
            "line_items[0][price_data][unit_amount_decimal]": Case("1700", _lines(CURRENT_PRICE)),
            "line_items[0][price_data][tax_behavior]": Case("inclusive"),
            "payment_intent_data[shipping]": Case(params={"payment_intent_data": SHIPPING}),
            "payment_intent_data[statement_descriptor]": Case(
                "YOGA",
                {"payment_method_types": ["us_bank_account"]},
                version=DAHLIA,
                scene=_debit_session,
            ),
            "payment_intent_data[receipt_email]": Case("anna@example.com"),
            "setup_intent_data": Case(scene=_setup_session),
            "payment_method_data[allow_redisplay]": Case("always"),
            "saved_payment_method_options[allow_redisplay_filters][0]": Case("limited"),
            "saved_payment_method_options[payment_method_save]": Case("enabled"),
            "submit_type": Case("book"),
            "custom_fields": Case(params=_with_custom_field("text")),
            "custom_fields[0][key]": Case("fit"),
            "custom_fields[0][type]": Case("numeric"),
            "custom_fields[0][dropdown]": Case(params=_with_custom_field("dropdown", dropdown={"options": OPTIONS})),
            "custom_fields[0][dropdown][default_value]": Case("m"),
            "custom_fields[0][numeric]": Case(params=_with_custom_field("numeric")),
            "adaptive_pricing[enabled]": Case(value=False),
        },
    ),
    (
        "POST /v1/payment_pages/{id}/confirm",
        {"payment_method": Case("pm_card_mastercard"), "expected_amount": Case(1, status=400)},
    ),
    (
        "POST /v1/customers.*",
        {
            "payment_method": Case("pm_card_mastercard"),
            "shipping": Case(params=SHIPPING),
            "invoice_settings[custom_fields]": Case(
                params={"invoice_settings": {"custom_fields": [{"name": "a", "value": "b"}]}}
            ),
        },
    ),
    (
        "POST /v1/customers",
        {"invoice_settings[default_payment_method]": Case(id_of(scenes.card), status=400)},
    ),
    (
        "POST /v1/customers/{id}",
        {
            "invoice_settings[default_payment_method]": Case(
                newest("payment_methods"), scene=_with_default_method
            )
        },
    ),
    ("POST /v1/charges/{id}", {"shipping": Case(params=SHIPPING), "transfer_group": Case("group")}),
    ("POST /v1/(charges/{id}/)?refunds", {"amount": Case(500)}),
    (
        "POST /v1/refunds",
        {
            "charge": Case(newest("charges"), scene=_unchosen_refund),
            "payment_intent": Case(newest("payment_intents"), scene=_unchosen_refund),
        },
    ),
    ("POST /v1/disputes/{id}", {"submit": Case(value=False, scene=_evidence)}),
    (
        "POST /v1/webhook_endpoints.*",
        {"enabled_events[0]": Case("charge.succeeded"), "api_version": Case("2026-05-27.dahlia")},
    ),
    (
        "POST /v1/products.*",
        {
            "id": Case("own_id"),
            "package_dimensions": Case(params=DIMENSIONS),
            "default_price": Case(newest("prices"), scene=_priced_product),
            "default_price_data": Case(params={"default_price_data": {"currency": "usd", "unit_amount": 500}}),
            "default_price_data[currency]": Case("eur"),
            "default_price_data[unit_amount]": Case(600),
            "default_price_data[unit_amount_decimal]": Case(
                "700", {"default_price_data": {"currency": "usd"}}
            ),
            "default_price_data[tax_behavior]": Case("inclusive"),
            "default_price_data[recurring]": Case(
                params={
                    "default_price_data": {
                        "currency": "usd", "unit_amount": 500, "recurring": {"interval": "month"},
                    }
                }
            ),
            "default_price_data[recurring][interval]": Case("week"),
            "default_price_data[recurring][interval_count]": Case(3),
        },
    ),
    (
        "POST /v1/prices",
        {
            "product": Case(id_of(scenes.product)),
            "product_data[id]": Case("own_id"),
            "product_data[active]": Case(value=False),
            "unit_amount_decimal": Case("700", scene=_bare_price),
            "transfer_lookup_key": Case(scene=_taken_key),
            "recurring": Case(params={"recurring": {"interval": "month"}}),
            "recurring[interval]": Case("week"),
        },
    ),
]  # fmt: skip
