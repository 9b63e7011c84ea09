"""Every expression of the product takes time in proportion to the text: four times the text, about four times as long.

What is measured is a ratio of processor times, never a time: an expression that tries each way again from each place
takes sixteen times as long.
"""

import ast
import importlib
import pkgutil
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

import estuary
from estuary.common.observability import redaction
from tests.domain.samples import samples_of

# The web server's entry point lowers the priority of whatever process imports it.
ACTS_WHEN_IMPORTED = {"estuary.config.wsgi"}
# Expressions that are only ever asked whether they are all of a short text.
WHOLE = {"estuary.common.stripe_keys.REPEATED"}
ENOUGH_S = 0.003  # below that a clock tells nothing, and nobody waits
FIRST, LARGEST = 4_000, 16_000
TOO_MUCH = 9.0  # for four times the text: between 4, in proportion, and 16, by the square


def expressions() -> Iterator[tuple[str, re.Pattern[str], bool]]:
    """Every compiled expression of a module, and every one that stands in a call of ``re``."""
    for info in pkgutil.walk_packages(estuary.__path__, "estuary."):
        if ".migrations" in info.name or info.name in ACTS_WHEN_IMPORTED:
            continue
        module = importlib.import_module(info.name)
        for name, value in vars(module).items():
            if isinstance(value, re.Pattern) and isinstance(value.pattern, str):
                whole = f"{info.name}.{name}" in WHOLE
                yield f"{info.name}.{name}", value, whole
        for number, text in enumerate(in_calls(Path(str(module.__file__)))):
            yield f"{info.name} call {number}", re.compile(text), False


def in_calls(path: Path) -> Iterator[str]:
    text = path.read_text()
    if "import re\n" not in text:  # to parse them all takes a second, in each process that collects the tests
        return
    for node in ast.walk(ast.parse(text)):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute) or not node.args:
            continue
        of_re = isinstance(node.func.value, ast.Name) and node.func.value.id == "re"
        first = node.args[0]
        if of_re and node.func.attr != "compile" and isinstance(first, ast.Constant):
            yield str(first.value)


def seconds(run: Callable[[str], Any], text: str) -> float:
    """Return the least of three: what else the machine does only ever adds."""
    best = float("inf")
    for _ in range(3):
        began = time.process_time()
        run(text)
        best = min(best, time.process_time() - began)
    return best


def growth(run: Callable[[str], Any], piece: str, end: str) -> float:
    """Return how many times as long four times the text takes; 1 for what is never slow."""
    size = FIRST
    while size <= LARGEST:
        text = piece * (size // len(piece) + 1)
        if seconds(run, text + end) > ENOUGH_S:
            # Measured again where it is too much: a busy machine makes it so once, the expression each time.
            tries = (seconds(run, text * 4 + end) / seconds(run, text + end) for _ in range(5))
            return next((ratio for ratio in tries if ratio < TOO_MUCH), float("inf"))
        size *= 4
    return 1.0


def worst(run: Callable[[str], Any], pieces: list[str]) -> tuple[float, str]:
    return max((growth(run, piece, end), piece) for piece in pieces for end in ("", "\x00"))


ALL = {name: (pattern, whole) for name, pattern, whole in expressions()}


@pytest.mark.exhaustive(one_in=5)
@pytest.mark.parametrize("name", sorted(ALL))
def test_an_expression_grows_with_the_text(name: str) -> None:
    pattern, whole = ALL[name]
    run: Callable[[str], Any] = (
        pattern.fullmatch if whole else lambda text: sum(1 for _ in pattern.finditer(text))
    )
    ratio, piece = worst(run, samples_of(pattern))
    assert ratio < TOO_MUCH, f"{piece!r} again and again: {ratio:.1f} times as long for four times the text"


# What held Python's lock for seconds, and its like.
HOSTILE = ["-eyJ", "eyJa-", "eyJaaaaaa.", "4 ", "4-", "42424242-", "4242 4242 4242 4242 ", "%20", "4%20", "\\u0664",
           "\\n", "GB29 ", "GB29", "2026-11-30 ", "+49 151 ", "Bearer ", "Bearer  %20", "_secret_", "sk_live_", "((4",
           "&#52;", "9400 1000 ", "é4", '"', "٤", "12.", "00", "4" * 19 + "x"]  # fmt: skip


@pytest.mark.exhaustive(one_in=5)
@pytest.mark.parametrize("hostile", HOSTILE)
def test_what_redacts_grows_with_the_text(hostile: str) -> None:
    for run in (
        redaction.redact,
        lambda text: redaction.may_need_redaction(orjson.dumps({"description": text})),
    ):
        assert growth(run, hostile, "\x00") < TOO_MUCH


def test_an_expression_by_the_square_is_found() -> None:
    """The test above can fail: as the product once read tokens, and as it might read lists."""
    for text in (
        r"\beyJ[A-Za-z0-9_-]{6,}\.[A-Za-z0-9_-]+",
        r"(?:\d+[ -]?)+x",
        "(a|aa)+b",
        r"<b[^>]*>.*?</b>",
    ):
        pattern = re.compile(text)

        def run(text: str, pattern: re.Pattern[str] = pattern) -> int:
            return sum(1 for _ in pattern.finditer(text))

        assert any(growth_is_bad(run, piece) for piece in samples_of(pattern)), text


def growth_is_bad(run: Callable[[str], Any], piece: str) -> bool:
    """As ``growth``, from far smaller texts: the worst of these take for ever."""
    sizes = (16, 21) if piece.strip("0123456789a -") == "" else (2_000, 8_000)
    first, second = (seconds(run, piece * max(size // len(piece), 1)) for size in sizes)
    return second > 0.001 and second / max(first, 1e-5) > 7
