"""The cases of payments, set-ups and payment methods."""

from dataclasses import replace

from tests.sandbox.parameters import scenes
from tests.sandbox.parameters.case import Case, id_of, newest
from tests.sandbox.parameters.scenes import BANK, RAW_CARD, Maker, Scene
from tests.sandbox.parameters.world import DAHLIA, PUBLIC, Json, World

BACK = "https://shop.example/back"
SEPA = {"type": "sepa_debit", "sepa_debit": {"iban": "AT611904300234573201"}}
REDIRECTS = {"automatic_payment_methods": {"enabled": True, "allow_redirects": "always"}}
CHALLENGED = {"payment_method": "pm_card_authenticationRequired"}
ACCEPTANCE = {
    "type": "online", "online": {"ip_address": "127.0.0.1", "user_agent": "Browser"},
    "accepted_at": 1_790_000_000,
}  # fmt: skip
DEBIT = {"payment_method_data": BANK, "mandate_data": {"customer_acceptance": ACCEPTANCE}}
SHIPPING = {"shipping": {"name": "Anna", "address": {"line1": "1 Main Street"}}}


def method_cases(prefix: str = "", sepa: Case | None = None) -> dict[str, Case]:
    """Return the cases of a payment method's data, which stand under a name or are the whole request."""

    def with_method(method: Json) -> Json:
        return {prefix: method} if prefix else method

    def name(*parts: str) -> str:
        first, *rest = [prefix, *parts] if prefix else parts
        return first + "".join(f"[{part}]" for part in rest)

    card, bank, sepa = with_method({"type": "card", "card": RAW_CARD}), with_method(BANK), sepa or Case()
    cases = {name(): Case(params=card)} if prefix else {}
    return cases | {
        name("type"): Case("us_bank_account"),
        name("card"): Case(params=card),
        name("card", "number"): Case("5555555555554444"),
        name("card", "exp_month"): Case(11),
        name("card", "exp_year"): Case(2041),
        name("card", "cvc"): Case("123"),
        name("card", "token"): Case("tok_mastercard"),
        name("us_bank_account"): Case(params=bank),
        name("us_bank_account", "account_number"): Case("000222222227"),
        name("us_bank_account", "routing_number"): Case("021000021"),
        name("us_bank_account", "account_holder_type"): Case("individual"),
        name("us_bank_account", "account_type"): Case("checking"),
        name("sepa_debit"): replace(sepa, params=with_method(SEPA) | (sepa.params or {})),
        name("sepa_debit", "iban"): Case("DE89370400440532013000"),
        name("allow_redisplay"): Case("always"),
    }


def browser_cases(table: str, context: Json) -> dict[str, Case]:
    """Return the cases of what only a browser sends, with the publishable key."""

    def secret(world: World) -> Json:
        return {"client_secret": world.state()[table][-1]["client_secret"]}

    def in_context(world: World) -> Json:
        return secret(world) | {"client_context": context}

    return {
        "client_secret": Case(newest(table, "client_secret"), key=PUBLIC),
        "set_as_default_payment_method": Case(params=secret, key=PUBLIC),
        "client_context": Case(params=in_context, key=PUBLIC),
        "client_context[mode]": Case("subscription", status=400),
        "client_context[currency]": Case("eur", status=400),
        "client_context[setup_future_usage]": Case("on_session", status=400),
    }


def _in_euros(world: World) -> Scene:
    return Scene({"id": scenes.intent(world, currency="eur")["id"]})


def _setup_of_sepa(world: World) -> Scene:
    params = {"payment_method_types": ["sepa_debit"]}
    status, intent = world.ask("POST", "/v1/setup_intents", params, version=DAHLIA)
    assert status == 200, intent
    return Scene({"id": intent["id"]})


def _redirecting(kind: str, **params: object) -> Maker:
    def make(world: World) -> Scene:
        intent = world.post(kind, **REDIRECTS, **params)
        return Scene({"id": intent["id"]}, {"payment_method": "pm_card_visa"})

    return make


def _other_owner(world: World) -> str:
    return scenes.saved(world).ids["id"]


def _owned_bank_account(world: World) -> Scene:
    method, owner = world.post("payment_methods", **BANK)["id"], scenes.customer(world)["id"]
    world.post(f"payment_methods/{method}/attach", customer=owner)
    return Scene({"id": method})


def _blank(_: World) -> Scene:
    return Scene()


def _debited(world: World) -> Scene:
    params = {"amount": 2000, "currency": "usd", "payment_method_types": ["us_bank_account"]}
    return Scene({"id": world.ask("POST", "/v1/payment_intents", params, version=DAHLIA)[1]["id"]})


INTENTS, SETUPS = "POST /v1/payment_intents", "POST /v1/setup_intents"
CASES: list[tuple[str, dict[str, Case]]] = [
    (
        "POST /v1/(payment_intents|setup_intents|checkout/sessions).*",
        {
            "amount": Case(1234),
            "payment_method": Case("pm_card_mastercard"),
            "allowed_payment_method_types[0]": Case("card"),
            "excluded_payment_method_types[0]": Case("us_bank_account"),
            "payment_method_types[0]": Case("card", version=DAHLIA),
            "shipping": Case(params=SHIPPING),
            "confirmation_token": Case(id_of(scenes.token)),
            "mandate_data[customer_acceptance][accepted_at]": Case(1_790_000_001),
            "mandate_data[customer_acceptance][type]": Case("offline"),
        },
    ),
    (
        "POST /v1/(payment_intents|setup_intents)",
        {
            "confirm": Case(params={"payment_method": "pm_card_visa"}),
            "confirmation_method": Case("manual"),
            "confirmation_token": Case(id_of(scenes.token), {"confirm": True}),
            "automatic_payment_methods[enabled]": Case(value=False),
            "automatic_payment_methods[allow_redirects]": Case("always"),
            "off_session": Case(params={"confirm": True} | CHALLENGED, status=402),
            "error_on_requires_action": Case(params={"confirm": True} | CHALLENGED, status=402),
            "return_url": Case(BACK, {"confirm": True, "payment_method": "pm_card_visa"} | REDIRECTS),
            "use_stripe_sdk": Case(params={"confirm": True, "return_url": BACK} | CHALLENGED),
            "mandate_data": Case(params={"confirm": True} | DEBIT),
        },
    ),
    (
        "POST /v1/(payment_intents|setup_intents)/{id}/confirm",
        {
            "off_session": Case(params=CHALLENGED, status=402),
            "error_on_requires_action": Case(params=CHALLENGED, status=402),
            "use_stripe_sdk": Case(params={"return_url": BACK} | CHALLENGED),
            "mandate_data": Case(params=DEBIT),
        },
    ),
    (
        INTENTS,
        {"statement_descriptor": Case("YOGA", {"payment_method_types": ["us_bank_account"]}, version=DAHLIA)},
    ),
    (f"{INTENTS}/{{id}}", {"statement_descriptor": Case("YOGA", scene=_debited)}),
    (f"{INTENTS}/{{id}}/increment_authorization", {"amount": Case(3000)}),
    (
        "POST /v1/test_helpers/confirmation_tokens",
        method_cases("payment_method_data")
        | {
            "payment_method": Case("pm_card_mastercard"),
            "payment_method_data": Case(
                params={"payment_method_data": {"type": "card", "card": RAW_CARD}}, scene=_blank
            ),
            "return_url": Case(BACK),
            "shipping": Case(params=SHIPPING),
        },
    ),
    (INTENTS, method_cases("payment_method_data", Case(params={"currency": "eur"}))),
    (f"{INTENTS}/{{id}}(/confirm)?", method_cases("payment_method_data", Case(scene=_in_euros))),
    (
        f"{INTENTS}/{{id}}/confirm",
        {
            "confirmation_token": Case(
                id_of(scenes.token), scene=lambda w: Scene({"id": scenes.intent(w)["id"]})
            )
        }
        | {"return_url": Case(BACK, scene=_redirecting("payment_intents", amount=2000, currency="usd"))}
        | browser_cases("payment_intents", {"mode": "payment", "currency": "usd"}),
    ),
    (f"{INTENTS}/{{id}}/capture", {"amount_to_capture": Case(1500)}),
    (
        SETUPS,
        method_cases(
            "payment_method_data", Case(params={"payment_method_types": ["sepa_debit"]}, version=DAHLIA)
        )
        | {"usage": Case("on_session")},
    ),
    (f"{SETUPS}/{{id}}(/confirm)?", method_cases("payment_method_data", Case(scene=_setup_of_sepa))),
    (
        f"{SETUPS}/{{id}}/confirm",
        {
            "confirmation_token": Case(
                id_of(scenes.token), scene=lambda w: Scene({"id": scenes.setup(w)["id"]})
            )
        }
        | {"return_url": Case(BACK, scene=_redirecting("setup_intents"))}
        | browser_cases("setup_intents", {"mode": "setup", "currency": "usd"}),
    ),
    (
        "GET /v1/payment_intents/{id}",
        {"client_secret": Case(newest("payment_intents", "client_secret"), key=PUBLIC)},
    ),
    (
        "GET /v1/setup_intents/{id}",
        {"client_secret": Case(newest("setup_intents", "client_secret"), key=PUBLIC)},
    ),
    ("GET /v1/payment_methods", {"customer": Case(lambda world, *_: _other_owner(world))}),
    ("POST /v1/payment_methods", method_cases()),
    (
        "POST /v1/payment_methods/{id}",
        {
            "allow_redisplay": Case("always"),
            "card[exp_month]": Case(11),
            "card[exp_year]": Case(2041),
            "us_bank_account": Case(scene=_owned_bank_account),
            "us_bank_account[account_holder_type]": Case("individual"),
            "us_bank_account[account_type]": Case("checking"),
        },
    ),
    ("POST /v1/payment_methods/{id}/attach", {"customer": Case(id_of(scenes.customer))}),
    (
        "POST /v1/tokens",
        {
            "card": Case("tok_visa", status=400),
            "card[number]": Case("5555555555554444"),
            "card[exp_month]": Case(11),
            "card[exp_year]": Case(2041),
            "card[cvc]": Case("123"),
        },
    ),
]
