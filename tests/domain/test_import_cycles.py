"""Neither modules nor the packages that hold them import in a circle; imports for type checkers count too."""

from collections import defaultdict
from graphlib import CycleError, TopologicalSorter

import grimp
import pytest

PACKAGES = ["estuary", "stripe_sandbox", "demo", "benchmarks", "tests"]

type Imports = dict[str, set[str]]


def find_cycle(imports: Imports) -> list[str]:
    """Return the modules of one cycle, each imported by the one before it; empty when there is none."""
    try:
        TopologicalSorter(imports).prepare()
    except CycleError as error:
        return list(reversed(error.args[1]))
    return []


def read_imports(package: str) -> Imports:
    graph = grimp.build_graph(package, cache_dir=None)
    return {module: graph.find_modules_directly_imported_by(module) for module in graph.modules}


def fold_into_siblings(imports: Imports) -> dict[str, Imports]:
    """Return, for each package, which of the modules and packages inside it imports which.

    Example: shop.cart.views imports shop.price.tax, so inside ``shop``, cart imports price.
    """
    packages: dict[str, Imports] = defaultdict(lambda: defaultdict(set))
    for module, imported_modules in imports.items():
        for imported in imported_modules:
            importer, target = module.split("."), imported.split(".")
            shared = 0
            while importer[shared : shared + 1] == target[shared : shared + 1] != []:
                shared += 1
            # A package's own __init__ may import what the package holds.
            if shared < min(len(importer), len(target)):
                packages[".".join(importer[:shared])][importer[shared]].add(target[shared])
    return packages


@pytest.mark.parametrize("package", PACKAGES)
def test_no_import_cycle(package: str) -> None:
    cycle = find_cycle(read_imports(package))
    assert not cycle, " imports ".join(cycle)


# Not ``tests``: a test may use the helpers of a test of another folder.
@pytest.mark.parametrize("package", [package for package in PACKAGES if package != "tests"])
def test_no_import_cycle_of_packages(package: str) -> None:
    cycles = {
        folder: cycle
        for folder, inside in fold_into_siblings(read_imports(package)).items()
        if (cycle := find_cycle(inside))
    }
    assert not cycles


def test_a_cycle_is_found() -> None:
    imports = {"shop": {"cart"}, "cart": {"price"}, "price": {"cart"}}
    assert find_cycle(imports) in (["cart", "price", "cart"], ["price", "cart", "price"])


def test_a_cycle_of_packages_is_found() -> None:
    imports = {
        "shop.cart.views": {"shop.price.tax", "shop.cart.models"},
        "shop.price.lists": {"shop.cart.models"},
    }
    assert not find_cycle(imports)
    folded = fold_into_siblings(imports)
    assert folded["shop"] == {"cart": {"price"}, "price": {"cart"}}
    assert find_cycle(folded["shop"])
