"""Every column of text is decided about: kept, or erased with the person."""

import pytest
from django.db import connection

from estuary.privacy.personal_data import NOT_PERSONAL, PERSONAL, Personal
from tests.flows.privacy.erasing import (
    columns_of_text,
)

pytestmark = pytest.mark.django_db(transaction=True)


def undecided(columns: set[tuple[str, str]]) -> set[tuple[str, str]]:
    return {(table, column) for table, column in columns if not is_decided(table, column)}


def is_decided(table: str, column: str) -> bool:
    if table in NOT_PERSONAL:
        return column in NOT_PERSONAL[table].split()
    personal = PERSONAL.get(table, Personal("false"))
    return personal.delete or column in personal.erase or column in personal.keep.split()


def test_every_column_of_text_is_decided_about(transactional_db: None) -> None:
    columns = columns_of_text()
    assert undecided(columns) == set()
    assert undecided({*columns, ("accounts_user", "telephone"), ("reviews_review", "text")}) == {
        ("accounts_user", "telephone"),
        ("reviews_review", "text"),
    }


def test_nothing_is_decided_about_what_is_not_there(transactional_db: None) -> None:
    tables = {table for table, _ in columns_of_text()}
    with connection.cursor() as cursor:
        assert set(PERSONAL) | set(NOT_PERSONAL) >= tables
        assert set(PERSONAL) <= set(connection.introspection.table_names(cursor))


def test_every_column_that_is_erased_is_there(transactional_db: None) -> None:
    with connection.cursor() as cursor:
        for table, personal in PERSONAL.items():
            columns = {
                column.name for column in connection.introspection.get_table_description(cursor, table)
            }
            assert {*personal.erase, *personal.keep.split(), *personal.hidden.split()} <= columns, table
