"""Every parameter that Stripe lists is obeyed, echoed, or refused by name; a new one is refused."""

import copy
import importlib.util
from pathlib import Path
from typing import Any

import pytest

from stripe_sandbox.parameters import EXPAND, TABLES, payment_intents
from stripe_sandbox.parameters.refusal import CODE
from stripe_sandbox.parameters.table import Table, parameters
from stripe_sandbox.routes import ROUTES
from stripe_sandbox.schema import generate, validate
from tests.sandbox.parameters.__main__ import lines
from tests.sandbox.parameters.scenes import SCENES
from tests.sandbox.parameters.trial import Verdict, schema_of, verdicts
from tests.sandbox.parameters.world import Json, World

INTENT = {"amount": 2000, "currency": "usd"}


@pytest.mark.parametrize("endpoint", sorted(ROUTES))
def test_no_parameter_is_dropped(endpoint: str) -> None:
    assert [f"{one.path}: {one.failure}" for one in verdicts(endpoint) if one.failure] == []


def test_every_endpoint_has_a_table_and_is_tried() -> None:
    assert set(TABLES) == set(ROUTES) == set(SCENES)


@pytest.mark.parametrize("endpoint", sorted(TABLES))
def test_a_table_names_only_parameters_that_stripe_has(endpoint: str) -> None:
    def check(table: Table, node: Any, path: str) -> None:
        for name, modeled in table.items():
            assert name in node["fields"], f"{path}{name}"
            inner = _hash_of(node["fields"][name])
            assert bool(modeled.fields) == (inner is not None), (
                f"{path}{name} is a hash, or the table takes it for one"
            )
            if inner is not None:
                check(modeled.fields, inner, f"{path}{name}.")

    check({name: one for name, one in TABLES[endpoint].items() if name != "expand"}, schema_of(endpoint), "")


def _hash_of(node: Any) -> Json | None:
    """Return the hash that a parameter takes, alone or in a list; None: it takes none."""
    if isinstance(node, str) or "enum" in node:
        return None
    if "fields" in node:
        return dict(node)
    inner = [node.get("unsettable") or node.get("list")] if "any_of" not in node else node["any_of"]
    return next(filter(None, map(_hash_of, inner)), None)


@pytest.mark.parametrize(
    ("after", "added", "sent", "name"),
    [
        (
            "class PaymentIntentCreateParams(RequestOptions):\n",
            "    tipping: NotRequired[str]\n",
            {"tipping": "on"},
            "tipping",
        ),
        (
            "class PaymentIntentCreateParamsShipping(TypedDict):\n",
            "    drone: NotRequired[bool]\n",
            {"shipping": {"name": "Anna", "address": {"line1": "1 Main"}, "drone": True}},
            "shipping[drone]",
        ),
        (
            "class PaymentIntentCreateParamsPaymentMethodOptionsCard(TypedDict):\n",
            "    surcharge: NotRequired[int]\n",
            {"payment_method_options": {"card": {"surcharge": 3}}},
            "payment_method_options[card][surcharge]",
        ),
    ],
)
def test_a_parameter_that_stripe_adds_is_refused_by_name(
    after: str, added: str, sent: Json, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = importlib.util.find_spec("stripe")
    assert spec and spec.origin
    source = (Path(spec.origin).parent / "params" / "_payment_intent_create_params.py").read_text()
    before = _answer(sent)
    assert before["code"] == "parameter_unknown"
    newer = tmp_path / "newer.py"
    newer.write_text(source.replace(after, after + added, 1))
    assert newer.read_text() != source, "the package has this class no more"
    schemas = copy.deepcopy(validate.schemas())
    schemas["POST /v1/payment_intents"] = generate.Reader(newer).fields("PaymentIntentCreateParams")
    monkeypatch.setattr(validate, "schemas", lambda: schemas)
    refused = _answer(sent)
    assert (refused["code"], refused["param"], refused["type"]) == (CODE, name, "invalid_request_error")
    assert f"`{name}`" in refused["message"]
    assert "doc_url" not in refused


def _answer(sent: Json) -> Json:
    status, answer = World().ask("POST", "/v1/payment_intents", INTENT | sent)
    assert status == 400
    error: Json = answer["error"]
    return error


def test_an_endpoint_without_a_table_refuses_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(TABLES, "POST /v1/customers")
    status, answer = World().ask("POST", "/v1/customers", {"email": "anna@example.com"})
    assert (status, answer["error"]["code"], answer["error"]["param"]) == (400, CODE, "email")


def test_a_parameter_that_a_handler_forgets_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """The trial itself can fail: a table that promises too much is not believed."""
    endpoint = "POST /v1/payment_intents"
    promised = parameters(obeyed="application_fee_amount", echoed="payment_details{order_reference}")
    monkeypatch.setitem(TABLES, endpoint, payment_intents.PARAMETERS[endpoint] | promised | EXPAND)
    failed = {one.path: str(one.failure) for one in verdicts(endpoint) if one.failure}
    assert set(failed) == {"application_fee_amount", "payment_details[order_reference]"}
    assert "changes nothing" in failed["application_fee_amount"]


def test_a_refused_parameter_has_no_effect_and_is_not_remembered() -> None:
    world = World()
    before = world.state()
    for value in ("1", "2"):
        status, answer = world.ask("POST", "/v1/payment_intents", INTENT | {"application_fee_amount": value})
        assert (status, answer["error"]["code"]) == (400, CODE)
    assert world.state() == before


def test_an_empty_value_of_what_is_not_modeled_unsets_nothing_and_is_taken() -> None:
    world = World()
    status, session = world.ask("POST", "/v1/checkout/sessions", _session(world) | {"discounts": ""})
    assert (status, session["discounts"]) == (200, [])


def _session(world: World) -> Json:
    return SCENES["POST /v1/checkout/sessions"](world).params


def test_another_account_is_refused_as_stripe_does() -> None:
    world = World()
    headers = {"Authorization": "Bearer sk_test_of_the_trials_00"}
    for name in ("Stripe-Account", "Stripe-Context"):
        other = world.sandbox.request("GET", "/v1/customers", headers | {name: "acct_of_another"})
        assert (other.status, other.json()["error"]["code"]) == (403, "account_invalid")
        own = world.sandbox.request(
            "GET", "/v1/customers", headers | {name: world.sandbox.settings.account_id}
        )
        assert own.status == 200


def test_the_report_names_each_parameter_and_counts_them() -> None:
    report = list(lines([*verdicts("POST /v1/refunds/{id}"), Verdict("GET /v1/x", "y", None, "ignored")]))
    assert report == [
        "\nPOST /v1/refunds/{id}",
        "  obeyed   expand[0]",
        "  echoed   metadata",
        "\nGET /v1/x",
        "  dropped  y",
        "           ignored",
        "\n3 parameters of 2 endpoints: 1 obeyed, 1 echoed, 0 refused, 1 dropped.",
    ]
