"""Tries each parameter that Stripe lists for an endpoint: is it obeyed, echoed or refused as its table says?"""

import copy
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from itertools import pairwise
from typing import Any

from stripe_sandbox.api import extra_fields
from stripe_sandbox.parameters import EXPAND, TABLES
from stripe_sandbox.parameters.refusal import CODE, as_text, treatment
from stripe_sandbox.parameters.table import Modeled
from stripe_sandbox.routes import PUBLISHABLE, ROUTES
from stripe_sandbox.schema.validate import schemas
from tests.sandbox.parameters.case import Case, case_of
from tests.sandbox.parameters.other_cases import CASES as OTHER_CASES
from tests.sandbox.parameters.payment_cases import CASES as PAYMENT_CASES
from tests.sandbox.parameters.scenes import SCENES, Scene
from tests.sandbox.parameters.world import DAHLIA, Json, World

# The later ones take precedence.
CASES = [*OTHER_CASES, *PAYMENT_CASES]
NOT_EXPANDABLE = "nothing_of_stripes"
PART = re.compile(r"\w+")


@dataclass(frozen=True)
class Verdict:
    """How a parameter is treated; `failure` says in what way the trial found it otherwise."""

    endpoint: str
    path: str
    modeled: Modeled | None
    failure: str | None

    @property
    def how(self) -> str:
        return self.modeled.how if self.modeled else "refused"

    @property
    def values(self) -> str:
        """The values that are taken, if not all are."""
        return ", ".join(sorted(self.modeled.values)) if self.modeled and self.modeled.values else ""


@cache
def schema_of(endpoint: str) -> Json:
    """Return all parameters of an endpoint: those of every API version, and those of a browser."""
    kind: Any = "publishable" if endpoint in PUBLISHABLE else "secret"
    own: Json = schemas().get(endpoint, {"fields": {}})
    return own | {"fields": own["fields"] | extra_fields(endpoint, DAHLIA, kind)}


def verdicts(endpoint: str) -> Iterator[Verdict]:
    """Try every parameter of an endpoint."""
    trial = Trial(endpoint)
    for path, modeled in treatment(TABLES.get(endpoint, EXPAND), schema_of(endpoint)):
        try:
            failure = trial.failure_of(path, modeled)
        except Exception as error:
            # A trial that can't be made is one that failed.
            failure = f"{type(error).__name__}: {error}"
        yield Verdict(endpoint, path, modeled, failure)


def all_verdicts() -> Iterator[Verdict]:
    for endpoint in sorted(ROUTES, key=lambda one: (one.partition(" ")[2], one)):
        yield from verdicts(endpoint)


class Trial:
    """The trials of one endpoint. Refusals share a world, for they change nothing."""

    def __init__(self, endpoint: str) -> None:
        self.endpoint = endpoint
        self.method, self.template = endpoint.split(" ")
        self._shared = World()
        self._scene = SCENES[endpoint](self._shared)

    def failure_of(self, path: str, modeled: Modeled | None) -> str | None:
        """Return in what way a parameter is not treated as its table says, or None."""
        case = case_of(CASES, self.endpoint, path)
        if path == "expand[0]":
            return self._not_expanding(case)
        if modeled is None:
            return self._not_refused(case, path, self._example(path))
        if modeled.values is not None:
            other = _other_value(node_at(self.endpoint, path), modeled.values)
            failure = self._not_refused(case, path, other) if other is not None else None
            if failure:
                return failure
        if modeled.how == "default":
            assert modeled.values
            failures = (self._not_neutral(case, path, value) for value in sorted(modeled.values))
            return next(filter(None, failures), None)
        return self._without_effect(case, path, modeled)

    def _not_expanding(self, case: Case) -> str | None:
        """Try `expand`, which every endpoint obeys: it refuses what is no object's field."""
        status, answer = self._send(self._shared, self._scene, case, "expand[0]", NOT_EXPANDABLE)
        is_refused = status == 400 and answer["error"].get("param") == "expand"
        return None if is_refused else f"{status}: {answer}"

    def _not_refused(self, case: Case, path: str, value: Any) -> str | None:
        status, answer = self._send(self._shared, self._scene, case, path, value, fill=True)
        error = answer.get("error", {})
        named = str(error.get("param", "")).startswith(path) and f"`{error['param']}`" in error["message"]
        is_refused = (status, error.get("code")) == (400, CODE) and named
        return None if is_refused else f"not refused: {status} {error}"

    def _not_neutral(self, case: Case, path: str, value: str) -> str | None:
        with_it, without_it = (self._play(case, path, value, sent) for sent in (True, False))
        if with_it.status != 200:
            return f"`{value}` is refused: {with_it.answer}"
        return None if with_it == without_it else f"`{value}` is not what Stripe assumes anyway"

    def _without_effect(self, case: Case, path: str, modeled: Modeled) -> str | None:
        value = case.value if case.value is not None else self._example(path, modeled.values)
        with_it, without_it = (self._play(case, path, value, sent) for sent in (True, False))
        if with_it.status != case.status:
            return f"{path}={with_it.value} gets {with_it.status}: {with_it.answer}"
        if with_it == without_it:
            return f"{path}={with_it.value} changes nothing"
        if modeled.how == "echoed":
            name = PART.findall(re.sub(r"\[\d+\]", "", path))[-1]
            shown, shown_anyway = (_count(result, name, with_it.value) for result in (with_it, without_it))
            is_new = shown > shown_anyway
            return None if is_new else f"{path}={with_it.value} is not in the answer: {with_it.answer}"
        if isinstance(without_it.answer.get("data"), list) and path not in self._scene.params:
            return _not_filtered(with_it.answer, without_it.answer)
        return None

    def _example(self, path: str, values: frozenset[str] | None = None) -> Any:
        if path.rstrip("]").endswith("email"):
            return "carla@example.com"
        return example(node_at(self.endpoint, path), values)

    def _play(self, case: Case, path: str, value: Any, sent: bool) -> "Result":
        """Send the ordinary request in a new world, with the parameter or without it."""
        world = World()
        scene = (case.scene or SCENES[self.endpoint])(world)
        parameter = value(world, scene, self) if callable(value) else value
        status, answer = self._send(world, scene, case, path, parameter if sent else None)
        seen = scene.after(world, answer) if scene.after else None
        return Result(status, answer, seen, world.state(), parameter)

    def _send(
        self, world: World, scene: Scene, case: Case, path: str, value: Any, *, fill: bool = False
    ) -> tuple[int, Json]:
        extra = case.params(world) if callable(case.params) else case.params
        params = copy.deepcopy(scene.params) | copy.deepcopy(extra)
        if value is not None:
            put(params, path, value)
        if fill:
            fill_required(schema_of(self.endpoint), params)
        where = self.template.format(**scene.ids)
        return world.ask(self.method, where, params, key=str(case.key), version=str(case.version))


@dataclass
class Result:
    """What a request led to; two are equal when the answers and the worlds are."""

    status: int = field(compare=False)
    answer: Json
    seen: Any
    state: Json
    # What was sent.
    value: Any = field(compare=False)


def put(params: Any, path: str, value: Any) -> None:
    """Set a value by its name, such as `a[b][0]`."""
    parts = PART.findall(path)
    last = parts[-1]
    for part, following in pairwise(parts):
        key: Any = int(part) if isinstance(params, list) else part
        empty: Any = [] if following.isdigit() else {}
        if isinstance(params, list) and len(params) <= key:
            params.append(empty)
        elif isinstance(params, dict) and not isinstance(params.get(key), dict | list):
            params[key] = empty
        params = params[key]
    if isinstance(params, list):
        params[:] = [value]
    else:
        params[last] = value


def fill_required(schema: Json, params: Any) -> None:
    """Add what else each hash of a request must have."""
    for name in schema.get("required", ()):
        params.setdefault(name, example(schema["fields"][name]))
    for name, value in list(params.items()):
        node = _inner(schema["fields"].get(name))
        if isinstance(node, dict) and "list" in node and isinstance(value, list):
            node, items = _inner(node["list"]), value
        else:
            items = [value]
        if isinstance(node, dict) and "fields" in node:
            for item in items:
                if isinstance(item, dict):
                    fill_required(node, item)


def node_at(endpoint: str, path: str) -> Any:
    """Return the schema of one parameter."""
    node: Any = schema_of(endpoint)
    for part in PART.findall(path):
        node = _inner(node)
        node = node["list"] if part.isdigit() else node["fields"][part]
    return _inner(node)


def _inner(node: Any) -> Any:
    while isinstance(node, dict) and ("unsettable" in node or "any_of" in node):
        # Of a hash and a scalar the hash, of two scalars the first.
        choices = node.get("any_of") or [node["unsettable"]]
        node = next((one for one in choices if isinstance(one, dict) and "fields" in one), choices[0])
    return node


def example(node: Any, values: frozenset[str] | None = None) -> Any:
    """Return some value that the schema allows."""
    node = _inner(node)
    if values:
        return sorted(values)[0]
    if isinstance(node, dict):
        if "enum" in node:
            return node["enum"][-1]
        if "list" in node:
            return [example(node["list"])]
        required = node.get("required", ())
        return {name: example(node["fields"][name]) for name in required or list(node["fields"])[:1]}
    return {"int": 7, "bool": True, "decimal": "7", "str": "something", "map": {"k": "v"}, "any": {"k": "v"}}[
        node
    ]


def _other_value(node: Any, taken: frozenset[str]) -> Any:
    choices = node["enum"] if isinstance(node, dict) else [True, False] if node == "bool" else ["something"]
    return next((choice for choice in choices if as_text(choice) not in taken), None)


def _count(result: Result, name: str, value: Any) -> int:
    """Count how often a value stands under a name."""
    shown = _pairs([result.answer, result.seen, result.state])
    return sum(key == name and _is(shown_value, value) for key, shown_value in shown)


def _is(actual: Any, value: Any) -> bool:
    if isinstance(actual, list):
        return any(_is(one, value) for one in actual)
    if isinstance(actual, dict) and isinstance(value, dict):
        return all(actual.get(key) == one for key, one in value.items())
    return actual is not None and as_text(actual) == as_text(value)


def _pairs(tree: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(tree, list):
        for item in tree:
            yield from _pairs(item)
    elif isinstance(tree, dict):
        for key, value in tree.items():
            yield key, value
            yield from _pairs(value)


def _not_filtered(with_it: Json, without_it: Json) -> str | None:
    kept, whole = ({item["id"] for item in answer["data"]} for answer in (with_it, without_it))
    return None if kept and kept < whole else f"{len(kept)} of {len(whole)} are listed"
