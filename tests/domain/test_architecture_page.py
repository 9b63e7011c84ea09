"""docs/architecture.md lists the layers in the order that import-linter holds, and its terms live where it says."""

import ast
import re
import tomllib

from estuary.config.environment import BASE_DIR

TEXT = (BASE_DIR / "docs" / "architecture.md").read_text(encoding="utf-8")
CONTRACTS = tomllib.loads((BASE_DIR / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"][
    "contracts"
]
# Modules that only connect the others: the page does not list them.
NOT_LISTED = {"apps", "urls", "management", "checks", "observability", "retention", "stripe_objects"}


def layers(name: str) -> list[set[str]]:
    [contract] = [contract for contract in CONTRACTS if contract["name"].startswith(name)]
    return [
        {one.strip(" ()").removeprefix("estuary.") for one in layer.split("|")}
        for layer in contract["layers"]
    ]


def listed(heading: str) -> list[list[str]]:
    """Return the names in the first cell of each row of the table that follows a text."""
    table = TEXT[TEXT.index(heading) + len(heading) :].lstrip().split("\n\n")[0]
    cells = [line.split("|")[1] for line in table.splitlines() if line.startswith("|")]
    return [
        [name.removesuffix("/").removesuffix(".py") for name in re.findall(r"`([^`]+)`", cell)]
        for cell in cells
    ]


def positions(names: list[list[str]], order: list[set[str]]) -> list[int]:
    return [max(at for at, layer in enumerate(order) if set(row) & layer) for row in names if row]


def test_the_parts_stand_in_the_order_of_the_layers() -> None:
    parts, order = listed("## The parts"), layers("Each layer")
    there = {name for layer in order for name in layer if (BASE_DIR / "estuary" / name).exists()}
    assert {name for row in parts for name in row if "/" not in name and len(row) == 1} | {"common"} == there
    assert positions([row[:1] for row in parts], order) == sorted(
        positions([row[:1] for row in parts], order)
    )


def test_the_modules_of_payments_stand_in_the_order_of_the_layers() -> None:
    rows, order = listed("inside `common` and `payments` too:"), layers("Inside payments")
    rows = [row for row in rows if row and row != ["payments"]]
    assert {name for row in rows for name in row} == set().union(*order) - NOT_LISTED
    assert positions(rows, order) == sorted(positions(rows, order))


def test_twenty_terms_are_explained_and_each_name_is_defined_where_the_page_says() -> None:
    rows = re.findall(r"^\| ([\w ]+) \| (.+) \| `(payments|orders|bookings)(/\S+)` \|$", TEXT, re.MULTILINE)
    assert len(rows) == 20
    for term, meaning, part, place in rows:
        path = BASE_DIR / "estuary" / (part + place)
        assert path.exists(), term
        for name in re.findall(r"`([A-Z]\w+)`", meaning):
            assert name in {
                node.name for node in ast.parse(path.read_text()).body if isinstance(node, ast.ClassDef)
            }
