"""Each mistake of set-up is made in a running shop, and the checkup names it within a minute."""

import pytest

from demo.mistakes.__main__ import main
from demo.mistakes.catalog import MISTAKES


def test_the_four_common_issues_and_ten_more_mistakes_are_made() -> None:
    common = [mistake for mistake in MISTAKES if mistake.name[0].isdecimal()]
    assert len(common) == 4
    assert len(MISTAKES) >= 14
    assert len({mistake.code for mistake in MISTAKES}) == len(MISTAKES)


@pytest.mark.exhaustive
def test_each_mistake_is_named_within_a_minute() -> None:
    assert main() == 0
