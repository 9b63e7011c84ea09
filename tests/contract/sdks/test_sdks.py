"""The official SDKs for Python and Node call everything that the sandbox offers, and nothing unexpected comes."""

import dataclasses
import json
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import stripe

from stripe_sandbox import routes
from tests.contract import annotations, openapi
from tests.contract.allowed import WITHOUT_SDK
from tests.contract.exchanges import Exchange
from tests.contract.official_cli import ROOT
from tests.contract.sdks.call import Call
from tests.contract.sdks.calls import CALLS
from tests.contract.sdks.references import filled
from tests.contract.sdks.served import serving

KEY = "sk_test_contract_of_the_sdks"
PACKAGES = ROOT / ".cache/stripe-cli/node_modules"
# Stripe documents nothing about them, and its command line tool is their only user.
LEFT_OUT = {
    "GET /v1/payment_pages/{id}",
    "POST /v1/payment_pages/{id}/confirm",
    "POST /v1/events/{id}/retry",
}
Results = list[dict[str, Any]]


@dataclasses.dataclass(frozen=True)
class Walk:
    """What one SDK made of the calls, and what went over the wire."""

    results: Results
    exchanges: list[Exchange]


def call_by_python(port: int) -> Results:
    """Make the calls with the Python SDK."""
    client = stripe.StripeClient(
        KEY, base_addresses={"api": f"http://127.0.0.1:{port}"}, max_network_retries=0
    )
    saved: dict[str, Any] = {}
    results: Results = []
    for call in CALLS:
        try:
            answer = _make(client, call, saved)
        except stripe.StripeError as error:
            results.append({"status": error.http_status, "message": str(error.user_message)})
            continue
        saved |= {call.save: answer} if call.save else {}
        deleted = answer.to_dict().get("deleted") is True
        results.append({"object": answer.object, "deleted": deleted, "class": type(answer)})
    return results


def _make(client: stripe.StripeClient, call: Call, saved: dict[str, Any]) -> Any:
    ids, params = filled(call.ids, saved), filled(call.params, saved)
    if call.raw_path:
        path = call.raw_path
        for one in ids:
            path = re.sub(r"\{\w+\}", one, path, count=1)
        return client.deserialize(
            client.raw_request(call.endpoint.partition(" ")[0].lower(), path, **params), api_mode="V1"
        )
    target: Any = client.v1
    for name in call.method.split("."):
        target = getattr(target, name)
    return target(*ids, params) if params else target(*ids)


def call_by_node(port: int) -> Results:
    """Make the calls with the Node SDK."""
    calls = [
        dataclasses.asdict(call) | {"node": call.node or camel(call.method), "raw_path": call.raw_path}
        for call in CALLS
    ]
    script = ROOT / "tests/contract/sdks/call_all.mjs"
    if not (PACKAGES / "stripe").exists():
        raise FileNotFoundError(f"no Node SDK in {PACKAGES}: run `make stripe-cli`")
    # Node looks for packages beside the script, so the script goes where they are.
    placed = PACKAGES.parent / script.name
    shutil.copyfile(script, placed)
    task = {"calls": calls, "host": "127.0.0.1", "port": port, "key": KEY}
    node = ROOT / ".venv/bin/node"
    done = subprocess.run(
        [node, placed], input=json.dumps(task), capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    results: Results = json.loads(done.stdout)
    return results


def camel(name: str) -> str:
    return re.sub(r"_(\w)", lambda match: match[1].upper(), name)


SDKS: dict[str, Callable[[int], Results]] = {"python": call_by_python, "node": call_by_node}


@pytest.fixture(scope="module", params=SDKS)
def walk(request: pytest.FixtureRequest) -> Iterator[Walk]:
    with serving() as (sandbox, port):
        results = SDKS[request.param](port)
        yield Walk(results, sandbox.exchanges)


def test_every_route_is_called() -> None:
    assert {call.endpoint for call in CALLS} == set(routes.ROUTES) - LEFT_OUT


def test_each_call_ends_as_it_should(walk: Walk) -> None:
    ended = [
        (
            f"{call.endpoint} {call.method}",
            result.get("status", 0),
            result.get("message") if not call.refused else "",
        )
        for call, result in zip(CALLS, walk.results, strict=True)
    ]
    assert ended == [
        (f"{call.endpoint} {call.method}", call.refused, "" if call.refused else None) for call in CALLS
    ]


def test_each_call_goes_to_its_endpoint_once(walk: Walk) -> None:
    reached = [routes.find(e.method, e.path) for e in walk.exchanges]
    assert [calls[0] for calls in reached if calls] == [call.endpoint for call in CALLS]


def test_each_result_is_the_object_that_was_answered(walk: Walk) -> None:
    for call, result, exchange in zip(CALLS, walk.results, walk.exchanges, strict=True):
        if call.refused:
            continue
        assert result["object"] == exchange.answer["object"], call
        assert result["deleted"] == call.endpoint.startswith("DELETE"), call
        assert result.get("class") is not stripe.StripeObject, call


def test_each_answer_has_the_shape_that_stripe_declares(walk: Walk) -> None:
    problems = {
        f"{e.method} {e.path} {line}"
        for e in walk.exchanges
        for line in (
            *annotations.check_response(e.answer),
            *openapi.check_response(e.method, e.path, e.status, e.answer),
        )
    }
    assert sorted(problems) == []


def test_each_request_has_parameters_that_stripe_declares(walk: Walk) -> None:
    problems = {
        f"{e.endpoint} {line}"
        for e in walk.exchanges
        # Card numbers come from browsers, whose parameters the SDK does not name.
        if not e.has_card_data and e.endpoint not in WITHOUT_SDK
        for line in annotations.check_request(e.method, e.path, e.params)
    }
    assert sorted(problems) == []
