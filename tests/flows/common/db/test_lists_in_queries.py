"""Whatever is in a list that a query is asked with, it is found as it is, and nothing else is."""

import pytest
from django.db import DataError

from estuary.common import clock
from estuary.common.db.bulk import AnyOf
from estuary.common.db.prepared_queries import Param, PreparedQuery, PreparedValuesQuery
from estuary.payments.models import RateLimitCounter

pytestmark = pytest.mark.django_db

NAMED = PreparedQuery(lambda: RateLimitCounter.objects.filter(AnyOf("name", Param("names"))).order_by("name"))
COUNTED = PreparedValuesQuery(
    lambda: RateLimitCounter.objects.filter(AnyOf("count", Param("counts"))).values_list("count")
)
ODD = [
    "",
    " ",
    ",",
    "a,b",
    '"',
    '""',
    "\\",
    '\\"',
    "{}",
    "{a}",
    "NULL",
    "null",
    "é",
    "line\nbreak",
    "%s",
    "'",
    "tab\t",
]


@pytest.fixture(autouse=True)
def rows() -> None:
    at = clock.now()
    RateLimitCounter.objects.bulk_create(
        RateLimitCounter(name=name, count=number, ends_at=at, forgiven_at=at)
        for number, name in enumerate([*ODD, "other"])
    )


@pytest.mark.parametrize("name", ODD)
def test_one_is_found(name: str) -> None:
    assert [row.name for row in NAMED.fetch(names=[name])] == [name]


def test_many_are_found() -> None:
    assert {row.name for row in NAMED.fetch(names=ODD)} == set(ODD)


def test_of_none_nothing_is_found() -> None:
    assert NAMED.fetch(names=[]) == []
    assert COUNTED.send(counts=[])() == []


def test_numbers_of_any_size_are_found() -> None:
    assert COUNTED.send(counts=[1, 2, 70_000, 2**31 - 1])() == [(1,), (2,)]


def test_what_no_text_can_hold_is_refused_as_such() -> None:
    with pytest.raises(DataError):
        NAMED.fetch(names=["a\0b"])
