"""What the trial of one parameter needs beyond the ordinary request."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, fields
from typing import Any

from tests.sandbox.parameters.scenes import Maker, Scene
from tests.sandbox.parameters.world import ENDIVE, SECRET, Json, World

Value = Callable[..., Any]
"""From the world, the scene and the trial."""


@dataclass(frozen=True)
class Case:
    """How a parameter is tried; whatever is None is as usual, or as it is for the hash that the parameter is in.

    `params` stand beside the parameter, also in the request without it. `status` is expected with the parameter; it
    and the value are the parameter's own.
    """

    value: Any = None
    params: Any = None
    scene: Maker | None = None
    key: str | None = None
    version: str | None = None
    status: int | None = None


Cases = Iterable[tuple[str, dict[str, Case]]]
USUAL = Case(params={}, key=SECRET, version=ENDIVE, status=200)


def case_of(all_cases: Cases, endpoint: str, path: str) -> Case:
    """Return the case of a parameter."""
    parts = re.findall(r"[^\[\]]+|\[[^\]]*\]", path)
    names = ["".join(parts[: length + 1]) for length in range(len(parts))]
    case = USUAL
    for name in names:
        for endpoints, cases in all_cases:
            if name in cases and re.fullmatch(endpoints, endpoint):
                case = _over(case, cases[name], is_own=name == path)
    return case


def _over(usual: Case, special: Case, *, is_own: bool) -> Case:
    values = {one.name: getattr(special, one.name) for one in fields(Case)}
    if not is_own:
        values["value"] = values["status"] = None
    return Case(**{name: getattr(usual, name) if value is None else value for name, value in values.items()})


def listed_value(name: str) -> Value:
    """Take a filter's value from the oldest object that has one."""

    def value(world: World, scene: Scene, trial: Any) -> Any:
        items = _listed(world, scene, trial)
        return next(item[name] for item in reversed(items) if item.get(name) is not None)

    return value


def nth(index: int, name: str = "id") -> Value:
    """Take a cursor or a time from one of the listed objects, of which the newest is the first."""
    return lambda world, scene, trial: _listed(world, scene, trial)[index][name]


def newest(table: str, name: str = "id") -> Value:
    """Take a value of the newest object of a table."""
    return lambda world, *_: world.state()[table][-1][name]


def id_of(make: Callable[[World], Json]) -> Value:
    """Make an object beforehand and take its id."""
    return lambda world, *_: make(world)["id"]


def next_page(world: World, scene: Scene, trial: Any) -> Any:
    """Take the name of the second page of a search."""
    return world.ask(trial.method, trial.template, scene.params | {"limit": 1})[1]["next_page"]


def _listed(world: World, scene: Scene, trial: Any) -> list[Json]:
    answer = world.ask(trial.method, trial.template.format(**scene.ids), scene.params)[1]
    data: list[Json] = answer["data"]
    return data
