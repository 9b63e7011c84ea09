"""A product that is broken on purpose is found out, and its story is made short and told."""

import pytest

from tests.simulation.test_seeds import gather

# The seed that finds it; when what a seed means changes, another one does.
FOUND_BY = {
    "no sweep": (49, "captures are equal on both sides"),
    "a new key each time": (2, "refunds are equal on both sides"),
    "answered before it is kept": (0, "what was answered with a 2xx is there"),
    "expired here alone": (10, "an ended order can't be paid at Stripe"),
    "settled but not marked": (0, "the inbox is empty"),
}


@pytest.mark.parametrize(("how", "found_by"), FOUND_BY.items())
def test_a_product_that_is_broken_on_purpose_is_found_out(how: str, found_by: tuple[int, str]) -> None:
    seed, rule = found_by
    [found] = gather([[str(seed), "--sabotage", how, "--without", "nothing"]])
    assert found["rule"] == rule, found


def test_its_story_is_made_short_and_told() -> None:
    [found] = gather([["0", "--sabotage", "answered before it is kept"]])
    assert any(part.startswith("act-") for part in found["left_out"])
    assert any("POST create" in line for line in found["lines"]), found["lines"]
