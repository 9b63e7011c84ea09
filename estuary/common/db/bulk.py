"""Bulk reads, inserts and updates: many rows in one statement.

A statement gets its rows as one JSON document, so its text is as short for two hundred rows as for one. PostgreSQL
takes the types of the columns from the table. See docs/decisions/0014-bulk-writes-as-one-json-document.md.
"""

import json
from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import cache
from operator import attrgetter
from typing import Any

import orjson
from django.db import connection
from django.db.models import F, Field, ForeignKey, Lookup, Model, Q

from estuary.common.db.prepared_queries import Param
from estuary.common.db.transactions import execute_prepared


class AnyOf(Lookup):
    """``column = ANY(array)``: one parameter for all values. ``IN`` has one parameter for each value."""

    prepare_rhs = False

    def __init__(self, column: str, values: Iterable[int | str] | Param) -> None:
        super().__init__(F(column), values if isinstance(values, Param) else list(values))

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, tuple[Any, ...]]:
        column, params = self.process_lhs(compiler, connection)
        return f"{column} = ANY(%s)", (*params, self.rhs)


def any_id(column: str, ids: Iterable[str] | Param) -> Q:
    """Return a condition on ids in a column whose partial index leaves out empty ids. None of ``ids`` may be empty.

    The condition says so itself (``> ''``): PostgreSQL proves it for at most a hundred values of an array, and would
    read the whole table for more.
    """
    return Q(AnyOf(column, ids), **{f"{column}__gt": ""})


def set_prefetched(owners: Sequence[Model], relation: str, rows: Iterable[Model]) -> None:
    """Give each owner its rows, so that ``owner.relation.all()`` returns them as after ``prefetch_related``.

    ``prefetch_related`` builds a manager and a queryset for each owner and relation, which cost more than the rows.
    """
    if not owners:
        return
    key = type(owners[0])._meta.get_field(relation).remote_field
    assert isinstance(key, ForeignKey)
    # The property ``pk`` costs more than the rest of this function.
    primary = owners[0]._meta.pk.attname
    owned: dict[int, tuple[Model, list[Model]]] = {vars(owner)[primary]: (owner, []) for owner in owners}
    for row in rows:
        owner, owner_rows = owned[vars(row)[key.attname]]
        key.set_cached_value(row, owner)
        owner_rows.append(row)
    for owner, owner_rows in owned.values():
        vars(owner).setdefault("_prefetched_objects_cache", {})[relation] = owner_rows


def prefetched(owner: Model, relation: str) -> list[Any]:
    """Return the rows that ``set_prefetched`` gave an owner; raises KeyError if it was not called."""
    rows: list[Any] = vars(owner)["_prefetched_objects_cache"][relation]
    return rows


def allocate_primary_keys(model: type[Model], how_many: int) -> list[int]:
    """Return primary keys for new rows, so that rows that refer to each other can be inserted in one statement."""
    meta = model._meta
    with execute_prepared(
        "SELECT nextval(pg_get_serial_sequence(%s, %s)) FROM generate_series(1, %s)",
        [meta.db_table, meta.pk.column, how_many],
    ) as cursor:
        return [key for (key,) in cursor.fetchall()]


def insert_rows(rows: Sequence[Model]) -> None:
    """Insert new rows of one model, without fetching their primary keys.

    Either all rows have a key of ``allocate_primary_keys``, or none has.
    """
    if rows:
        _insert(rows, "").close()


def insert_with_keys[R: Model](rows: list[R]) -> list[R]:
    """Insert new rows of one model, and set the primary key of each."""
    if not rows:
        return rows
    with _insert(rows, f"RETURNING {rows[0]._meta.pk.column}") as cursor:
        for row, (key,) in zip(rows, cursor.fetchall(), strict=True):
            row.pk, row._state.adding, row._state.db = key, False, connection.alias
    return rows


def insert_ignoring_conflicts[R: Model](rows: list[R]) -> list[R]:
    """Insert rows of one model, skip those that violate a unique constraint, and return the inserted ones."""
    if not rows:
        return rows
    fields = rows[0]._meta.concrete_fields
    names, columns = [field.attname for field in fields], ", ".join(f"{field.column}" for field in fields)
    with _insert(rows, f"ON CONFLICT DO NOTHING RETURNING {columns}") as cursor:
        return [type(rows[0]).from_db(connection.alias, names, row) for row in cursor.fetchall()]


def _insert(rows: Sequence[Model], ending: str) -> Any:
    beginning, fields = _insert_statement(type(rows[0]), numbered=rows[0].pk is not None)
    return execute_prepared(f"{beginning} {ending}", [_as_json(rows, fields)])


@cache
def _insert_statement(model: type[Model], *, numbered: bool) -> "tuple[str, list[Field[Any, Any]]]":
    meta = model._meta
    fields = [field for field in meta.concrete_fields if numbered or not field.primary_key]
    columns = ", ".join(f"{field.column}" for field in fields)
    statement = (
        f"INSERT INTO {meta.db_table} ({columns})"  # noqa: S608 (names of our own models)
        f" SELECT {columns} FROM json_populate_recordset(NULL::{meta.db_table}, %s)"
    )
    return statement, fields


def update_rows(rows: Iterable[Model], names: Sequence[str]) -> None:
    """Update the named fields of rows of one model to the values of the instances. The caller holds the row locks."""
    rows_by_key = list(rows)
    if not rows_by_key:
        return
    meta = rows_by_key[0]._meta
    rows_by_key.sort(key=attrgetter(meta.pk.attname))
    fields = {field.name: field for field in meta.concrete_fields}
    changed = [fields[name] for name in names]
    values = ", ".join(f"{field.column} = data.{field.column}" for field in changed)
    statement = (
        f"UPDATE {meta.db_table} target SET {values}"  # noqa: S608 (names of our own models)
        f" FROM json_populate_recordset(NULL::{meta.db_table}, %s) data"
        f" WHERE target.{meta.pk.column} = data.{meta.pk.column}"
    )
    execute_prepared(statement, [_as_json(rows_by_key, [meta.pk, *changed])]).close()


def _as_json(rows: Sequence[Model], fields: "Sequence[Field[Any, Any]]") -> str:
    """Encode rows as JSON, datetimes to the microsecond; raises TypeError for types that JSON lacks."""
    names = [(field.column, field.attname) for field in fields]
    documents = [{column: values[name] for column, name in names} for values in map(vars, rows)]
    try:
        return orjson.dumps(documents).decode()
    except orjson.JSONEncodeError:
        # orjson also rejects numbers beyond 64 bits, which a buyer's own data may have.
        return json.dumps(documents, default=_encode_datetime)


def _encode_datetime(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(f"{value!r} is not written in bulk")
