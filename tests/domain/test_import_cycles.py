"""No module imports, directly or by way of others, a module that imports it; imports for type checkers count too."""

from graphlib import CycleError, TopologicalSorter

import grimp
import pytest

PACKAGES = ["estuary", "stripe_sandbox", "demo", "benchmarks", "tests"]


def find_cycle(imports: dict[str, set[str]]) -> list[str]:
    """Return the modules of one cycle, each imported by the one before it; empty when there is none."""
    try:
        TopologicalSorter(imports).prepare()
    except CycleError as error:
        return list(reversed(error.args[1]))
    return []


@pytest.mark.parametrize("package", PACKAGES)
def test_no_import_cycle(package: str) -> None:
    graph = grimp.build_graph(package, cache_dir=None)
    imports = {module: graph.find_modules_directly_imported_by(module) for module in graph.modules}
    cycle = find_cycle(imports)
    assert not cycle, " imports ".join(cycle)


def test_a_cycle_is_found() -> None:
    imports = {"shop": {"cart"}, "cart": {"price"}, "price": {"cart"}}
    assert find_cycle(imports) in (["cart", "price", "cart"], ["price", "cart", "price"])
