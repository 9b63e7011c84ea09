"""Many rows at once: read for their owners, inserted and updated in one statement each.

The rows go to PostgreSQL as one JSON document, so that a statement is as short for two hundred rows as for one, and
the table itself says which type each column has.
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
    """``column = ANY(array)``: one parameter for all values, where ``IN`` has one for each, which all are prepared."""

    prepare_rhs = False

    def __init__(self, column: str, values: Iterable[int | str] | Param) -> None:
        super().__init__(F(column), values if isinstance(values, Param) else list(values))

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, tuple[Any, ...]]:
        column, params = self.process_lhs(compiler, connection)
        return f"{column} = ANY(%s)", (*params, self.rhs)


def any_id(column: str, ids: Iterable[str] | Param) -> Q:
    """Return what finds rows by ids of a column whose index leaves out the empty ones: none of these is empty.

    PostgreSQL is told so, as it looks at a hundred of them at most to find out, and would read the whole table then.
    """
    return Q(AnyOf(column, ids), **{f"{column}__gt": ""})


def set_prefetched(owners: Sequence[Model], relation: str, rows: Iterable[Model]) -> None:
    """Give each owner its rows, for ``owner.relation.all()`` to return as after ``prefetch_related``.

    That one makes a manager and a queryset for each owner and relation, which cost more than the rows do.
    """
    if not owners:
        return
    key = type(owners[0])._meta.get_field(relation).remote_field
    assert isinstance(key, ForeignKey)
    # As a property of Django's, ``pk`` costs more than all the rest here.
    primary = owners[0]._meta.pk.attname
    owned: dict[int, tuple[Model, list[Model]]] = {vars(owner)[primary]: (owner, []) for owner in owners}
    for row in rows:
        owner, owner_rows = owned[vars(row)[key.attname]]
        key.set_cached_value(row, owner)
        owner_rows.append(row)
    for owner, owner_rows in owned.values():
        vars(owner).setdefault("_prefetched_objects_cache", {})[relation] = owner_rows


def prefetched(owner: Model, relation: str) -> list[Any]:
    """Return the rows that ``set_prefetched`` gave an owner, without a manager; raises KeyError when it gave none."""
    rows: list[Any] = vars(owner)["_prefetched_objects_cache"][relation]
    return rows


def allocate_primary_keys(model: type[Model], how_many: int) -> list[int]:
    """Return primary keys for rows that are yet to be inserted: those that name each other then go in one statement."""
    meta = model._meta
    with execute_prepared(
        "SELECT nextval(pg_get_serial_sequence(%s, %s)) FROM generate_series(1, %s)",
        [meta.db_table, meta.pk.column, how_many],
    ) as cursor:
        return [key for (key,) in cursor.fetchall()]


def insert_rows(rows: Sequence[Model]) -> None:
    """Insert rows of one model, made by the caller just now; nobody is told what primary keys they get.

    Either all have one of ``allocate_primary_keys`` or none has.
    """
    if rows:
        _insert(rows, "").close()


def insert_with_keys[R: Model](rows: list[R]) -> list[R]:
    """Insert rows of one model, made by the caller just now, and give each its primary key."""
    if not rows:
        return rows
    with _insert(rows, f"RETURNING {rows[0]._meta.pk.column}") as cursor:
        for row, (key,) in zip(rows, cursor.fetchall(), strict=True):
            row.pk, row._state.adding, row._state.db = key, False, connection.alias
    return rows


def insert_ignoring_conflicts[R: Model](rows: list[R]) -> list[R]:
    """Insert those rows of one model that no unique constraint refuses, and return them as they came to be."""
    if not rows:
        return rows
    fields = rows[0]._meta.concrete_fields
    names, columns = [field.attname for field in fields], ", ".join(f"{field.column}" for field in fields)
    with _insert(rows, f"ON CONFLICT DO NOTHING RETURNING {columns}") as cursor:
        return [type(rows[0]).from_db(connection.alias, names, row) for row in cursor.fetchall()]


def _insert(rows: Sequence[Model], ending: str) -> Any:
    """Send the insertion of rows of one model, and return its cursor."""
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
    """Write these fields of rows of one model as the objects hold them; the caller has locked the rows."""
    rows_by_key = list(rows)
    if not rows_by_key:
        return
    meta = rows_by_key[0]._meta
    rows_by_key.sort(key=attrgetter(meta.pk.attname))
    fields = {field.name: field for field in meta.concrete_fields}
    changed = [fields[name] for name in names]
    values = ", ".join(f"{field.column} = told.{field.column}" for field in changed)
    statement = (
        f"UPDATE {meta.db_table} known SET {values}"  # noqa: S608 (names of our own models)
        f" FROM json_populate_recordset(NULL::{meta.db_table}, %s) told"
        f" WHERE known.{meta.pk.column} = told.{meta.pk.column}"
    )
    execute_prepared(statement, [_as_json(rows_by_key, [meta.pk, *changed])]).close()


def _as_json(rows: Sequence[Model], fields: "Sequence[Field[Any, Any]]") -> str:
    """Write rows as JSON, moments to the microsecond; raises TypeError for what JSON has no word for."""
    names = [(field.column, field.attname) for field in fields]
    documents = [{column: values[name] for column, name in names} for values in map(vars, rows)]
    try:
        return orjson.dumps(documents).decode()
    except orjson.JSONEncodeError:  # of a number beyond 64 bits too, which what a buyer sends along may have
        return json.dumps(documents, default=_encode_datetime)


def _encode_datetime(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(f"{value!r} is not written in bulk")
