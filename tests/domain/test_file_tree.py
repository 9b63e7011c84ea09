"""The file tree: no package with more modules than a reader takes in, no long file, no long function."""

import ast
from collections import Counter
from pathlib import Path

from estuary.config.environment import BASE_DIR

MODULES, LINES, FUNCTION_LINES = 9, 400, 40
# Packages whose top is the list of what they have: settings and entries, small tools, Django's own files.
LARGER_PACKAGES = {"config": 19, "common": 12, "accounts": 12, "payments": 17}
FOLDERS = ("estuary", "stripe_sandbox", "demo", "benchmarks", "tests")


def sources(*folders: str) -> list[Path]:
    paths = (path for folder in folders for path in (BASE_DIR / folder).rglob("*.py"))
    return [path for path in paths if "migrations" not in path.parts]


def test_a_package_of_the_product_has_nine_modules_at_most() -> None:
    modules = Counter(path.parent for path in sources("estuary") if path.name != "__init__.py")
    full = {str(folder.relative_to(BASE_DIR / "estuary")): count for folder, count in modules.items()}
    assert {name: count for name, count in full.items() if count > LARGER_PACKAGES.get(name, MODULES)} == {}


def test_no_file_is_longer_than_four_hundred_lines() -> None:
    lines = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in sources(*FOLDERS)}
    assert {str(path): count for path, count in lines.items() if count > LINES} == {}


def test_no_function_of_the_product_is_longer_than_forty_lines() -> None:
    functions = [
        (path, node)
        for path in sources("estuary", "stripe_sandbox")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef)
    ]
    lines = {
        f"{path.relative_to(BASE_DIR)}: {function.name}": function.end_lineno - function.lineno + 1
        for path, function in functions
        if function.end_lineno
    }
    assert len(lines) > 1000
    assert {name: count for name, count in lines.items() if count > FUNCTION_LINES} == {}
